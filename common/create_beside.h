/* SPDX-License-Identifier: Apache-2.0 */
/* create_beside.h - the new file that is to take the place of another once it is whole. */
#ifndef COMMON_CREATE_BESIDE_H
#define COMMON_CREATE_BESIDE_H

#include <stdbool.h>

/*
 * A new file in the directory of path, open to write: 0600 if it is secret, else as the process's
 * umask has it.  Rename *name to path, or unlink it, and free() it.  -1 with errno, and NULL in
 * *name.
 */
int file_create_beside(const char *path, bool secret, char **name);

#endif
