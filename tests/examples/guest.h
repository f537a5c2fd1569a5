/* SPDX-License-Identifier: Apache-2.0 */
/* guest.h - what a part of a guest, as it stands in documents, leaves out. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <hl/guest.h>
