/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos.c - run a guest that does anything, seed after seed: `chaos GUEST FIRST COUNT`.
 *
 * Each ends with a result or an error in time, the next call of the restored (or a fresh) sandbox
 * is right, nothing is written outside of the guest's memory, and nothing is left behind.  A seed
 * that fails is named; `chaos GUEST SEED 1` does the same again.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <hl/hl.h>

#include "../kit/left.h"
#include "machine_impl.h"

#define PAGE 4096u
#define CODE_SIZE 8192u
#define CANARY (64u << 10)
#define CANARY_BYTE 0xa5
#define DEADLINE_NS 20000000ll

static struct {
    struct hl_image *image;
    struct hl_symbols *symbols;
    hl_gva_t code;
    struct hl_snapshot *snapshot;
    struct hl_sandbox *sb;
    uint8_t *canary[2]; /* on both sides of the guest's memory; NULL: the place was taken */
    struct hl_error error;
    const char *why;
    uint64_t seed;
    unsigned ends[32]; /* by error, how calls ended */
} c;

static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static bool bad(const char *why)
{
    c.why = why;
    return false;
}

/* ---- the timer ---- */

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct hl_sandbox *target;
    int64_t at;
    bool end;
} timer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *watch(void *opaque)
{
    (void)opaque;
    pthread_mutex_lock(&timer.lock);
    while (!timer.end) {
        if (!timer.target) {
            pthread_cond_wait(&timer.wake, &timer.lock);
            continue;
        }
        struct timespec until = {timer.at / 1000000000, timer.at % 1000000000};
        if (now() < timer.at) {
            pthread_cond_timedwait(&timer.wake, &timer.lock, &until);
            continue;
        }
        hl_sandbox_interrupt(timer.target);
        timer.at += 1000000; /* again: the guest may have got one call further */
    }
    pthread_mutex_unlock(&timer.lock);
    return NULL;
}

static void arm(struct hl_sandbox *sb, unsigned slow)
{
    pthread_mutex_lock(&timer.lock);
    timer.target = sb;
    timer.at = now() + DEADLINE_NS * slow;
    pthread_cond_signal(&timer.wake);
    pthread_mutex_unlock(&timer.lock);
}

static void disarm(void)
{
    pthread_mutex_lock(&timer.lock);
    timer.target = NULL;
    pthread_mutex_unlock(&timer.lock);
}

/* ---- the sandbox ---- */

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)count;
    (void)error;
    result->i32 = (int32_t)((uint32_t)args[0].i32 + (uint32_t)args[1].i32);
    return 0;
}

/* Every byte is read, for a sanitizer to see, and handed back. */
static int host_bytes(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    uint64_t sum = strlen(args[1].data);
    (void)opaque;
    (void)count;
    for (size_t i = 0; i < args[0].len; i++)
        sum += ((const uint8_t *)args[0].data)[i];
    if (sum % 7 == 3)
        return hl_error_set(error, HL_ERR_HOST_FUNCTION, "a bad sum");
    result->data = args[0].data;
    result->len = args[0].len;
    return 0;
}

static void console(void *opaque, int fd, const void *data, size_t size)
{
    volatile uint8_t sum = 0;
    (void)opaque;
    (void)fd;
    for (size_t i = 0; i < size; i += 64)
        sum += ((const uint8_t *)data)[i];
}

static void log_line(void *opaque, int level, const char *text)
{
    (void)opaque;
    (void)level;
    if (strlen(text) > HL_LOG_MAX)
        abort();
}

