/* A stand-in for the NVIDIA driver's library: what the real binding calls, with power that is a known
 * function of CLOCK_MONOTONIC. Everything it answers is read from a control file at each call, so a
 * test can change it while a program runs, and every process sees the same counters.
 *
 *   init CODE                 what nvmlInit returns
 *   start SECONDS             the zero of all times below, on CLOCK_MONOTONIC
 *   gpu UUID NAME key=value ...
 *       power=0:80,5:250      watts from that many seconds on
 *       refresh_ms, latency_ms, limit_mw, power_mw, reset_at, base_mj, mig
 *       handle_error, energy_error, power_error, utilisation_error
 *       procs=PID:PERCENT,... what runs on it
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))
enum { MOST = 16, STEPS = 64 };
enum { OK = 0, BAD_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, UNKNOWN = 999 };

typedef struct {
    char uuid[96], name[96];
    double at[STEPS], watt[STEPS];
    int steps, pids[STEPS], percent[STEPS], procs;
    double refresh_ms, latency_ms, limit_mw, power_mw, reset_at, base_mj, mig;
    int handle_error, energy_error, power_error, utilisation_error;
} Gpu;

static struct { int init, count; double start; Gpu gpu[MOST]; } now;

static double monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void set(Gpu *g, const char *key, char *value) {
    char *rest = NULL;
    if (!strcmp(key, "power") || !strcmp(key, "procs")) {
        int power = key[1] == 'o';
        for (char *each = strtok_r(value, ",", &rest); each; each = strtok_r(NULL, ",", &rest)) {
            double a = 0, b = 0;
            sscanf(each, "%lf:%lf", &a, &b);
            if (power && g->steps < STEPS) { g->at[g->steps] = a; g->watt[g->steps++] = b; }
            if (!power && g->procs < STEPS) { g->pids[g->procs] = (int)a; g->percent[g->procs++] = (int)b; }
        }
        return;
    }
    double number = atof(value);
    if (!strcmp(key, "refresh_ms")) g->refresh_ms = number;
    if (!strcmp(key, "latency_ms")) g->latency_ms = number;
    if (!strcmp(key, "limit_mw")) g->limit_mw = number;
    if (!strcmp(key, "power_mw")) g->power_mw = number;
    if (!strcmp(key, "reset_at")) g->reset_at = number;
    if (!strcmp(key, "base_mj")) g->base_mj = number;
    if (!strcmp(key, "mig")) g->mig = number;
    if (!strcmp(key, "handle_error")) g->handle_error = (int)number;
    if (!strcmp(key, "energy_error")) g->energy_error = (int)number;
    if (!strcmp(key, "power_error")) g->power_error = (int)number;
    if (!strcmp(key, "utilisation_error")) g->utilisation_error = (int)number;
}

static void look(void) {
    char line[8192];
    const char *path = getenv("NBCARBON_STAND_IN_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    memset(&now, 0, sizeof now);
    if (!file) { now.init = 9; return; }
    while (fgets(line, sizeof line, file)) {
        char *rest = NULL, *word = strtok_r(line, " \n", &rest);
        if (!word) continue;
        char *first = strtok_r(NULL, " \n", &rest);
        if (!first) continue;
        if (!strcmp(word, "init")) now.init = atoi(first);
        if (!strcmp(word, "start")) now.start = atof(first);
        if (!strcmp(word, "gpu") && now.count < MOST) {
            Gpu *g = &now.gpu[now.count++];
            g->mig = g->power_mw = g->limit_mw = g->reset_at = -1;
            snprintf(g->uuid, sizeof g->uuid, "%s", first);
            char *name = strtok_r(NULL, " \n", &rest);
            snprintf(g->name, sizeof g->name, "%s", name ? name : "");
            for (char *c = g->name; *c; c++) if (*c == '_') *c = ' ';
            for (char *pair; (pair = strtok_r(NULL, " \n", &rest));) {
                char *equals = strchr(pair, '=');
                if (!equals) continue;
                *equals = 0;
                set(g, pair, equals + 1);
            }
        }
    }
    fclose(file);
}

static Gpu *gpu_of(void *handle) {
    look();
    size_t index = (size_t)handle - 1;
    if (!handle || index >= (size_t)now.count) return NULL;
    Gpu *g = &now.gpu[index];
    if (g->latency_ms > 0) {
        struct timespec t = {(time_t)(g->latency_ms / 1e3), (long)(fmod(g->latency_ms, 1e3) * 1e6)};
        nanosleep(&t, NULL);
    }
    return g;
}

static double joules(const Gpu *g, double from, double to) {
    double sum = 0;
    for (int i = 0; i < g->steps; i++) {
        double a = fmax(from, g->at[i]);
        double b = i + 1 < g->steps ? fmin(to, g->at[i + 1]) : to;
        if (b > a) sum += (b - a) * g->watt[i];
    }
    return sum;
}

EXPORT int nvmlInitWithFlags(unsigned flags) { (void)flags; look(); return now.init; }
EXPORT int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
EXPORT int nvmlShutdown(void) { return OK; }
EXPORT const char *nvmlErrorString(int code) { (void)code; return "stand-in"; }
EXPORT int nvmlDeviceGetCount_v2(unsigned *count) { look(); *count = now.count; return OK; }

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    look();
    if (index >= (unsigned)now.count) return BAD_ARGUMENT;
    *handle = (void *)(size_t)(index + 1);
    return now.gpu[index].handle_error;
}

EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    look();
    for (int i = 0; i < now.count; i++)
        if (!strcmp(uuid, now.gpu[i].uuid)) return nvmlDeviceGetHandleByIndex_v2(i, handle);
    return NOT_FOUND;
}

EXPORT int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    Gpu *g = gpu_of(handle);
    if (!g) return BAD_ARGUMENT;
    snprintf(text, size, "%s", g->uuid);
    return OK;
}

EXPORT int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    Gpu *g = gpu_of(handle);
    if (!g) return BAD_ARGUMENT;
    snprintf(text, size, "%s", g->name);
    return OK;
}

EXPORT int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *mj) {
    Gpu *g = gpu_of(handle);
    if (!g) return UNKNOWN;
    if (g->energy_error) return g->energy_error;
    double t = monotonic() - now.start, refresh = g->refresh_ms / 1e3, from = 0, base = g->base_mj;
    if (refresh > 0) t = floor(t / refresh) * refresh;
    if (g->reset_at >= 0 && t >= g->reset_at) { from = g->reset_at; base = 0; }
    *mj = (unsigned long long)(base + 1e3 * joules(g, from, t));
    return OK;
}

EXPORT int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw) {
    Gpu *g = gpu_of(handle);
    if (!g) return UNKNOWN;
    if (g->power_error) return g->power_error;
    double t = monotonic() - now.start, watt = 0;
    for (int i = 0; i < g->steps; i++) if (t >= g->at[i]) watt = g->watt[i];
    *mw = (unsigned)(g->power_mw >= 0 ? g->power_mw : 1e3 * watt);
    return OK;
}

EXPORT int nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *mw) {
    Gpu *g = gpu_of(handle);
    if (!g || g->limit_mw < 0) return NOT_SUPPORTED;
    *mw = (unsigned)g->limit_mw;
    return OK;
}

EXPORT int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    Gpu *g = gpu_of(handle);
    if (!g || g->mig < 0) return NOT_SUPPORTED;
    *current = *pending = (unsigned)g->mig;
    return OK;
}

typedef struct { unsigned pid; unsigned long long time_us; unsigned sm, mem, enc, dec; } Sample;
typedef struct { unsigned pid; unsigned long long memory; unsigned gi, ci; } Process;

EXPORT int nvmlDeviceGetProcessUtilization(void *handle, Sample *samples, unsigned *count,
                                           unsigned long long since) {
    Gpu *g = gpu_of(handle);
    (void)since;
    if (!g) return UNKNOWN;
    if (g->utilisation_error) return g->utilisation_error;
    if (!g->procs) return NOT_FOUND;
    if (!samples || *count < (unsigned)g->procs) { *count = g->procs; return TOO_SMALL; }
    *count = g->procs;
    for (int i = 0; i < g->procs; i++) {
        Sample sample = {g->pids[i], (unsigned long long)(monotonic() * 1e6), g->percent[i], 0, 0, 0};
        samples[i] = sample;
    }
    return OK;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, Process *found) {
    Gpu *g = gpu_of(handle);
    if (!g) return UNKNOWN;
    if (!g->procs) { *count = 0; return OK; }
    if (!found || *count < (unsigned)g->procs) { *count = g->procs; return TOO_SMALL; }
    *count = g->procs;
    for (int i = 0; i < g->procs; i++) {
        Process process = {g->pids[i], 0, 0xffffffffu, 0xffffffffu};
        found[i] = process;
    }
    return OK;
}
