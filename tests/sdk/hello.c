// SPDX-License-Identifier: Apache-2.0
/* The smallest ordinary program; its size is checked. */
#include <stdio.h>

int main(void)
{
    printf("hello\n");
    return 0;
}
