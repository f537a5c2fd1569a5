/* SPDX-License-Identifier: Apache-2.0 */
/* A host program that knows nothing of profiles: HL_PROFILE is for such. */
#include <hl/hl.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error);

static int run(const char *path, const char *function, bool no_profile)
{
    const struct hl_sandbox_config config = {.no_profile = no_profile};
    struct hl_image *image = NULL;
    struct hl_sandbox *sandbox = NULL;
    struct hl_error error;
    int rc = hl_image_open(&image, path, &error);
    if (!rc)
        rc = hl_sandbox_create(&sandbox, image, &config, &error);
    if (!rc)
        rc = hl_plugin_register(sandbox, &error);
    if (!rc)
        rc = hl_sandbox_start(sandbox, &error);
    if (!rc)
        rc = hl_sandbox_call(sandbox, function, NULL, 0, NULL, &error);
    if (rc)
        fprintf(stderr, "%s\n", error.text);
    hl_sandbox_destroy(sandbox);
    hl_image_close(image);
    return rc;
}

/* profile-main GUEST FUNCTION [OTHER-GUEST OTHER-FUNCTION] [no_profile] */
int main(int argc, char **argv)
{
    bool no_profile = strcmp(argv[argc - 1], "no_profile") == 0;
    int rc = run(argv[1], argv[2], no_profile);
    if (chdir("/"))
        return 1;
    for (int i = 3; i + 1 < argc && !rc; i += 2)
        rc = run(argv[i], argv[i + 1], no_profile);
    return rc != 0;
}
