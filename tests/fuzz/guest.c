/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.c - a guest whose messages, system calls and faults are the input: each call ends with a
 * result or an error, and a restore brings the sandbox back.  The first byte chooses the function.
 */
#include <hl/snapshot.h>
#include <stdlib.h>
#include <string.h>

#include "tiny.h"

static struct hl_sandbox *sb;
static struct hl_snapshot *snapshot;
static volatile uint64_t sink;

/* All of it is read: a sanitizer sees whether it is there. */
static void look(const struct hl_value *v)
{
    if (v->type != HL_STRING && v->type != HL_BYTES) {
        sink += v->type == HL_BOOL ? v->boolean : v->u32;
        return;
    }
    for (size_t i = 0; i < v->len; i++)
        sink += ((const uint8_t *)v->data)[i];
    if (v->type == HL_STRING && strlen(v->data) != v->len)
        abort();
}

static int host(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque;
    for (size_t i = 0; i < count; i++)
        look(&args[i]);
    if (result->type == HL_I32) {
        result->i32 = args[0].i32;
        return args[1].i32 == 13 ? hl_error_set(error, 77, "thirteen") : 0;
    }
    result->data = args[0].data;
    result->len = args[0].len;
    return 0;
}

static void console(void *opaque, int fd, const void *data, size_t size)
{
    (void)opaque;
    if (fd != 1 && fd != 2)
        abort();
    for (size_t i = 0; i < size; i++)
        sink += ((const uint8_t *)data)[i];
}

static void log_line(void *opaque, int level, const char *text)
{
    (void)opaque;
    (void)level;
    if (strlen(text) > HL_LOG_MAX)
        abort();
}

static void set_up(void)
{
    const struct hl_sandbox_config config = {.heap = 64 << 10,
                                             .stack = 1,
                                             .input = 1,
                                             .output = 1,
                                             .result_max = 64 << 10,
                                             .console = console,
                                             .log = log_line,
                                             .no_debugger = true};
    const struct hl_limits limits = {.wall_ns = 20000000}; /* a guest may sleep for good */
    script_ready();
    if (hl_sandbox_create(&sb, tiny_image(), &config, NULL) ||
        hl_sandbox_register(sb, "HostSum", "i32(i32, i32)", host, NULL, NULL) ||
        hl_sandbox_register(sb, "HostBytes", "bytes(bytes, string)", host, NULL, NULL) ||
        hl_sandbox_start(sb, NULL) || hl_snapshot_take(&snapshot, sb, NULL) ||
        hl_sandbox_limit(sb, &limits, NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hl_value args[HL_MAX_ARGS], result;
    struct hl_error error = {0};
    if (!size)
        return 0;
    if (!sb)
        set_up();
    const struct hl_image *image = tiny_image();
    size_t index = data[0] % hl_image_function_count(image);
    const struct hl_signature *s = &hl_image_function(image, index)->signature;
    for (size_t i = 0; i < s->count; i++) {
        args[i] = (struct hl_value){.type = s->args[i]};
        if (s->args[i] == HL_STRING || s->args[i] == HL_BYTES) {
            args[i].data = "argument";
            args[i].len = data[0] / 16 % 9;
        }
    }
    script_set(data + 1, size - 1);
    for (int i = 0; i < 3; i++) { /* as long as it goes well */
        int rc = hl_sandbox_call_index(sb, index, args, s->count, &result, &error);
        if (!rc)
            look(&result);
        else if (error.code != rc || !error.text[0])
            abort();
        if (hl_sandbox_state(sb) != HL_SANDBOX_READY)
            break;
    }
    if (hl_sandbox_restore(sb, snapshot, &error) || hl_sandbox_state(sb) != HL_SANDBOX_READY)
        abort();
    return 0;
}
