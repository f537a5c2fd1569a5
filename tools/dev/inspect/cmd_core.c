/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/cmd_core.c - hl-dev core: show a core file; needs no KVM. */
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "corefile.h"
#include "frames.h"
#include "hex.h"
#include "json.h"
#include "names.h"
#include "quote.h"
#include "options.h"
#include "ui.h"

#define ID_MAX 64
#define LISTED_MAX 65536u /* ranges of memory in the JSON document */

struct report {
    const char *path;
    struct corefile core;
    struct hl_image *image; /* NULL: the guest's file is not there, or another one */
    struct hl_symbols *symbols;
    struct backtrace stack;
};

/* ---- is it the guest's file? ---------------------------------------------------------------- */

/*
 * Memory that is not writable is the same as in the file; in a PIE that holds for its code only,
 * since the rest was relocated.
 */
static bool same_segment(struct corefile *core, const uint8_t *data, uint64_t size,
                         const GElf_Phdr *p, uint64_t bias)
{
    uint8_t here[4096];
    if (p->p_type != PT_LOAD || (p->p_flags & PF_W) || (bias && !(p->p_flags & PF_X)) ||
        p->p_offset > size || p->p_filesz > size - p->p_offset)
        return true;
    /* The file's header says where its sections are, which strip moves. */
    for (uint64_t at = p->p_offset ? 0 : sizeof(Elf64_Ehdr); at < p->p_filesz; at += sizeof(here)) {
        size_t n = p->p_filesz - at < sizeof(here) ? p->p_filesz - at : sizeof(here);
        size_t got = core_read(core, p->p_vaddr + bias + at, here, n);
        if (memcmp(here, data + p->p_offset + at, got) != 0)
            return false;
    }
    return true;
}

static bool same_code(struct corefile *core, const struct hl_image *image)
{
    size_t size, count;
    const void *data = hl_image_data(image, &size);
    bool same = !core->entry || core->entry == hl_image_entry(image);
    GElf_Phdr p;
    Elf *elf = elf_memory((char *)data, size); /* libelf does not write to it */
    if (elf && elf_getphdrnum(elf, &count) == 0)
        for (size_t i = 0; same && i < count && gelf_getphdr(elf, (int)i, &p); i++)
            same = same_segment(core, data, size, &p, hl_image_bias(image));
    elf_end(elf);
    return same;
}

/* A build ID as text, or "none". */
static void id_text(const uint8_t *id, size_t size, char text[2 * ID_MAX + 1])
{
    strcpy(text, "none");
    hex_encode(text, id, size);
    if (size)
        text[2 * size] = 0;
}

/*
 * The file's build ID, and what the core's memory has in the same place.  The note of a guest is in
 * a segment that is not writable.  False if the file has no build ID.
 */
static bool read_ids(struct corefile *core, const struct hl_image *image, uint8_t *file,
                     uint8_t *memory, size_t *size)
{
    size_t all, count;
    const void *data = hl_image_data(image, &all);
    Elf *elf = elf_memory((char *)(uintptr_t)data, all);
    const void *id = NULL;
    ssize_t n = elf ? dwelf_elf_gnu_build_id(elf, &id) : 0;
    bool found = false;
    GElf_Phdr p;
    *size = n > 0 && n <= ID_MAX ? (size_t)n : 0;
    if (*size)
        memcpy(file, id, *size);
    uint64_t at = *size ? (uint64_t)((const char *)id - (const char *)data) : 0;
    for (size_t i = 0; *size && !found && elf_getphdrnum(elf, &count) == 0 && i < count; i++)
        if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD && at >= p.p_offset &&
            at - p.p_offset < p.p_filesz && *size <= p.p_filesz - (at - p.p_offset))
            found = core_read(core, p.p_vaddr + hl_image_bias(image) + (at - p.p_offset), memory,
                              *size) == *size;
    elf_end(elf);
    return found;
}

static int other_guest(const char *path, const uint8_t *file, const uint8_t *memory, size_t size,
                       struct hl_error *error)
{
    char a[2 * ID_MAX + 1], b[2 * ID_MAX + 1];
    id_text(file, size, a);
    id_text(memory, size, b);
    hl_error_set(
        error, HL_ERR_FILE,
        size ? "%s: not the guest that the core file is of: its build ID is %s, that of the "
               "core %s"
             : "%s: not the guest that the core file is of",
        path, a, b);
    hl_error_hint(
        error, "it was rebuilt, or is another guest; name the right one: hl-dev core FILE GUEST");
    return HL_ERR_FILE;
}

