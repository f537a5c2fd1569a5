/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, lines and backtraces of real programs: each test compiles one from guests/, runs
 * it natively under ptrace until it stops, and keeps its registers and its stack.  What follows
 * needs the process no more.
 */
#include "child.h"
#include "files.h"
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

static size_t read_stack(void *opaque, hl_gva_t gva, void *buf, size_t size)
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

static void load(struct guest *g, const char *name)
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

static pid_t spawn(const char *name)
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

static void get_regs(struct guest *g, pid_t pid)
{
    struct user_regs_struct u;

    assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &u), 0);
    g->regs = (struct hl_regs){
        .rax = u.rax,
        .rbx = u.rbx,
        .rcx = u.rcx,
        .rdx = u.rdx,
        .rsi = u.rsi,
        .rdi = u.rdi,
        .rbp = u.rbp,
        .rsp = u.rsp,
        .r8 = u.r8,
        .r9 = u.r9,
        .r10 = u.r10,
        .r11 = u.r11,
        .r12 = u.r12,
        .r13 = u.r13,
        .r14 = u.r14,
        .r15 = u.r15,
        .rip = u.rip,
        .rflags = u.eflags,
    };
}

/* Run on to the first stop, or into the system call whose number is given. */
static void run_to_stop(pid_t pid, long syscall_number)
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

static void keep_stack(struct guest *g, pid_t pid)
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

static void open_symbols(struct guest *g)
{
    struct hl_error error = {0};

    if (hl_symbols_open_bytes(&g->symbols, g->data, g->size, g->bias, &error))
        fail_msg("%s", error.text);
}

static void walk(struct guest *g)
{
    g->count = hl_symbols_backtrace(g->symbols, &g->regs, false, read_stack, g, g->frames, FRAMES);
    assert_true(g->count >= 1 && g->count <= FRAMES);
}

static struct guest *run_into(const char *name, long syscall_number)
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

static struct guest *run(const char *name)
{
    return run_into(name, -1);
}

static void done(struct guest *g)
{
    hl_symbols_close(g->symbols);
    munmap(g->data, g->size);
    free(g);
}

static void print_frames(const struct guest *g)
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
static void expect(struct guest *g, const char *names)
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

static void expect_chain(struct guest *g, bool lines)
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

static void chain_case(const char *flags, bool lines)
{
    struct guest *g;

    build("gcc " NOSTDLIB "%s -o chain $S/start.S $S/chain.c", flags);
    g = run("chain");
    expect_chain(g, lines);
    if (lines)
        assert_int_equal(g->frames[0].location.line, 9);
    done(g);
}

static void test_chain_optimised(void **state)
{
    (void)state;
    chain_case("-O2 -g", true);
}

static void test_chain_unoptimised(void **state)
{
    (void)state;
    chain_case("-O0 -g", true);
}

static void test_chain_without_frame_pointer(void **state)
{
    (void)state;
    chain_case("-O2 -fomit-frame-pointer", false);
}

static void test_chain_debug_frame(void **state)
{
    (void)state;
    chain_case("-O1 -g -fno-asynchronous-unwind-tables", true);
}

static void test_chain_dwarf4_compressed(void **state)
{
    (void)state;
    chain_case("-O2 -gdwarf-4 -gz", true);
}

static void test_chain_frame_pointers_only(void **state)
{
    (void)state;
    chain_case("-O0 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer", false);
}

static void test_few_frames(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o chain $S/start.S $S/chain.c");
    g = run("chain");
    for (size_t max = 0; max < 8; max++) {
        size_t n = hl_symbols_backtrace(g->symbols, &g->regs, false, read_stack, g, g->frames, max);

        assert_int_equal(n, max < 7 ? max : 7);
    }
    done(g);
}

static void test_inlined(void **state)
{
    static const int line[] = {10, 17, 24, 30};
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o inline $S/start.S $S/inline.c");
    g = run("inline");
    expect(g, "~inner ~middle outer main _start");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(g->frames[i].location.line, line[i]);
        assert_non_null(strstr(g->frames[i].location.file, "inline.c"));
    }
    assert_int_equal(g->frames[0].pc, g->frames[2].pc);
    assert_int_equal(g->frames[0].cfa, g->frames[2].cfa);
    assert_int_equal(hl_symbols_backtrace(g->symbols, &g->regs, false, read_stack, g, g->frames, 2),
                     2);
    done(g);
}

