/* SPDX-License-Identifier: Apache-2.0 */
/* What a debugger reads and writes: registers, memory, objects, signals and monitor commands. */
#include "data_rig.h"

/* ---- registers ---- */

typedef void register_fn(struct rig *r, unsigned number, const struct gdb_register *reg);

static void each_register(struct rig *r, register_fn *fn)
{
    const struct gdb_description *d = r->d->target.description;
    for (unsigned i = 0; i < d->feature_count; i++)
        for (unsigned n = 0; n < d->features[i]->count; n++)
            fn(r, d->features[i]->first + n, &d->features[i]->registers[n]);
}

static void read_by_size(struct rig *r, unsigned number, const struct gdb_register *reg)
{
    uint8_t data[2 * GDB_REGISTER_MAX];
    for (size_t size = 0; size <= sizeof(data); size++) {
        int rc = debug_ops.read_register(r->d, number, data, size);
        if (rc != (size == reg->bits / 8u ? 0 : HL_ERR_ARGUMENT))
            fail_msg("%s (%u), %zu bytes: %d", reg->name, number, size, rc);
    }
}

static void write_by_size(struct rig *r, unsigned number, const struct gdb_register *reg)
{
    uint8_t data[2 * GDB_REGISTER_MAX] = {0};
    size_t right = reg->bits / 8u;
    assert_int_equal(debug_ops.read_register(r->d, number, data, right), 0);
    for (size_t size = 0; size <= sizeof(data); size++) {
        int rc = debug_ops.write_register(r->d, number, data, size);
        if (rc != (size == right ? 0 : HL_ERR_ARGUMENT))
            fail_msg("%s (%u), %zu bytes: %d", reg->name, number, size, rc);
    }
}

/* Every one of the description, in its own size only; what is read can be written back. */
static void test_every_register(void **state)
{
    struct rig *r = *state;
    uint64_t value;

    stand(r);
    each_register(r, read_by_size);
    each_register(r, write_by_size);
    const unsigned bad[] = {59 + 1000, GDB_AMD64_REGISTERS, ~0u};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(debug_ops.read_register(r->d, bad[i], &value, 8), HL_ERR_ARGUMENT);
        assert_int_equal(debug_ops.write_register(r->d, bad[i], &value, 8), HL_ERR_ARGUMENT);
    }
}

/* Takes any bits, and keeps them. */
static bool is_plain(unsigned number)
{
    return !(number >= GDB_AMD64_EFLAGS && number <= GDB_AMD64_GS) &&
           !(number >= GDB_AMD64_FCTRL && number <= GDB_AMD64_FOP) && number != GDB_AMD64_MXCSR &&
           number != GDB_AMD64_ORIG_RAX && number != GDB_AMD64_RIP && number < GDB_AMD64_CR0;
}

static void write_pattern(struct rig *r, unsigned number, const struct gdb_register *reg)
{
    uint8_t data[GDB_REGISTER_MAX];
    if (!is_plain(number))
        return;
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(number * 7 + i);
    assert_int_equal(debug_ops.write_register(r->d, number, data, reg->bits / 8u), 0);
}

static void check_pattern(struct rig *r, unsigned number, const struct gdb_register *reg)
{
    uint8_t data[GDB_REGISTER_MAX];
    if (!is_plain(number))
        return;
    assert_int_equal(debug_ops.read_register(r->d, number, data, reg->bits / 8u), 0);
    for (unsigned i = 0; i < reg->bits / 8u; i++)
        if (data[i] != (uint8_t)(number * 7 + i))
            fail_msg("%s (%u): byte %u", reg->name, number, i);
}

/* Each is its own: none answers for another, and a resume brings them to the guest. */
static void test_registers_are_themselves(void **state)
{
    struct rig *r = *state;

    stand(r);
    each_register(r, write_pattern);
    each_register(r, check_pattern);
    uint64_t rbx = reg(r, GDB_AMD64_RBX), r15 = reg(r, GDB_AMD64_R8 + 7);
    set_reg(r, GDB_AMD64_RIP, r->text);
    CONTINUE(r);
    entered_at(r, r->text);
    assert_int_equal(r->v->regs.rbx, rbx);
    assert_int_equal(r->v->regs.r15, r15);
    assert_int_equal(r->v->regs.fs_base & 0xff, (GDB_AMD64_FS_BASE * 7) & 0xff);
    r->v->regs.rbx = 0x5555;
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(reg(r, GDB_AMD64_RBX), 0x5555); /* what was read before the resume is old */
}

