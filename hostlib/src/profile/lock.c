/* SPDX-License-Identifier: Apache-2.0 */
/* profile/lock.c - the two locks of a profile, which a child of fork() initialises again. */
#include "profile.h"

#include "fork.h"

/* In a child of fork() they may be held by a thread that does not exist there. */
static void renew(struct hl_profile *p)
{
    if (!fork_copied(p->forks))
        return;
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->naming, NULL);
    p->forks = fork_count;
}

void profile_lock(struct hl_profile *p)
{
    renew(p);
    pthread_mutex_lock(&p->lock);
}

void profile_lock_naming(struct hl_profile *p)
{
    renew(p);
    pthread_mutex_lock(&p->naming);
}
