/* SPDX-License-Identifier: Apache-2.0 */
/* ini.c - any bytes as a project's hl.ini. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "project.h"
#include "tiny.h"

static char directory[64], path[80];

static void remove_all(void)
{
    unlink(path);
    rmdir(directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct project p;
    struct hl_error error = {0};
    if (!directory[0]) {
        snprintf(directory, sizeof(directory), "/dev/shm/hl-fuzz-ini.XXXXXX");
        if (!mkdtemp(directory))
            abort();
        snprintf(path, sizeof(path), "%s/hl.ini", directory);
        atexit(remove_all);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    int rc = project_open(&p, directory, &error);
    if (rc ? error.code != rc || !error.text[0] : !p.guest || p.timeout < 0)
        abort();
    project_free(&p);
    return 0;
}
