/* SPDX-License-Identifier: Apache-2.0 */
/* base/siginfo.c - exceptions as signals, as in Linux's arch/x86/kernel/traps.c. */
#include "siginfo.h"

#include <string.h>

#include "x86.h"

/* code 0 stands for SI_KERNEL, which does not fit; such a signal has no address. */
static const struct {
    uint8_t signal, code;
} by_vector[] = {
    [0] = {SIGFPE, FPE_INTDIV},  [1] = {SIGTRAP, TRAP_TRACE}, [3] = {SIGTRAP, TRAP_BRKPT},
    [4] = {SIGSEGV, 0},          [5] = {SIGSEGV, 0},          [6] = {SIGILL, ILL_ILLOPN},
    [12] = {SIGBUS, 0},          [13] = {SIGSEGV, 0},         [14] = {SIGSEGV, SEGV_MAPERR},
    [16] = {SIGFPE, FPE_FLTINV}, [17] = {SIGBUS, BUS_ADRALN}, [19] = {SIGFPE, FPE_FLTINV},
};
#define KNOWN (sizeof(by_vector) / sizeof(by_vector[0]))

int siginfo_signal(const struct hl_fault *fault)
{
    int number = fault->vector < KNOWN ? by_vector[fault->vector].signal : 0;
    return number ? number : SIGSEGV;
}

void siginfo_of_fault(siginfo_t *info, const struct hl_fault *f)
{
    int code = f->vector < KNOWN ? by_vector[f->vector].code : 0;
    hl_gva_t at = f->vector == VECTOR_PAGE_FAULT ? f->address : f->rip;
    memset(info, 0, sizeof(*info));
    info->si_signo = siginfo_signal(f);
    info->si_code = code ? code : SI_KERNEL;
    if (f->vector == VECTOR_PAGE_FAULT && (f->error_code & PF_PRESENT))
        info->si_code = SEGV_ACCERR;
    if (code)
        memcpy(&info->si_addr, &at, sizeof(at));
}
