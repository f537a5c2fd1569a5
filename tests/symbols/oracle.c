/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle FILE [OTHER [ADDRESSES]]: what hl_symbols says of a program against libdw, which reads the
 * same one, or OTHER, of the same code.  At each place: file, line and column, the functions that
 * are inlined there with the lines of their calls, and the function, with and without a symbol
 * table.  Prints how many places it compared, and each difference; status 1 where there is one.
 */
#include <dwarf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols_impl.h"

#define FRAMES 64
#define SHOWN 20 /* differences */

struct function {
    Dwarf_Addr low, high;
    Dwarf_Die die;
};

struct oracle {
    Dwarf *dwarf;
    Elf *elf;
    Dwarf_Die cu; /* with lines: the skeleton of a split one */
    struct function *function;
    size_t count, room;
    Elf_Data *symbols;
    size_t strings;
};

/* A frame as it should be. */
struct frame {
    const char *name, *file;
    int line, column;
};

static unsigned long places, chains, inlined, scopes, differences;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "oracle: %s: %s\n", path, what);
    exit(2);
}

/* ---- libdw ---------------------------------------------------------------------------------- */

static void open_oracle(struct oracle *o, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf_Scn *scn = NULL;

    elf_version(EV_CURRENT);
    o->dwarf = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);
    if (!o->dwarf)
        die("libdw finds no debug information", path);
    o->elf = dwarf_getelf(o->dwarf);
    while ((scn = elf_nextscn(o->elf, scn)) != NULL) {
        GElf_Shdr sh;

        if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB) {
            o->symbols = elf_getdata(scn, NULL);
            o->strings = sh.sh_link;
        }
    }
}

static void add(struct oracle *o, Dwarf_Die *die)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t offset = 0;

    while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
        if (o->count == o->room) {
            o->room = o->room ? 2 * o->room : 64;
            o->function = realloc(o->function, o->room * sizeof(*o->function));
        }
        o->function[o->count++] = (struct function){low, high, *die};
    }
}

/* All functions of a unit, wherever they stand. */
static void collect(struct oracle *o, Dwarf_Die *parent)
{
    Dwarf_Die child;

    if (dwarf_child(parent, &child) != 0)
        return;
    do {
        if (dwarf_tag(&child) == DW_TAG_subprogram)
            add(o, &child);
        collect(o, &child);
    } while (dwarf_siblingof(&child, &child) == 0);
}

static bool is_block(const Dwarf_Die *die)
{
    switch (dwarf_tag((Dwarf_Die *)die)) {
    case DW_TAG_inlined_subroutine:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
        return true;
    default:
        return false;
    }
}

/* What is inlined at pc, from the function on. */
static size_t descend(Dwarf_Die *function, Dwarf_Addr pc, Dwarf_Die *chain)
{
    Dwarf_Die at = *function, child;
    size_t count = 0;

    chain[count++] = at;
    while (dwarf_child(&at, &child) == 0) {
        bool found = false;

        do {
            if (is_block(&child) && dwarf_haspc(&child, pc) > 0) {
                if (dwarf_tag(&child) == DW_TAG_inlined_subroutine && count < HL_CHAIN_MAX)
                    chain[count++] = child;
                at = child;
                found = true;
            }
        } while (!found && dwarf_siblingof(&child, &child) == 0);
        if (!found)
            break;
    }
    return count;
}

static size_t chain_at(const struct oracle *o, Dwarf_Addr pc, Dwarf_Die *chain)
{
    const struct function *found = NULL;

    for (size_t i = 0; i < o->count; i++) {
        const struct function *f = &o->function[i];

        if (pc >= f->low && pc < f->high && (!found || f->die.addr < found->die.addr))
            found = f;
    }
    return found ? descend((Dwarf_Die *)&found->die, pc, chain) : 0;
}