/* The guest's own flags are the debugger's to set, the others are put right. */
static void test_flags(void **state)
{
    struct rig *r = *state;

    stand(r);
    set_reg(r, GDB_AMD64_EFLAGS, 0xffffffff);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x244dd5 | 0x202); /* no IOPL, VM, RF */
    set_reg(r, GDB_AMD64_EFLAGS, 0);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x202);
}

/* Selectors and control registers: read, written back, not changed. */
static void test_system_registers(void **state)
{
    struct rig *r = *state;
    uint32_t cs = 0;
    uint64_t cr3;

    stand(r);
    for (unsigned n = GDB_AMD64_CR0; n <= GDB_AMD64_EFER; n++) {
        uint64_t value = reg(r, n), other = value + 1;
        set_reg(r, n, value);
        int rc = debug_ops.write_register(r->d, n, &other, 8);
        assert_int_equal(rc, n == GDB_AMD64_CR2 ? 0 : HL_ERR_ARGUMENT);
        assert_int_equal(reg(r, n), n == GDB_AMD64_CR2 ? other : value);
    }
    for (unsigned n = GDB_AMD64_CS; n <= GDB_AMD64_GS; n++) {
        assert_int_equal(debug_ops.read_register(r->d, n, &cs, 4), 0);
        assert_int_equal(debug_ops.write_register(r->d, n, &cs, 4), 0);
        cs += 8;
        assert_int_equal(debug_ops.write_register(r->d, n, &cs, 4), HL_ERR_ARGUMENT);
    }
    cr3 = reg(r, GDB_AMD64_CR3);
    assert_int_equal(cr3, r->v->setup.tables->root);
    assert_int_equal(reg(r, GDB_AMD64_ORIG_RAX), UINT64_MAX);
    set_reg(r, GDB_AMD64_ORIG_RAX, 5); /* as GDB sees it in a process: until it runs again */
    assert_int_equal(reg(r, GDB_AMD64_ORIG_RAX), 5);
}

/* While the vCPU is in the shim the guest's registers lie on the ring-0 stack. */
static void test_registers_in_the_shim(void **state)
{
    struct rig *r = *state;
    uint32_t cs = 0, ss = 0;

    begin_attached(r);
    r->v->regs.rsp = r->stack;
    r->v->regs.rflags = 0x246;
    play_fault(r, r->text + 4, 13, 0, 0);
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 4);
    assert_int_equal(reg(r, GDB_AMD64_RSP), r->stack);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x246);
    assert_int_equal(debug_ops.read_register(r->d, GDB_AMD64_CS, &cs, 4), 0);
    assert_int_equal(debug_ops.read_register(r->d, GDB_AMD64_SS, &ss, 4), 0);
    assert_int_equal(cs, USER_CS);
    assert_int_equal(ss, USER_DS);
    set_reg(r, GDB_AMD64_RIP, r->text + 8);
    set_reg(r, GDB_AMD64_RSP, r->stack - 16);
    set_reg(r, GDB_AMD64_RAX, 77);
    CONTINUE(r);
    entered_at(r, r->text + 8);
    assert_int_equal(r->v->regs.rsp, r->stack - 16);
    assert_int_equal(r->v->regs.rax, 77);
}

