/* SPDX-License-Identifier: Apache-2.0 */
#include "tiny.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <hl/abi.h>

#define BASE 0x400000ull
#define FUNCTIONS 11
#define IMPORTS 2

static struct {
    Elf64_Ehdr header;
    Elf64_Phdr ph[3];
    Elf64_Nhdr note;
    char name[4];
    struct hl_note hl;
    _Alignas(8) struct hl_desc functions[FUNCTIONS];
    struct hl_desc imports[IMPORTS];
    uint8_t code[16];
    _Alignas(4096) uint8_t data[64];
} file;

#define PLACE(field) (BASE + offsetof(__typeof__(file), field))

static struct hl_desc desc(const char *name, enum hl_type result, unsigned count, enum hl_type arg)
{
    struct hl_desc d = {.entry = PLACE(code), .thunk = PLACE(code)};
    d.result = (uint8_t)result;
    d.count = (uint8_t)count;
    for (unsigned i = 0; i < count; i++)
        d.args[i] = (uint8_t)arg;
    strcpy(d.name, name);
    return d;
}

static void fill(void)
{
    static const char *const names[] = {"Void", "I32", "U32",  "I64",    "U64",
                                        "F32",  "F64", "Bool", "String", "Bytes"};
    memcpy(file.header.e_ident, "\177ELF\2\1\1", 7);
    file.header.e_type = ET_EXEC;
    file.header.e_machine = EM_X86_64;
    file.header.e_version = EV_CURRENT;
    file.header.e_entry = PLACE(code);
    file.header.e_phoff = offsetof(__typeof__(file), ph);
    file.header.e_ehsize = sizeof(Elf64_Ehdr);
    file.header.e_phentsize = sizeof(Elf64_Phdr);
    file.header.e_phnum = 3;
    const size_t text = offsetof(__typeof__(file), data);
    file.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                              .p_flags = PF_R | PF_X,
                              .p_vaddr = BASE,
                              .p_filesz = text,
                              .p_memsz = text,
                              .p_align = 4096};
    file.ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                              .p_flags = PF_R | PF_W,
                              .p_offset = text,
                              .p_vaddr = BASE + text,
                              .p_filesz = sizeof(file.data),
                              .p_memsz = 4096,
                              .p_align = 4096};
    file.ph[2] = (Elf64_Phdr){.p_type = PT_NOTE,
                              .p_flags = PF_R,
                              .p_offset = offsetof(__typeof__(file), note),
                              .p_vaddr = PLACE(note),
                              .p_align = 4,
                              .p_filesz = 16 + sizeof(struct hl_note),
                              .p_memsz = 16 + sizeof(struct hl_note)};
    file.note = (Elf64_Nhdr){3, sizeof(struct hl_note), HL_NOTE_TYPE};
    memcpy(file.name, "HL", 3);
    file.hl.version = HL_ABI_VERSION;
    file.hl.functions = (int64_t)(PLACE(functions) - PLACE(hl.functions));
    file.hl.functions_end = (int64_t)(PLACE(imports) - PLACE(hl.functions_end));
    file.hl.imports = (int64_t)(PLACE(imports) - PLACE(hl.imports));
    file.hl.imports_end = (int64_t)(PLACE(code) - PLACE(hl.imports_end));
    for (unsigned i = 0; i < 10; i++)
        file.functions[i] = desc(names[i], (enum hl_type)i, i != 0, (enum hl_type)i);
    file.functions[10] = desc("Many", HL_BYTES, HL_MAX_ARGS, HL_BYTES);
    file.imports[0] = desc("HostSum", HL_I32, 2, HL_I32);
    file.imports[1] = desc("HostBytes", HL_BYTES, 2, HL_BYTES);
    for (unsigned i = 0; i < IMPORTS; i++)
        file.imports[i].entry = file.imports[i].thunk = 0;
    file.imports[1].args[1] = HL_STRING;
    memset(file.code, 0xf4, sizeof(file.code));
}

const struct hl_image *tiny_image(void)
{
    static struct hl_image *image;
    struct hl_error error;
    if (!image) {
        fill();
        if (hl_image_from_memory(&image, "tiny", &file, sizeof(file), &error))
            abort();
    }
    return image;
}
