/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.h - objects that a child of fork() has from its parent.
 *
 * The child has copies of all objects, but not the threads that serve them, and the virtual
 * machines still belong to the parent.  So an object remembers the number of forks before it was
 * made; in a child it can only be destroyed.  Children created in other ways (a bare clone(),
 * vfork()) are not detected.
 */
#ifndef HL_FORK_H
#define HL_FORK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* The number of forks between the first process and this one. */
extern unsigned fork_count;

/* Was an object made at `made` copied into this process by fork()? */
static inline bool fork_copied(unsigned made)
{
    return made != fork_count;
}

/*
 * Reset a file's own lock in the child: another thread of the parent may have held it.  For locks
 * whose data is consistent until the last store, which marks it as done.
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
 * fork() waits for this lock, and it is free in parent and child afterwards.  For a lock that
 * guards a descriptor: fork() copies descriptors before memory, so without it a child's memory
 * could name a descriptor that the child does not have.
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
