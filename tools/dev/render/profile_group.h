/* SPDX-License-Identifier: Apache-2.0 */
/* profile_group.h - the rows of a profile, grouped as asked for. */
#ifndef DEV_PROFILE_GROUP_H
#define DEV_PROFILE_GROUP_H

#include "profile_render.h"
#include "profile_view.h"

/*
 * One line of a table.  By reason or host: a kind, and nothing but its count and ns.  By function:
 * what is spent in it itself (exits: what it is blamed for), and with all it calls.  By line: the
 * lines to blame, apart by what they do.
 */
struct profile_group {
    enum profile_root root;
    const char *name;
    const char *place; /* by function: its file; by line: "file:line" */
    const char *what;  /* label of the kind, or "" */
    const struct view_kind *kind;
    uint64_t count, ns, total_count, total_ns;
};

struct profile_groups {
    struct profile_group *group;
    size_t count;
};

/* Sorted by weight.  profile_groups_free() in any case.  Errors: MEMORY. */
int profile_groups_make(struct profile_groups *groups, const struct view *view, enum profile_by by,
                        enum profile_weight weight, struct hl_error *error);
void profile_groups_free(struct profile_groups *groups);

/* What BY_DEFAULT is. */
enum profile_by profile_default_by(const struct view *view, enum profile_by by);

/* Host functions and system calls. */
bool profile_kind_is_host(const struct view_kind *kind);

#endif
