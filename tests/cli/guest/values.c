/* SPDX-License-Identifier: Apache-2.0 */
/* values.c - every type there and back, every way to end that is no crash; plug-in: values-host.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hl/guest.h>
#include <unistd.h>

HL_HOST_FUNCTION(string, HostName);
HL_HOST_FUNCTION(void, HostHang);
HL_HOST_FUNCTION(i32, HostFail);

HL_FUNCTION(void, Nothing)
{
}

HL_FUNCTION(i32, I32, (i32, v))
{
    return v;
}

HL_FUNCTION(u32, U32, (u32, v))
{
    return v;
}

HL_FUNCTION(i64, I64, (i64, v))
{
    return v;
}

HL_FUNCTION(u64, U64, (u64, v))
{
    return v;
}

HL_FUNCTION(f32, F32, (f32, v))
{
    return v;
}

HL_FUNCTION(f64, F64, (f64, v))
{
    return v;
}

HL_FUNCTION(bool, Bool, (bool, v))
{
    return v;
}

HL_FUNCTION(string, String, (string, v))
{
    return v;
}

HL_FUNCTION(bytes, Bytes, (bytes, v))
{
    return v;
}

HL_FUNCTION(u64, Length, (bytes, v))
{
    return v.len;
}

HL_FUNCTION_NAMED("math.add-2", i32, add2, (i32, a), (i32, b))
{
    return a + b;
}

HL_FUNCTION(u64, Many, (i32, a), (u32, b), (i64, c), (u64, d), (f32, e), (f64, f), (bool, g),
            (string, h), (bytes, i), (i32, j), (i32, k), (i32, l), (i32, m), (i32, n), (i32, o),
            (i32, p))
{
    return (uint64_t)(a + j + k + l + m + n + o + p) + b + (uint64_t)c + d + (uint64_t)e +
           (uint64_t)f + g + strlen(h) + i.len;
}

static int32_t counter;

HL_FUNCTION(i32, Count)
{
    return ++counter;
}

HL_FUNCTION(void, Print, (string, text))
{
    fputs(text, stdout);
    fflush(stdout);
}

HL_FUNCTION(void, Complain, (string, text))
{
    fputs(text, stderr);
}

/* 16 bytes that are neither text nor UTF-8. */
HL_FUNCTION(void, Raw)
{
    static const char raw[] = "\0\1\2\x7f\x80\xff\xc3(\r\n\t\033[31";
    fwrite(raw, 1, 16, stdout);
    fflush(stdout);
}

HL_FUNCTION(void, Log, (i32, level), (string, text))
{
    hl_log((enum hl_log_level)level, text);
}

HL_FUNCTION(u64, Heap)
{
    return hl_boot()->heap_size;
}

HL_FUNCTION(u64, Stack)
{
    return hl_boot()->stack_size;
}

HL_FUNCTION(u64, Input)
{
    return hl_boot()->input_size;
}

HL_FUNCTION(u64, Output)
{
    return hl_boot()->output_size;
}

HL_FUNCTION(i32, Fail, (i32, code), (string, message))
{
    hl_fail(code, message);
    return 0;
}

HL_FUNCTION(void, Exit, (i32, status))
{
    printf("bye\n");
    exit(status);
}

HL_FUNCTION(void, Spin)
{
    for (;;)
        __asm__ volatile("");
}

HL_FUNCTION(string, Name)
{
    const char *name = HostName();
    if (hl_error_code())
        hl_fail(hl_error_code(), hl_error_message());
    return name ? name : "";
}

HL_FUNCTION(void, Hang)
{
    HostHang();
}

HL_FUNCTION(string, AskFailing)
{
    HostFail();
    return hl_format("%d %s", hl_error_code(), hl_error_message());
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("[%s]", argv[i]);
    printf("\n");
    fprintf(stderr, "to stderr\n");
    return argc > 1 ? atoi(argv[1]) : 0;
}

HL_FUNCTION(void, Sleep, (u32, seconds))
{
    sleep(seconds);
}

static char large[64 << 20];

/* As much again in JSON three times over, where it is made a text in memory. */
HL_FUNCTION(bytes, Large)
{
    return hl_bytes_of(large, sizeof(large));
}

HL_FUNCTION(string, LargeText)
{
    memset(large, 0xff, sizeof(large) - 1);
    return large;
}
