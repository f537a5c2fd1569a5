/* SPDX-License-Identifier: Apache-2.0 */
/* debug/signal.c - signals of a guest under a debugger: their numbers, and who decides. */
#include "debug.h"

#define GDB_REALTIME_33 45 /* up to 63; 32 and 64 are elsewhere */
#define GDB_REALTIME_32 77
#define GDB_REALTIME_64 78
#define GDB_UNKNOWN 143

/* Linux's signals in GDB's numbers (its include/gdb/signals.def). */
static const uint8_t numbers[] = {
    [SIGHUP] = 1,
    [SIGINT] = GDB_SIGNAL_INT,
    [SIGQUIT] = 3,
    [SIGILL] = GDB_SIGNAL_ILL,
    [SIGTRAP] = GDB_SIGNAL_TRAP,
    [SIGABRT] = GDB_SIGNAL_ABRT,
    [SIGBUS] = GDB_SIGNAL_BUS,
    [SIGFPE] = GDB_SIGNAL_FPE,
    [SIGKILL] = GDB_SIGNAL_KILL,
    [SIGUSR1] = 30,
    [SIGSEGV] = GDB_SIGNAL_SEGV,
    [SIGUSR2] = 31,
    [SIGPIPE] = 13,
    [SIGALRM] = 14,
    [SIGTERM] = GDB_SIGNAL_TERM,
    [SIGCHLD] = 20,
    [SIGCONT] = 19,
    [SIGSTOP] = 17,
    [SIGTSTP] = 18,
    [SIGTTIN] = 21,
    [SIGTTOU] = 22,
    [SIGURG] = 16,
    [SIGXCPU] = 24,
    [SIGXFSZ] = 25,
    [SIGVTALRM] = 26,
    [SIGPROF] = 27,
    [SIGWINCH] = 28,
    [SIGIO] = 23,
    [SIGPWR] = 32,
    [SIGSYS] = GDB_SIGNAL_SYS,
};
#define CLASSIC ((int)sizeof(numbers))

int debug_gdb_signal(int number)
{
    if (number > 0 && number < CLASSIC && numbers[number])
        return numbers[number];
    if (number >= 33 && number <= 63)
        return GDB_REALTIME_33 + number - 33;
    return number == 32 ? GDB_REALTIME_32 : number == 64 ? GDB_REALTIME_64 : GDB_UNKNOWN;
}

/* Signals that Linux does not have are not converted. */
int debug_host_signal(int gdb)
{
    for (int number = 1; number <= 64; number++)
        if (debug_gdb_signal(number) == gdb)
            return number;
    return gdb;
}

int debug_signal(struct hl_debug *d, int *number, struct hl_error *error)
{
    struct gdb_stop stop = {.reason = GDB_STOP_SIGNAL, .signal = debug_gdb_signal(*number)};
    pthread_mutex_lock(&d->lock);
    bool attached = d->state != DEBUG_FREE || d->event_due;
    bool pass = d->pass[stop.signal / 8] >> stop.signal % 8 & 1;
    pthread_mutex_unlock(&d->lock);
    if (!attached || pass)
        return 0;
    debug_regs_forget(d);
    int rc = debug_show(d, &stop, error);
    pthread_mutex_lock(&d->lock);
    *number = d->deliver ? debug_host_signal(d->deliver) : 0;
    d->deliver = 0;
    pthread_mutex_unlock(&d->lock);
    return rc;
}
