/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.h - what a child of fork() has of its parent's.
 *
 * It has copies of all objects, but none of the threads that serve them, and the virtual machines
 * stay the parent's.  So an object remembers how many forks there were before it was made, and in a
 * child it is only good for being destroyed.  Children that are made otherwise (a bare clone(),
 * vfork()) are not noticed.
 */
#ifndef HL_FORK_H
#define HL_FORK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* How many there were on the way to this process. */
extern unsigned fork_count;

/* Was what was made at `made` copied into this process by fork()? */
static inline bool fork_copied(unsigned made)
{
    return made != fork_count;
}

/*
 * Locks of a file's own, once: another thread of the parent's may have held them.  For those that
 * guard what is either done or not, the last store of which says so.
 */
#define FORK_FREES(...)                                                                            \
    static void free_locks(void)                                                                   \
    {                                                                                              \
        pthread_mutex_t *const locks_[] = {__VA_ARGS__};                                           \
        for (size_t i_ = 0; i_ < sizeof(locks_) / sizeof(locks_[0]); i_++)                         \
            pthread_mutex_init(locks_[i_], NULL);                                                  \
    }                                                                                              \
    __attribute__((constructor)) static void free_locks_in_children(void)                          \
    {                                                                                              \
        pthread_atfork(NULL, NULL, free_locks);                                                    \
    }

/*
 * A fork waits for this lock, and both have it free after.  For one that guards a descriptor:
 * fork() copies the descriptors before the memory, so a child could know of one that it does not
 * have.
 */
#define FORK_WAITS(lock)                                                                           \
    static void before_fork(void)                                                                  \
    {                                                                                              \
        pthread_mutex_lock(lock);                                                                  \
    }                                                                                              \
    static void after_fork(void)                                                                   \
    {                                                                                              \
        pthread_mutex_unlock(lock);                                                                \
    }                                                                                              \
    __attribute__((constructor)) static void wait_in_forks(void)                                   \
    {                                                                                              \
        pthread_atfork(before_fork, after_fork, after_fork);                                       \
    }

/* The calling thread's number, without a system call. */
int fork_thread(void);

#endif
