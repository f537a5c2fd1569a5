/* SPDX-License-Identifier: Apache-2.0 */
/* attachable.h - how people name the sandboxes of hl/attach.h. */
#ifndef DEV_ATTACHABLE_H
#define DEV_ATTACHABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/attach.h>

/* The process's id, followed by "-NUMBER" if the id alone is not enough. */
void attachable_id(const struct hl_attachable *list, size_t count, size_t i, char *buf,
                   size_t size);

/*
 * PID-NUMBER always names one, PID if there is one of that process.  ATTACHABLE_NONE;
 * ATTACHABLE_SEVERAL: which of them is not clear.
 */
enum { ATTACHABLE_NONE = -1, ATTACHABLE_SEVERAL = -2 };
long attachable_find(const struct hl_attachable *list, size_t count, const char *id);

#endif
