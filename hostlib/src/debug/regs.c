/* SPDX-License-Identifier: Apache-2.0 */
/* debug/regs.c - the guest's registers by GDB's numbers. */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

#include "machine_cpu.h"

#define XCR0_AVX (1ull << 2)
#define XCR0_AVX512 (7ull << 5)

void debug_regs_init(struct hl_debug *d)
{
    uint64_t xcr0 = machine_xcr0(d->sb->machine);
    unsigned n = 0;
    d->features[n++] = &gdb_amd64_core;
    d->features[n++] = &gdb_amd64_sse;
    d->features[n++] = &gdb_amd64_linux;
    d->features[n++] = &gdb_amd64_segments;
    d->features[n++] = &gdb_amd64_system;
    if (xcr0 & XCR0_AVX)
        d->features[n++] = &gdb_amd64_avx;
    if ((xcr0 & XCR0_AVX) && (xcr0 & XCR0_AVX512) == XCR0_AVX512)
        d->features[n++] = &gdb_amd64_avx512;
    d->description = (struct gdb_description){
        .architecture = "i386:x86-64",
        .osabi = "GNU/Linux",
        .triple = "x86_64-unknown-linux-musl",
        .features = d->features,
        .feature_count = n,
        .expedite = gdb_amd64_expedite,
        .expedite_count = GDB_AMD64_EXPEDITE_COUNT,
        .pc = GDB_AMD64_RIP,
        .plain = GDB_AMD64_PLAIN,
    };
    d->orig_rax = d->returning = DEBUG_NO_SYSCALL;
    gdb_xsave_offsets(d->cache.xsave.offset);
    if (!(xcr0 & XCR0_AVX512))
        for (unsigned i = 5; i < GDB_XSAVE_COMPONENTS; i++)
            d->cache.xsave.offset[i] = 0;
}

void debug_regs_forget(struct hl_debug *d)
{
    d->cache.regs_valid = d->cache.bases_valid = d->cache.xsave_valid = d->cache.system_valid =
        false;
}

/* Called by the server's thread while the guest is held, or by the guest's own inside a hook. */
bool debug_may_look(struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    bool may =
        d->state == DEBUG_HELD || (d->hook.inside && pthread_equal(d->hook.thread, pthread_self()));
    pthread_mutex_unlock(&d->lock);
    return may;
}

static int need_regs(struct hl_debug *d)
{
    int rc = d->cache.regs_valid ? 0 : machine_get_general(d->sb->machine, &d->cache.regs, NULL);
    d->cache.regs_valid = rc == 0;
    return rc;
}

/* They cost a system call, which a false condition avoids. */
static int need_bases(struct hl_debug *d)
{
    int rc = d->cache.bases_valid ? 0 : hl_machine_get_regs(d->sb->machine, &d->cache.regs, NULL);
    d->cache.regs_valid = d->cache.bases_valid = rc == 0;
    return rc;
}

static bool is_base(unsigned number)
{
    return number == GDB_AMD64_FS_BASE || number == GDB_AMD64_GS_BASE;
}

static int need_system(struct hl_debug *d)
{
    int rc = d->cache.system_valid ? 0 : machine_get_system(d->sb->machine, &d->cache.system, NULL);
    d->cache.system_valid = rc == 0;
    return rc;
}

static int need_xsave(struct hl_debug *d)
{
    struct hl_machine *m = d->sb->machine;
    if (d->cache.xsave_valid)
        return 0;
    if (!d->cache.xsave.area) {
        d->cache.xsave.size = machine_xsave_size(m);
        d->cache.xsave.area = calloc(1, d->cache.xsave.size);
        if (!d->cache.xsave.area)
            return HL_ERR_MEMORY;
    }
    int rc = machine_get_xsave(m, d->cache.xsave.area, NULL);
    d->cache.xsave_valid = rc == 0;
    return rc;
}

/* Those in struct hl_regs are in GDB's order. */
static uint64_t *general(struct hl_debug *d, unsigned number)
{
    if (number <= GDB_AMD64_RIP)
        return &(&d->cache.regs.rax)[number];
    return number == GDB_AMD64_EFLAGS    ? &d->cache.regs.rflags
           : number == GDB_AMD64_FS_BASE ? &d->cache.regs.fs_base
           : number == GDB_AMD64_GS_BASE ? &d->cache.regs.gs_base
                                         : NULL;
}

