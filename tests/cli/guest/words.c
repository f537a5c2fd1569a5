/* What a guest may say, to see what becomes of it on a terminal. */
#include <hl/guest.h>
#include <stdio.h>

#define EVIL                                                                                       \
    "a\x1b[31m\x9b"                                                                                \
    "b\xc2\x85\x7f \xe2\x80\xae d\xc3\xa9"

HL_FUNCTION(string, Say)
{
    return EVIL;
}

HL_FUNCTION(i32, Fail)
{
    hl_fail(7, EVIL);
    return 0;
}

HL_FUNCTION(i32, Abort)
{
    hl_abort(1, EVIL);
}

HL_FUNCTION(i32, Log)
{
    hl_log(1, EVIL);
    return 0;
}

HL_FUNCTION(i32, Print)
{
    fputs("x\ty\r\xe2\x82", stdout);
    fflush(stdout);
    fputs("\xac\xe2" EVIL "\n\xe2\x82", stdout);
    return 0;
}

HL_FUNCTION(f64, Real, (f64, x))
{
    return x;
}

HL_FUNCTION(f32, Single, (f32, x))
{
    return x;
}

HL_FUNCTION(u64, Whole, (u64, x))
{
    return x;
}

HL_FUNCTION(i32, Crash)
{
    return *(volatile int *)0x700000300000;
}

HL_FUNCTION(i32, Spin, (i32, n))
{
    for (volatile int i = 0; n; i++)
        ;
    return 0;
}