static int open_guest(struct report *r, const char *path, struct hl_error *error)
{
    uint8_t file[ID_MAX], memory[ID_MAX];
    size_t size = 0;
    int rc = hl_image_open(&r->image, path, error);
    if (rc)
        return rc;
    bool known = read_ids(&r->core, r->image, file, memory, &size);
    bool same = known ? memcmp(file, memory, size) == 0 : same_code(&r->core, r->image);
    if (same && same_code(&r->core, r->image))
        return 0;
    hl_image_close(r->image);
    r->image = NULL;
    return other_guest(path, file, memory, known && !same ? size : 0, error);
}

/*
 * A core file need not be trusted, and the user has not asked for the file that it names as its
 * guest. That file is opened only if this has no side effect and shows no other user's data: if it
 * is a regular file of the user's or root's that others cannot write to.  NULL, or why not;
 * open_guest() reports a missing file.  If it is replaced meanwhile, the new file is read as a
 * guest, as any may be.
 */
static const char *why_not(const char *path)
{
    struct stat st;
    if (*path != '/')
        return "its path is not absolute";
    if (lstat(path, &st))
        return NULL;
    if (!S_ISREG(st.st_mode) || !st.st_size) /* one of /proc has no size, and may wait */
        return "not a regular file with something in it";
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return "it is another user's";
    return st.st_mode & S_IWOTH ? "anybody can write to it" : NULL;
}

/* A file that was asked for must be right; without the recorded one the report is shorter. */
static int find_guest(struct report *r, const char *wanted, struct hl_error *error)
{
    struct hl_error why;
    const char *reason = r->core.guest ? why_not(r->core.guest) : NULL;
    if (wanted)
        return open_guest(r, wanted, error);
    if (!r->core.guest) {
        ui_warning("the core file does not name its guest: no names and lines");
        ui_hint("hl-dev core FILE GUEST");
    } else if (reason) {
        ui_warning("the core file names %s as its guest, which is not opened: %s: no names and "
                   "lines",
                   r->core.guest, reason);
        ui_hint("hl-dev core FILE GUEST");
    } else if (open_guest(r, r->core.guest, &why)) {
        ui_warning("%s: no names and lines", why.text);
        ui_hint("hl-dev core FILE GUEST");
    }
    return 0;
}

/* ---- what it stood at ----------------------------------------------------------------------- */

/* After an int3, an `out` or a system call, rip is past the instruction that ended it. */
static bool stands_past(struct corefile *core)
{
    uint8_t code[2] = {0, 0};
    if (core->signal && core->signal != SIGTRAP && core->signal != SIGABRT)
        return false;
    if (core_read(core, core->regs.rip - sizeof(code), code, sizeof(code)) != sizeof(code))
        return false;
    return code[0] == 0xe6 || (code[0] == 0x0f && code[1] == 0x05) ||
           (core->signal == SIGTRAP && code[1] == 0xcc);
}

static void look(struct report *r)
{
    bool past = stands_past(&r->core);
    if (!r->image || hl_symbols_open(&r->symbols, r->image, NULL))
        r->symbols = NULL;
    if (r->symbols)
        backtrace_walk(&r->stack, r->symbols, &r->core.regs, past, core_read, &r->core);
    if (r->stack.count)
        return;
    r->stack.frame[0] = (struct hl_frame){.pc = r->core.regs.rip};
    r->stack.count = 1;
}

static const char *meaning(const struct corefile *c)
{
    static const struct {
        int signal, code;
        const char *text;
    } list[] = {
        {SIGSEGV, SEGV_MAPERR, "an address where nothing is mapped"},
        {SIGSEGV, SEGV_ACCERR, "an address that does not allow this access"},
        {SIGSEGV, SI_KERNEL, "a privileged instruction or an impossible address"},
        {SIGFPE, FPE_INTDIV, "integer division by zero, or its result too large"},
        {SIGFPE, FPE_FLTINV, "floating-point exception"},
        {SIGILL, ILL_ILLOPN, "an instruction the processor does not know"},
        {SIGBUS, BUS_ADRALN, "an address that is not aligned"},
        {SIGTRAP, TRAP_BRKPT, "a breakpoint instruction"},
        {SIGTRAP, TRAP_TRACE, "a single step"},
        {SIGABRT, SI_TKILL, "the guest aborted itself"},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i].signal == c->signal && list[i].code == c->code)
            return list[i].text;
    return NULL;
}

/* ---- telling it ----------------------------------------------------------------------------- */

static void print_signal(const struct corefile *c)
{
    const char *text = meaning(c);
    if (!c->signal) {
        puts("  no signal: the guest was idle, or interrupted");
        return;
    }
    printf("  signal %d SIG%s", c->signal, signal_name(c->signal));
    if (text)
        printf(": %s", text);
    if (c->has_address)
        printf("%s 0x%llx", text ? ":" : ", address", (unsigned long long)c->address);
    putchar('\n');
}

