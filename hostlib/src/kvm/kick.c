/* SPDX-License-Identifier: Apache-2.0 */
#include "kick.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <hl/machine.h>

#include "clock.h"
#include "fork.h"
#include "retry.h"

/* glibc 2.36 does not name it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define KICK_OFFSET 6
/*
 * Used if the user's queue of real-time signals is full (RLIMIT_SIGPENDING), and ours is lost with
 * EAGAIN: a classic signal needs no place in it, and Linux itself never sends this one.
 */
#define SPARE_SIGNAL SIGSTKFLT

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int number; /* 0: the default */
static bool installed, spare_installed;
FORK_FREES(&lock)

static void on_kick(int signal_number)
{
    (void)signal_number; /* its delivery is enough: KVM_RUN returns EINTR */
}

static int signal_number_locked(void)
{
    return number ? number : SIGRTMIN + KICK_OFFSET;
}

int hl_kick_signal(void)
{
    pthread_mutex_lock(&lock);
    int n = signal_number_locked();
    pthread_mutex_unlock(&lock);
    return n;
}

int hl_kick_signal_set(int signal_number)
{
    /* The signals between the classic ones and SIGRTMIN are reserved by libc. */
    if (signal_number < 1 || signal_number > SIGRTMAX || signal_number == SIGKILL ||
        signal_number == SIGSTOP || (signal_number > SIGSYS && signal_number < SIGRTMIN))
        return HL_ERR_ARGUMENT;
    pthread_mutex_lock(&lock);
    int rc = installed ? HL_ERR_STATE : 0;
    if (!rc)
        number = signal_number;
    pthread_mutex_unlock(&lock);
    return rc;
}

/* On the alternate stack, if the program has set one: a Go thread's own stack is too small. */
static int install(int signal_number, bool *done)
{
    struct sigaction action = {.sa_handler = on_kick, .sa_flags = SA_ONSTACK};
    pthread_mutex_lock(&lock);
    sigemptyset(&action.sa_mask);
    int rc = !*done && sigaction(signal_number, &action, NULL) ? HL_ERR_SYSTEM : 0;
    *done |= rc == 0;
    pthread_mutex_unlock(&lock);
    return rc;
}

int kick_install(void)
{
    return install(hl_kick_signal(), &installed);
}

void kick_init(struct kick *k)
{
    *k = (struct kick){.forks = fork_count};
    pthread_mutex_init(&k->lock, NULL);
}

/* A child of fork() inherits no timers, and its timers have their own numbers. */
void kick_destroy(struct kick *k)
{
    if (k->has_ticker)
        deadline_close(&k->ticker);
    if (k->has_timer && !fork_copied(k->forks))
        timer_delete(k->timer);
    pthread_mutex_destroy(&k->lock);
}

static void set_immediate_exit(struct kvm_run *run, uint8_t value)
{
    __atomic_store_n(&run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

/*
 * A worker thread may block every signal.  KVM then unblocks ours while the guest runs; checked
 * once for each new thread, as it costs a system call.
 */
static void open_signal(struct kick *k, int vcpu_fd)
{
    struct {
        struct kvm_signal_mask head;
        uint8_t set[8]; /* directly after the length: no padding */
    } mask = {.head.len = sizeof(mask.set)};
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    bool needed = sigismember(&blocked, hl_kick_signal()) || sigismember(&blocked, SPARE_SIGNAL);
    if (!needed && !k->masked)
        return;
    sigdelset(&blocked, hl_kick_signal());
    sigdelset(&blocked, SPARE_SIGNAL);
    memcpy(mask.set, &blocked, sizeof(mask.set)); /* the kernel's set is the first 64 signals */
    k->masked =
        retry_ioctl(vcpu_fd, KVM_SET_SIGNAL_MASK, needed ? &mask.head : NULL) == 0 && needed;
}

static sigset_t our_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, hl_kick_signal());
    sigaddset(&set, SPARE_SIGNAL);
    return set;
}

/* Take the pending signals that this thread blocks; returns how many were ticks. */
static unsigned take_pending(struct kick *k)
{
    const struct timespec now = {0};
    unsigned ticks = 0;
    siginfo_t info;
    sigset_t ours = our_signals();
    while (sigtimedwait(&ours, &info, &now) > 0)
        ticks += info.si_code == SI_TIMER;
    pthread_mutex_lock(&k->lock);
    ticks += k->sent;
    k->sent = 0;
    pthread_mutex_unlock(&k->lock);
    return ticks;
}

/* A signal unblocked only inside KVM is still pending: unless taken, it ends every run at once. */
static void drain_signal(struct kick *k)
{
    if (k->masked)
        k->ticks = take_pending(k);
}

static void begin_run(struct kick *k, int vcpu_fd, struct kvm_run *run, bool whole)
{
    pthread_mutex_lock(&k->lock);
    if (!k->known || !pthread_equal(k->thread, pthread_self()))
        open_signal(k, vcpu_fd);
    k->running = k->known = true;
    k->whole = whole;
    k->thread = pthread_self();
    if (whole)
        set_immediate_exit(run, 0);
    pthread_mutex_unlock(&k->lock);
}

static void end_run(struct kick *k, struct kvm_run *run)
{
    pthread_mutex_lock(&k->lock);
    k->running = k->whole = false;
    if (k->deferred)
        set_immediate_exit(run, 1);
    k->deferred = false;
    pthread_mutex_unlock(&k->lock);
}

