/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - writing a guest as an ELF core file (hl/core.h is the public part).
 *
 * core/core.c writes the file, core/notes.c what stands in its notes.
 */
#ifndef HL_CORE_INTERNAL_H
#define HL_CORE_INTERNAL_H

#include <signal.h>

#include <hl/core.h>

/*
 * A file that is not there yet, in a directory: no link is followed, nothing is written over.  For
 * a caller that has the sandbox to itself, a debugger that holds the guest included.  info: why the
 * guest stands, or NULL: what its state says.
 */
int core_write_new(struct hl_sandbox *sb, const siginfo_t *info, int directory, const char *name,
                   struct hl_error *error);

/* The contents of the PT_NOTE; *data is the caller's to free(), also after an error. */
int core_notes(struct hl_sandbox *sb, const siginfo_t *info, uint8_t **data, size_t *size,
               struct hl_error *error);

#endif
