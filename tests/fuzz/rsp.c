/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsp.c - bytes from a hostile client.
 *
 * '\x01' in the input makes the guest stop, '\x02' is a hit asked about, '\x04' a client that goes
 * and another that comes, '\x05' a frame around the bytes up to the next control byte, so that the
 * fuzzer need not learn checksums.
 */
#include <stdlib.h>
#include <string.h>

#include "fake_target.h"
#include "stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake fake;
static struct gdb_session s;

static void frame(const uint8_t *body, size_t size)
{
    struct gdb_buf buf = {.max = 1u << 20};
    unsigned sum = 0;

    gdb_buf_byte(&buf, '$');
    for (size_t i = 0; i < size; i++) {
        if (body[i] == '#' || body[i] == '$')
            continue;
        gdb_buf_byte(&buf, body[i]);
        sum += body[i];
    }
    gdb_buf_format(&buf, "#%02x", sum & 0xff);
    gdb_session_input(&s, buf.data, buf.size);
    gdb_buf_free(&buf);
}

static void hit(uint8_t what)
{
    struct gdb_stop stop = {.reason = what % 2 ? GDB_STOP_SW_BREAK : GDB_STOP_WATCH,
                            .point = (enum gdb_point)(what % 5),
                            .address = 0x10000u + what / 8};

    fake.hooks.report(fake.hooks.opaque, &stop);
}

static void happen(uint8_t what, uint8_t more)
{
    if (what == 1)
        fake_stop(&fake,
                  (struct gdb_stop){.reason = (enum gdb_stop_reason)(more % 7), .signal = 5});
    else if (what == 2)
        hit(more);
    else if (what == 4)
        gdb_session_end(&s);
    gdb_session_event(&s);
    gdb_session_console(&s);
    gdb_buf_clear(&s.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fake.target.ops && (fake_init(&fake) || gdb_session_init(&s, &fake.target)))
        abort();
    gdb_session_end(&s);
    fake.instant = true;
    for (size_t i = 0; i < size; i++) {
        size_t n = 0;
        if (data[i] == 5) {
            while (i + 1 + n < size && data[i + 1 + n] > 5)
                n++;
            frame(data + i + 1, n);
            i += n;
        } else if (data[i] && data[i] < 5 && data[i] != 3) {
            happen(data[i], i + 1 < size ? data[i + 1] : 0);
        } else {
            gdb_session_input(&s, data + i, 1);
        }
        gdb_session_event(&s);
        gdb_buf_clear(&s.out);
        s.closing = false;
    }
    return 0;
}
