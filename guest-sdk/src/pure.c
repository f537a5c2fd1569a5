/* SPDX-License-Identifier: Apache-2.0 */
/* C++: what a vtable's slot of a pure virtual function points to. */
#include "state.h"

__attribute__((weak, noreturn)) void __cxa_pure_virtual(void);

void __cxa_pure_virtual(void)
{
    hl_abort(134, "pure virtual function called");
}
