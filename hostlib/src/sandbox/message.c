/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/message.c - values into and out of the messages of hl/abi.h.
 *
 * A message from the guest has been copied out of its memory before it gets here.  The data that it
 * points to is copied once and validated afterwards.
 */
#include "sandbox.h"

#include <string.h>
#include <sys/mman.h>

#include "machine_dirty.h"

#define PAYLOAD_ALIGN 16u
#define COPY_STEP ((size_t)4 << 20) /* 1 to 2 ms, page faults included */
#define ARENA_KEEP HL_RESULT_KEEP

static bool has_payload(enum hl_type type)
{
    return type == HL_STRING || type == HL_BYTES;
}

/* The room for one payload: its bytes, a NUL, and padding to a multiple of PAYLOAD_ALIGN. */
static bool add_payload(size_t *at, size_t len)
{
    size_t end;
    if (__builtin_add_overflow(*at, len, &end) ||
        __builtin_add_overflow(end, (size_t)PAYLOAD_ALIGN, &end))
        return false;
    *at = end & ~(size_t)(PAYLOAD_ALIGN - 1);
    return true;
}

/* Not a valid address: some languages represent an empty string by a pointer that is not NULL. */
bool message_lacks_len(const struct hl_value *v)
{
    return v->type == HL_STRING && !v->len && (uintptr_t)v->data >= PAGE_SIZE &&
           *(const char *)v->data;
}

bool message_is_dead(const struct hl_sandbox *sb, const struct hl_message *message)
{
    const struct hl_slot *slot = &message->slot[0];
    const struct hl_region *stack = &sb->region[REGION_STACK];
    struct hl_regs regs;
    if (message->count != 1 || (slot->type != HL_STRING && (slot->type != HL_BYTES || !slot->len)))
        return false;
    return slot->bits - stack->start < stack->size &&
           hl_machine_get_regs(sb->machine, &regs, NULL) == 0 && slot->bits < regs.rsp &&
           slot->len < regs.rsp - slot->bits;
}

bool message_fits(const struct hl_sandbox *sb, size_t at, const struct hl_value *values,
                  size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (has_payload(values[i].type) && !add_payload(&at, values[i].len))
            return false;
    return at <= sb->config.input;
}

static uint64_t scalar_bits(const struct hl_value *v)
{
    uint64_t bits = 0;
    switch (v->type) {
    case HL_I32:
    case HL_U32:
    case HL_F32:
        memcpy(&bits, &v->u32, sizeof(v->u32));
        break;
    case HL_I64:
    case HL_U64:
    case HL_F64:
        bits = v->u64;
        break;
    case HL_BOOL:
        bits = v->boolean;
        break;
    default:
        break;
    }
    return bits;
}

/* An interrupt ends the copying: the guest does not run again to see the rest. */
static void copy_in(const struct hl_sandbox *sb, uint8_t *to, const void *from, size_t size)
{
    for (size_t at = 0, n; at < size && !sandbox_is_interrupted(sb); at += n) {
        n = size - at < COPY_STEP ? size - at : COPY_STEP;
        memcpy(to + at, (const uint8_t *)from + at, n);
    }
}

/* Returns the offset past the last payload.  The caller has checked message_fits(). */
size_t message_put(struct hl_sandbox *sb, struct hl_message *message, size_t at,
                   const struct hl_value *values, size_t count)
{
    uint8_t *input = (uint8_t *)sb->input;
    const size_t from = at;
    message->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct hl_value *v = &values[i];
        struct hl_slot slot = {.type = v->type, .bits = scalar_bits(v)};
        if (has_payload(v->type)) {
            slot.bits = sb->region[REGION_INPUT].start + at;
            slot.len = v->len;
            copy_in(sb, input + at, v->data, v->len);
            input[at + v->len] = 0;
            add_payload(&at, v->len);
        }
        message->slot[i] = slot;
    }
    machine_touch(sb->machine, sb->gpa[REGION_INPUT] + from, at - from);
    return at;
}

static int check_scalar(const struct hl_slot *slot, struct hl_value *v, struct hl_error *error)
{
    switch (v->type) {
    case HL_I32:
    case HL_U32:
    case HL_F32:
        if (slot->bits > UINT32_MAX)
            break;
        v->u32 = (uint32_t)slot->bits;
        return 0;
    case HL_BOOL:
        if (slot->bits > 1)
            break;
        v->boolean = slot->bits;
        return 0;
    default:
        v->u64 = slot->bits;
        return 0;
    }
    return sandbox_protocol(error, "a %s value of 0x%llx", hl_type_name(v->type),
                            (unsigned long long)slot->bits);
}

static int interrupted(struct hl_error *error)
{
    return hl_error_set(error, HL_ERR_INTERRUPTED, "%s", hl_err_text(HL_ERR_INTERRUPTED));
}

