/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace_object.c - auxv, siginfo and the load address. */
#include "ptrace_target.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_proc(struct pt *t, const char *what, const void **data, size_t *size)
{
    char name[64];
    FILE *file;

    snprintf(name, sizeof(name), "/proc/%d/%s", (int)t->pid, what);
    file = fopen(name, "re");
    t->object = calloc(1, 65536);
    if (!file || !t->object)
        return HL_ERR_SYSTEM;
    *size = fread(t->object, 1, 65535, file);
    *data = t->object;
    fclose(file);
    return 0;
}

/* Without the vDSO: GDB would look for it in the server's /proc. */
static int auxv(struct pt *t, const void **data, size_t *size)
{
    int rc = read_proc(t, "auxv", data, size);
    Elf64_auxv_t *a = t->object;

    for (size_t i = 0; !rc && i < *size / sizeof(*a); i++)
        if (a[i].a_type == AT_SYSINFO_EHDR)
            a[i].a_type = AT_IGNORE;
    return rc;
}

int pt_object(void *target, enum gdb_object object, const void **data, size_t *size)
{
    struct pt *t = target;

    free(t->object);
    t->object = NULL;
    switch (object) {
    case GDB_OBJECT_AUXV:
        return auxv(t, data, size);
    case GDB_OBJECT_MEMORY_MAP: /* GDB asks once; a process maps more as it runs */
        break;
    case GDB_OBJECT_SIGINFO:
        t->object = calloc(1, sizeof(siginfo_t));
        *data = t->object;
        *size = sizeof(siginfo_t);
        return t->object ? pt_call(t, pt_siginfo, 0, t->object, *size) : HL_ERR_MEMORY;
    }
    return HL_ERR_ARGUMENT;
}

int pt_load_offset(void *target, uint64_t *offset)
{
    struct pt *t = target;
    const Elf64_Ehdr *header = t->file;
    const void *data;
    size_t size;
    int rc = pt_object(t, GDB_OBJECT_AUXV, &data, &size);

    for (size_t i = 0; !rc && i + sizeof(Elf64_auxv_t) <= size; i += sizeof(Elf64_auxv_t)) {
        const Elf64_auxv_t *a = (const void *)((const char *)data + i);
        if (a->a_type == AT_ENTRY) {
            *offset = a->a_un.a_val - header->e_entry;
            return 0;
        }
    }
    return rc ? rc : HL_ERR_STATE;
}
