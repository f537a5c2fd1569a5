/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - a fuzz target over files and directories, without libFuzzer: each prefix, too. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int one(const char *path)
{
    static uint8_t data[1 << 16];
    FILE *file = fopen(path, "rb");
    size_t size, step;

    if (!file)
        return -1;
    size = fread(data, 1, sizeof(data), file);
    fclose(file);
    step = size / 512 + 1;
    for (size_t n = 0; n <= size; n += step) {
        uint8_t *copy = malloc(n ? n : 1); /* exactly so large, for the sanitizer */
        if (!copy)
            return -1;
        memcpy(copy, data, n);
        LLVMFuzzerTestOneInput(copy, n);
        free(copy);
    }
    LLVMFuzzerTestOneInput(data, size);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    char path[4096];
    int count = 0;

    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 64;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (one(path)) {
            printf("not ok corpus %s: cannot read\n", entry->d_name);
            return 1;
        }
        printf("ok corpus %s\n", entry->d_name);
        count++;
    }
    closedir(dir);
    return count ? 0 : 1;
}
