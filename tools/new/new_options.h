/* SPDX-License-Identifier: Apache-2.0 */
/* new_options.h - the options of hl-new. */
#ifndef HL_NEW_OPTIONS_H
#define HL_NEW_OPTIONS_H

#include "option.h"

#define NEW_DEFAULT_TEMPLATE "function"

enum { NEW_OPTIONS = 6 };

extern const struct option_spec new_option_table[NEW_OPTIONS]; /* each has a letter */

#endif
