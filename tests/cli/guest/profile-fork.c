/* SPDX-License-Identifier: Apache-2.0 */
/* A host program that forks while its guests run; each child runs a guest of its own. */
#include <hl/hl.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error);

static struct hl_image *image;
static atomic_bool stop;

static struct hl_sandbox *open_sandbox(void)
{
    struct hl_sandbox *sandbox = NULL;
    struct hl_error error;
    if (hl_sandbox_create(&sandbox, image, NULL, &error) || hl_plugin_register(sandbox, &error) ||
        hl_sandbox_start(sandbox, &error)) {
        fprintf(stderr, "%s\n", error.text);
        _exit(1);
    }
    return sandbox;
}

static void *work(void *opaque)
{
    struct hl_sandbox *sandbox = open_sandbox();
    while (!stop)
        hl_sandbox_call(sandbox, "Ten", NULL, 0, NULL, NULL);
    hl_sandbox_destroy(sandbox);
    return opaque;
}

static void child(void)
{
    alarm(30);
    struct hl_sandbox *sandbox = open_sandbox();
    int rc = hl_sandbox_call(sandbox, "Ten", NULL, 0, NULL, NULL);
    hl_sandbox_destroy(sandbox);
    exit(rc != 0);
}

/* profile-fork GUEST; status 0: all children came to their end */
int main(int argc, char **argv)
{
    pthread_t thread[3];
    int failed = argc != 2 || hl_image_open(&image, argv[1], NULL), status;
    for (unsigned i = 0; i < 3 && !failed; i++)
        failed = pthread_create(&thread[i], NULL, work, NULL);
    for (unsigned i = 0; i < 40 && !failed; i++) {
        pid_t pid = fork();
        if (!pid)
            child();
        failed = waitpid(pid, &status, 0) != pid || status;
    }
    stop = true;
    for (unsigned i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    return failed;
}
