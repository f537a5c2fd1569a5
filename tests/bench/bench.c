/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c GUEST ROUNDS JSON [ID...] - the speed figures of docs/performance.md, ours and a floor of
 * raw KVM side by side in one process; a table on stdout, all of it in the file JSON.
 *
 * GUEST is build/tests/guest/conformance; with IDs only those figures are taken, for a profiler.
 */
#include "bench.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../kit/host_add.h"

struct bench bench;

double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[n / 2];
}

void check(int rc, const struct hl_error *error)
{
    if (!rc)
        return;
    fprintf(stderr, "bench: %s\n", error->text);
    exit(1);
}

void sandbox_ready(struct hl_sandbox *sb)
{
    struct hl_error error;
    check(hl_sandbox_register(sb, "HostAdd", "i32(i32, i32)", kit_host_add, NULL, &error), &error);
    check(hl_sandbox_start(sb, &error), &error);
}

struct hl_sandbox *sandbox_new(void)
{
    struct hl_sandbox *sb;
    struct hl_error error;
    check(hl_sandbox_create(&sb, bench.image, NULL, &error), &error);
    return sb;
}

void echo(struct hl_sandbox *sb)
{
    struct hl_value text = hl_string("hello"), result;
    struct hl_error error;
    check(hl_sandbox_call(sb, "Echo", &text, 1, &result, &error), &error);
    if (result.len != 5 || memcmp(result.data, "hello", 5) != 0)
        exit(1);
}

static void measure(struct figure *f, int rounds)
{
    f->rounds = rounds / f->divisor < 3 ? 3 : rounds / f->divisor;
    for (int side = 0; side < 2; side++)
        f->sample[side] = calloc((size_t)f->rounds, sizeof(double));
    if (f->begin)
        f->begin();
    for (int r = -1; r < f->rounds; r++) /* the first is thrown away */
        for (int turn = 0; turn < 2; turn++) {
            int side = turn ^ (r & 1);
            double (*take)(void) = side ? f->floor : f->ours;
            double took = take ? take() : 0;
            if (r >= 0)
                f->sample[side][r] = took;
        }
    if (f->end)
        f->end();
}

static double score(struct figure *f)
{
    double ours = median(f->sample[0], f->rounds);
    return f->absolute ? ours : ours / median(f->sample[1], f->rounds);
}

static const char *verdict(struct figure *f)
{
    return f->target <= 0 ? "" : score(f) <= f->target ? "met" : "missed";
}

static void print_row(struct figure *f)
{
    char floor[32] = "", ratio[32] = "", target[32] = "";
    double ours = median(f->sample[0], f->rounds);
    if (f->floor) {
        double least = median(f->sample[1], f->rounds);
        snprintf(floor, sizeof(floor), "%.1f", least);
        snprintf(ratio, sizeof(ratio), "%.2f", ours / least);
    }
    if (f->target > 0)
        snprintf(target, sizeof(target), f->absolute ? "%.0f %s" : "%.2fx", f->target, f->unit);
    printf("%-42s %10.1f %10s %4s %7s %8s %s\n", f->what, ours, floor, f->unit, ratio, target,
           verdict(f));
    fflush(stdout);
}

static json_t *side_json(struct figure *f, int side)
{
    double m = median(f->sample[side], f->rounds); /* and sorts */
    return json_pack("{s:f, s:f, s:f}", "median", m, "min", f->sample[side][0], "p90",
                     f->sample[side][f->rounds * 9 / 10]);
}

static json_t *figure_json(struct figure *f)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:o}", "id", f->id, "what", f->what, "unit",
                          f->unit, "rounds", f->rounds, "ours", side_json(f, 0));
    if (f->floor) {
        json_object_set_new(o, "floor", side_json(f, 1));
        json_object_set_new(o, "floor_is", json_string(f->floor_what));
        json_object_set_new(
            o, "ratio",
            json_real(median(f->sample[0], f->rounds) / median(f->sample[1], f->rounds)));
    }
    if (f->target > 0) {
        json_object_set_new(o, f->absolute ? "target" : "target_ratio", json_real(f->target));
        json_object_set_new(o, "met", json_boolean(score(f) <= f->target));
    }
    return o;
}

/* The line of a file in /proc that begins with `key`, after its colon. */
static json_t *proc_line(const char *path, const char *key)
{
    char line[256], *colon;
    json_t *found = NULL;
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0 && (colon = strchr(line, ':')) && colon[1]) {
            line[strcspn(line, "\n")] = 0;
            found = json_string(colon + 2);
        }
    if (f)
        fclose(f);
    return found ? found : json_null();
}

static json_t *machine_json(void)
{
    struct utsname u;
    double load[1] = {0};
    char date[32];
    time_t t = time(NULL);
    uname(&u);
    getloadavg(load, 1);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
    return json_pack("{s:o, s:i, s:s, s:b, s:f, s:s}", "processor",
                     proc_line("/proc/cpuinfo", "model name"), "cores",
                     (int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", u.release, "kvm_pvm",
                     access("/sys/module/kvm_pvm", F_OK) == 0, "load", load[0], "date", date);
}

static char **wanted; /* ids, ends with NULL; empty: all */

static bool is_wanted(const struct figure *f)
{
    for (char **id = wanted; *id; id++)
        if (strcmp(*id, f->id) == 0)
            return true;
    return !*wanted;
}

static void run_all(struct figure *list, size_t count, int rounds, json_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(&list[i]))
            continue;
        measure(&list[i], rounds);
        print_row(&list[i]);
        json_array_append_new(out, figure_json(&list[i]));
    }
}

int main(int argc, char **argv)
{
    struct hl_error error;
    json_t *figures = json_array(), *all;
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    if (argc < 4 || rounds < 1) {
        fprintf(stderr, "usage: bench GUEST ROUNDS JSON [ID...]\n");
        return 64;
    }
    bench.path = argv[1];
    wanted = argv + 4;
    bench.kvm = raw_open();
    printf("%-42s %10s %10s %4s %7s %8s\n", "medians", "ours", "floor", "", "ratio", "target");
    life_prepare();
    run_all(life_figures, 1, rounds, figures); /* while nothing of libhl's is set up */
    check(hl_image_open(&bench.image, bench.path, &error), &error);
    run_all(life_figures + 1, life_count - 1, rounds, figures);
    run_all(call_figures, call_count, rounds, figures);
    run_all(transfer_figures, transfer_count, rounds, figures);
    run_all(memory_figures, memory_count, rounds, figures);
    run_all(profile_figures, profile_count, rounds, figures);
    all = json_pack("{s:s, s:o, s:o}", "libhl", HL_VERSION, "machine", machine_json(), "figures",
                    figures);
    if (json_dump_file(all, argv[3], JSON_INDENT(2) | JSON_REAL_PRECISION(6))) {
        fprintf(stderr, "bench: cannot write %s\n", argv[3]);
        return 1;
    }
    json_decref(all);
    hl_image_close(bench.image);
    return 0;
}
