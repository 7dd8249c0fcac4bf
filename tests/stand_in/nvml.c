/* A stand-in for libnvidia-ml.so.1: GPUs whose power is a known function of CLOCK_MONOTONIC.
 *
 * It does what the file named by NBCARBON_STAND_IN_NVML says at each call, so a test changes that
 * while it is in use, and keeps nothing else but how often it was initialised: at one instant every
 * process sees the same energy. tests/stand_in/nvml.py writes that file and says what each word means.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    GPU_IS_LOST = 15,
};

enum { MOST_GPUS = 16, MOST_STEPS = 256, MOST_PROCESSES = 64, LONGEST = 256 };

typedef struct {
    unsigned int pid;
    int sm; /* percent; below 0: it is listed as running and has no sample */
    unsigned long long stamp_us; /* 0: now */
} Process;

typedef struct {
    char uuid[LONGEST], name[LONGEST], slice[LONGEST];
    double start_s, base_j, reset_s, refresh_s, limit_w, latency_s, power_refresh_s, power_window_s;
    double at_s[MOST_STEPS], power_w[MOST_STEPS];
    int steps, mig, processes;
    int handle_error, energy_error, power_error, limit_error, samples_error, processes_error;
    int instant_error, capability[2];
    int has_energy_mj, has_power_mw;
    unsigned long long energy_mj, power_mw;
    Process process[MOST_PROCESSES];
} Gpu;

typedef struct {
    int init_error, count_error, gpus;
    Gpu gpu[MOST_GPUS];
} Control;

/* What a driver hands out for a GPU or a slice: its name, which outlives the order of GPUs. */
typedef char Handle[LONGEST];
static Handle handles[4 * MOST_GPUS];
static atomic_int initialised, initialised_ever;

/* For tests: how many are initialised now, and how many ever were. */
int standInInitialised(void) { return initialised; }
int standInInitialisedEver(void) { return initialised_ever; }

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static unsigned long long wall_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (unsigned long long)now.tv_sec * 1000000ULL + (unsigned long long)now.tv_nsec / 1000ULL;
}

static void take(Gpu *gpu, const char *word, const char *rest) {
    if (!strcmp(word, "name")) snprintf(gpu->name, LONGEST, "%s", rest);
    else if (!strcmp(word, "slice")) snprintf(gpu->slice, LONGEST, "%s", rest);
    else if (!strcmp(word, "start_s")) gpu->start_s = atof(rest);
    else if (!strcmp(word, "base_j")) gpu->base_j = atof(rest);
    else if (!strcmp(word, "reset_s")) gpu->reset_s = atof(rest);
    else if (!strcmp(word, "refresh_ms")) gpu->refresh_s = atof(rest) / 1000.0;
    else if (!strcmp(word, "latency_ms")) gpu->latency_s = atof(rest) / 1000.0;
    else if (!strcmp(word, "power_refresh_ms")) gpu->power_refresh_s = atof(rest) / 1000.0;
    else if (!strcmp(word, "power_window_ms")) gpu->power_window_s = atof(rest) / 1000.0;
    else if (!strcmp(word, "instant_error")) gpu->instant_error = atoi(rest);
    else if (!strcmp(word, "capability"))
        sscanf(rest, "%d %d", &gpu->capability[0], &gpu->capability[1]);
    else if (!strcmp(word, "limit_w")) gpu->limit_w = atof(rest);
    else if (!strcmp(word, "mig")) gpu->mig = atoi(rest);
    else if (!strcmp(word, "handle_error")) gpu->handle_error = atoi(rest);
    else if (!strcmp(word, "energy_error")) gpu->energy_error = atoi(rest);
    else if (!strcmp(word, "power_error")) gpu->power_error = atoi(rest);
    else if (!strcmp(word, "limit_error")) gpu->limit_error = atoi(rest);
    else if (!strcmp(word, "samples_error")) gpu->samples_error = atoi(rest);
    else if (!strcmp(word, "processes_error")) gpu->processes_error = atoi(rest);
    else if (!strcmp(word, "energy_mj")) {
        gpu->has_energy_mj = 1;
        gpu->energy_mj = strtoull(rest, NULL, 10);
    } else if (!strcmp(word, "power_mw")) {
        gpu->has_power_mw = 1;
        gpu->power_mw = strtoull(rest, NULL, 10);
    } else if (!strcmp(word, "power") && gpu->steps < MOST_STEPS) {
        if (sscanf(rest, "%lf %lf", &gpu->at_s[gpu->steps], &gpu->power_w[gpu->steps]) == 2)
            gpu->steps++;
    } else if (!strcmp(word, "process") && gpu->processes < MOST_PROCESSES) {
        Process *each = &gpu->process[gpu->processes];
        if (sscanf(rest, "%u %d %llu", &each->pid, &each->sm, &each->stamp_us) == 3)
            gpu->processes++;
    }
}

