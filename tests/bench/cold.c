/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cold.c ROUNDS NAME=COMMAND...: whole processes, started in turn, so that whatever disturbs the
 * machine disturbs them alike; medians, and each one's ratio to the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX 8
#define WORDS 16

extern char **environ;

struct contestant {
    const char *name;
    char *words[WORDS];
    double *us;
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void parse(struct contestant *c, char *arg)
{
    char *command = strchr(arg, '='), *state = NULL;
    if (!command) {
        fprintf(stderr, "cold: NAME=COMMAND wanted: %s\n", arg);
        exit(64);
    }
    *command++ = 0;
    c->name = arg;
    size_t n = 0;
    for (char *w = strtok_r(command, " ", &state); w && n < WORDS - 1;
         w = strtok_r(NULL, " ", &state))
        c->words[n++] = w;
}

static double run_once(const struct contestant *c, posix_spawn_file_actions_t *quiet)
{
    pid_t pid;
    int status;
    double start = now_us();
    int e = posix_spawn(&pid, c->words[0], quiet, NULL, c->words, environ);
    if (e) {
        fprintf(stderr, "cold: %s: %s\n", c->words[0], strerror(e));
        exit(1);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    double took = now_us() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        fprintf(stderr, "cold: %s failed, status 0x%x\n", c->name, (unsigned)status);
        exit(1);
    }
    return took;
}

int main(int argc, char **argv)
{
    struct contestant c[MAX] = {0};
    int rounds = argc > 1 ? atoi(argv[1]) : 0, count = argc - 2;
    if (rounds < 1 || count < 1 || count > MAX) {
        fprintf(stderr, "usage: cold ROUNDS NAME=COMMAND...\n");
        return 64;
    }
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < count; i++) {
        parse(&c[i], argv[i + 2]);
        c[i].us = calloc((size_t)rounds, sizeof(double));
        run_once(&c[i], &quiet); /* page cache */
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < count; i++)
            c[i].us[r] = run_once(&c[i], &quiet);
    printf("%-28s %10s %10s %10s %8s\n", "whole process, us", "min", "median", "p90", "ratio");
    for (int i = 0; i < count; i++) {
        qsort(c[i].us, (size_t)rounds, sizeof(double), compare);
        double median = c[i].us[rounds / 2];
        printf("%-28s %10.0f %10.0f %10.0f %8.2f\n", c[i].name, c[i].us[0], median,
               c[i].us[rounds * 9 / 10], median / c[0].us[rounds / 2]);
    }
    return 0;
}
