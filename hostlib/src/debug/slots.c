/* SPDX-License-Identifier: Apache-2.0 */
/* debug/slots.c - allocate debug registers, if the backend has some that work. */
#include "debug.h"

bool debug_slot_take(struct hl_debug *d, enum vcpu_slot_kind kind, hl_gva_t address, uint8_t size,
                     int *slot)
{
    for (int i = 0; i < VCPU_SLOTS; i++) {
        if (d->points.slots.slot[i].kind != VCPU_SLOT_OFF)
            continue;
        d->points.slots.slot[i].kind = kind;
        d->points.slots.slot[i].address = address;
        d->points.slots.slot[i].size = size;
        *slot = i;
        return true;
    }
    return false;
}
