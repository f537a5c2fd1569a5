/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - what a part of a host program, as it stands in documents and headers, leaves out. */
#include <stdio.h>

#include <hl/gdb.h>
#include <hl/hl.h>

extern struct hl_image *image;
extern struct hl_sandbox *sb, *sandbox;
extern struct hl_snapshot *snapshot;
extern struct hl_profile *profile;
extern struct gdb_target target;
extern struct hl_attachable *list;
extern struct hl_error error;
extern struct hl_value result;
extern const struct hl_value *args;
extern int fd, rc;
extern size_t size;
extern int32_t sum;

extern hl_host_fn host_add, host_capital, host_time;
