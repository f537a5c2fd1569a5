/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_form.c - how the value of an attribute is encoded (7.5.6). */
#include <dwarf.h>

#include "dw.h"

#define INDIRECT_MAX 4 /* compilers do not nest DW_FORM_indirect */

enum {
    VARIES = 0xff,
    OFFSET = 0xfe,
    ADDRESS = 0xfd,
    NONE = 0xfc, /* no bytes; 0 in the table means that the form is unknown */
};

static const uint8_t sizes[] = {
    [DW_FORM_addr] = ADDRESS,    [DW_FORM_block2] = VARIES,
    [DW_FORM_block4] = VARIES,   [DW_FORM_data2] = 2,
    [DW_FORM_data4] = 4,         [DW_FORM_data8] = 8,
    [DW_FORM_string] = VARIES,   [DW_FORM_block] = VARIES,
    [DW_FORM_block1] = VARIES,   [DW_FORM_data1] = 1,
    [DW_FORM_flag] = 1,          [DW_FORM_sdata] = VARIES,
    [DW_FORM_strp] = OFFSET,     [DW_FORM_udata] = VARIES,
    [DW_FORM_ref_addr] = OFFSET, [DW_FORM_ref1] = 1,
    [DW_FORM_ref2] = 2,          [DW_FORM_ref4] = 4,
    [DW_FORM_ref8] = 8,          [DW_FORM_ref_udata] = VARIES,
    [DW_FORM_indirect] = VARIES, [DW_FORM_sec_offset] = OFFSET,
    [DW_FORM_exprloc] = VARIES,  [DW_FORM_flag_present] = NONE,
    [DW_FORM_strx] = VARIES,     [DW_FORM_addrx] = VARIES,
    [DW_FORM_ref_sup4] = 4,      [DW_FORM_strp_sup] = OFFSET,
    [DW_FORM_data16] = 16,       [DW_FORM_line_strp] = OFFSET,
    [DW_FORM_ref_sig8] = 8,      [DW_FORM_implicit_const] = NONE,
    [DW_FORM_loclistx] = VARIES, [DW_FORM_rnglistx] = VARIES,
    [DW_FORM_ref_sup8] = 8,      [DW_FORM_strx1] = 1,
    [DW_FORM_strx2] = 2,         [DW_FORM_strx3] = 3,
    [DW_FORM_strx4] = 4,         [DW_FORM_addrx1] = 1,
    [DW_FORM_addrx2] = 2,        [DW_FORM_addrx3] = 3,
    [DW_FORM_addrx4] = 4,
};

uint32_t dw_form_size(const struct dw_unit *unit, uint64_t form)
{
    uint8_t size = form < sizeof(sizes) ? sizes[form] : VARIES;

    if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_GNU_strp_alt)
        return unit->offset_size;
    /* In version 2 these are addresses. */
    if (size == ADDRESS || (form == DW_FORM_ref_addr && unit->version < 3))
        return unit->address_size;
    if (size == OFFSET)
        return unit->offset_size;
    if (size == NONE)
        return 0;
    return size == VARIES || size == 0 ? DW_VARIES : size;
}

static bool skip_block(struct dw_bytes *b, uint64_t size)
{
    return dw_good(b) && dw_skip(b, size);
}

bool dw_form_skip(const struct dw_unit *unit, uint64_t form, struct dw_bytes *b)
{
    uint32_t size;

    for (unsigned i = 0; i < INDIRECT_MAX && form == DW_FORM_indirect; i++)
        form = dw_uleb(b);
    size = dw_form_size(unit, form);
    if (size != DW_VARIES)
        return dw_skip(b, size);
    switch (form) {
    case DW_FORM_block1:
        return skip_block(b, dw_fixed(b, 1));
    case DW_FORM_block2:
        return skip_block(b, dw_fixed(b, 2));
    case DW_FORM_block4:
        return skip_block(b, dw_fixed(b, 4));
    case DW_FORM_block:
    case DW_FORM_exprloc:
        return skip_block(b, dw_uleb(b));
    case DW_FORM_string:
        return dw_text(unit->file->budget, b) != NULL;
    case DW_FORM_sdata:
    case DW_FORM_udata:
    case DW_FORM_ref_udata:
    case DW_FORM_strx:
    case DW_FORM_addrx:
    case DW_FORM_loclistx:
    case DW_FORM_rnglistx:
    case DW_FORM_GNU_addr_index:
    case DW_FORM_GNU_str_index:
        dw_uleb(b);
        return dw_good(b);
    default:
        return false; /* its size is unknown */
    }
}
