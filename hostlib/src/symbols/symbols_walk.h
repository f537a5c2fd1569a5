/* SPDX-License-Identifier: Apache-2.0 */
/* symbols_walk.h - walk stacks, for hostlib's other rooms (hl_symbols_walk() is public). */
#ifndef HL_SYMBOLS_WALK_H
#define HL_SYMBOLS_WALK_H

#include <hl/symbols.h>

/* Do the work of the first walk in advance: read the symbol table and call frames. */
void symbols_prepare_walk(struct hl_symbols *symbols);

#endif