/* The same through libdw's own search, where that finds a function (it enters no namespaces). */
static size_t scopes_at(Dwarf_Die *cu, Dwarf_Addr pc)
{
    Dwarf_Die *inner, *outer;
    size_t count = 0;
    bool function = false;

    if (dwarf_getscopes(cu, pc, &inner) <= 0)
        return 0;
    int n = dwarf_getscopes_die(&inner[0], &outer);

    for (int i = 0; i < n && !function; i++) {
        int tag = dwarf_tag(&outer[i]);

        count += tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
        function = tag == DW_TAG_subprogram;
    }
    free(inner);
    if (n > 0)
        free(outer);
    return function ? count : 0;
}

static const char *name_of(Dwarf_Die *die)
{
    Dwarf_Attribute attr;

    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))
        return dwarf_formstring(&attr);
    return dwarf_diename(die);
}

static int number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    Dwarf_Word value;

    return dwarf_attr(die, name, &attr) && dwarf_formudata(&attr, &value) == 0 ? (int)value : 0;
}

static void line_at(const struct oracle *o, Dwarf_Addr pc, struct frame *frame)
{
    Dwarf_Line *line = dwarf_getsrc_die((Dwarf_Die *)&o->cu, pc);

    frame->file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
    if (frame->file) {
        dwarf_lineno(line, &frame->line);
        dwarf_linecol(line, &frame->column);
    }
}

static void call_site(const struct oracle *o, Dwarf_Die *die, struct frame *frame)
{
    Dwarf_Files *files;
    size_t count;

    if (dwarf_getsrcfiles((Dwarf_Die *)&o->cu, &files, &count) == 0 &&
        dwarf_attr(die, DW_AT_call_file, &(Dwarf_Attribute){0}))
        frame->file = dwarf_filesrc(files, (size_t)number(die, DW_AT_call_file), NULL, NULL);
    if (frame->file) {
        frame->line = number(die, DW_AT_call_line);
        frame->column = number(die, DW_AT_call_column);
    }
}

static size_t frames_at(const struct oracle *o, Dwarf_Addr pc, struct frame *frames)
{
    Dwarf_Die chain[HL_CHAIN_MAX];
    size_t count = chain_at(o, pc, chain);

    memset(frames, 0, FRAMES * sizeof(*frames));
    line_at(o, pc, &frames[0]);
    for (size_t i = 0; i < count; i++) {
        Dwarf_Die *die = &chain[count - 1 - i];

        frames[i].name = name_of(die);
        if (i + 1 < count)
            call_site(o, die, &frames[i + 1]);
    }
    return count;
}

/* ---- the comparison ------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void differs(Dwarf_Addr pc, const char *what, const char *is, const char *should)
{
    if (differences++ < SHOWN)
        printf("# 0x%lx: %s: %s, libdw: %s\n", (unsigned long)pc, what, is ? is : "nothing",
               should ? should : "nothing");
}

static void compare_numbers(Dwarf_Addr pc, const char *what, int is, int should)
{
    char a[16], b[16];

    if (is == should)
        return;
    snprintf(a, sizeof(a), "%d", is);
    snprintf(b, sizeof(b), "%d", should);
    differs(pc, what, a, b);
}

static void compare_frames(struct hl_symbols *bare, const struct oracle *o, Dwarf_Addr pc)
{
    static struct hl_frame frames[FRAMES];
    static struct frame expected[FRAMES];
    size_t count = hl_symbols_expand(bare, pc, frames, FRAMES);
    size_t should = frames_at(o, pc, expected), theirs = scopes_at((Dwarf_Die *)&o->cu, pc);

    chains += should != 0;
    inlined += should > 1;
    scopes += theirs != 0;
    if (theirs && theirs != should)
        compare_numbers(pc, "the oracle's two ways", (int)should, (int)theirs);
    if (count != (should ? should : 1)) {
        compare_numbers(pc, "frames", (int)count, (int)should);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct hl_location *l = &frames[i].location;

        if (!same(l->linkage, expected[i].name))
            differs(pc, "function", l->linkage, expected[i].name);
        if (!same(l->file, expected[i].file))
            differs(pc, "file", l->file, expected[i].file);
        compare_numbers(pc, "line", l->line, expected[i].line);
        /* One that is not in 16 bits is not kept. */
        if (expected[i].column <= UINT16_MAX || i)
            compare_numbers(pc, "column", l->column, expected[i].column);
    }
}

