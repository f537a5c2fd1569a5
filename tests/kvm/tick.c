/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tick.c - in every test program that needs KVM: with HL_TEST_TICK=restart or =break a signal comes
 * each 0.2 ms from before main() on, with SA_RESTART or without.  Not SIGALRM, which is
 * watchdog()'s.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_NS 200000

static void tick(int signal_number)
{
    (void)signal_number;
}

__attribute__((constructor)) static void begin(void)
{
    const char *how = getenv("HL_TEST_TICK");
    if (!how || !*how)
        return;
    struct sigaction action = {.sa_handler = tick,
                               .sa_flags = strcmp(how, "restart") == 0 ? SA_RESTART : 0};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    const struct itimerspec each = {{0, TICK_NS}, {0, TICK_NS}};
    timer_t timer;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGVTALRM, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
        timer_settime(timer, 0, &each, NULL)) {
        perror("HL_TEST_TICK");
        exit(1);
    }
}
