/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - paths and whole files. */
#ifndef DEV_FILE_H
#define DEV_FILE_H

#include <stddef.h>

#include <hl/error.h>

/* directory/name, or name alone where it is absolute or directory is NULL; free() it. */
char *file_join(const char *directory, const char *name);

/* The file's bytes followed by a NUL; free() them.  Errors: FILE, LIMIT, MEMORY. */
int file_read(const char *path, size_t max, char **data, size_t *len, struct hl_error *error);

/* Directory this program lies in ("/usr/local/bin"), NULL when unknown; free() it. */
char *file_own_directory(void);

#endif
