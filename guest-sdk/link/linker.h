/* SPDX-License-Identifier: Apache-2.0 */
/* linker.h - the linker that the compiler would have run without us, and what it is. */
#ifndef HL_LINK_LINKER_H
#define HL_LINK_LINKER_H

#include <stdbool.h>

enum linker_kind { LINKER_UNKNOWN, LINKER_BFD, LINKER_LLD, LINKER_GOLD, LINKER_MOLD };

struct linker {
    char path[4096];
    char version[128]; /* the first line that it prints about itself */
    enum linker_kind kind;
};

/*
 * Looks for NAME ("ld", "ld.lld", or a path) in COMPILER_PATH, where gcc passes its own places and
 * those of -B on, and in PATH, but not in `own`, the directory with the stand-ins that run us.
 */
bool linker_find(struct linker *linker, const char *name, const char *own);

/* Runs a program and returns its exit status; -1 and errno if it cannot be run. */
int linker_run(const char *path, char **argv);

#endif
