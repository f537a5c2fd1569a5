/* SPDX-License-Identifier: Apache-2.0 */
/* trace/args.c - decode a system call: each argument by its letter (trace/syscalls.c). */
#include "trace_args.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "json.h"
#include "quote.h"
#include "trace_flags.h"
#include "trace_signals.h"

#define IOVECS_SHOWN 16
#define LAST_ERROR 4095 /* Linux's MAX_ERRNO */

/* One argument on its way out. */
struct arg {
    struct trace_args *to;
    struct hl_machine *machine;
    const uint64_t *all; /* of the call */
    unsigned index;
    char letter;
    uint64_t value;
    bool over; /* the call; then: */
    int64_t result;
};

static void put_text(const struct arg *a, const char *text)
{
    if (a->to->json)
        json_array_append_new(a->to->json, json_string(text));
    else
        fputs(text, a->to->text);
}

static void put_number(const struct arg *a, int64_t number)
{
    if (a->to->json)
        json_array_append_new(a->to->json, json_integer(number));
    else
        fprintf(a->to->text, "%" PRId64, number);
}

static void put_int(const struct arg *a)
{
    put_number(a, (int32_t)a->value);
}

static void put_hex(const struct arg *a, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), value ? "0x%" PRIx64 : "0", value);
    put_text(a, text);
}

static void put_pointer(const struct arg *a)
{
    if (a->value)
        put_hex(a, a->value);
    else
        put_text(a, "NULL");
}

static void put_unsigned(const struct arg *a)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, a->value);
    if (a->value <= INT64_MAX)
        put_number(a, (int64_t)a->value);
    else
        put_text(a, text);
}

/* Guest memory at gva, at most one byte more than is shown; NULL where none of it can be read. */
static uint8_t *fetch(const struct arg *a, hl_gva_t gva, uint64_t size, size_t *got)
{
    size_t most = a->to->string_max + 1;
    size_t want = size < most ? (size_t)size : most;
    uint8_t *data = malloc(want + 1);
    *got = data ? hl_machine_read(a->machine, gva, data, want, HL_PROT_READ) : 0;
    if (*got || !size)
        return data;
    free(data);
    return NULL;
}

static void put_data(const struct arg *a, const uint8_t *data, size_t size)
{
    size_t most = a->to->string_max;
    if (a->to->json)
        json_array_append_new(a->to->json, json_text(data, size < most ? size : most));
    else
        quote(a->to->text, data, size, most);
}

static void put_bytes(const struct arg *a, uint64_t size)
{
    size_t got;
    uint8_t *data = fetch(a, a->value, size, &got);
    if (data)
        put_data(a, data, got);
    else
        put_pointer(a);
    free(data);
}

/* Up to its NUL; the rest of the page does not belong to it. */
static void put_path(const struct arg *a)
{
    size_t got;
    uint8_t *data = fetch(a, a->value, UINT64_MAX, &got);
    if (data)
        put_data(a, data, strnlen((char *)data, got));
    else
        put_pointer(a);
    free(data);
}

/* Its size is the next argument. */
static void put_buffer(const struct arg *a)
{
    put_bytes(a, a->index < 5 ? a->all[a->index + 1] : 0);
}

/* How much of a filled buffer is new: as much as the result says. */
static void put_filled(const struct arg *a)
{
    uint64_t room = a->index < 5 ? a->all[a->index + 1] : 0;
    uint64_t size = a->result < 0 ? 0 : (uint64_t)a->result;
    if (a->result < 0)
        put_pointer(a);
    else
        put_bytes(a, size < room ? size : room);
}

static void put_pair(const struct arg *a, const char *first, const char *second)
{
    int64_t pair[2];
    if ((a->over && a->result < 0) ||
        hl_machine_read(a->machine, a->value, pair, sizeof(pair), HL_PROT_READ) != sizeof(pair)) {
        put_pointer(a);
        return;
    }
    if (a->to->json)
        json_array_append_new(a->to->json, json_pack("{s:I, s:I}", first, (json_int_t)pair[0],
                                                     second, (json_int_t)pair[1]));
    else
        fprintf(a->to->text, "{%s=%" PRId64 ", %s=%" PRId64 "}", first, pair[0], second, pair[1]);
}

static void put_timespec(const struct arg *a)
{
    put_pair(a, "tv_sec", "tv_nsec");
}

static void put_timeval(const struct arg *a)
{
    put_pair(a, "tv_sec", "tv_usec");
}