#define BARE "-fno-asynchronous-unwind-tables -fomit-frame-pointer"

static void bare_case(const char *callee, const char *flags, const char *names)
{
    struct guest *g;

    build("gcc -O2 " BARE " -c -o bare.o $S/bare.c; gcc -c -o bare_asm.o $S/bare_asm.S; "
          "gcc " NOSTDLIB "-g %s -DCALLEE=%s -o bare $S/start.S $S/caller.c bare.o bare_asm.o",
          flags, callee);
    g = run("bare");
    expect(g, names);
    done(g);
}

static void test_bare_leaf(void **state)
{
    (void)state;
    bare_case("bare_leaf", "-O2", "bare_leaf caller main _start");
    bare_case("bare_leaf", "-O0", "bare_leaf caller main _start");
}

static void test_bare_leaf_through_pointer(void **state)
{
    (void)state;
    bare_case("bare_leaf", "-O2 -DPOINTER", "bare_leaf ?caller main _start");
    bare_case("bare_leaf", "-O0 -DPOINTER", "bare_leaf ?caller main _start");
}

static void test_bare_leaf_by_tail_call(void **state)
{
    (void)state;
    bare_case("bare_tail", "-O2", "bare_leaf ?caller main _start");
}

static void test_bare_changes_rbp(void **state)
{
    (void)state;
    bare_case("bare_rbp", "-O2", "bare_rbp caller main _start");
    bare_case("bare_rbp", "-O0", "bare_rbp caller main _start");
    bare_case("bare_rbp", "-O0 -DPOINTER", "bare_rbp ?caller main _start");
}

static void test_bare_first_instruction(void **state)
{
    (void)state;
    bare_case("bare_entry", "-O2 -DPOINTER", "bare_entry caller main _start");
    bare_case("bare_entry", "-O0", "bare_entry caller main _start");
}

static void test_hostile_cfi(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc -DHUGE_REGISTER -c -o huge.o $S/bare_asm.S; "
          "gcc " NOSTDLIB "-O0 -o chain $S/start.S $S/chain.c huge.o");
    g = run("chain");
    assert_null(g->symbols->eh_frame);
    expect(g, chain); /* by frame pointers */
    done(g);
}

static void test_call_to_nowhere(void **state)
{
    struct guest *g;

    (void)state;
    for (int level = 0; level <= 2; level++) {
        build("gcc " NOSTDLIB "-O%d -g -o null $S/start.S $S/caller.c", level);
        g = run("null");
        assert_int_equal(g->regs.rip, 0);
        expect(g, "- caller main _start");
        assert_int_equal(g->frames[1].location.line, 18);
        g->regs.rip = 0xdeadbeef00000000;
        walk(g);
        expect(g, "- caller main _start");
        done(g);
    }
}

static void test_overwritten_return_address(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    memset(g->stack + (g->frames[0].cfa - 8 - g->stack_start), 'A', 8);
    walk(g);
    expect(g, "five ?-");
    assert_int_equal(g->frames[1].pc, 0x4141414141414141);
    done(g);
}

static void test_overwritten_frame_pointer(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O0 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    /* five's saved rbp: CFI for four leads nowhere, but the stack still tells. */
    memset(g->stack + (g->frames[0].cfa - 16 - g->stack_start), 'A', 8);
    walk(g);
    expect(g, chain);
    done(g);
}

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 16 ^ *state << 37;
}

/* Overwrite part of the stack, or some words with what looks like parts of a stack. */
static void damage(struct guest *g, size_t bytes, uint64_t seed)
{
    uint64_t state = seed;
    size_t words = 1 + random_next(&state) % (bytes / 8);
    const struct hl_symbol *main_symbol =
        hl_table_find(g->symbols, hl_symbols_address(g->symbols, "main"));

    for (size_t i = 0; i < words; i++) {
        size_t at = random_next(&state) % bytes;
        uint64_t value = random_next(&state);

        if (seed % 3 == 1)
            value = g->stack_start + value % g->stack_size;
        else if (seed % 3 == 2)
            value = main_symbol->start + value % 256 - 128;
        at = seed & 1 ? at & ~(size_t)7 : at;
        memcpy(g->stack + at, &value, at + 8 <= sizeof(g->stack) ? 8 : 1);
    }
    if (seed % 5 == 0)
        g->regs.rbp = g->stack_start + random_next(&state) % bytes;
    if (seed % 7 == 0)
        g->regs.rsp += random_next(&state) % bytes;
    if (seed % 11 == 0)
        g->regs.rip = main_symbol->start + random_next(&state) % 64;
}

