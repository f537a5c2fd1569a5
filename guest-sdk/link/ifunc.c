/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ifunc.c - see ifunc.h.  The relocations say so: a program linked for one address has no dynamic
 * section that would, and an IFUNC that is not called is harmless.
 */
#include "ifunc.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* Calls `look` for each section of a type until it is true. */
static bool each_section(Elf *elf, uint32_t type,
                         bool (*look)(Elf *, Elf_Data *, GElf_Shdr *, void *), void *context)
{
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr header;
        Elf_Data *data;
        if (gelf_getshdr(scn, &header) && header.sh_type == type && header.sh_entsize &&
            (data = elf_getdata(scn, NULL)) && look(elf, data, &header, context))
            return true;
    }
    return false;
}

static bool look_for_irelative(Elf *elf, Elf_Data *data, GElf_Shdr *header, void *resolver)
{
    (void)elf;
    for (int i = 0; (uint64_t)i < header->sh_size / header->sh_entsize; i++) {
        GElf_Rela rela;
        if (gelf_getrela(data, i, &rela) && GELF_R_TYPE(rela.r_info) == R_X86_64_IRELATIVE) {
            *(uint64_t *)resolver = (uint64_t)rela.r_addend;
            return true;
        }
    }
    return false;
}

struct wanted {
    uint64_t resolver;
    const char *ifunc, *function; /* called so, and its resolver */
};

/* lld makes an ordinary function of an IFUNC whose address is taken; its resolver keeps its name.
 */
static bool look_for_name(Elf *elf, Elf_Data *data, GElf_Shdr *header, void *context)
{
    struct wanted *wanted = context;
    for (int i = 0; (uint64_t)i < header->sh_size / header->sh_entsize; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, i, &symbol) || symbol.st_value != wanted->resolver)
            continue;
        if (GELF_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
            wanted->ifunc = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
            wanted->function = elf_strptr(elf, header->sh_link, symbol.st_name);
    }
    return false;
}

bool ifunc_find(const char *path, char *name, size_t size)
{
    struct wanted wanted = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool found = elf && each_section(elf, SHT_RELA, look_for_irelative, &wanted.resolver);
    if (found)
        each_section(elf, SHT_SYMTAB, look_for_name, &wanted);
    if (found && wanted.ifunc)
        snprintf(name, size, "%s", wanted.ifunc);
    else if (found && wanted.function)
        snprintf(name, size, "the one of resolver %s", wanted.function);
    else if (found)
        snprintf(name, size, "the one of the resolver at 0x%llx",
                 (unsigned long long)wanted.resolver);
    elf_end(elf);
    close(fd);
    return found;
}
