/* SPDX-License-Identifier: Apache-2.0 */
/* main -> outer, with middle and inner inlined. */
#define INLINE static inline __attribute__((always_inline))

volatile int counter = 1;

INLINE void inner(void)
{
    counter++;
    __asm__ volatile("ud2"); /* line 10 */
    counter++;
}

INLINE void middle(void)
{
    counter += 2;
    inner(); /* line 17 */
    counter += 3;
}

__attribute__((noipa)) void outer(void)
{
    counter += 4;
    middle(); /* line 24 */
    counter += 5;
}

int main(void)
{
    outer(); /* line 30 */
    return counter;
}
