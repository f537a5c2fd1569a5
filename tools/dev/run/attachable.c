/* SPDX-License-Identifier: Apache-2.0 */
#include "attachable.h"

#include <stdio.h>
#include <string.h>

static bool alone(const struct hl_attachable *list, size_t count, size_t i)
{
    size_t same = 0;
    for (size_t k = 0; k < count; k++)
        same += list[k].pid == list[i].pid;
    return same == 1;
}

void attachable_id(const struct hl_attachable *list, size_t count, size_t i, char *buf, size_t size)
{
    if (alone(list, count, i))
        snprintf(buf, size, "%d", list[i].pid);
    else
        snprintf(buf, size, "%d-%u", list[i].pid, list[i].number);
}

long attachable_find(const struct hl_attachable *list, size_t count, const char *id)
{
    char full[32], pid[32];
    long found = ATTACHABLE_NONE;
    for (size_t i = 0; i < count; i++) {
        snprintf(full, sizeof(full), "%d-%u", list[i].pid, list[i].number);
        snprintf(pid, sizeof(pid), "%d", list[i].pid);
        if (strcmp(id, full) == 0)
            return (long)i;
        if (strcmp(id, pid) == 0)
            found = found == ATTACHABLE_NONE ? (long)i : ATTACHABLE_SEVERAL;
    }
    return found;
}