/* The symbol table's word: a name that stands there for this address. */
static void compare_symbol(struct hl_symbols *symbols, const struct oracle *o, Dwarf_Addr pc)
{
    struct hl_location l = {0};
    const char *any = NULL;
    GElf_Sym sym;

    hl_symbols_find(symbols, pc, &l);
    for (int i = 0; o->symbols && gelf_getsym(o->symbols, i, &sym); i++) {
        if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || pc < sym.st_value ||
            pc - sym.st_value >= sym.st_size || sym.st_shndx == SHN_UNDEF)
            continue;
        any = elf_strptr(o->elf, o->strings, sym.st_name);
        if (same(any, l.linkage) && l.offset == pc - sym.st_value)
            return;
    }
    if (any)
        differs(pc, "symbol", l.linkage, any);
}

static struct hl_symbols *open_symbols(const char *path, bool table)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct hl_symbols *symbols;
    struct hl_error error = {0};
    struct stat st;
    void *data = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0)
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED || hl_symbols_open_bytes(&symbols, data, (size_t)st.st_size, 0, &error))
        die("hl_symbols does not open it", path);
    close(fd);
    symbols->path = realpath(path, NULL);
    symbols->table_read = !table;
    return symbols;
}

static void close_symbols(struct hl_symbols *symbols)
{
    void *data = (void *)(uintptr_t)symbols->data;
    char *path = (char *)(uintptr_t)symbols->path;
    size_t size = symbols->size;

    hl_symbols_close(symbols);
    munmap(data, size);
    free(path);
}

struct pair {
    struct hl_symbols *symbols, *bare; /* bare: without the symbol table */
};

static void compare_unit(struct pair *p, struct oracle *o, Dwarf_Die *unit, Dwarf_Addr step)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t offset = 0;

    o->count = 0;
    collect(o, unit);
    while ((offset = dwarf_ranges(&o->cu, offset, &base, &low, &high)) > 0) {
        for (Dwarf_Addr pc = low; pc < high; pc += step) {
            if (!hl_code_at(p->bare, pc, &(size_t){0}))
                break;
            places++;
            compare_frames(p->bare, o, pc);
            compare_symbol(p->symbols, o, pc);
        }
    }
}

static Dwarf_Addr code_size(Dwarf *dwarf)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Addr base, low, high, all = 0;
    Dwarf_Die die;

    while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &die, NULL) == 0) {
        ptrdiff_t offset = 0;

        while ((offset = dwarf_ranges(&die, offset, &base, &low, &high)) > 0)
            all += high - low;
    }
    return all;
}

int main(int argc, char **argv)
{
    struct oracle o = {0};
    struct pair p;
    unsigned long wanted = argc > 3 ? strtoul(argv[3], NULL, 0) : 20000;
    Dwarf_CU *cu = NULL;
    Dwarf_Die sub;
    Dwarf_Addr step;
    uint8_t type;

    if (argc < 2)
        die("usage: oracle FILE [OTHER [ADDRESSES]]", "no file");
    open_oracle(&o, argc > 2 ? argv[2] : argv[1]);
    p.symbols = open_symbols(argv[1], true);
    p.bare = open_symbols(argv[1], false);
    /* An odd step comes to all places within instructions. */
    step = (code_size(o.dwarf) / (wanted ? wanted : 1)) | 1;
    while (dwarf_get_units(o.dwarf, cu, &cu, NULL, &type, &o.cu, &sub) == 0) {
        if (dwarf_tag(&o.cu) == DW_TAG_compile_unit || type == DW_UT_skeleton)
            compare_unit(&p, &o, type == DW_UT_skeleton && sub.cu ? &sub : &o.cu, step);
    }
    if (hl_symbols_missing(p.bare))
        differs(0, "missing", hl_symbols_missing(p.bare), NULL);
    printf("# %lu places, %lu in functions, %lu in inlined ones, %lu by dwarf_getscopes(), %lu "
           "differ\n",
           places, chains, inlined, scopes, differences);
    close_symbols(p.symbols);
    close_symbols(p.bare);
    dwarf_end(o.dwarf);
    free(o.function);
    return differences != 0 || places == 0;
}
