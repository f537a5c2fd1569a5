/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm.c - `storm GUEST SEED SECONDS`: all operations at once, then nothing is left.
 *
 * Every call's answer is checked.  A round that fails is named by seed, worker, round and
 * operation; so is one that hangs, as after a lost interrupt.
 */
#include "storm.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kit/left.h"
#include "kit.h"

#define WARM_ROUNDS 40

struct storm storm;

static void remove_all_in(const char *path)
{
    char inner[512];
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        unlink(inner);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

/* Under another name, for those that still make files in it. */
void remove_directory(void)
{
    char registry[80], gone[sizeof(storm.directory)];
    snprintf(gone, sizeof(gone), "%.58s-gone", storm.directory);
    if (rename(storm.directory, gone) == 0)
        memcpy(storm.directory, gone, sizeof(gone));
    snprintf(registry, sizeof(registry), "%s/hl", storm.directory);
    remove_all_in(registry);
    remove_all_in(storm.directory);
}

static void name_round(const struct worker *w)
{
    printf("not ok storm: seed %llu", (unsigned long long)storm.seed);
    if (w)
        printf(", worker %u, round %u, %s", w->number, atomic_load(&w->round),
               atomic_load(&w->doing));
}

void storm_fail(struct worker *w, const char *format, ...)
{
    static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
    va_list ap;
    pthread_mutex_lock(&first); /* for good: the others end with the program */
    name_round(w);
    printf(": ");
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    remove_directory();
    _exit(1);
}

/* ---- workers ---- */

static void life_end(struct life *l)
{
    if (l)
        life_close(l);
    free(l);
}

uint64_t next_of(struct worker *w)
{
    return next_random(&w->random);
}

static void begin_round(struct worker *w, unsigned round)
{
    w->random = (storm.seed * WORKERS + w->number + 1) * 0x9e3779b97f4a7c15ull + round;
    w->random |= 1;
    for (int i = 0; i < 4; i++) /* neighbours differ in a few bits */
        next_of(w);
    atomic_store(&w->round, round);
}

static void do_round(struct worker *w)
{
    const unsigned n = below(w, plain_op_count + more_op_count);
    const struct op *op = n < plain_op_count ? &plain_ops[n] : &more_ops[n - plain_op_count];
    struct life **l = &w->life[below(w, LIVES)];
    atomic_store(&w->doing, op->name);
    if (!*l) {
        *l = calloc(1, sizeof(**l));
        CHECK(w, *l, "no memory");
        life_open(w, *l, below(w, 2) ? storm.base : NULL, 0);
    }
    op->fn(w, *l);
    w->done++;
}

static void *work(void *opaque)
{
    struct worker *w = opaque;
    struct tick *tick = tick_begin();
    partner_open(w);
    for (unsigned round = 0; !atomic_load(&storm.stop); round++) {
        begin_round(w, round);
        do_round(w);
    }
    atomic_store(&w->doing, "destroy all");
    for (unsigned i = 0; i < LIVES; i++)
        life_end(w->life[i]);
    partner_close(w);
    tick_end(tick);
    return NULL;
}

/* Each worker gets on; `rounds` or `seconds`, whatever is not 0, end it. */
static void watch(unsigned rounds, unsigned seconds)
{
    unsigned seen[WORKERS] = {0}, since[WORKERS] = {0}, least = 0;
    const struct timespec tenth = {0, 100000000};
    for (unsigned t = 0; seconds ? t < 10 * seconds : least < rounds; t++) {
        nanosleep(&tenth, NULL);
        least = UINT32_MAX;
        for (unsigned i = 0; i < WORKERS; i++) {
            const unsigned now = atomic_load(&storm.worker[i].round);
            since[i] = now == seen[i] ? since[i] + 1 : 0;
            seen[i] = now;
            least = now < least ? now : least;
            if (since[i] > 10 * storm.patience_s) {
                name_round(&storm.worker[i]);
                printf(": it hangs\n");
                fflush(stdout);
                remove_directory();
                abort();
            }
        }
    }
}

static unsigned long blow(unsigned rounds, unsigned seconds)
{
    unsigned long done = 0;
    atomic_store(&storm.stop, false);
    memset(storm.worker, 0, sizeof(storm.worker));
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = &storm.worker[i];
        w->number = i;
        atomic_store(&w->doing, "begin");
        CHECK(w, pthread_create(&w->thread, NULL, work, w) == 0, "no thread");
    }
    watch(rounds, seconds);
    atomic_store(&storm.stop, true);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(storm.worker[i].thread, NULL);
        done += storm.worker[i].done;
    }
    life_end(atomic_exchange(&storm.waiting, NULL));
    return done;
}

