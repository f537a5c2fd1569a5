#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cxx.sh PREFIX: a C++ exception through a call: the sandbox is poisoned and can be restored, and
# the sandbox outside of it, too.  With both libraries.
. "$(dirname "$0")/lib.sh"
lib=$prefix/lib
SAN=${prefix#*san-}; [ "$SAN" != "$prefix" ] && san=-fsanitize=${SAN//-/,} || san=
libs=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --static --libs-only-l hl | sed 's/-lhl\b//')
cat >h.cc <<'C'
#include <hl/hl.h>
#include <cstdio>
#include <stdexcept>
static hl_error e;
static bool boom;
static int add(void *opaque, const hl_value *args, size_t count, hl_value *result, hl_error *)
{
    if (opaque)
        return hl_sandbox_call(static_cast<hl_sandbox *>(opaque), "Add", args, count, result, &e);
    if (boom)
        throw std::runtime_error("boom");
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}
static hl_sandbox *make(hl_image *image, void *inner, hl_snapshot **snapshot)
{
    hl_sandbox *sb;
    if (hl_sandbox_create(&sb, image, nullptr, &e) ||
        hl_sandbox_register(sb, "HostAdd", "i32(i32, i32)", add, inner, &e) ||
        hl_sandbox_start(sb, &e) || hl_snapshot_take(snapshot, sb, &e))
        throw std::runtime_error(e.text);
    return sb;
}
int main(int, char **argv)
{
    hl_image *image;
    hl_snapshot *s[2];
    hl_value args[] = {hl_i32(40), hl_i32(2)}, result = {};
    if (hl_image_open(&image, argv[1], &e))
        return 2;
    hl_sandbox *inner = make(image, nullptr, &s[0]), *outer = make(image, inner, &s[1]);
    for (int i = 0; i < 2; i++) {
        boom = true;
        try {
            hl_sandbox_call(outer, "Add", args, 2, &result, &e);
        } catch (std::runtime_error &x) {
            std::printf("%s %d %d\n", x.what(), hl_sandbox_state(inner), hl_sandbox_state(outer));
        }
        boom = false;
        if (hl_sandbox_restore(inner, s[0], &e) || hl_sandbox_restore(outer, s[1], &e) ||
            hl_sandbox_call(outer, "Add", args, 2, &result, &e))
            std::printf("%s\n", e.text);
        std::printf("%d\n", result.i32);
    }
    hl_sandbox_destroy(outer);
    hl_sandbox_destroy(inner);
    hl_snapshot_destroy(s[0]);
    hl_snapshot_destroy(s[1]);
    hl_image_close(image);
}
C
for how in "-L$lib -lhl -Wl,-rpath,$lib" "$lib/libhl.a $libs"; do
    name=${how//$lib/}
    if ! g++ -std=c++17 -Wall -Wextra -Werror $san -I"$prefix/include" -o h h.cc $how >"$out" 2>"$err"; then
        fail "exception, ${name%% *}" 'does not compile'
        continue
    fi
    timeout 60 ./h "$prefix/tests/guest/conformance" >"$out" 2>"$err"
    same "exception, ${name%% *}" 'boom 2 2 42 boom 2 2 42 0' "$(xargs <"$out") $?"
done
exit $status
