/* SPDX-License-Identifier: Apache-2.0 */
/* bombs-host GUEST: call Spin with a limit of 100 ms; the processor's time that the call took. */
#include <hl/hl.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const struct hl_sandbox_config config = {.no_debugger = true};
    const struct hl_limits limits = {.wall_ns = 100000000};
    struct hl_value argument = {.type = HL_I32}, result;
    struct hl_sandbox *sandbox;
    struct hl_image *image;
    struct hl_error error;
    double began;
    int rc;

    if (argc != 2 || hl_image_open(&image, argv[1], &error) ||
        hl_sandbox_create(&sandbox, image, &config, &error) || hl_sandbox_start(sandbox, &error) ||
        hl_sandbox_limit(sandbox, &limits, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    began = now();
    rc = hl_sandbox_call(sandbox, "Spin", &argument, 1, &result, &error);
    printf("%d %.0f\n", rc, (now() - began) * 1000);
    hl_sandbox_destroy(sandbox);
    hl_image_close(image);
    return 0;
}