/* {iov_base="text", iov_len=4}: what it points to is an argument like any other. */
static void put_iovec(const struct arg *a, const uint64_t iov[2])
{
    struct trace_args to = *a->to;
    struct arg base = *a;
    base.to = &to;
    base.value = iov[0];
    if (!a->to->json) {
        fputs("{iov_base=", a->to->text);
        put_bytes(&base, iov[1]);
        fprintf(a->to->text, ", iov_len=%" PRIu64 "}", iov[1]);
        return;
    }
    to.json = json_array();
    put_bytes(&base, iov[1]);
    json_t *o = json_object();
    json_object_set(o, "iov_base", json_array_get(to.json, 0));
    json_object_set_new(o, "iov_len", json_integer((json_int_t)iov[1]));
    json_array_append_new(a->to->json, o);
    json_decref(to.json);
}

static void put_iovecs(const struct arg *a)
{
    struct trace_args list = *a->to;
    struct arg one = *a;
    uint64_t iov[2], count = a->index < 5 ? a->all[a->index + 1] : 0;
    uint64_t shown = count < IOVECS_SHOWN ? count : IOVECS_SHOWN, i;
    if (count && !hl_machine_read(a->machine, a->value, iov, 1, HL_PROT_READ)) {
        put_pointer(a);
        return;
    }
    one.to = &list;
    if (list.json)
        list.json = json_array();
    else
        fputc('[', list.text);
    for (i = 0; i < shown; i++) {
        if (hl_machine_read(a->machine, a->value + i * sizeof(iov), iov, sizeof(iov),
                            HL_PROT_READ) != sizeof(iov))
            break;
        if (i && !list.json)
            fputs(", ", list.text);
        put_iovec(&one, iov);
    }
    if (list.json)
        json_array_append_new(a->to->json, list.json);
    else
        fputs(i == count ? "]" : i == shown ? ", ...]" : i ? ", ???]" : "???]", list.text);
}

/* What a call that failed was to fill in is only an address. */
static void put_signals(const struct arg *a)
{
    char text[TRACE_SIGNALS_SIZE];
    if ((a->over && a->result < 0) || !trace_signals(a->letter, a->machine, a->value, text))
        put_pointer(a);
    else
        put_text(a, text);
}

/* By a name where its bits or its number have one. */
static void put_flags(const struct arg *a)
{
    char text[TRACE_FLAGS_SIZE];
    if (trace_flags(a->letter, a->value, text))
        put_text(a, text);
    else if (strchr("fwcghjy", a->letter))
        put_int(a);
    else
        put_hex(a, a->value);
}

/* All others are flags. */
static const struct {
    const char *letters;
    void (*put)(const struct arg *a);
} forms[] = {
    {"d", put_int},     {"u", put_unsigned},     {"p", put_pointer}, {"s", put_path},
    {"b", put_buffer},  {"B", put_filled},       {"v", put_iovecs},  {"tT", put_timespec},
    {"U", put_timeval}, {"kKzZlL", put_signals},
};

static void put_one(const struct arg *a)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strchr(forms[i].letters, a->letter)) {
            forms[i].put(a);
            return;
        }
    put_flags(a);
}

/* Arguments [first, end) of a call. */
static void put_all(struct arg *a, const char *letters, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        a->index = (unsigned)i;
        a->value = a->all[i];
        if (i && !a->to->json)
            fputs(", ", a->to->text);
        a->letter = letters[i];
        put_one(a);
        a->to->count++;
    }
}

void trace_args_before(struct trace_args *args, struct hl_machine *machine,
                       const struct hl_exit *exit)
{
    struct arg a = {.to = args, .machine = machine, .all = exit->syscall.arg};
    const char *letters = trace_syscall_args(exit->syscall.number);
    args->count = 0;
    put_all(&a, letters, 0, strcspn(letters, "BTUKZL"));
}

void trace_args_after(struct trace_args *args, struct hl_machine *machine,
                      const struct hl_exit *exit, int64_t result)
{
    struct arg a = {
        .to = args, .machine = machine, .all = exit->syscall.arg, .over = true, .result = result};
    const char *letters = trace_syscall_args(exit->syscall.number);
    put_all(&a, letters, args->count, strlen(letters));
}

static bool gives_address(uint64_t number)
{
    return number == SYS_mmap || number == SYS_mremap || number == SYS_brk;
}

const char *trace_args_error(int64_t result)
{
    return result < 0 && result >= -LAST_ERROR ? strerrorname_np((int)-result) : NULL;
}

void trace_args_result(FILE *f, const struct hl_exit *exit, int64_t result)
{
    const char *name = trace_args_error(result);
    if (name)
        fprintf(f, "-1 %s (%s)", name, strerrordesc_np((int)-result));
    else if (gives_address(exit->syscall.number))
        fprintf(f, "0x%" PRIx64, (uint64_t)result);
    else
        fprintf(f, "%" PRId64, result);
}