/* Read the control file. Without one there is no driver. */
static void parse(FILE *file, Control *found) {
    char line[LONGEST + 32];
    memset(found, 0, sizeof *found);
    found->init_error = file ? SUCCESS : DRIVER_NOT_LOADED;
    while (file && fgets(line, sizeof line, file)) {
        char word[32] = "";
        int length = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%31s %n", word, &length) != 1) continue;
        const char *rest = line + length;
        if (!strcmp(word, "init_error")) found->init_error = atoi(rest);
        else if (!strcmp(word, "count_error")) found->count_error = atoi(rest);
        else if (!strcmp(word, "gpu") && found->gpus < MOST_GPUS)
            snprintf(found->gpu[found->gpus++].uuid, LONGEST, "%s", rest);
        else if (found->gpus) take(&found->gpu[found->gpus - 1], word, rest);
    }
}

/* What the control file says now, held until `release`. It is replaced whole and never written in
 * place, so it is read again only where another file has its name: a call must cost what a driver's
 * does, not what parsing a file of hundreds of lines costs. */
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static const Control *hold(void) {
    static Control kept;
    static struct stat of;
    static int known;
    const char *path = getenv("NBCARBON_STAND_IN_NVML");
    struct stat found;
    pthread_mutex_lock(&held);
    int there = path && stat(path, &found) == 0;
    if (!there || !known || found.st_dev != of.st_dev || found.st_ino != of.st_ino ||
         found.st_size != of.st_size ||
        found.st_mtim.tv_sec != of.st_mtim.tv_sec || found.st_mtim.tv_nsec != of.st_mtim.tv_nsec) {
        FILE *file = there ? fopen(path, "re") : NULL;
        known = file && fstat(fileno(file), &of) == 0;
        parse(file, &kept);
        if (file) fclose(file);
    }
    return &kept;
}

static void release(void) { pthread_mutex_unlock(&held); }

static Handle *handle_of(const char *uuid) {
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        if (!handles[i][0]) snprintf(handles[i], LONGEST, "%s", uuid);
        if (!strcmp(handles[i], uuid)) return &handles[i];
    }
    abort();
}

/* Copy the GPU behind a handle, after its latency. */
static int gpu_of(Handle *handle, Gpu *gpu) {
    int result = GPU_IS_LOST;
    if (!initialised) return UNINITIALIZED;
    if (!handle) return INVALID_ARGUMENT;
    const Control *now = hold();
    for (int i = 0; i < now->gpus; i++)
        if (!strcmp(now->gpu[i].uuid, *handle)) {
            *gpu = now->gpu[i];
            result = SUCCESS;
        }
    release();
    if (result == SUCCESS && gpu->latency_s > 0) {
        struct timespec pause = {(time_t)gpu->latency_s,
                                 (long)(fmod(gpu->latency_s, 1.0) * 1e9)};
        nanosleep(&pause, NULL);
    }
    return result;
}

static double power_at(const Gpu *gpu, double second_s) {
    double power_w = 0;
    for (int i = 0; i < gpu->steps && gpu->at_s[i] <= second_s; i++) power_w = gpu->power_w[i];
    return power_w;
}