/* Selectors and control registers, which only the host sets.  False: another register. */
static bool read_system(struct hl_debug *d, unsigned number, uint64_t *value)
{
    const struct vcpu_system *s = &d->cache.system;
    const uint16_t selector[] = {s->cs, s->ss, s->ds, s->es, s->fs, s->gs};
    const uint64_t control[] = {s->cr0, s->cr2, s->cr3, s->cr4, s->cr8, s->efer};
    if (number >= GDB_AMD64_CS && number <= GDB_AMD64_GS)
        *value = selector[number - GDB_AMD64_CS];
    else if (number >= GDB_AMD64_CR0 && number <= GDB_AMD64_EFER)
        *value = control[number - GDB_AMD64_CR0];
    else
        return false;
    return true;
}

static bool is_system(unsigned number)
{
    return (number >= GDB_AMD64_CS && number <= GDB_AMD64_GS) ||
           (number >= GDB_AMD64_CR0 && number <= GDB_AMD64_EFER);
}

/* Registers that are not in the XSAVE area. */
static size_t size_of(unsigned number)
{
    return number >= GDB_AMD64_EFLAGS && number <= GDB_AMD64_GS ? 4 : 8;
}

int debug_read_register(void *target, unsigned number, void *data, size_t size)
{
    struct hl_debug *d = target;
    uint64_t value = d->orig_rax;
    int rc = 0;
    if (!debug_may_look(d))
        return HL_ERR_BUSY;
    if (is_system(number)) {
        rc = need_system(d);
        read_system(d, number, &value);
    } else if (number <= GDB_AMD64_EFLAGS || is_base(number)) {
        rc = is_base(number) ? need_bases(d) : need_regs(d);
        value = *general(d, number);
    } else if (number != GDB_AMD64_ORIG_RAX) {
        rc = need_xsave(d);
        return rc ? rc : gdb_xsave_read(&d->cache.xsave, number, data, size);
    }
    if (!rc && size != size_of(number))
        rc = HL_ERR_ARGUMENT;
    if (!rc)
        memcpy(data, &value, size);
    return rc;
}

static int write_xsave(struct hl_debug *d, unsigned number, const void *data, size_t size)
{
    int rc = need_xsave(d);
    if (!rc)
        rc = gdb_xsave_write(&d->cache.xsave, number, data, size);
    if (!rc)
        rc = machine_set_xsave(d->sb->machine, d->cache.xsave.area, NULL);
    d->cache.xsave_valid = rc == 0;
    return rc;
}

static int write_general(struct hl_debug *d, unsigned number, uint64_t value)
{
    int rc = need_bases(d);
    if (rc)
        return rc;
    if (number == GDB_AMD64_RIP && value >> 47)
        return HL_ERR_ARGUMENT; /* at such a rip the backend would fault, not the guest */
    /* The answer to the pending host call would go to a call that code elsewhere makes. */
    if (number == GDB_AMD64_RIP && value != d->cache.regs.rip && (d->in_host || d->at_host_call))
        return HL_ERR_BUSY;
    *general(d, number) = value;
    d->cache.regs_valid = d->cache.bases_valid = false; /* flags are corrected when they are set */
    return hl_machine_set_regs(d->sb->machine, &d->cache.regs, NULL);
}

int debug_write_register(void *target, unsigned number, const void *data, size_t size)
{
    struct hl_debug *d = target;
    uint64_t value = 0, now;
    if (!debug_may_look(d))
        return HL_ERR_BUSY;
    if (!is_system(number) && number > GDB_AMD64_EFLAGS && number != GDB_AMD64_FS_BASE &&
        number != GDB_AMD64_GS_BASE && number != GDB_AMD64_ORIG_RAX)
        return write_xsave(d, number, data, size);
    if (size != size_of(number))
        return HL_ERR_ARGUMENT;
    memcpy(&value, data, size);
    if (number == GDB_AMD64_ORIG_RAX) {
        d->orig_rax = value; /* GDB clears it before it calls a function, and restores it */
        return 0;
    }
    if (!is_system(number))
        return write_general(d, number, value);
    int rc = need_system(d);
    if (!rc && number == GDB_AMD64_CR2) {
        /*
         * GDB restores it after it called a function.  The guest cannot see it: only our copy
         * exists.
         */
        d->cache.system.cr2 = value;
        return 0;
    }
    /* A G packet writes all of them: refuse only a change. */
    if (!rc)
        rc = read_system(d, number, &now) && now == value ? 0 : HL_ERR_ARGUMENT;
    return rc;
}