/* Setting a register after an `out` does not take the guest back to it. */
static void test_registers_behind_an_out(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    CODE_AT(r, 0, 0xe6, HL_PORT_CALL, NOP);
    atomic_store(&r->host_waits, true);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    set_reg(r, GDB_AMD64_RBX, 12);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 2);
    atomic_store(&r->host_waits, false);
    CONTINUE(r);
    entered_at(r, r->text + 2);
    assert_int_equal(r->v->regs.rbx, 12);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    struct rig *r = *state;
    static uint8_t now[64 * PAGE], then[64 * PAGE];

    stand(r);
    const struct hl_region *boot = hl_sandbox_region(r->sb, REGION_BOOT);
    const struct hl_region *stack = hl_sandbox_region(r->sb, REGION_STACK);
    struct hl_boot block;
    assert_int_equal(debug_ops.read_memory(r->d, boot->start, &block, sizeof(block)),
                     sizeof(block));
    assert_int_equal(block.magic, HL_BOOT_MAGIC);
    /* As far as it goes: to the end of what is mapped there. */
    assert_int_equal(debug_ops.read_memory(r->d, boot->start, now, sizeof(now)), boot->size);
    assert_int_equal(debug_ops.read_memory(r->d, boot->start - 1, now, 2), 0);
    /* Read-only to the guest, not to its debugger. */
    assert_int_equal(debug_ops.write_memory(r->d, boot->start + 100, "x", 1), 1);
    assert_int_equal(debug_ops.write_memory(r->d, r->text + 100, "x", 1), 1);
    expect_byte(r, r->text + 100, 'x');
    /* Large, over many pages, not aligned to any. */
    for (size_t i = 0; i < sizeof(now); i++)
        now[i] = (uint8_t)(i * 31 + i / 256);
    hl_gva_t at = stack->start + 123;
    assert_int_equal(debug_ops.write_memory(r->d, at, now, sizeof(now)), sizeof(now));
    assert_int_equal(debug_ops.read_memory(r->d, at, then, sizeof(then)), sizeof(then));
    assert_memory_equal(now, then, sizeof(now));
    assert_int_equal(debug_ops.write_memory(r->d, stack->start + stack->size - 5, now, 100), 5);
}

static void test_memory_nowhere(void **state)
{
    struct rig *r = *state;
    uint8_t now[16];

    stand(r);
    const hl_gva_t bad[] = {0,
                            8,
                            0x1000,
                            SCRIPTED_OWN,
                            SCRIPTED_OWN + 0x1000,
                            1ull << 47,
                            0x8000000000000000,
                            ~0ull - 7,
                            hl_sandbox_region(r->sb, REGION_HEAP)->start};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(debug_ops.read_memory(r->d, bad[i], now, sizeof(now)), 0);
        assert_int_equal(debug_ops.write_memory(r->d, bad[i], now, sizeof(now)), 0);
    }
    assert_int_equal(debug_ops.read_memory(r->d, r->text, now, 0), 0);
}

/* ---- objects and commands ---- */

static void test_objects(void **state)
{
    struct rig *r = *state;
    struct gdb_file file;
    const void *data;
    size_t size, length;
    uint64_t offset = 1;
    uint8_t chance[16], none[16] = {0};
    char name[4096];

    stand(r);
    assert_int_equal(debug_ops.object(r->d, GDB_OBJECT_AUXV, &data, &size), 0);
    const Elf64_auxv_t *aux = data;
    assert_int_equal(size % sizeof(*aux), 0);
    assert_int_equal(aux[size / sizeof(*aux) - 1].a_type, AT_NULL);
    for (; aux->a_type != AT_ENTRY; aux++)
        assert_int_not_equal(aux->a_type, AT_NULL);
    assert_int_equal(aux->a_un.a_val, hl_image_entry(r->image));
    for (; aux->a_type != AT_RANDOM; aux++)
        assert_int_not_equal(aux->a_type, AT_NULL);
    assert_int_equal(debug_ops.read_memory(r->d, aux->a_un.a_val, chance, 16), 16);
    assert_memory_not_equal(chance, none, 16);
    for (; aux->a_type != AT_EXECFN; aux++)
        assert_int_not_equal(aux->a_type, AT_NULL);
    length = debug_ops.read_memory(r->d, aux->a_un.a_val, name, sizeof(name));
    assert_non_null(memchr(name, 0, length));
    assert_non_null(strstr(name, "tests/guest/"));
    assert_int_equal(debug_ops.object(r->d, GDB_OBJECT_MEMORY_MAP, &data, &size), 0);
    assert_int_equal(strlen(data), size);
    assert_null(strstr(data, "rom"));
    assert_non_null(strstr(data, "start=\"0x0\"")); /* a breakpoint at 0 fails, and says so */
    assert_int_equal(debug_ops.object(r->d, (enum gdb_object)7, &data, &size), HL_ERR_ARGUMENT);
    assert_int_equal(debug_ops.file(r->d, &file), 0);
    assert_int_equal(file.path[0], '/');
    assert_memory_equal(file.data, "\177ELF", 4);
    assert_int_equal(debug_ops.load_offset(r->d, &offset), 0);
    assert_int_equal(offset, 0);
}

static char *proc(struct rig *r, const char *name, size_t *size)
{
    void *data = NULL;

    assert_int_equal(debug_ops.proc(r->d, name, &data, size), 0);
    return data;
}