/* ---- what they share ---- */

static void open_all(struct worker *w, const char *guest, const char *seed)
{
    const struct hl_profile_config configs[] = {{0}, {.rate_hz = 1000}, {.pages = true}};
    struct life first = {0};
    storm.guest = guest;
    storm.seed = strtoull(seed, NULL, 0);
    storm.period_ns = 100000L * (long)slow();
    storm.patience_s = 60 * slow();
    FINE(w, hl_image_open(&storm.image, guest, &w->error));
    int n = hl_image_find(storm.image, "AddToStatic");
    CHECK(w, n >= 0, "the guest has another table");
    storm.function = hl_image_function(storm.image, (size_t)n)->entry;
    life_open(w, &first, NULL, 0);
    FINE(w, hl_snapshot_take(&storm.base, first.sb, &w->error));
    CHECK(w,
          hl_machine_read(hl_sandbox_machine(first.sb), storm.function, storm.code, 4,
                          HL_PROT_EXEC) == 4,
          "no code");
    life_close(&first);
    for (unsigned i = 0; i < 3; i++)
        FINE(w, hl_profile_create(&storm.profile[i], storm.image, &configs[i], &w->error));
}

static void close_all(void)
{
    for (unsigned i = 0; i < 3; i++)
        hl_profile_destroy(storm.profile[i]);
    hl_snapshot_destroy(storm.base);
    hl_image_close(storm.image);
    storm.image = NULL;
}

/* Of freed memory the allocator keeps some, of ended threads libc a few stacks. */
static bool nothing_is_left(const struct left *before)
{
    const struct left l = count_left();
    const unsigned long more = UNDER_ASAN || UNDER_TSAN ? 1ul << 20 : 8192;
    bool child = waitpid(-1, NULL, WNOHANG) >= 0;
    bool fine = !child && l.files == before->files && l.threads == before->threads &&
                l.mappings == before->mappings && l.size < before->size + more;
    printf("%sok storm: nothing is left", fine ? "" : "not ");
    if (!fine)
        printf(": files %u, threads %u, mappings %u, pages %lu%s; before %u, %u, %u, %lu", l.files,
               l.threads, l.mappings, l.size, child ? ", a child" : "", before->files,
               before->threads, before->mappings, before->size);
    printf("\n");
    return fine;
}

static bool directory_is_empty(void)
{
    char registry[80];
    snprintf(registry, sizeof(registry), "%s/hl", storm.directory);
    bool fine = entries(registry) <= 2;
    printf("%sok storm: no socket is left\n", fine ? "" : "not ");
    return fine;
}

int main(int argc, char **argv)
{
    struct worker w = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    mallopt(M_ARENA_MAX, 2); /* each is 64 MiB of the size that is compared */
    if (argc == 3 && strcmp(argv[1], "--inherited") == 0)
        return inheritable() != (unsigned)atoi(argv[2]);
    if (argc != 4) {
        fprintf(stderr, "usage: %s GUEST SEED SECONDS\n", argv[0]);
        return 64;
    }
    const char *tmp = getenv("TMPDIR");
    snprintf(storm.directory, sizeof(storm.directory), "%.40s/storm-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(storm.directory) || setenv("XDG_RUNTIME_DIR", storm.directory, 1))
        storm_fail(NULL, "no directory: %s", strerror(errno));
    storm.inherited = inheritable();
    atomic_store(&w.doing, "begin");
    open_all(&w, argv[1], argv[2]);
    blow(WARM_ROUNDS, 0);
    struct left before = count_left();
    unsigned long done = blow(0, (unsigned)atoi(argv[3]));
    bool fine = nothing_is_left(&before) && directory_is_empty();
    close_all();
    remove_directory();
    printf("ok storm: seed %s, %s s, %lu operations are right\n", argv[2], argv[3], done);
    return fine ? 0 : 1;
}
