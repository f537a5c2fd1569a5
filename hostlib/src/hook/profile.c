/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook/profile.c - HL_PROFILE=FILE: write the profiles of all guests when the process exits.
 *
 * A program that does not know of profiles must not fail because of one: on any error the profile
 * is left out.
 */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "env.h"
#include "image.h"
#include "hook_profile.h"
#include "sum.h"

#define GUESTS_MAX 64 /* different guests in one process */

static struct {
    pthread_mutex_t lock;
    pid_t process; /* the process that writes; children of fork() do not */
    char *path;
    char *directory; /* at the start; NULL: not needed so far */
    struct hl_profile *profile[GUESTS_MAX];
    unsigned count;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void write_all(void)
{
    if (all.process != getpid())
        return;
    pthread_mutex_lock(&all.lock);
    for (unsigned i = 0; i < all.count; i++) {
        char *path = NULL;
        if (i && asprintf(&path, "%s.%u", all.path, i + 1) < 0)
            continue;
        hl_profile_write(all.profile[i], path ? path : all.path, NULL);
        free(path);
    }
    pthread_mutex_unlock(&all.lock);
}

/* A child must not inherit the lock from a thread that it does not have. */
static void lock_all(void)
{
    pthread_mutex_lock(&all.lock);
    for (unsigned i = 0; i < all.count; i++) {
        pthread_mutex_lock(&all.profile[i]->naming);
        pthread_mutex_lock(&all.profile[i]->lock);
    }
}

static void unlock_all(void)
{
    for (unsigned i = all.count; i-- > 0;) {
        pthread_mutex_unlock(&all.profile[i]->lock);
        pthread_mutex_unlock(&all.profile[i]->naming);
    }
    pthread_mutex_unlock(&all.lock);
}

/* A relative name refers to the directory in which the program was started; it may change it. */
__attribute__((constructor)) static void remember_directory(void)
{
    const char *value = env_value(ENV_PROFILE);
    if (value && *value && *value != '/')
        all.directory = getcwd(NULL, 0);
}

/* Lock held. */
static bool begin(const char *value)
{
    if (all.path)
        return all.process == getpid();
    char *now = *value == '/' || all.directory ? NULL : getcwd(NULL, 0);
    const char *directory = *value == '/' ? NULL : all.directory ? all.directory : now;
    if (asprintf(&all.path, "%s%s%s", directory ? directory : "", directory ? "/" : "", value) < 0)
        all.path = NULL;
    free(now);
    all.process = getpid();
    return all.path && pthread_atfork(lock_all, unlock_all, unlock_all) == 0 &&
           atexit(write_all) == 0;
}

static unsigned rate(void)
{
    const char *hz = env_value(ENV_PROFILE_HZ);
    unsigned long n = hz ? strtoul(hz, NULL, 10) : 0;
    return n > HL_PROFILE_RATE_MAX ? HL_PROFILE_RATE_MAX : (unsigned)n;
}

/* Lock held.  The profile of this guest; NULL if it cannot be created. */
static struct hl_profile *find(const struct hl_image *image)
{
    const struct hl_profile_config config = {.size = sizeof(config), .rate_hz = rate()};
    uint64_t sum = sum_of(image->data, image->size);
    for (unsigned i = 0; i < all.count; i++)
        if (profile_is_of(all.profile[i], image, sum))
            return all.profile[i];
    if (all.count == GUESTS_MAX || hl_profile_create(&all.profile[all.count], image, &config, NULL))
        return NULL;
    return all.profile[all.count++];
}

int hook_profile(struct hl_sandbox *sb, struct hl_error *error)
{
    const char *value = env_value(ENV_PROFILE);
    (void)error;
    if (!value || !*value || sb->config.no_profile)
        return 0;
    pthread_mutex_lock(&all.lock);
    struct hl_profile *p = begin(value) ? find(sb->image) : NULL;
    if (p)
        profile_attach(p, sb, NULL);
    pthread_mutex_unlock(&all.lock);
    return 0;
}