/* Clear from the end, until the call in progress is interrupted: 256 MiB take 20 ms. */
static void shrink(const struct hl_sandbox *sb, struct arena *arena)
{
    while (arena->size && !sandbox_is_interrupted(sb)) {
        size_t n = arena->size < COPY_STEP ? arena->size : COPY_STEP;
        arena->size -= n;
        munmap(arena->data + arena->size, n);
    }
    if (!arena->size)
        arena->data = NULL;
}

static int reserve(const struct hl_sandbox *sb, struct arena *arena, size_t size,
                   struct hl_error *error)
{
    if (size <= ARENA_KEEP)
        arena_trim(sb, arena);
    if (size <= arena->size)
        return 0;
    shrink(sb, arena);
    if (arena->size)
        return interrupted(error);
    size = (size + PAGE_SIZE - 1) & PAGE_MASK;
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return hl_error_set(error, HL_ERR_MEMORY, "no memory for %zu bytes from the guest", size);
    *arena = (struct arena){data, size};
    return 0;
}

void arena_free(struct arena *arena)
{
    if (arena->data)
        munmap(arena->data, arena->size);
    *arena = (struct arena){0};
}

void arena_trim(const struct hl_sandbox *sb, struct arena *arena)
{
    if (arena->size > ARENA_KEEP)
        shrink(sb, arena);
}

/* Check types and add up the lengths before anything is copied. */
static int measure(const struct hl_sandbox *sb, const struct hl_message *message,
                   const enum hl_type *types, size_t count, size_t *total, struct hl_error *error)
{
    *total = 0;
    if (message->count != count)
        return sandbox_protocol(error, "%u values in a message that takes %zu", message->count,
                                count);
    for (size_t i = 0; i < count; i++) {
        const struct hl_slot *slot = &message->slot[i];
        if (slot->type != types[i])
            return sandbox_protocol(error, "value %zu has type %u instead of %s", i + 1, slot->type,
                                    hl_type_name(types[i]));
        if (has_payload(types[i]) &&
            (slot->len > sb->config.result_max || !add_payload(total, slot->len) ||
             *total > sb->config.result_max + HL_MAX_ARGS * PAYLOAD_ALIGN))
            return sandbox_protocol(error, "%s of %llu bytes, over the limit of %zu",
                                    hl_type_name(types[i]), (unsigned long long)slot->len,
                                    sb->config.result_max);
    }
    return 0;
}

static int copy_payload(struct hl_sandbox *sb, const struct hl_slot *slot, uint8_t *to,
                        struct hl_value *v, struct hl_error *error)
{
    for (size_t at = 0, n; at < slot->len; at += n) {
        n = slot->len - at < COPY_STEP ? slot->len - at : COPY_STEP;
        if (sandbox_is_interrupted(sb))
            return interrupted(error);
        if (hl_machine_read(sb->machine, slot->bits + at, to + at, n, HL_PROT_READ) != n)
            return sandbox_protocol(error, "%s of %llu bytes at 0x%llx: not the guest's memory",
                                    hl_type_name(v->type), (unsigned long long)slot->len,
                                    (unsigned long long)slot->bits);
        if (v->type == HL_STRING && memchr(to + at, 0, n))
            return sandbox_protocol(error, "a string with a NUL in it");
    }
    to[slot->len] = 0;
    v->data = to;
    v->len = slot->len;
    return 0;
}

int message_check(const struct hl_sandbox *sb, const struct hl_message *message,
                  const enum hl_type *types, size_t count, struct hl_error *error)
{
    size_t total;
    return measure(sb, message, types, count, &total, error);
}

int message_get(struct hl_sandbox *sb, const struct hl_message *message, const enum hl_type *types,
                size_t count, struct arena *arena, struct hl_value *values, struct hl_error *error)
{
    size_t total, at = 0;
    int rc = measure(sb, message, types, count, &total, error);
    if (!rc)
        rc = reserve(sb, arena, total, error);
    for (size_t i = 0; !rc && i < count; i++) {
        const struct hl_slot *slot = &message->slot[i];
        values[i] = (struct hl_value){.type = types[i]};
        if (!has_payload(types[i])) {
            rc = check_scalar(slot, &values[i], error);
            continue;
        }
        rc = copy_payload(sb, slot, arena->data + at, &values[i], error);
        add_payload(&at, slot->len);
    }
    return rc;
}

void message_text(struct hl_sandbox *sb, const struct hl_message *message, char *buf, size_t size)
{
    const struct hl_slot *slot = &message->slot[0];
    buf[0] = 0;
    if (message->count != 1 || slot->type != HL_STRING)
        return;
    size_t want = slot->len < size - 1 ? slot->len : size - 1;
    size_t got = hl_machine_read(sb->machine, slot->bits, buf, want, HL_PROT_READ);
    buf[got] = 0;
    for (size_t i = 0; i < got; i++)
        if (!buf[i])
            buf[i] = '?';
}
