/* SPDX-License-Identifier: Apache-2.0 */
/* linux_file.h - descriptors, for the parts of the personality that use them. */
#ifndef HL_LINUX_FILE_H
#define HL_LINUX_FILE_H

#include "linux.h"

/* Allocate the lowest free descriptor for it, or -EMFILE.  flags: those of open(). */
int64_t linux_file_new(struct hl_sandbox *sb, enum file_kind kind, int flags);

#endif
