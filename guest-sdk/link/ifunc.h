/* SPDX-License-Identifier: Apache-2.0 */
/* ifunc.h - functions that a resolver chooses when a program starts, which a guest cannot have. */
#ifndef HL_LINK_IFUNC_H
#define HL_LINK_IFUNC_H

#include <stdbool.h>
#include <stddef.h>

/* Has the linked file one?  Its name, or what is known of its resolver. */
bool ifunc_find(const char *path, char *name, size_t size);

#endif
