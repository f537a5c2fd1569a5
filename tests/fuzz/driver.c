/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - a fuzz target without libFuzzer: over the files of a corpus and parts of them, or with
 * -max_total_time for so long over what chance makes of them.  It takes libFuzzer's options.
 *
 * Inputs are run in a child, which may die of one in any way: the input stays in shared memory, and
 * is kept as a file.
 */
#include "driver.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct shared *shared;

void run_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); /* exactly so large, for the sanitizer */
    if (!copy)
        abort();
    memcpy(copy, data, size);
    memcpy(shared->data, data, size);
    shared->size = size;
    shared->running = true;
    alarm(FUZZ_WALL);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    shared->running = false;
    shared->runs++;
    free(copy);
}

static int read_input(struct input *input, const char *path)
{
    FILE *file = fopen(path, "rb");
    input->name = strdup(strrchr(path, '/') + 1);
    input->data = malloc(FUZZ_INPUT_MAX);
    if (!file || !input->data || !input->name)
        return -1;
    input->size = fread(input->data, 1, FUZZ_INPUT_MAX, file);
    bool fine = !ferror(file) && feof(file);
    fclose(file);
    if (!fine)
        fprintf(stderr, "%s: larger than %u bytes, or cannot be read\n", path, FUZZ_INPUT_MAX);
    return fine ? 0 : -1;
}

/* Each prefix of a small one; what makes sense to its end only has fewer. */
static void run_prefixes(const struct input *input)
{
    size_t steps = input->size > 4096 ? 32 : 512;
    for (size_t n = 0; n < input->size; n += input->size / steps + 1)
        run_input(input->data, n);
    run_input(input->data, input->size);
}

static void keep_input(const struct options *o, char *path, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < shared->size; i++)
        sum = (sum ^ shared->data[i]) * 0x100000001b3ull;
    snprintf(path, size, "%sfinding-%08" PRIx32, o->prefix, (uint32_t)(sum ^ sum >> 32));
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(shared->data, 1, shared->size, file) != shared->size)
        snprintf(path, size, "nowhere: %s", strerror(errno));
    if (file)
        fclose(file);
}

/* 0, or what became of the child is reported. */
static int wait_for(const struct options *o, pid_t pid, const char *name)
{
    int status;
    char kept[512];
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    if (WIFEXITED(status) && !WEXITSTATUS(status) && !shared->running)
        return 0;
    if (!shared->running) {
        printf("not ok corpus %s: the process ended with status %#x after its inputs\n", name,
               status);
        return 1;
    }
    keep_input(o, kept, sizeof(kept));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        printf("not ok corpus %s: no end after %u s; the input is in %s\n", name, FUZZ_WALL, kept);
    else
        printf("not ok corpus %s: a finding; the input is in %s\n", name, kept);
    return 1;
}

static int check_one(const struct options *o, const struct input *input)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        run_prefixes(input);
        exit(0); /* leaks are looked for */
    }
    if (pid < 0 || wait_for(o, pid, input->name))
        return 1;
    printf("ok corpus %s\n", input->name);
    return 0;
}

static int fuzz_all(const struct options *o, struct pool *pool)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        fuzz(o, pool, shared);
        exit(0);
    }
    int rc = pid < 0 || wait_for(o, pid, o->directory[0]);
    printf("# %lu inputs in %u s, %zu new in %s\n", shared->runs, o->seconds, shared->kept,
           o->directory[0]);
    return rc;
}

int pool_add(struct pool *pool, struct input input)
{
    struct input *more = realloc(pool->input, (pool->count + 1) * sizeof(*more));
    if (!more)
        return -1;
    pool->input = more;
    more[pool->count++] = input;
    return 0;
}

static int read_directory(const char *directory, struct pool *pool)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    char path[4096];
    int rc = dir ? 0 : 1;
    if (!dir)
        printf("not ok corpus %s: %s\n", directory, strerror(errno));
    while (dir && (entry = readdir(dir))) {
        struct input input = {0};
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        if (read_input(&input, path) || pool_add(pool, input)) {
            printf("not ok corpus %s: cannot read\n", entry->d_name);
            free(input.data);
            free(input.name);
            rc = 1;
        }
    }
    if (dir)
        closedir(dir);
    return rc;
}

static int usage(const char *name)
{
    fprintf(stderr,
            "usage: %s [-max_total_time=SECONDS] [-seed=N] [-dict=FILE] [-artifact_prefix=PREFIX] "
            "CORPUS...\n",
            name);
    return 64;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const char *const names[] = {
        "-max_total_time=", "-seed=", "-dict=", "-artifact_prefix="};
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        size_t k = 0;
        if (argv[i][0] != '-') {
            if (o->directories == DIRECTORIES_MAX)
                return -1;
            o->directory[o->directories++] = argv[i];
            continue;
        }
        while (k < 4 && strncmp(argv[i], names[k], strlen(names[k])) != 0)
            k++;
        if (k == 0)
            o->seconds = (unsigned)strtoul(value + 1, NULL, 10);
        else if (k == 1)
            o->seed = strtoull(value + 1, NULL, 10);
        else if (k == 2)
            o->words = value + 1;
        else if (k == 3)
            o->prefix = value + 1;
        else
            return -1;
    }
    return o->directories ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options o = {.prefix = "./", .seed = (uint64_t)getpid()};
    struct pool pool = {0};
    int rc = 0;
    if (parse(&o, argc, argv))
        return usage(argv[0]);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < o.directories; i++)
        rc |= read_directory(o.directory[i], &pool);
    if (!pool.count && !rc)
        rc = !!printf("not ok corpus %s: nothing in it\n", o.directory[0]);
    if (!rc && o.seconds)
        rc = fuzz_all(&o, &pool);
    for (size_t i = 0; i < pool.count && !o.seconds; i++)
        rc |= check_one(&o, &pool.input[i]);
    for (size_t i = 0; i < pool.count; i++) {
        free(pool.input[i].data);
        free(pool.input[i].name);
    }
    free(pool.input);
    return rc;
}