static void canary_set(void)
{
    const struct hl_machine *m = hl_sandbox_machine(c.sb);
    uint8_t *place[2] = {m->memory - CANARY, m->memory + m->memory_size};
    for (int i = 0; i < 2; i++) {
        c.canary[i] = mmap(place[i], CANARY, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (c.canary[i] == MAP_FAILED)
            c.canary[i] = NULL;
        else
            memset(c.canary[i], CANARY_BYTE, CANARY);
    }
}

static bool canary_whole(void)
{
    for (int i = 0; i < 2; i++)
        for (size_t at = 0; c.canary[i] && at < CANARY; at++)
            if (c.canary[i][at] != CANARY_BYTE)
                return bad("memory outside of the guest's was written");
    return true;
}

static void canary_free(void)
{
    for (int i = 0; i < 2; i++)
        if (c.canary[i])
            munmap(c.canary[i], CANARY);
}

/* From the file, or a clone of the first one's snapshot. */
static bool open_sandbox(bool clone)
{
    struct hl_sandbox_config config = {.heap = 4 << 20,
                                       .stack = 64 << 10,
                                       .input = 64 << 10,
                                       .output = 64 << 10,
                                       .result_max = 1 << 20,
                                       .console = console,
                                       .log = log_line,
                                       .no_debugger = true};
    int rc = clone ? hl_sandbox_create_from(&c.sb, c.snapshot, &config, &c.error)
                   : hl_sandbox_create(&c.sb, c.image, &config, &c.error);
    if (!rc)
        rc = hl_sandbox_register(c.sb, "HostAdd", "i32(i32, i32)", host_add, NULL, &c.error);
    if (!rc)
        rc = hl_sandbox_register(c.sb, "HostBytes", "bytes(bytes, string)", host_bytes, NULL,
                                 &c.error);
    if (!rc)
        rc = hl_sandbox_start(c.sb, &c.error);
    if (!rc && !c.snapshot)
        rc = hl_snapshot_take(&c.snapshot, c.sb, &c.error);
    if (!rc)
        canary_set();
    return rc ? bad(c.error.text) : true;
}

static void close_sandbox(void)
{
    hl_sandbox_destroy(c.sb);
    c.sb = NULL;
    canary_free();
}

/* ---- one seed ---- */

/* What random bytes find too seldom. */
static size_t instruction(uint64_t r, uint8_t *to)
{
    static const char *const texts[] = {
        "\x0f\x05", /* syscall */
        "\xe6\xe0", /* out %al, the four ports */
        "\xe6\xe1",
        "\xe6\xe2",
        "\xe6\xe3",
        "\xee",
        "\xe4\xe0",
        "\x6e",
        "\x6c",
        "\xcc",                 /* int3 */
        "\xcd\x80",             /* int $0x80 */
        "\xf1",                 /* int1 */
        "\x9d",                 /* popf */
        "\x8e\xd8",             /* mov %eax, %ds */
        "\x8e\xe0",             /* mov %eax, %fs */
        "\xf3\x48\x0f\xae\xd0", /* wrfsbase %rax */
        "\xf3\x48\x0f\xae\xd8", /* wrgsbase %rax */
        "\x0f\x01\xd0",         /* xgetbv */
        "\x0f\x01\xd1",         /* xsetbv */
        "\x0f\xae\x2f",         /* xrstor (%rdi) */
        "\x0f\xae\x26",         /* xsave (%rsi) */
        "\x0f\xa2",             /* cpuid */
        "\x0f\x01\xc1",         /* vmcall */
        "\x0f\x01\xd9",         /* vmmcall */
        "\xf3\xa4",             /* rep movsb */
        "\xf3\xaa",             /* rep stosb */
        "\xcb",                 /* lret */
        "\x48\xcf",             /* iretq */
        "\x0f\x34",             /* sysenter */
        "\xff\x27",             /* jmp *(%rdi) */
        "\xf0\x48\x0f\xc7\x0e", /* lock cmpxchg8b (%rsi) */
        "\xd9\xf6",             /* fdecstp */
        "\x0f\xae\x17",         /* ldmxcsr (%rdi) */
        "\xf3\x90",             /* pause */
        "\xeb\xfe",             /* jmp . */
    };
    const char *text = texts[(r >> 8) % (sizeof(texts) / sizeof(texts[0]))];
    size_t n = strlen(text);
    memcpy(to, text, n);
    return n;
}

static bool put_code(uint64_t seed)
{
    uint8_t code[CODE_SIZE + 16];
    for (size_t at = 0; at < CODE_SIZE;) {
        uint64_t r = next(&seed);
        if (r % 5 == 0)
            at += instruction(r, code + at);
        else
            code[at++] = (uint8_t)(r >> 24);
    }
    return hl_machine_write(hl_sandbox_machine(c.sb), c.code, code, CODE_SIZE, 0) == CODE_SIZE ||
           bad("the code cannot be written");
}

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, 0);
}

/* It can be looked at, whatever it did. */
static bool inspect(uint64_t seed)
{
    static const char path[] = "/tmp/hl-chaos.core";
    struct hl_machine *m = hl_sandbox_machine(c.sb);
    struct hl_frame frames[64];
    struct hl_regs regs;
    char file[64];
    if (hl_machine_get_regs(m, &regs, &c.error))
        return bad(c.error.text);
    hl_symbols_backtrace(c.symbols, &regs, false, read_guest, m, frames, 64);
    if (seed % 101)
        return true;
    snprintf(file, sizeof(file), "%s.%d", path, getpid());
    int rc = hl_sandbox_core(c.sb, file, &c.error);
    unlink(file);
    return rc ? bad(c.error.text) : true;
}