/* The formats are those GDB parses: proc(5). */
static void test_proc(void **state)
{
    struct rig *r = *state;
    size_t size;
    void *data;
    char perms[8], path[256];
    unsigned long long start, end, offset;
    int inode, pid;

    stand(r);
    char *text = proc(r, "maps", &size);
    assert_int_equal(strlen(text), size);
    assert_int_equal(sscanf(text, "%llx-%llx %7s %llx 00:00 %d %255s", &start, &end, perms, &offset,
                            &inode, path),
                     6);
    assert_int_equal(start, hl_image_segment(r->image, 0)->start);
    assert_in_range(end, start + 4096, start + hl_image_segment(r->image, 0)->size);
    assert_int_equal(inode, 1);
    assert_non_null(strstr(text, "[stack]\n"));
    assert_null(strstr(text, "wx")); /* never both */
    assert_null(strstr(text, "guard"));
    free(text);
    text = proc(r, "stat", &size);
    assert_int_equal(sscanf(text, "%d (%*[^)]) t 0 0 0 0 -1 %d", &pid, &inode), 2);
    assert_int_equal(pid, getpid());
    free(text);
    text = proc(r, "status", &size);
    assert_non_null(strstr(text, "\nUid:\t"));
    assert_non_null(strstr(text, "\nGid:\t"));
    free(text);
    text = proc(r, "exe", &size);
    assert_int_equal(text[0], '/');
    assert_string_equal(text, path);
    free(text);
    text = proc(r, "cmdline", &size); /* the program, and the call */
    assert_string_equal(text, path);
    assert_int_equal(text[size - 1], 0);
    free(text);
    text = proc(r, "smaps", &size); /* each row of maps, and what GDB looks for in it */
    assert_int_equal(strtoull(text, NULL, 16), start);
    assert_non_null(strstr(text, "\nAnonymous:             4 kB\n"));
    assert_non_null(strstr(text, "\nVmFlags: rd ex mr mw me ac\n"));
    assert_non_null(strstr(text, "\nVmFlags: rd wr mr mw me ac\n"));
    free(text);
    text = proc(r, "auxv", &size);
    const void *object;
    size_t object_size;
    assert_int_equal(debug_ops.object(r->d, GDB_OBJECT_AUXV, &object, &object_size), 0);
    assert_int_equal(size, object_size);
    assert_memory_equal(text, object, size);
    free(text);
    text = proc(r, "environ", &size); /* the guest was given none */
    assert_int_equal(size, 0);
    free(text);
    assert_int_equal(debug_ops.proc(r->d, "mem", &data, &size), HL_ERR_ARGUMENT);
    assert_int_equal(debug_ops.proc(r->d, "", &data, &size), HL_ERR_ARGUMENT);
    debug_ops.resume(r->d, &(struct gdb_resume){.how = GDB_CONTINUE});
    assert_int_equal(debug_ops.proc(r->d, "maps", &data, &size), HL_ERR_BUSY);
}

/* As /proc has them: the bytes on the guest's stack, unless it has written over the lists. */
static void test_proc_strings(void **state)
{
    struct rig *r = *state;
    const char *const argv[] = {"prog", "", "two words", NULL}, *const envp[] = {"A=1", "B=", NULL};
    const struct hl_sandbox_config config = {.argv = argv, .envp = envp};
    static const char args[] = "prog\0\0two words", environment[] = "A=1\0B=";
    size_t size;

    assert_int_equal(sandbox_create(&r->sb, r->image, &config,
                                    &(struct sandbox_parts){.backend = &scripted_backend},
                                    &r->error),
                     0);
    r->v = r->sb->machine->vcpu;
    assert_int_equal(debug_create(r->sb, NULL, &r->route->can, &r->error), 0);
    r->d = debug_of(r->sb);
    attach_idle(r);
    char *text = proc(r, "cmdline", &size);
    assert_int_equal(size, sizeof(args));
    assert_memory_equal(text, args, size);
    free(text);
    text = proc(r, "environ", &size);
    assert_int_equal(size, sizeof(environment));
    assert_memory_equal(text, environment, size);
    free(text);
    const uint64_t one = 1;
    uint64_t sp = reg(r, GDB_AMD64_RSP); /* argc */
    assert_int_equal(debug_ops.write_memory(r->d, sp, &one, 8), 8);
    text = proc(r, "environ", &size);
    assert_int_equal(size, 0);
    free(text);
    text = proc(r, "cmdline", &size);
    assert_string_equal(text, r->d->path);
    free(text);
}

