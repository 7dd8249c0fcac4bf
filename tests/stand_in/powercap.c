/* The writer of a stand-in powercap tree: moves every counter once a millisecond.
 *
 * Power is a known function of CLOCK_MONOTONIC, so the true energy between any two instants is known.
 * tests/stand_in/powercap.py starts this, says on its standard input which counters there are, and
 * closes that input when it is enough. A line of the input is a word and its values:
 *
 *     zone PATH                 a counter file, written in place
 *     start_uj, range_uj N      where it stands, and where it begins again (0: never)
 *     start_s SECONDS           the instant at which its profile begins
 *     step SECONDS WATTS        one step of the profile, which is repeated for ever
 *     go                        all is said
 *
 * It answers "writing" once every counter has been written, and at the end one line of JSON.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 20, LONGEST_LINE = 8192, ASK_EVERY = 20 };

static const double PERIOD_S = 1e-3;

typedef struct {
    double seconds, power_w;
} Step;

typedef struct {
    int fd, steps;
    unsigned long long start_uj, range_uj;
    double start_s, cycle_s, cycle_j;
    Step *step;
} Zone;

static Zone *zones;
static int zone_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now_s(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void add_zone(const char *path) {
    zones = realloc(zones, (size_t)(zone_count + 1) * sizeof *zones);
    if (!zones) abort();
    Zone *zone = &zones[zone_count++];
    memset(zone, 0, sizeof *zone);
    zone->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (zone->fd < 0) fail(path);
}

static void add_step(Zone *zone, const char *rest) {
    zone->step = realloc(zone->step, (size_t)(zone->steps + 1) * sizeof *zone->step);
    if (!zone->step) abort();
    Step *step = &zone->step[zone->steps++];
    if (sscanf(rest, "%lf %lf", &step->seconds, &step->power_w) != 2) abort();
    zone->cycle_s += step->seconds;
    zone->cycle_j += step->seconds * step->power_w;
}

/* Take one line. Returns 0 at "go". */
static int hear(char *line) {
    char word[16];
    int length = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%15s %n", word, &length) != 1) return 1;
    char *rest = line + length;
    if (!strcmp(word, "go")) return 0;
    if (!strcmp(word, "zone")) {
        add_zone(rest);
        return 1;
    }
    if (!zone_count) abort();
    Zone *zone = &zones[zone_count - 1];
    if (!strcmp(word, "start_uj")) zone->start_uj = strtoull(rest, NULL, 10);
    else if (!strcmp(word, "range_uj")) zone->range_uj = strtoull(rest, NULL, 10);
    else if (!strcmp(word, "start_s")) zone->start_s = strtod(rest, NULL);
    else if (!strcmp(word, "step")) add_step(zone, rest);
    else abort();
    return 1;
}

/* Joules of a profile from its start up to an instant: Profile.energy_j in C. */
static double energy_j(const Zone *zone, double instant_s) {
    double second_s = instant_s - zone->start_s;
    if (second_s <= 0 || zone->cycle_s <= 0) return 0;
    double cycles = floor(second_s / zone->cycle_s);
    double rest_s = second_s - cycles * zone->cycle_s;
    double joules = cycles * zone->cycle_j;
    for (int i = 0; i < zone->steps && rest_s > 0; i++) {
        joules += zone->step[i].power_w * fmin(rest_s, zone->step[i].seconds);
        rest_s -= zone->step[i].seconds;
    }
    return joules;
}

/* One pwrite of a text of fixed width: a reader sees the old value or the new one. */
static void write_now(const Zone *zone) {
    char text[WIDTH + 2];
    unsigned long long count = zone->start_uj + (unsigned long long)llround(energy_j(zone, now_s(CLOCK_MONOTONIC)) * 1e6);
    if (zone->range_uj) count %= zone->range_uj;
    snprintf(text, sizeof text, "%0*llu\n", WIDTH, count);
    if (pwrite(zone->fd, text, WIDTH + 1, 0) != WIDTH + 1) fail("energy_uj");
}

static void write_all(void) {
    for (int i = 0; i < zone_count; i++) write_now(&zones[i]);
}

static void sleep_until(double instant_s) {
    struct timespec until = {(time_t)instant_s, (long)(fmod(instant_s, 1.0) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(void) {
    char line[LONGEST_LINE];
    struct sched_param priority = {.sched_priority = 1};
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned long long writes = 0;
    double longest_gap_s = 0;

    while (fgets(line, sizeof line, stdin) && hear(line)) continue;
    /* Hardware waits for nobody: the writer's own lateness would be taken for the reader's error. */
    sched_setscheduler(0, SCHED_FIFO, &priority); /* where it may */
    write_all();
    puts("writing");
    fflush(stdout);
    double last_s = now_s(CLOCK_MONOTONIC), due_s = last_s;
    while (writes % ASK_EVERY || poll(&input, 1, 0) == 0) {
        due_s = fmax(due_s + PERIOD_S, last_s);
        sleep_until(due_s);
        write_all();
        double instant_s = now_s(CLOCK_MONOTONIC);
        longest_gap_s = fmax(longest_gap_s, instant_s - last_s);
        last_s = instant_s;
        writes++;
    }
    printf("{\"writes\": %llu, \"longest_gap_s\": %.9f, \"cpu_s\": %.6f}\n", writes, longest_gap_s,
           now_s(CLOCK_PROCESS_CPUTIME_ID));
    return 0;
}
