/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_signals.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "trace_flags.h"

#define SIGNALS 64
#define HALF (SIGNALS / 2)

/* As strace does: a set of nearly all signals is shown by those it lacks. */
static void set_text(uint64_t set, char *text, size_t size)
{
    bool lacks = __builtin_popcountll(set) > HALF;
    size_t used = (size_t)snprintf(text, size, "%s[", lacks ? "~" : "");
    const char *gap = "";
    for (int n = 1; n <= SIGNALS && used < size; n++) {
        if ((set >> (n - 1) & 1) == lacks)
            continue;
        const char *name = n < NSIG ? sigabbrev_np(n) : NULL;
        int more = name ? snprintf(text + used, size - used, "%s%s", gap, name)
                        : snprintf(text + used, size - used, "%s%d", gap, n);
        used += (size_t)more;
        gap = " ";
    }
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static bool get_set(struct hl_machine *m, hl_gva_t at, char *text)
{
    uint64_t set;
    if (hl_machine_read(m, at, &set, sizeof(set), HL_PROT_READ) != sizeof(set))
        return false;
    set_text(set, text, TRACE_SIGNALS_SIZE);
    return true;
}

static bool get_action(struct hl_machine *m, hl_gva_t at, char *text)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } a;
    char handler[32], mask[512], flags[TRACE_FLAGS_SIZE];
    if (hl_machine_read(m, at, &a, sizeof(a), HL_PROT_READ) != sizeof(a))
        return false;
    snprintf(handler, sizeof(handler), "0x%" PRIx64, a.handler);
    set_text(a.mask, mask, sizeof(mask));
    trace_flags('A', a.flags, flags);
    snprintf(text, TRACE_SIGNALS_SIZE, "{sa_handler=%s, sa_mask=%s, sa_flags=%s}",
             a.handler == 0   ? "SIG_DFL"
             : a.handler == 1 ? "SIG_IGN"
                              : handler,
             mask, flags);
    return true;
}

static bool get_timer(struct hl_machine *m, hl_gva_t at, char *text)
{
    int64_t t[4];
    if (hl_machine_read(m, at, t, sizeof(t), HL_PROT_READ) != sizeof(t))
        return false;
    snprintf(text, TRACE_SIGNALS_SIZE,
             "{it_interval={tv_sec=%" PRId64 ", tv_usec=%" PRId64 "}, it_value={tv_sec=%" PRId64
             ", tv_usec=%" PRId64 "}}",
             t[0], t[1], t[2], t[3]);
    return true;
}

bool trace_signals(char letter, struct hl_machine *machine, hl_gva_t gva,
                   char text[TRACE_SIGNALS_SIZE])
{
    switch (tolower((unsigned char)letter)) {
    case 'z':
        return get_set(machine, gva, text);
    case 'k':
        return get_action(machine, gva, text);
    case 'l':
        return get_timer(machine, gva, text);
    default:
        return false;
    }
}