/* Joules from `start_s` on, by the area under its steps. */
static double energy_at(const Gpu *gpu, double second_s) {
    double energy_j = 0;
    for (int i = 0; i < gpu->steps && gpu->at_s[i] < second_s; i++) {
        double end_s = i + 1 < gpu->steps && gpu->at_s[i + 1] < second_s ? gpu->at_s[i + 1] : second_s;
        energy_j += gpu->power_w[i] * (end_s - gpu->at_s[i]);
    }
    return energy_j;
}

int nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    const Control *now = hold();
    int result = now->init_error;
    release();
    if (result == SUCCESS) {
        initialised++;
        initialised_ever++;
    }
    return result;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
    if (!initialised) return UNINITIALIZED;
    initialised--;
    return SUCCESS;
}

const char *nvmlErrorString(int result) {
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "Stand-in error %d", result);
    return text;
}

int nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    snprintf(version, length, "999.99");
    return initialised ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceGetCount_v2(unsigned int *count) {
    if (!initialised) return UNINITIALIZED;
    const Control *now = hold();
    int result = now->count_error;
    *count = (unsigned int)now->gpus;
    release();
    return result;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, Handle **handle) {
    int result = INVALID_ARGUMENT;
    if (!initialised) return UNINITIALIZED;
    const Control *now = hold();
    if (index < (unsigned int)now->gpus) {
        result = now->gpu[index].handle_error;
        if (result == SUCCESS) *handle = handle_of(now->gpu[index].uuid);
    }
    release();
    return result;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **handle) {
    int result = NOT_FOUND;
    if (!initialised) return UNINITIALIZED;
    const Control *now = hold();
    for (int i = 0; i < now->gpus && result == NOT_FOUND; i++)
        if (!strcmp(now->gpu[i].uuid, uuid) || (uuid[0] && !strcmp(now->gpu[i].slice, uuid))) {
            result = now->gpu[i].handle_error;
            if (result == SUCCESS) *handle = handle_of(uuid);
        }
    release();
    return result;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Handle *slice, Handle **handle) {
    int result = INVALID_ARGUMENT;
    if (!initialised) return UNINITIALIZED;
    const Control *now = hold();
    for (int i = 0; i < now->gpus; i++)
        if ((*slice)[0] && !strcmp(now->gpu[i].slice, *slice)) {
            *handle = handle_of(now->gpu[i].uuid);
            result = SUCCESS;
        }
    release();
    return result;
}

int nvmlDeviceGetUUID(Handle *handle, char *uuid, unsigned int length) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result == SUCCESS) snprintf(uuid, length, "%s", gpu.uuid);
    return result;
}

int nvmlDeviceGetName(Handle *handle, char *name, unsigned int length) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result == SUCCESS) snprintf(name, length, "%s", gpu.name);
    return result;
}

int nvmlDeviceGetMigMode(Handle *handle, unsigned int *current, unsigned int *pending) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    if (gpu.mig < 0) return NOT_SUPPORTED;
    *current = *pending = (unsigned int)gpu.mig;
    return SUCCESS;
}

int nvmlDeviceGetEnforcedPowerLimit(Handle *handle, unsigned int *limit_mw) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    *limit_mw = (unsigned int)(gpu.limit_w * 1000.0);
    return gpu.limit_error;
}

int nvmlDeviceGetTotalEnergyConsumption(Handle *handle, unsigned long long *energy_mj) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    if (gpu.energy_error) return gpu.energy_error;
    double second_s = now_s() - gpu.start_s;
    if (gpu.refresh_s > 0) second_s = floor(second_s / gpu.refresh_s) * gpu.refresh_s;
    double reset_s = gpu.reset_s - gpu.start_s;
    double energy_j = gpu.base_j + energy_at(&gpu, second_s);
    if (gpu.reset_s > 0 && second_s >= reset_s)
        energy_j = energy_at(&gpu, second_s) - energy_at(&gpu, reset_s);
    *energy_mj = gpu.has_energy_mj ? gpu.energy_mj : (unsigned long long)floor(energy_j * 1000.0);
    return SUCCESS;
}

