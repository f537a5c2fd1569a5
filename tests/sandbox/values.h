/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - the guest `values`, with its host functions. */
#ifndef TESTS_VALUES_H
#define TESTS_VALUES_H

#include "box.h"

#define MIB (1u << 20)

static inline int echo(void *opaque, const struct hl_value *args, size_t count,
                       struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)error;
    if (count != 1 || args[0].type != result->type)
        return 1;
    *result = args[0];
    return 0;
}

/* A guest of values.c with a host function of every type. */
static inline void open_values(struct box *box)
{
    static const char *const types[] = {"i32", "u32",  "i64",    "u64",  "f32",
                                        "f64", "bool", "string", "bytes"};
    const struct hl_sandbox_config config = {.input = 8 * MIB, .output = MIB};
    box_create(box, "values", config);
    for (size_t i = 0; i < COUNT(types); i++) {
        char name[32], signature[32];
        snprintf(name, sizeof(name), "host-%s", types[i]);
        snprintf(signature, sizeof(signature), "%s(%s)", types[i], types[i]);
        box_register(box, name, signature, echo, NULL);
    }
    box_start(box);
}

#endif
