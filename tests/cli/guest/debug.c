/* A guest to be debugged: lines are marked for the test to find. */
#include <hl/guest.h>
#include <stdio.h>
#include <string.h>

volatile int early, stop, running, count;

__attribute__((constructor)) static void constructor(void)
{
    early = 1;
}

__attribute__((noinline)) static int deep(int n)
{
    return n * (running + 2); /* AT deep */
}

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return a + b; /* AT Add */
}

HL_FUNCTION(string, Twice, (string, text))
{
    return hl_format("%s%s", text, text);
}

HL_FUNCTION(i32, Count)
{
    return ++count;
}

HL_FUNCTION_NAMED("named/half", f64, half, (f64, x))
{
    return x / 2;
}

HL_FUNCTION(void, Print, (string, text))
{
    printf("%s\n", text);
}

HL_FUNCTION(void, Fail, (i32, code))
{
    hl_fail(code, "as it was asked to");
}

HL_FUNCTION(i32, Spin)
{
    running = 1;
    while (!stop)
        count++;
    running = 0;
    return 9;
}

HL_FUNCTION(void, Crash, (u64, address))
{
    *(volatile char *)address = 1; /* AT crash */
}

int main(int argc, char **argv)
{
    int three = argv ? 3 : 0; /* AT main */

    printf("main %d\n", argc);
    return deep(three) - 1;
}
