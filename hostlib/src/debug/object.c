/* SPDX-License-Identifier: Apache-2.0 */
/* debug/object.c - what GDB reads besides registers and memory: auxv, siginfo, memory map. */
#include "debug.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "siginfo.h"

/* The classic signals have the same numbers in GDB. */
int debug_fault_signal(const struct hl_fault *fault)
{
    int signal = siginfo_signal(fault);
    return signal == SIGBUS ? GDB_SIGNAL_BUS : signal;
}

/* GDB's signals that are not faults, in Linux's numbers. */
int debug_siginfo(struct hl_debug *d, siginfo_t *info)
{
    memset(info, 0, sizeof(*info));
    info->si_signo =
        d->last.reason == GDB_STOP_SIGNAL ? debug_host_signal(d->last.signal) : SIGTRAP;
    if (!info->si_signo)
        return HL_ERR_STATE;
    if (d->sb->has_fault)
        siginfo_of_fault(info, &d->sb->fault);
    else if (info->si_signo == SIGTRAP)
        info->si_code = d->last.reason == GDB_STOP_STEP ? TRAP_TRACE : TRAP_BRKPT;
    else if (info->si_signo == SIGABRT)
        info->si_code = SI_TKILL;
    return 0;
}

static int print_region(char *at, size_t size, hl_gva_t start, size_t bytes)
{
    return snprintf(at, size, "<memory type=\"ram\" start=\"0x%llx\" length=\"0x%zx\"/>\n",
                    (unsigned long long)start, bytes);
}

/*
 * Text is RAM, too: on ROM, GDB would use hardware breakpoints, which are not needed.  The range
 * below the program, where nothing is mapped, also counts as RAM: then a breakpoint at address 0
 * (of a function that the linker dropped, for example) fails to be inserted, instead of being a
 * hardware breakpoint that is never hit.
 */
static int memory_map(struct hl_debug *d, char **text)
{
    const struct hl_sandbox *sb = d->sb;
    size_t count = hl_image_segment_count(sb->image);
    size_t room = 256 + (count + 1 + REGION_COUNT) * 96, n = 0;
    *text = malloc(room);
    if (!*text)
        return HL_ERR_MEMORY;
    n += (size_t)snprintf(*text, room, "<?xml version=\"1.0\"?>\n<memory-map>\n");
    n += (size_t)print_region(*text + n, room - n, 0, sb->region[REGION_IMAGE].start);
    for (size_t i = 0; i < count; i++) {
        const struct hl_segment *s = hl_image_segment(sb->image, i);
        n += (size_t)print_region(*text + n, room - n, s->start, s->size);
    }
    for (unsigned i = REGION_BOOT; i < REGION_COUNT; i++)
        n += (size_t)print_region(*text + n, room - n, sb->region[i].start, sb->region[i].size);
    snprintf(*text + n, room - n, "</memory-map>\n");
    return 0;
}

int debug_object(void *target, enum gdb_object object, const void **data, size_t *size)
{
    struct hl_debug *d = target;
    char *text = NULL;
    int rc = 0;
    free(d->object);
    d->object = NULL;
    switch (object) {
    case GDB_OBJECT_AUXV:
        *size = LAYOUT_AUX_MAX * sizeof(Elf64_auxv_t);
        d->object = calloc(1, *size);
        if (!d->object)
            return HL_ERR_MEMORY;
        *size = layout_auxv(d->sb, (Elf64_auxv_t *)(void *)d->object) * sizeof(Elf64_auxv_t);
        break;
    case GDB_OBJECT_SIGINFO:
        *size = sizeof(siginfo_t);
        d->object = calloc(1, *size);
        if (!d->object)
            return HL_ERR_MEMORY;
        rc = debug_siginfo(d, (siginfo_t *)(void *)d->object);
        break;
    case GDB_OBJECT_MEMORY_MAP:
        rc = memory_map(d, &text);
        d->object = (uint8_t *)text;
        *size = rc ? 0 : strlen(text);
        break;
    default:
        return HL_ERR_ARGUMENT;
    }
    *data = d->object;
    return rc;
}

int debug_thread_extra(void *target, char *text, size_t size)
{
    struct hl_debug *d = target;
    const struct hl_sandbox *sb = d->sb;
    pthread_mutex_lock(&d->lock);
    if (d->in_call)
        snprintf(text, size, "%s%s%s", d->calling ? d->calling : "set-up",
                 d->in_host ? ", in host function " : "", d->in_host ? d->host_name : "");
    else
        snprintf(text, size, "%s",
                 sb->state == HL_SANDBOX_POISONED             ? "poisoned"
                 : sb->state == HL_SANDBOX_DEAD               ? "exited"
                 : sb->state == HL_SANDBOX_NEW || sb->rewound ? "before its set-up"
                                                              : "idle, between calls");
    pthread_mutex_unlock(&d->lock);
    return 0;
}
