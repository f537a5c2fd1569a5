/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - any bytes as a guest file: refused, or what is in it can be asked for. */
#include <hl/machine.h>
#include <hl/sandbox.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "tiny.h"

/* A stack of addresses in the image, its own bytes elsewhere. */
static size_t read_memory(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    const struct hl_image *image = opaque;
    size_t have;
    const uint8_t *data = hl_image_data(image, &have);
    if (gva < 0x1000 || !have)
        return 0;
    for (size_t i = 0; i < size; i++) {
        uint64_t word = hl_image_entry(image) + (gva + i) / 8 % 64;
        ((uint8_t *)buf)[i] =
            gva % 3 ? data[(gva + i) % have] : (uint8_t)(word >> 8 * ((gva + i) % 8));
    }
    return size;
}

static void ask(const struct hl_image *image)
{
    struct hl_regs regs = {.rip = hl_image_entry(image), .rsp = 0x7000, .rbp = 0x7100};
    ask_symbols(image, &regs, read_memory, (void *)(uintptr_t)image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hl_image *image = NULL;
    struct hl_error error = {0};
    int rc = hl_image_from_memory(&image, "file", data, size, &error);
    if (rc) {
        if (image || error.code != rc || !error.text[0])
            abort();
        return 0;
    }
    for (size_t i = 0; i < hl_image_function_count(image); i++) {
        const struct hl_function *f = hl_image_function(image, i);
        char text[300];
        hl_signature_format(f->name, &f->signature, text, sizeof(text));
        if (hl_image_find(image, f->name) < 0)
            abort();
    }
    ask(image);
    hl_image_close(image);
    return 0;
}
