/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decode instructions as far as a backtrace needs: is there a call right before this address?
 * Encodings: Intel SDM 2, CALL, and tables 2-2 and 2-3 for ModRM and SIB.
 */
#include <string.h>

#include "symbols_impl.h"

#define HEADERS_MAX 4096 /* that are looked at, however many a file claims to have */

void symbols_code_load(struct hl_symbols *symbols, const uint8_t *data, size_t size)
{
    size_t count;

    if (elf_getphdrnum(symbols->elf, &count))
        return;
    for (size_t i = 0; i < count && i < HEADERS_MAX && symbols->code_count < HL_CODE_MAX; i++) {
        struct hl_code *code = &symbols->code[symbols->code_count];
        GElf_Phdr ph;

        if (!gelf_getphdr(symbols->elf, (int)i, &ph))
            return;
        if (ph.p_type != PT_LOAD || !(ph.p_flags & PF_X) || ph.p_filesz == 0)
            continue;
        if (ph.p_offset > size || ph.p_filesz > size - ph.p_offset ||
            __builtin_add_overflow(ph.p_vaddr, ph.p_filesz, &code->end))
            continue;
        code->start = ph.p_vaddr;
        code->bytes = data + ph.p_offset;
        symbols->code_count++;
    }
}

static const struct hl_code *code_of(const struct hl_symbols *symbols, uint64_t address)
{
    for (size_t i = 0; i < symbols->code_count; i++) {
        if (address >= symbols->code[i].start && address < symbols->code[i].end)
            return &symbols->code[i];
    }
    return NULL;
}

const uint8_t *symbols_code_at(const struct hl_symbols *symbols, hl_gva_t address,
                               size_t *available)
{
    const struct hl_code *code = code_of(symbols, address - symbols->bias);

    if (!code)
        return NULL;
    *available = code->end - (address - symbols->bias);
    return code->bytes + (address - symbols->bias - code->start);
}

/* Length of `call *r/m64` without prefixes at p, 0 if it is another instruction or exceeds size. */
static size_t indirect_length(const uint8_t *p, size_t size)
{
    size_t length = 2;
    unsigned mod, rm;

    if (size < 2 || p[0] != 0xff || (p[1] >> 3 & 7) != 2)
        return 0;
    mod = p[1] >> 6;
    rm = p[1] & 7;
    if (mod != 3 && rm == 4) {
        if (size < 3)
            return 0;
        length++;
        if (mod == 0 && (p[2] & 7) == 5)
            length += 4;
    } else if (mod == 0 && rm == 5) {
        length += 4;
    }
    if (mod == 1)
        length += 1;
    else if (mod == 2)
        length += 4;
    return length <= size ? length : 0;
}

enum hl_call symbols_code_call_before(const struct hl_symbols *symbols, hl_gva_t address,
                                      hl_gva_t *target)
{
    const struct hl_code *code = code_of(symbols, address - symbols->bias - 1);
    const uint8_t *end;
    size_t before;

    *target = 0;
    if (!code)
        return HL_CALL_NONE;
    before = address - symbols->bias - code->start;
    end = code->bytes + before;
    if (before >= 5 && end[-5] == 0xe8) {
        int32_t offset;

        memcpy(&offset, end - 4, sizeof(offset));
        *target = address + (uint64_t)(int64_t)offset;
        /* 0xe8 may also be data: a target outside the program means that it is not a call. */
        if (code_of(symbols, *target - symbols->bias))
            return HL_CALL_DIRECT;
        *target = 0;
    }
    for (size_t n = 2; n <= 7 && n <= before; n++) {
        if (indirect_length(end - n, n) == n)
            return HL_CALL_INDIRECT;
    }
    return HL_CALL_NONE;
}
