/* SPDX-License-Identifier: Apache-2.0 */
/* image/bad.c - errors about an image, which begin with its path. */
#include "image.h"

#include <stdarg.h>
#include <stdio.h>

int image_error(const struct hl_image *image, struct hl_error *error, int code, const char *format,
                ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return hl_error_set(error, code, "%s: %s", image->path, text);
}

int image_bad(const struct hl_image *image, struct hl_error *error, const char *what)
{
    return image_error(image, error, HL_ERR_BAD_IMAGE, "%s", what);
}
