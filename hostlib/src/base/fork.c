/* SPDX-License-Identifier: Apache-2.0 */
#include "fork.h"

#include <pthread.h>
#include <unistd.h>

unsigned fork_count;
static __thread int thread;

static void in_child(void)
{
    fork_count++;
    thread = 0;
}

__attribute__((constructor)) static void watch(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

int fork_thread(void)
{
    if (!thread)
        thread = (int)gettid();
    return thread;
}
