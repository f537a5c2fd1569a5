/* SPDX-License-Identifier: Apache-2.0 */
/* left.h - what a process has open: counted before and after, so that nothing is left behind. */
#ifndef TESTS_LEFT_H
#define TESTS_LEFT_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

struct left {
    unsigned files, threads;
    unsigned mappings;            /* of files and devices: of guests' memory, vCPUs, snapshots */
    unsigned long size, resident; /* pages */
};

static inline unsigned entries(const char *path)
{
    unsigned n = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

static inline unsigned mappings_with_names(void)
{
    char line[4600];
    unsigned n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof(line), f))
        n += strchr(line, '/') || strstr(line, "anon_inode:");
    if (f)
        fclose(f);
    return n;
}

static inline struct left count_left(void)
{
    struct left l = {.files = entries("/proc/self/fd"), .threads = entries("/proc/self/task")};
    l.mappings = mappings_with_names();
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu %lu", &l.size, &l.resident) != 2)
        l.size = l.resident = 0;
    if (f)
        fclose(f);
    return l;
}

#endif