static void damaged_stacks(const char *program, unsigned seeds)
{
    struct guest *g = run(program);
    struct guest *copy = malloc(sizeof(*copy));

    assert_non_null(copy);
    for (uint64_t seed = 0; seed < seeds; seed++) {
        memcpy(copy, g, sizeof(*g));
        damage(copy, 512, seed);
        walk(copy);
        for (size_t i = 1; i < copy->count; i++)
            assert_true(copy->frames[i].cfa == 0 || copy->frames[i].cfa >= copy->frames[i - 1].cfa);
    }
    free(copy);
    done(g);
}

static void test_damaged_stacks(void **state)
{
    (void)state;
    build("gcc " NOSTDLIB "-O0 -o chain0 $S/start.S $S/chain.c");
    build("gcc " NOSTDLIB "-O2 -g -o chain2 $S/start.S $S/chain.c");
    build("gcc -O2 " BARE " -c -o bare.o $S/bare.c; "
          "gcc " NOSTDLIB "-O0 -DCALLEE=bare_tail -o bare $S/start.S $S/caller.c bare.o");
    damaged_stacks("chain0", 4000);
    damaged_stacks("chain2", 2000);
    damaged_stacks("bare", 4000);
}

static void test_endless_stack(void **state)
{
    struct guest *g;
    uint64_t value;

    (void)state;
    build("gcc " NOSTDLIB "-O0 " BARE " -fno-omit-frame-pointer -o fp $S/start.S $S/chain.c");
    g = run("fp");
    /* A frame pointer that leads to itself. */
    value = g->regs.rbp;
    memcpy(g->stack + (g->regs.rbp - g->stack_start), &value, 8);
    walk(g);
    assert_string_equal(g->frames[1].location.function, "four");
    assert_true(g->count < FRAMES);
    g->regs.rsp |= 1;
    g->regs.rbp |= 1;
    walk(g);
    expect(g, "five");
    g->regs.rsp = 8;
    walk(g);
    expect(g, "five");
    done(g);
}