static void print_memory(const struct corefile *c)
{
    char prot[4];
    for (size_t i = 0; i < c->ranges; i++) {
        const struct core_range *m = &c->range[i];
        prot_text(m->prot, prot);
        printf("  0x%012llx-0x%012llx %s  %8llu KiB\n", (unsigned long long)m->start,
               (unsigned long long)m->end, prot, (unsigned long long)(m->end - m->start) >> 10);
    }
}

static void hint_gdb(const struct report *r)
{
    char *guest = quote_word(hl_image_path(r->image)), *path = quote_word(r->path);
    if (guest && path)
        ui_hint("to look around in it: gdb %s %s", guest, path);
    free(guest);
    free(path);
}

static int print_text(const struct report *r, bool memory)
{
    const struct corefile *c = &r->core;
    fputs(ui_bold(stdout), stdout);
    ui_clean(stdout, r->path);
    fputs(ui_plain(stdout), stdout);
    fputs(": core file of ", stdout);
    ui_clean(stdout, c->command[0] ? c->command : "an unknown program");
    putchar('\n');
    print_signal(c);
    backtrace_print(stdout, &r->stack);
    registers_print(stdout, &c->regs);
    if (memory)
        print_memory(c);
    int status = ui_finish(EXIT_FINE);
    if (r->image && !status)
        hint_gdb(r);
    return status;
}

static json_t *hex(uint64_t n)
{
    return json_sprintf("0x%llx", (unsigned long long)n);
}

static json_t *signal_json(const struct corefile *c)
{
    const char *text = meaning(c);
    json_t *o;
    if (!c->signal)
        return json_null();
    o = json_object();
    json_object_set_new(o, "number", json_integer(c->signal));
    json_object_set_new(o, "name", json_sprintf("SIG%s", signal_name(c->signal)));
    json_object_set_new(o, "code", json_integer(c->code));
    if (text)
        json_object_set_new(o, "meaning", json_string(text));
    if (c->has_address)
        json_object_set_new(o, "address", hex(c->address));
    return o;
}

static json_t *memory_json(const struct corefile *c)
{
    json_t *list = json_array();
    char prot[4];
    for (size_t i = 0; i < c->ranges && i < LISTED_MAX; i++) {
        json_t *o = json_object();
        prot_text(c->range[i].prot, prot);
        json_object_set_new(o, "start", hex(c->range[i].start));
        json_object_set_new(o, "end", hex(c->range[i].end));
        json_object_set_new(o, "prot", json_string(prot));
        json_array_append_new(list, o);
    }
    return list;
}

static int print_json(const struct report *r)
{
    const struct corefile *c = &r->core;
    const char *guest = r->image ? hl_image_path(r->image) : NULL;
    json_t *o = json_object();
    json_object_set_new(o, "core", json_text(r->path, strlen(r->path)));
    json_object_set_new(o, "guest", guest ? json_text(guest, strlen(guest)) : json_null());
    json_object_set_new(o, "command", json_text(c->command, strlen(c->command)));
    json_object_set_new(o, "signal", signal_json(c));
    json_object_set_new(o, "frames", backtrace_json(&r->stack));
    json_object_set_new(o, "registers", registers_json(&c->regs));
    json_object_set_new(o, "memory", memory_json(c));
    if (c->ranges > LISTED_MAX)
        json_object_set_new(o, "memory_omitted",
                            json_integer((json_int_t)(c->ranges - LISTED_MAX)));
    if (c->missing)
        json_object_set_new(o, "missing", json_integer((json_int_t)c->missing));
    json_object_set_new(o, "status", json_integer(EXIT_FINE));
    return json_print(o, EXIT_FINE);
}

static int error_json(const struct hl_error *error, int status)
{
    json_t *o = json_object();
    json_object_set_new(o, "error", json_error(error));
    json_object_set_new(o, "status", json_integer(status));
    return json_print(o, status);
}

static int core(const struct options *o)
{
    struct report r = {.path = o->target};
    struct hl_error error;
    int status;
    int rc = core_open(&r.core, o->target, &error);
    if (!rc && r.core.missing)
        ui_warning("%s is cut off: %llu bytes of memory are missing", o->target,
                   (unsigned long long)r.core.missing);
    if (!rc)
        rc = find_guest(&r, o->guest, &error);
    if (rc) {
        status = ui_library_error(&error);
        if (o->json)
            status = error_json(&error, status);
    } else {
        look(&r);
        status = o->json ? print_json(&r) : print_text(&r, o->verbose);
        symbols_hint(r.symbols);
    }
    hl_symbols_close(r.symbols);
    hl_image_close(r.image);
    core_close(&r.core);
    return status;
}

int cmd_core(int argc, char **argv)
{
    struct options options;
    int status = options_parse(&options, COMMAND_CORE, argc, argv);
    if (status < 0)
        status = core(&options);
    options_free(&options);
    return status;
}