static bool run(uint64_t seed, unsigned slow)
{
    struct hl_value arg = {.type = HL_U64, .u64 = seed * 0x9e3779b97f4a7c15ull}, result;
    memset(&c.error, 0, sizeof(c.error));
    arm(c.sb, slow);
    int rc = hl_sandbox_call(c.sb, "Chaos", &arg, 1, &result, &c.error);
    disarm();
    if (-rc < 32)
        c.ends[-rc]++;
    if (rc && (c.error.code != rc || !c.error.text[0]))
        return bad("an error without its text");
    enum hl_sandbox_state state = hl_sandbox_state(c.sb);
    if ((rc == 0 || rc == HL_ERR_GUEST_ERROR) != (state == HL_SANDBOX_READY) ||
        (rc == HL_ERR_EXITED) != (state == HL_SANDBOX_DEAD))
        return bad("a state that does not go with the error");
    if (rc && rc != HL_ERR_GUEST_ERROR && rc != HL_ERR_GUEST_ABORT && rc != HL_ERR_FAULT &&
        rc != HL_ERR_EXITED && rc != HL_ERR_INTERRUPTED && rc != HL_ERR_PROTOCOL)
        return bad(c.error.text);
    return inspect(seed);
}

/* The next call, of the restored sandbox or another one, is right. */
static bool recover(uint64_t seed)
{
    struct hl_value arg = {.type = HL_I32, .i32 = (int32_t)(seed % 1000)}, result = {0};
    if (seed % 16 == 15) {
        close_sandbox();
        if (!open_sandbox(seed % 32 == 31))
            return false;
    } else if (hl_sandbox_restore(c.sb, c.snapshot, &c.error)) {
        return bad(c.error.text);
    }
    if (hl_sandbox_call(c.sb, "Check", &arg, 1, &result, &c.error))
        return bad(c.error.text);
    if (result.i32 != arg.i32 + 1)
        return bad("the next call gave a wrong result");
    if (hl_sandbox_restore(c.sb, c.snapshot, &c.error))
        return bad(c.error.text);
    return true;
}

static bool one(uint64_t seed, unsigned slow)
{
    c.seed = seed;
    alarm(30 * slow);
    return put_code(seed + 1) && run(seed, slow) && canary_whole() && recover(seed) &&
           canary_whole();
}

/* ---- what is left ---- */

static int check_left(const struct left *before)
{
    struct left l = count_left();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const unsigned long more = 100000; /* what was freed is kept for a while */
#else
    const unsigned long more = 4096;
#endif
    bool fine = l.files == before->files && l.threads == before->threads &&
                l.resident < before->resident + more;
    printf("%sok chaos: nothing is left behind", fine ? "" : "not ");
    if (!fine)
        printf(": files %u, threads %u, pages %lu; before %u, %u, %lu", l.files, l.threads,
               l.resident, before->files, before->threads, before->resident);
    printf("\n");
    return fine ? 0 : 1;
}

static void on_alarm(int signal_number)
{
    static const char text[] = "a seed hangs\n";
    (void)signal_number;
    if (write(2, text, sizeof(text) - 1) < 0)
        _exit(1);
    abort();
}

static bool set_up(const char *guest)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&timer.wake, &attr);
    signal(SIGALRM, on_alarm);
    if (hl_image_open(&c.image, guest, &c.error) || hl_symbols_open(&c.symbols, c.image, &c.error))
        return bad(c.error.text);
    c.code = hl_symbols_address(c.symbols, "chaos_code");
    if (!c.code)
        return bad("no chaos_code in the guest");
    if (pthread_create(&timer.thread, NULL, watch, NULL))
        return bad("no thread");
    return open_sandbox(false);
}

static void tear_down(void)
{
    close_sandbox();
    hl_snapshot_destroy(c.snapshot);
    hl_symbols_close(c.symbols);
    hl_image_close(c.image);
    pthread_mutex_lock(&timer.lock);
    timer.end = true;
    pthread_cond_signal(&timer.wake);
    pthread_mutex_unlock(&timer.lock);
    pthread_join(timer.thread, NULL);
}

int main(int argc, char **argv)
{
    const char *text = getenv("HL_TEST_SLOW");
    unsigned slow = text && atoi(text) > 1 ? (unsigned)atoi(text) : 1;
    struct left before = {0};
    int failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 4) {
        fprintf(stderr, "usage: %s GUEST FIRST COUNT\n", argv[0]);
        return 64;
    }
    uint64_t first = strtoull(argv[2], NULL, 0), count = strtoull(argv[3], NULL, 0);
    if (!set_up(argv[1])) {
        printf("not ok chaos: %s\n", c.why);
        return 1;
    }
    for (uint64_t i = 0; i < count && !failed; i++) {
        if (i == 40)
            before = count_left();
        if (!one(first + i, slow)) {
            printf("not ok chaos: seed %llu: %s\n", (unsigned long long)c.seed, c.why);
            failed = 1;
        } else if ((i + 1) % 1000 == 0 || i + 1 == count) {
            printf("ok chaos: seeds %llu to %llu\n", (unsigned long long)(first + i - i % 1000),
                   (unsigned long long)(first + i));
        }
    }
    if (!failed && before.files)
        failed = check_left(&before);
    for (int i = 0; i < 32; i++)
        if (c.ends[i])
            printf("# %-12s %u\n", hl_err_name(-i), c.ends[i]);
    tear_down();
    return failed;
}