static void test_stripped(void **state)
{
    struct hl_location at;
    struct guest *g;
    uint64_t pc[FRAMES];

    (void)state;
    build("gcc " NOSTDLIB "-O2 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    for (size_t i = 0; i < g->count; i++)
        pc[i] = g->frames[i].pc;
    done(g);
    build("strip chain");
    g = run("chain");
    expect(g, "- - - - - - -");
    for (size_t i = 0; i < g->count; i++)
        assert_int_equal(g->frames[i].pc, pc[i]);
    assert_false(hl_symbols_find(g->symbols, g->regs.rip, &at));
    assert_int_equal(hl_symbols_address(g->symbols, "main"), 0);
    done(g);
}

/* Debug information, but a symbol table that nobody can find. */
static void test_debug_info_without_symbols(void **state)
{
    uint64_t main_address, counter_address;
    struct guest *g;
    Elf64_Ehdr *header;
    Elf64_Shdr *section;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o chain $S/start.S $S/chain.c");
    g = run("chain");
    main_address = hl_symbols_address(g->symbols, "main");
    counter_address = hl_symbols_address(g->symbols, "counter");
    assert_true(main_address != 0 && counter_address != 0);
    hl_symbols_close(g->symbols);
    assert_int_equal(mprotect(g->data, g->size, PROT_READ | PROT_WRITE), 0);
    header = g->data;
    section = (Elf64_Shdr *)((char *)g->data + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (section[i].sh_type == SHT_SYMTAB)
            section[i].sh_type = SHT_PROGBITS;
    }
    open_symbols(g);
    walk(g);
    expect(g, "five four three two one main _start");
    assert_int_equal(hl_symbols_address(g->symbols, "main"), main_address);
    assert_int_equal(hl_symbols_address(g->symbols, "counter"), counter_address);
    done(g);
}

static void test_pie(void **state)
{
    struct hl_location at;
    struct guest *g;

    (void)state;
    build("gcc -nostdlib -static-pie -fPIE -O2 -g -o pie $S/start.S $S/chain.c");
    g = run("pie");
    assert_true(g->bias != 0);
    expect_chain(g, true);
    assert_true(hl_symbols_find(g->symbols, hl_symbols_address(g->symbols, "three"), &at));
    assert_string_equal(at.function, "three");
    assert_int_equal(at.offset, 0);
    assert_false(
        hl_symbols_find(g->symbols, hl_symbols_address(g->symbols, "three") - g->bias, &at));
    done(g);
}

static void test_find(void **state)
{
    struct hl_location at;
    struct guest *g;
    hl_gva_t start, end, label;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -falign-functions=64 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    start = hl_symbols_address(g->symbols, "five");
    assert_true(hl_symbols_function(g->symbols, start, &start, &end));
    assert_true(end > start && end - start < 64);
    assert_true(hl_symbols_find(g->symbols, end - 1, &at));
    assert_string_equal(at.function, "five");
    assert_int_equal(at.offset, end - 1 - start);
    assert_false(hl_symbols_find(g->symbols, end, &at)); /* padding has no name */
    assert_null(at.function);

    label = hl_symbols_address(g->symbols, "plain_label");
    assert_true(hl_symbols_find(g->symbols, label + 1, &at));
    assert_string_equal(at.function, "plain_label");
    assert_int_equal(at.offset, 1);
    assert_true(hl_symbols_find(g->symbols, label - 1, &at));
    assert_string_equal(at.function, "_start");

    assert_false(hl_symbols_find(g->symbols, 0, &at));
    assert_false(hl_symbols_find(g->symbols, UINT64_MAX, &at));
    assert_false(hl_symbols_find(g->symbols, hl_symbols_address(g->symbols, "counter"), &at));
    assert_int_equal(hl_symbols_address(g->symbols, "no such name"), 0);
    done(g);
}

static void test_musl_system_call(void **state)
{
    struct guest *g;
    size_t last;

    (void)state;
    for (int level = 0; level <= 2; level += 2) {
        build("musl-gcc -static -no-pie -g -O%d -o print $S/print.c", level);
        g = run_into("print", 20); /* writev */
        for (last = 0; last < g->count; last++) {
            const char *name = g->frames[last].location.function;

            if (name && strcmp(name, "report") == 0)
                break;
        }
        if (getenv("HL_TEST_VERBOSE"))
            print_frames(g);
        if (last + 1 >= g->count) {
            print_frames(g);
            fail_msg("report() was not found");
        }
        assert_false(g->frames[last].uncertain);
        assert_string_equal(g->frames[last - 1].location.function, "printf");
        assert_string_equal(g->frames[last + 1].location.function, "main");
        assert_false(g->frames[last + 1].uncertain);
        assert_int_equal(g->frames[last].location.line, 7);
        done(g);
    }
}

/* Change bytes of the file; some of what is asked touches every part of the code. */
static void test_damaged_files(void **state)
{
    struct hl_location at;
    struct guest *g;
    uint8_t *bytes, *original;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o inline $S/start.S $S/inline.c");
    g = run("inline");
    hl_symbols_close(g->symbols);
    g->symbols = NULL;
    original = g->data;
    bytes = mmap(NULL, g->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(bytes != MAP_FAILED);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed;
        size_t changes = 1 + random_next(&random) % 16;

        mprotect(bytes, g->size, PROT_READ | PROT_WRITE);
        memcpy(bytes, original, g->size);
        for (size_t i = 0; i < changes; i++) {
            size_t where = random_next(&random) % g->size;

            bytes[where] = (uint8_t)random_next(&random);
        }
        mprotect(bytes, g->size, PROT_READ); /* the image is not theirs to write */
        if (hl_symbols_open_bytes(&g->symbols, bytes, g->size, 0, NULL)) {
            assert_null(g->symbols);
            continue;
        }
        walk(g);
        hl_symbols_find(g->symbols, g->regs.rip + 1, &at);
        hl_symbols_address(g->symbols, "main");
        hl_symbols_address(g->symbols, "no such name");
        hl_symbols_breakpoint(g->symbols, "outer");
        hl_symbols_close(g->symbols);
        g->symbols = NULL;
    }
    munmap(bytes, g->size);
    done(g);
}

static void test_not_elf(void **state)
{
    struct hl_symbols *symbols;
    struct hl_error error;

    (void)state;
    assert_int_equal(hl_symbols_open_bytes(&symbols, "nothing", 7, 0, &error), HL_ERR_BAD_IMAGE);
    assert_null(symbols);
    assert_int_equal(hl_symbols_open_bytes(&symbols, "", 0, 0, NULL), HL_ERR_BAD_IMAGE);
    hl_symbols_close(NULL);
}

static bool evaluate(const Dwarf_Op *ops, size_t count, uint64_t *value)
{
    static struct guest memory = {.stack_start = 0x1000, .stack_size = 16};
    struct unwind_memory reader = {read_stack, &memory};
    struct unwind_regs regs = {.known = 1u << UNWIND_RSP | 1u << UNWIND_RBP,
                               .suspect = 1u << UNWIND_RBP};
    struct unwind_expr expr = {.regs = &regs, .memory = &reader, .cfa = 0x2000};

    regs.value[UNWIND_RSP] = 0x1000;
    memset(memory.stack, 0x5a, 16);
    return unwind_expr_value(&expr, ops, count, value);
}

#define EVALUATE(value, ...)                                                                       \
    evaluate((const Dwarf_Op[]){__VA_ARGS__},                                                      \
             sizeof((const Dwarf_Op[]){__VA_ARGS__}) / sizeof(Dwarf_Op), value)

static void test_expressions(void **state)
{
    uint64_t value;

    (void)state;
    assert_true(EVALUATE(&value, {.atom = DW_OP_breg7, .number = 16}));
    assert_int_equal(value, 0x1010);
    assert_true(EVALUATE(&value, {.atom = DW_OP_breg7}, {.atom = DW_OP_deref}));
    assert_int_equal(value, 0x5a5a5a5a5a5a5a5a);
    assert_true(EVALUATE(&value, {.atom = DW_OP_call_frame_cfa}, {.atom = DW_OP_lit8},
                         {.atom = DW_OP_minus}));
    assert_int_equal(value, 0x1ff8);
    assert_true(EVALUATE(&value, {.atom = DW_OP_const1s, .number = (Dwarf_Word)-7},
                         {.atom = DW_OP_lit2}, {.atom = DW_OP_shra}));
    assert_int_equal(value, (uint64_t)-2);
    assert_true(EVALUATE(&value, {.atom = DW_OP_lit1},
                         {.atom = DW_OP_bra, .number = 1, .offset = 1},
                         {.atom = DW_OP_lit2, .offset = 4}, {.atom = DW_OP_lit3, .offset = 5}));
    assert_int_equal(value, 3);

    assert_false(evaluate(NULL, 0, &value));
    assert_false(EVALUATE(&value, {.atom = DW_OP_plus}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_rot}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_breg3})); /* unknown register */
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_deref})); /* no memory */
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit0}, {.atom = DW_OP_div}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_pick, .number = 1}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_form_tls_address}));
    /* Jumps for ever, with and without filling the stack. */
    assert_false(EVALUATE(&value, {.atom = DW_OP_skip, .number = (Dwarf_Word)-3}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1},
                          {.atom = DW_OP_skip, .number = (Dwarf_Word)-4, .offset = 1}));
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return setenv("S", TEST_SOURCE "/symbols/guests", 1);
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf '%s'", scratch.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_optimised),
        cmocka_unit_test(test_chain_unoptimised),
        cmocka_unit_test(test_chain_without_frame_pointer),
        cmocka_unit_test(test_chain_debug_frame),
        cmocka_unit_test(test_chain_dwarf4_compressed),
        cmocka_unit_test(test_chain_frame_pointers_only),
        cmocka_unit_test(test_few_frames),
        cmocka_unit_test(test_inlined),
        cmocka_unit_test(test_bare_leaf),
        cmocka_unit_test(test_bare_leaf_through_pointer),
        cmocka_unit_test(test_bare_leaf_by_tail_call),
        cmocka_unit_test(test_bare_changes_rbp),
        cmocka_unit_test(test_bare_first_instruction),
        cmocka_unit_test(test_hostile_cfi),
        cmocka_unit_test(test_call_to_nowhere),
        cmocka_unit_test(test_overwritten_return_address),
        cmocka_unit_test(test_overwritten_frame_pointer),
        cmocka_unit_test(test_damaged_stacks),
        cmocka_unit_test(test_endless_stack),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_debug_info_without_symbols),
        cmocka_unit_test(test_pie),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_musl_system_call),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_not_elf),
        cmocka_unit_test(test_expressions),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
