/*
 * {{name}}.c - the guest: everything in src/ runs inside the micro-VM.
 *
 * HL_FUNCTION offers a function to the host, HL_HOST_FUNCTION declares one of the host's; the
 * header hl/guest.h lists the types, and says how long strings and bytes live.
 */
#include <hl/guest.h>

/* Defined in host/host.c. */
HL_HOST_FUNCTION(string, HostCapital, (string, country));

/* The text is made in scratch memory, which lasts until the host has its copy. */
HL_FUNCTION(string, Greet, (string, name))
{
    const char *text = hl_format("Hello, %s!", name);

    if (!text) {
        hl_fail(1, "the name is too long for the output buffer");
        return "";
    }
    return text;
}

/* hl_fail() makes the call an error on the host's side; the guest can be called again. */
HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    int32_t sum;

    if (__builtin_add_overflow(a, b, &sum)) {
        hl_fail(2, "the sum does not fit into 32 bits");
        return 0;
    }
    return sum;
}

/* An argument may be changed in place, and be the result. */
HL_FUNCTION(bytes, Reverse, (bytes, data))
{
    for (size_t i = 0; i < data.len / 2; i++) {
        uint8_t byte = data.data[i];

        data.data[i] = data.data[data.len - 1 - i];
        data.data[data.len - 1 - i] = byte;
    }
    return data;
}

/* Asks the host; what the host reports as an error is passed on. */
HL_FUNCTION(string, Capital, (string, country))
{
    const char *capital = HostCapital(country);

    if (hl_error_code()) {
        hl_fail(hl_error_code(), hl_error_message());
        return "";
    }
    return capital;
}
