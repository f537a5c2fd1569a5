/* SPDX-License-Identifier: Apache-2.0 */
/* dwarf.c - a guest whose debug information is anybody's: each question has an answer, in time. */
#include <stdlib.h>

#include "ask.h"
#include "tiny.h"

/* No stack: unwind.c has one. */
static size_t read_nothing(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    (void)opaque;
    (void)gva;
    (void)buf;
    (void)size;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hl_image *image = NULL;
    if (hl_image_from_memory(&image, "file", data, size, NULL))
        return 0;
    const struct hl_regs regs = {.rip = hl_image_entry(image), .rsp = 0x7000};
    ask_symbols(image, &regs, read_nothing, NULL);
    hl_image_close(image);
    return 0;
}
