/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native.h - a program from guests/ that is compiled, run natively under ptrace until it stops, and
 * kept as registers and stack.
 */
#ifndef TESTS_NATIVE_H
#define TESTS_NATIVE_H

#include "child.h"
#include "files.h"
#include "general.h"
#include <dwarf.h>
#include <elf.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "../../hostlib/src/symbols/unwind.h"

#define FRAMES 64
#define STACK_BYTES 65536
#define NOSTDLIB "-nostdlib -static -no-pie "

struct guest {
    void *data; /* the file, mapped read-only */
    size_t size;
    struct hl_symbols *symbols;
    struct hl_regs regs;
    uint64_t bias;
    uint64_t stack_start;
    size_t stack_size;
    uint8_t stack[STACK_BYTES];
    struct hl_frame frames[FRAMES];
    size_t count;
};

static struct scratch scratch;

static inline size_t read_stack(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    const struct guest *g = opaque;
    uint64_t offset = gva - g->stack_start;

    if (gva < g->stack_start || offset >= g->stack_size)
        return 0;
    if (size > g->stack_size - offset)
        size = g->stack_size - offset;
    memcpy(buf, g->stack + offset, size);
    return size;
}

/* Compile in the temporary directory; $S are the sources. */
#define build(...) assert_int_equal(shell_in(scratch.dir, __VA_ARGS__), 0)

static inline void load(struct guest *g, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    int fd;

    scratch_path(&scratch, path, sizeof(path), name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    g->size = (size_t)st.st_size;
    g->data = mmap(NULL, g->size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(g->data != MAP_FAILED);
    close(fd);
}

static inline pid_t spawn(const char *name)
{
    char path[PATH_MAX];
    pid_t pid;
    int status;

    scratch_path(&scratch, path, sizeof(path), name);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, 1);
        personality(ADDR_NO_RANDOMIZE);
        alarm(20);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execl(path, name, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    status = child_wait(pid);
    if (!WIFSTOPPED(status))
        fail_msg("no ptrace here, or %s does not run", path);
    return pid;
}

static inline void get_regs(struct guest *g, pid_t pid)
{
    struct user_regs_struct u;

    assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &u), 0);
    g->regs = (struct hl_regs){.rflags = u.eflags};
    HL_GENERAL_COPY(&g->regs, &u);
}

/* Run on to the first stop, or into the system call whose number is given. */
static inline void run_to_stop(pid_t pid, long syscall_number)
{
    struct user_regs_struct u;
    int status;

    do {
        assert_int_equal(ptrace(syscall_number < 0 ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, 0), 0);
        status = child_wait(pid);
        assert_true(WIFSTOPPED(status));
        assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &u), 0);
    } while (syscall_number >= 0 && u.orig_rax != (unsigned long)syscall_number);
}

static inline void keep_stack(struct guest *g, pid_t pid)
{
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    n = pread(fd, g->stack, sizeof(g->stack), (off_t)g->regs.rsp);
    assert_true(n > 0);
    close(fd);
    g->stack_start = g->regs.rsp;
    g->stack_size = (size_t)n;
}

static inline void open_symbols(struct guest *g)
{
    struct hl_error error = {0};

    if (symbols_open_bytes(&g->symbols, g->data, g->size, g->bias, &error))
        fail_msg("%s", error.text);
}

static inline void walk(struct guest *g)
{
    g->count = hl_symbols_backtrace(g->symbols, &g->regs, false, read_stack, g, g->frames, FRAMES);
    assert_true(g->count >= 1 && g->count <= FRAMES);
}

static inline struct guest *run_into(const char *name, long syscall_number)
{
    struct guest *g = calloc(1, sizeof(*g));
    pid_t pid;

    assert_non_null(g);
    load(g, name);
    pid = spawn(name);
    get_regs(g, pid);
    g->bias = g->regs.rip - ((const Elf64_Ehdr *)g->data)->e_entry;
    run_to_stop(pid, syscall_number);
    get_regs(g, pid);
    keep_stack(g, pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    open_symbols(g);
    walk(g);
    return g;
}

static inline struct guest *run(const char *name)
{
    return run_into(name, -1);
}

static inline void done(struct guest *g)
{
    hl_symbols_close(g->symbols);
    munmap(g->data, g->size);
    free(g);
}

static inline void print_frames(const struct guest *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct hl_frame *f = &g->frames[i];

        print_message("#%zu %#lx cfa %#lx %s+%#lx %s:%d:%d%s%s\n", i, f->pc, f->cfa,
                      f->location.function ? f->location.function : "??", f->location.offset,
                      f->location.file ? f->location.file : "?", f->location.line,
                      f->location.column, f->inlined ? " inlined" : "",
                      f->uncertain ? " uncertain" : "");
    }
}

/* Names of the frames, separated by blanks: "?" before one that is uncertain, "~" inlined. */
static inline void expect(struct guest *g, const char *names)
{
    char got[1024] = "";
    size_t at = 0;

    for (size_t i = 0; i < g->count && at < sizeof(got) - 128; i++) {
        const struct hl_frame *f = &g->frames[i];

        at += (size_t)snprintf(got + at, 128, "%s%s%s%s", i ? " " : "", f->uncertain ? "?" : "",
                               f->inlined ? "~" : "",
                               f->location.function ? f->location.function : "-");
    }
    if (strcmp(got, names) != 0) {
        print_frames(g);
        fail_msg("expected \"%s\", got \"%s\"", names, got);
    }
}

static const char chain[] = "five four three two one main _start";

static inline void expect_chain(struct guest *g, bool lines)
{
    expect(g, chain);
    for (size_t i = 0; i + 1 < g->count; i++) {
        const struct hl_location *at = &g->frames[i].location;

        assert_true(g->frames[i].cfa > (i ? g->frames[i - 1].cfa : g->regs.rsp));
        if (!lines) {
            assert_null(at->file);
            continue;
        }
        assert_non_null(strstr(at->file, "guests/chain.c"));
        assert_true(at->line > 0 && at->column > 0);
    }
}

static inline uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 16 ^ *state << 37;
}

static inline int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return setenv("S", TEST_SOURCE "/symbols/guests", 1);
}

static inline int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf '%s'", scratch.dir);
}

#endif