struct page {
    struct gdb_printer printer;
    char text[4096];
};

static void print(struct gdb_printer *printer, const char *text, size_t size)
{
    struct page *page = (struct page *)printer;
    size_t at = strlen(page->text);
    assert_true(at + size < sizeof(page->text));
    memcpy(page->text + at, text, size);
}

static int monitor(struct rig *r, const char *name, const char *args, struct page *page)
{
    memset(page, 0, sizeof(*page));
    page->printer.print = print;
    for (unsigned i = 0; i < r->d->target.monitor_count; i++)
        if (strcmp(r->d->target.monitors[i].name, name) == 0)
            return r->d->target.monitors[i].run(r->d, args, &page->printer);
    fail_msg("no monitor command %s", name);
    return 0;
}

static void test_monitor(void **state)
{
    struct rig *r = *state;
    struct page page;

    begin_attached(r);
    play_fault(r, r->text + 3, 14, 6, 0x1234);
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(monitor(r, "fault", "", &page), 0);
    assert_non_null(strstr(page.text, "#PF"));
    assert_non_null(strstr(page.text, "address 0x1234"));
    assert_int_equal(monitor(r, "exits", "", &page), 0);
    assert_non_null(strstr(page.text, "faults"));
    assert_int_equal(monitor(r, "maps", "", &page), 0);
    assert_non_null(strstr(page.text, "r-x image"));
    assert_non_null(strstr(page.text, "stack"));
    assert_int_equal(monitor(r, "regs", "", &page), 0);
    assert_non_null(strstr(page.text, "cr3"));
    assert_int_equal(monitor(r, "calls", "", &page), 0);
    assert_non_null(strstr(page.text, "Add("));
    assert_int_not_equal(monitor(r, "snapshot", "", &page), 0);
    assert_int_not_equal(monitor(r, "restore", "", &page), 0);
    assert_int_not_equal(monitor(r, "catch", "nonsense", &page), 0);
    assert_int_equal(monitor(r, "catch", "host", &page), 0);
    assert_true(r->d->catch.hosts);
    assert_int_equal(monitor(r, "catch", "none", &page), 0);
    assert_false(r->d->catch.hosts);
}

/* Back to a snapshot with points in force: they stay, and are in none of its memory. */
static void test_monitor_snapshot(void **state)
{
    struct rig *r = *state;
    struct page page;

    rig_open(r);
    attach_idle(r);
    hl_gva_t pc = reg(r, GDB_AMD64_RIP);
    insert(r, GDB_WATCH_ACCESS, r->data + 0x100, 100);
    insert(r, GDB_SW_BREAK, r->text, 1);
    assert_int_equal(debug_ops.write_memory(r->d, r->data + 0x100, "old", 4), 4);
    assert_int_equal(monitor(r, "snapshot", "", &page), 0);
    assert_int_equal(debug_ops.write_memory(r->d, r->data + 0x100, "new", 4), 4);
    set_reg(r, GDB_AMD64_RIP, r->text + 5);
    assert_int_equal(monitor(r, "restore", "", &page), 0);
    expect_byte(r, r->data + 0x100, 'o');
    assert_int_equal(reg(r, GDB_AMD64_RIP), pc);
    set_reg(r, GDB_AMD64_RIP, r->text);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
    expect_nothing(r); /* going back was no access */
    assert_int_equal(scripted_prot(r->v, r->data), 0);
    play_int3(r, r->text);
    expect_break(r, GDB_STOP_SW_BREAK, r->text);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_every_register),
        ON_ALL_ROADS(test_registers_are_themselves),
        ON_ALL_ROADS(test_flags),
        ON_ALL_ROADS(test_system_registers),
        ON_ALL_ROADS(test_registers_in_the_shim),
        ON_ALL_ROADS(test_registers_behind_an_out),
        ON_ALL_ROADS(test_memory),
        ON_ALL_ROADS(test_memory_nowhere),
        ON_ALL_ROADS(test_objects),
        ON_ALL_ROADS(test_proc),
        ON_ALL_ROADS(test_proc_strings),
        ON_ALL_ROADS(test_monitor),
        ON_ALL_ROADS(test_monitor_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
