/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - calls of the conformance guest by type. */
#ifndef TESTS_CONFORMANCE_VALUES_H
#define TESTS_CONFORMANCE_VALUES_H

#include "conformance.h"
#include "files.h"
#include "child.h"

#include <hl/share.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define value_i64 hl_i64
#define value_f32 hl_f32
#define value_f64 hl_f64
#define value_bool hl_bool

static inline int create_all(const struct hl_image *image)
{
    struct hl_sandbox *sb = NULL;
    struct hl_error error = {0};
    int rc = hl_sandbox_create(&sb, image, NULL, &error);
    if (!rc)
        rc = hl_sandbox_start(sb, &error);
    hl_sandbox_destroy(sb);
    if (rc && (error.code != rc || !error.text[0]))
        return 100;
    return -rc;
}

static inline int create_and_tell(const char *path)
{
    struct hl_image *image = NULL;
    if (hl_image_open(&image, path, NULL))
        return 97;
    int rc = create_all(image);
    hl_image_close(image);
    return rc;
}

#endif
