/* SPDX-License-Identifier: Apache-2.0 */
#include "kick.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include <hl/machine.h>

#define KICK_OFFSET 6

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int number; /* 0: the default */
static bool installed;

static void on_kick(int signal_number)
{
    (void)signal_number; /* being delivered is all it is for: KVM_RUN returns EINTR */
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
    if (signal_number < 1 || signal_number > SIGRTMAX)
        return HL_ERR_ARGUMENT;
    pthread_mutex_lock(&lock);
    int rc = installed ? HL_ERR_STATE : 0;
    if (!rc)
        number = signal_number;
    pthread_mutex_unlock(&lock);
    return rc;
}

int kick_install(void)
{
    int rc = 0;
    pthread_mutex_lock(&lock);
    if (!installed) {
        struct sigaction action = {.sa_handler = on_kick};
        sigemptyset(&action.sa_mask);
        rc = sigaction(signal_number_locked(), &action, NULL) ? HL_ERR_SYSTEM : 0;
        installed = rc == 0;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}