/* What the power sensor shows: updated every refresh, as the mean of the window before. */
static unsigned int shown_mw(const Gpu *gpu, double window_s) {
    double second_s = now_s() - gpu->start_s;
    if (gpu->has_power_mw) return (unsigned int)gpu->power_mw;
    if (gpu->power_refresh_s > 0)
        second_s = floor(second_s / gpu->power_refresh_s) * gpu->power_refresh_s;
    if (window_s <= 0) return (unsigned int)(power_at(gpu, second_s) * 1000.0);
    double mean_w = (energy_at(gpu, second_s) - energy_at(gpu, second_s - window_s)) / window_s;
    return (unsigned int)(mean_w * 1000.0);
}

int nvmlDeviceGetPowerUsage(Handle *handle, unsigned int *power_mw) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    if (gpu.power_error) return gpu.power_error;
    *power_mw = shown_mw(&gpu, gpu.power_window_s);
    return SUCCESS;
}

int nvmlDeviceGetCudaComputeCapability(Handle *handle, int *major, int *minor) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    *major = gpu.capability[0];
    *minor = gpu.capability[1];
    return gpu.capability[0] ? SUCCESS : NOT_SUPPORTED;
}

enum { POWER_INSTANT = 186 };

typedef struct {
    unsigned int field, scope;
    long long stamp_us, latency_us;
    unsigned int type;
    int result;
    union {
        double d;
        unsigned int u;
        unsigned long long ull;
    } value;
} Field;

int nvmlDeviceGetFieldValues(Handle *handle, int count, Field *fields) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    for (int i = 0; i < count; i++) {
        fields[i].result = fields[i].field == POWER_INSTANT ? gpu.instant_error : NOT_SUPPORTED;
        fields[i].type = 1; /* an unsigned int */
        fields[i].value.u = shown_mw(&gpu, 0.0);
    }
    return SUCCESS;
}

typedef struct {
    unsigned int pid;
    unsigned long long stamp_us;
    unsigned int sm, memory, encoder, decoder;
} Sample;

int nvmlDeviceGetProcessUtilization(Handle *handle, Sample *samples, unsigned int *count,
                                    unsigned long long since_us) {
    Gpu gpu;
    unsigned int found = 0;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    if (gpu.samples_error) return gpu.samples_error;
    if (!samples) { /* the driver says how many fit into its buffer, not how many there are */
        *count = MOST_PROCESSES;
        return INSUFFICIENT_SIZE;
    }
    for (int i = 0; i < gpu.processes; i++) {
        const Process *each = &gpu.process[i];
        unsigned long long stamp_us = each->stamp_us ? each->stamp_us : wall_us();
        if (each->sm < 0 || stamp_us <= since_us) continue;
        if (found == *count) return INSUFFICIENT_SIZE;
        samples[found++] = (Sample){each->pid, stamp_us, (unsigned int)each->sm, 0, 0, 0};
    }
    *count = found;
    return found ? SUCCESS : NOT_FOUND;
}

typedef struct {
    unsigned int pid;
    unsigned long long memory;
    unsigned int gpu_instance, compute_instance;
} Running;

int nvmlDeviceGetComputeRunningProcesses_v3(Handle *handle, unsigned int *count, Running *running) {
    Gpu gpu;
    int result = gpu_of(handle, &gpu);
    if (result != SUCCESS) return result;
    if (gpu.processes_error) return gpu.processes_error;
    unsigned int room = *count;
    *count = (unsigned int)gpu.processes;
    if (room < *count) return INSUFFICIENT_SIZE;
    for (int i = 0; i < gpu.processes; i++)
        running[i] = (Running){gpu.process[i].pid, 1 << 20, 0xffffffff, 0xffffffff};
    return SUCCESS;
}
