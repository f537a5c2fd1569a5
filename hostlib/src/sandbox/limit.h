/* SPDX-License-Identifier: Apache-2.0 */
/* limit.h - limits on a sandbox's calls (public part: struct hl_limits in hl/sandbox.h). */
#ifndef HL_LIMIT_H
#define HL_LIMIT_H

#include "sandbox.h"

/*
 * All on the guest's thread.  Around a run; end returns rc, and adds to *error which limit it was.
 */
void limit_begin(struct limit *limit);
int limit_end(struct limit *limit, int rc, struct hl_error *error);

/* Before an entry: has the guest reached its limit of exits? */
bool limit_is_used_up(struct limit *limit);

/* Around a host function, whose CPU time does not count as the guest's. */
void limit_host_begin(struct limit *limit);
void limit_host_end(struct limit *limit);

void limit_free(struct limit *limit); /* NULL is fine */

#endif
