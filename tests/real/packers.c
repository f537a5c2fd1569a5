/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packers.c - zlib's or (-DBZIP2) bzip2's compression of bytes.  As a guest it offers Pack(),
 * Unpack() and the checksums; with -DNATIVE it is a program that does the same with files:
 * packers pack LEVEL | unpack SIZE | crc | adler <IN >OUT
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BZIP2
#include "bzlib.h"

static size_t bound(size_t n)
{
    return n + n / 100 + 600; /* as bzlib.h's manual has it */
}

static int pack(void *to, size_t *to_size, const void *from, size_t size, int level)
{
    unsigned len = (unsigned)*to_size;
    int rc =
        BZ2_bzBuffToBuffCompress(to, &len, (char *)(uintptr_t)from, (unsigned)size, level, 0, 0);
    *to_size = len;
    return rc;
}

static int unpack(void *to, size_t *to_size, const void *from, size_t size)
{
    unsigned len = (unsigned)*to_size;
    int rc = BZ2_bzBuffToBuffDecompress(to, &len, (char *)(uintptr_t)from, (unsigned)size, 0, 0);
    *to_size = len;
    return rc;
}

/* With BZ_NO_STDIO the library asks its user to report what must not happen. */
void bz_internal_error(int code)
{
    fprintf(stderr, "bzip2: internal error %d\n", code);
    abort();
}
#else
#include "zlib.h"

static size_t bound(size_t n)
{
    return compressBound(n);
}

static int pack(void *to, size_t *to_size, const void *from, size_t size, int level)
{
    uLongf len = *to_size;
    int rc = compress2(to, &len, from, size, level);
    *to_size = len;
    return rc;
}

static int unpack(void *to, size_t *to_size, const void *from, size_t size)
{
    uLongf len = *to_size;
    int rc = uncompress(to, &len, from, size);
    *to_size = len;
    return rc;
}

static uint32_t checksum_crc(const void *data, size_t size)
{
    return (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)size);
}

static uint32_t checksum_adler(const void *data, size_t size)
{
    return (uint32_t)adler32(adler32(0, NULL, 0), data, (uInt)size);
}
#endif

#ifdef NATIVE
static unsigned char in[8 << 20], out[16 << 20];

int main(int argc, char **argv)
{
    size_t size = fread(in, 1, sizeof(in), stdin), done = 0;
    int rc = 1;
    if (argc > 2 && strcmp(argv[1], "pack") == 0) {
        done = bound(size);
        rc = pack(out, &done, in, size, atoi(argv[2]));
    } else if (argc > 2 && strcmp(argv[1], "unpack") == 0) {
        done = strtoul(argv[2], NULL, 10);
        rc = unpack(out, &done, in, size);
#ifndef BZIP2
    } else if (argc > 1) {
        printf("%u\n", argv[1][0] == 'c' ? checksum_crc(in, size) : checksum_adler(in, size));
        return 0;
#endif
    }
    fwrite(out, 1, done, stdout);
    return rc ? 1 : 0;
}
#else
#include <hl/guest.h>

/* The last result: it must outlive the function that made it. */
static void *result;

static struct hl_bytes give(int rc, const size_t *size)
{
    if (rc)
        hl_fail(rc, "the library refused");
    return hl_bytes_of(result, rc ? 0 : *size);
}

HL_FUNCTION(bytes, Pack, (bytes, data), (i32, level))
{
    size_t size = bound(data.len);
    free(result);
    result = malloc(size);
    return give(result ? pack(result, &size, data.data, data.len, level) : -4, &size);
}

HL_FUNCTION(bytes, Unpack, (bytes, data), (u64, room))
{
    size_t size = room;
    free(result);
    result = malloc(size + 1);
    return give(result ? unpack(result, &size, data.data, data.len) : -4, &size);
}

#ifndef BZIP2
HL_FUNCTION(u32, Crc32, (bytes, data))
{
    return checksum_crc(data.data, data.len);
}

HL_FUNCTION(u32, Adler32, (bytes, data))
{
    return checksum_adler(data.data, data.len);
}
#endif
#endif
