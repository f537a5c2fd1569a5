/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <string.h>

#include <hl/machine.h>

const char *prot_text(unsigned prot, char text[4])
{
    text[0] = prot & HL_PROT_READ ? 'r' : '-';
    text[1] = prot & HL_PROT_WRITE ? 'w' : '-';
    text[2] = prot & HL_PROT_EXEC ? 'x' : '-';
    text[3] = 0;
    return text;
}

const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? name : "?";
}
