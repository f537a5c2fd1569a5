/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - write a guest as an ELF core file (hl/core.h is the public part).
 *
 * core/core.c writes the file, core/notes.c the contents of its notes.
 */
#ifndef HL_CORE_INTERNAL_H
#define HL_CORE_INTERNAL_H

#include <signal.h>

#include <hl/core.h>

/*
 * Create a new core file in a directory: links are not followed, and an existing file is an error.
 * The caller must own the sandbox, as a debugger that holds the guest does.  info: why the guest
 * stopped; NULL: as the sandbox's state says.
 */
int core_write_new(struct hl_sandbox *sb, const siginfo_t *info, int directory, const char *name,
                   struct hl_error *error);

/* The contents of the PT_NOTE.  The caller frees *data, also after an error. */
int core_notes(struct hl_sandbox *sb, const siginfo_t *info, uint8_t **data, size_t *size,
               struct hl_error *error);

#endif
