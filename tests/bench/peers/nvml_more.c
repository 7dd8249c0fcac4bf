/* What the peers ask NVML beyond what nbcarbon does, on top of tests/stand_in/nvml.c.
 *
 * Every card of the real driver answers these. Without them a peer would meet a driver that does not
 * exist, and fail where it works in the wild. Only NVML's own functions are called, and each is weak:
 * where the stand-in learns to answer one of them itself, its answer counts.
 *
 * Power is told with a little noise, one value for each update of the sensor, as every real sensor has
 * it: Zeus keeps only readings that differ from the one before. For that the stand-in's own functions
 * are compiled under other names (hardware.py does), and NBCARBON_STAND_IN_POWER_MS says how often
 * their power is updated.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <time.h>

#undef nvmlDeviceGetPowerUsage
#undef nvmlDeviceGetFieldValues
#define WEAK __attribute__((weak))

enum { SUCCESS = 0, NOT_SUPPORTED = 3 };
enum { PASCAL = 4, AMPERE = 7 };
enum { POWER_AVERAGE = 185, POWER_INSTANT = 186 };

typedef void *Device;

int nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long *energy_mj);
int standInGetPowerUsage(Device device, unsigned int *power_mw);
int nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned int *limit_mw);

typedef struct {
    unsigned long long total, free, used;
} Memory;

WEAK int nvmlDeviceGetMemoryInfo(Device device, Memory *memory) {
    (void)device;
    *memory = (Memory){80ULL << 30, 79ULL << 30, 1ULL << 30};
    return SUCCESS;
}

WEAK int nvmlDeviceGetTemperature(Device device, unsigned int sensor, unsigned int *celsius) {
    (void)device, (void)sensor;
    *celsius = 50;
    return SUCCESS;
}

typedef struct {
    unsigned int gpu, memory;
} Utilization;

WEAK int nvmlDeviceGetUtilizationRates(Device device, Utilization *percent) {
    (void)device;
    *percent = (Utilization){50, 50};
    return SUCCESS;
}

WEAK int nvmlDeviceGetComputeMode(Device device, unsigned int *mode) {
    (void)device;
    *mode = 0;
    return SUCCESS;
}

WEAK int nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, unsigned int *count, void *running) {
    (void)device, (void)running;
    *count = 0;
    return SUCCESS;
}

WEAK int nvmlDeviceGetPowerManagementDefaultLimit(Device device, unsigned int *limit_mw) {
    return nvmlDeviceGetEnforcedPowerLimit(device, limit_mw);
}

/* The energy counter came with Volta: a card without one is older, and peers decide by that. */
WEAK int nvmlDeviceGetArchitecture(Device device, unsigned int *architecture) {
    unsigned long long energy_mj;
    *architecture = nvmlDeviceGetTotalEnergyConsumption(device, &energy_mj) == NOT_SUPPORTED ? PASCAL : AMPERE;
    return SUCCESS;
}

WEAK int nvmlDeviceGetC2cModeInfoV(Device device, void *info) {
    (void)device, (void)info;
    return NOT_SUPPORTED;
}

typedef struct {
    unsigned int field, scope;
    long long stamp, latency_us;
    unsigned int type, result;
    union {
        double d;
        unsigned int ui;
        unsigned long long ull;
    } value;
} FieldValue;

int standInGetFieldValues(Device device, int count, FieldValue *values);

/* Within 0.3 W, without a mean, and the same for everybody until the sensor's next update. */
static int noise_mw(void) {
    const char *period_ms = getenv("NBCARBON_STAND_IN_POWER_MS");
    struct timespec now;
    if (!period_ms || atof(period_ms) <= 0) return 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double second = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    unsigned long long mixed = (unsigned long long)(second * 1000.0 / atof(period_ms)) * 0x9E3779B97F4A7C15ULL;
    return (int)((mixed >> 33) % 601) - 300;
}

int nvmlDeviceGetPowerUsage(Device device, unsigned int *power_mw) {
    int result = standInGetPowerUsage(device, power_mw);
    if (result == SUCCESS) *power_mw = (unsigned int)((int)*power_mw + noise_mw());
    return result;
}

int nvmlDeviceGetFieldValues(Device device, int count, FieldValue *values) {
    int result = standInGetFieldValues(device, count, values);
    for (int i = 0; result == SUCCESS && i < count; i++)
        if (values[i].result == SUCCESS && (values[i].field == POWER_INSTANT || values[i].field == POWER_AVERAGE))
            values[i].value.ui = (unsigned int)((int)values[i].value.ui + noise_mw());
    return result;
}
