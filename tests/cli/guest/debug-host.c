/*
 * A program that uses libhl and knows nothing of debuggers: two sandboxes a process, until its
 * input ends.  host GUEST PROCESSES [no_debugger]: with 0 processes the second sandbox is in a
 * call; with -1 it does not wait for its input.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hl/hl.h>

static struct hl_image *image;
static struct hl_sandbox *sandbox[2];

static void die(const struct hl_error *error)
{
    printf("%s: %s\nhint: %s\n", hl_err_name(error->code), error->text, error->hint);
    exit(1);
}

static void start(const struct hl_sandbox_config *config)
{
    struct hl_value args[2] = {hl_i32(1), hl_i32(2)}, result;
    struct hl_error error;

    for (int i = 0; i < 2; i++)
        if (hl_sandbox_create(&sandbox[i], image, config, &error) ||
            hl_sandbox_start(sandbox[i], &error) ||
            hl_sandbox_call(sandbox[i], "Add", args, 2, &result, &error))
            die(&error);
}

static void *spin(void *unused)
{
    struct hl_value result;
    struct hl_error error;

    (void)unused;
    if (hl_sandbox_call(sandbox[1], "Spin", NULL, 0, &result, &error))
        die(&error);
    return NULL;
}

int main(int argc, char **argv)
{
    struct hl_sandbox_config config = {.no_debugger = argc > 3};
    int processes = atoi(argv[2]), status, failed = 0;
    pthread_t thread;
    struct hl_error error;

    if (hl_image_open(&image, argv[1], &error))
        die(&error);
    for (int i = 1; i < processes; i++)
        if (fork() == 0)
            break;
    start(&config);
    if (argc <= 3)
        dprintf(2, "ready\n");
    printf("%d\n", (int)getpid());
    fflush(stdout);
    if (processes == 0 && getenv("HL_GDB") && *getenv("HL_GDB") == 'a')
        pthread_create(&thread, NULL, spin, NULL);
    while (processes >= 0 && getchar() != EOF)
        ;
    if (processes == 0 && getenv("HL_GDB") && *getenv("HL_GDB") == 'a')
        pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++)
        hl_sandbox_destroy(sandbox[i]);
    hl_image_close(image);
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
