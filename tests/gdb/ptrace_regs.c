/* SPDX-License-Identifier: Apache-2.0 */
#include "ptrace_target.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define AT(field) offsetof(struct user_regs_struct, field)

static const size_t places[] = {
    AT(rax), AT(rbx),    AT(rcx), AT(rdx), AT(rsi), AT(rdi), AT(rbp), AT(rsp),
    AT(r8),  AT(r9),     AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15),
    AT(rip), AT(eflags), AT(cs),  AT(ss),  AT(ds),  AT(es),  AT(fs),  AT(gs),
};

/* Plausible ones, to see how GDB shows them; a native process has none of its own to offer. */
static const uint64_t system_values[] = {0x80050033, 0, 0x1000, 0x3406f0, 0, 0xd01};

static bool place(unsigned number, size_t *at)
{
    if (number < sizeof(places) / sizeof(*places))
        *at = places[number];
    else if (number == GDB_AMD64_ORIG_RAX)
        *at = AT(orig_rax);
    else if (number == GDB_AMD64_FS_BASE)
        *at = AT(fs_base);
    else if (number == GDB_AMD64_GS_BASE)
        *at = AT(gs_base);
    else
        return false;
    return true;
}

static int get_xsave(struct pt *t, struct gdb_xsave *x, uint8_t area[PT_XSAVE])
{
    struct iovec v = {area, PT_XSAVE};

    if (ptrace(PTRACE_GETREGSET, t->pid, NT_X86_XSTATE, &v))
        return HL_ERR_SYSTEM;
    x->area = area;
    x->size = v.iov_len;
    gdb_xsave_offsets(x->offset);
    return 0;
}

int pt_read_reg(struct pt *t, unsigned number, void *data, size_t size)
{
    struct user_regs_struct regs;
    uint8_t area[PT_XSAVE];
    struct gdb_xsave x;
    size_t at;

    if (ptrace(PTRACE_GETREGS, t->pid, NULL, &regs)) /* it may have been killed meanwhile */
        return HL_ERR_SYSTEM;
    if (number >= GDB_AMD64_CR0 && number < GDB_AMD64_REGISTERS) {
        memcpy(data, &system_values[number - GDB_AMD64_CR0], size);
        return 0;
    }
    if (place(number, &at)) {
        memcpy(data, (uint8_t *)&regs + at, size);
        return 0;
    }
    return get_xsave(t, &x, area) ? HL_ERR_SYSTEM : gdb_xsave_read(&x, number, data, size);
}

int pt_write_reg(struct pt *t, unsigned number, void *data, size_t size)
{
    struct user_regs_struct regs;
    uint8_t area[PT_XSAVE];
    struct gdb_xsave x;
    struct iovec v;
    size_t at;
    int rc;

    if (number >= GDB_AMD64_CR0 && number < GDB_AMD64_REGISTERS)
        return HL_ERR_STATE;
    if (place(number, &at)) {
        if (ptrace(PTRACE_GETREGS, t->pid, NULL, &regs))
            return HL_ERR_SYSTEM;
        memset((uint8_t *)&regs + at, 0, 8);
        memcpy((uint8_t *)&regs + at, data, size);
        return ptrace(PTRACE_SETREGS, t->pid, NULL, &regs) ? HL_ERR_SYSTEM : 0;
    }
    rc = get_xsave(t, &x, area);
    if (!rc)
        rc = gdb_xsave_write(&x, number, data, size);
    v = (struct iovec){x.area, x.size};
    if (!rc && ptrace(PTRACE_SETREGSET, t->pid, NT_X86_XSTATE, &v))
        rc = HL_ERR_SYSTEM;
    return rc;
}

int pt_siginfo(struct pt *t, unsigned number, void *data, size_t size)
{
    (void)number;
    (void)size;
    return ptrace(PTRACE_GETSIGINFO, t->pid, NULL, data) ? HL_ERR_SYSTEM : 0;
}

uint64_t pt_get_pc(struct pt *t)
{
    uint64_t pc = 0;

    pt_read_reg(t, GDB_AMD64_RIP, &pc, sizeof(pc));
    return pc;
}

void pt_set_pc(struct pt *t, uint64_t pc)
{
    pt_write_reg(t, GDB_AMD64_RIP, &pc, sizeof(pc));
}

/* Linux's number, GDB's number, where they differ below 32. */
static const struct {
    int host, gdb;
} signals[] = {{7, 10},  {10, 30}, {12, 31}, {17, 20}, {18, 19}, {19, 17},
               {20, 18}, {23, 16}, {29, 23}, {30, 32}, {31, 12}};

int pt_gdb_signal(int host)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (signals[i].host == host)
            return signals[i].gdb;
    return host < 32 ? host : 143; /* GDB's "unknown signal" */
}

int pt_host_signal(int signal)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (signals[i].gdb == signal)
            return signals[i].host;
    return signal < 32 ? signal : 0;
}