/* With every signal blocked: with frequent kicks the vCPU would make no progress. */
static int run_whole(int vcpu_fd)
{
    sigset_t before;
    signals_block(&before);
    int rc = ioctl(vcpu_fd, KVM_RUN, 0);
    signals_restore(&before);
    return rc;
}

/*
 * A tick outside KVM_RUN is not a sample of the guest: it would otherwise be counted as one, always
 * at the same place.
 */
static void drop_ticks(struct kick *k)
{
    if (clock_now() / k->period != k->out_since / k->period)
        take_pending(k);
}

int kick_run(struct kick *k, int vcpu_fd, struct kvm_run *run, bool whole)
{
    if (k->period)
        drop_ticks(k);
    begin_run(k, vcpu_fd, run, whole);
    int rc = whole ? run_whole(vcpu_fd) : ioctl(vcpu_fd, KVM_RUN, 0);
    int e = errno;
    end_run(k, run);
    if (k->period)
        k->out_since = clock_now();
    if (rc && e == EINTR) {
        drain_signal(k);
        k->asked = __atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST);
        set_immediate_exit(run, 0);
    }
    errno = e;
    return rc;
}

int kick_settle(struct kick *k, int vcpu_fd, struct kvm_run *run)
{
    pthread_mutex_lock(&k->lock);
    k->deferred = run->immediate_exit;
    k->running = k->whole = true; /* a kick is noted, not sent */
    k->thread = pthread_self();
    set_immediate_exit(run, 1);
    pthread_mutex_unlock(&k->lock);
    int rc = ioctl(vcpu_fd, KVM_RUN, 0);
    int e = errno;
    set_immediate_exit(run, 0);
    end_run(k, run);
    errno = e;
    return rc;
}

/* One per thread; afterwards it stays, disarmed, for the next time. */
static int make_timer(struct kick *k)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = hl_kick_signal()};
    if (k->has_timer && k->timer_thread == gettid())
        return 0;
    if (k->has_timer)
        timer_delete(k->timer);
    event.sigev_notify_thread_id = gettid();
    k->has_timer = timer_create(CLOCK_MONOTONIC, &event, &k->timer) == 0;
    k->timer_thread = gettid();
    return k->has_timer ? 0 : -1;
}

/* The program's SIGSTKFLT handler is left alone until the queue has been full once. */
static void signal_thread(pthread_t thread)
{
    if (pthread_kill(thread, hl_kick_signal()) == EAGAIN &&
        install(SPARE_SIGNAL, &spare_installed) == 0)
        pthread_kill(thread, SPARE_SIGNAL);
}

static uint64_t send_tick(struct deadline *d, uint64_t now)
{
    struct kick *k = (struct kick *)((char *)d - offsetof(struct kick, ticker));
    pthread_mutex_lock(&k->lock);
    if (k->running && !k->whole) {
        k->sent++;
        signal_thread(k->thread);
    }
    uint64_t period = k->period;
    pthread_mutex_unlock(&k->lock);
    return (now / period + 1) * period;
}

/* Creating a timer needs a place in the queue of signals. */
static int make_ticker(struct kick *k)
{
    if (!k->has_ticker && deadline_open(NULL))
        return -1;
    k->ticker.due = send_tick;
    k->has_ticker = true;
    return 0;
}

/* At the next multiple of the period, and so on. */
static int arm(struct kick *k, uint64_t period)
{
    uint64_t next = period ? (clock_now() / period + 1) * period : 0;
    if (!k->has_timer) {
        deadline_set(&k->ticker, period ? next : DEADLINE_NEVER);
        return 0;
    }
    const struct itimerspec when = {
        .it_value = {(time_t)(next / 1000000000u), (long)(next % 1000000000u)},
        .it_interval = {(time_t)(period / 1000000000u), (long)(period % 1000000000u)},
    };
    return timer_settime(k->timer, TIMER_ABSTIME, &when, NULL);
}

static int begin_samples(struct kick *k, uint64_t period)
{
    sigset_t ours = our_signals(), before;
    if ((make_timer(k) && make_ticker(k)) || pthread_sigmask(SIG_BLOCK, &ours, &before))
        return -1;
    k->opened = ours;
    for (int i = 1; i < NSIG; i++)
        if (sigismember(&before, i) == 1)
            sigdelset(&k->opened, i);
    k->period = period;
    k->out_since = clock_now();
    if (arm(k, period) == 0)
        return 0;
    pthread_sigmask(SIG_UNBLOCK, &k->opened, NULL);
    k->period = 0;
    return -1;
}

/* Other signals are left as they are: host functions may have changed the mask meanwhile. */
static void end_samples(struct kick *k)
{
    arm(k, 0);
    take_pending(k); /* a kick among them has also set immediate_exit */
    pthread_sigmask(SIG_UNBLOCK, &k->opened, NULL);
    k->period = 0;
}

int kick_sample(struct kick *k, uint64_t period)
{
    int rc = 0;
    if (k->period)
        end_samples(k);
    if (period)
        rc = begin_samples(k, period);
    pthread_mutex_lock(&k->lock);
    k->known = false; /* the thread's mask has changed */
    pthread_mutex_unlock(&k->lock);
    return rc;
}

/* While immediate_exit is set another kick would only add signals. */
void kick_send(struct kick *k, struct kvm_run *run)
{
    pthread_mutex_lock(&k->lock);
    if (k->whole) {
        k->deferred = true;
    } else if (!__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST)) {
        set_immediate_exit(run, 1);
        if (k->running)
            signal_thread(k->thread);
    }
    pthread_mutex_unlock(&k->lock);
}
