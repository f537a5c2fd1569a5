/* SPDX-License-Identifier: Apache-2.0 */
/* main -> caller -> CALLEE, by a direct call, or through a pointer when POINTER is defined. */
#ifndef CALLEE
static int (*volatile nowhere)(int);
#define CALL(n) nowhere(n)
#else
int CALLEE(int n);
#ifdef POINTER
static int (*volatile pointer)(int) = CALLEE;
#define CALL(n) pointer(n)
#else
#define CALL(n) CALLEE(n)
#endif
#endif

__attribute__((noipa)) int caller(int n)
{
    return CALL(n + 1) + n;
}

int main(void)
{
    return caller(1) + 1;
}
