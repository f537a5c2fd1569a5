#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# archive.sh PREFIX: a program that links libhl.a is as free in its own names as one that uses
# libhl.so, replaces nothing of it, and gdb still shows its source; so is a guest.
. "$(dirname "$0")/lib.sh"
lib=$prefix/lib
SAN=${prefix#*san-}; [ "$SAN" != "$prefix" ] && san=-fsanitize=${SAN//-/,} || san=
# names FILE...: what it offers to a linker
names() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 && $3 !~ /^_/ { print $3 }' | sort -u; }

for a in libhl libhlgdb; do
    same "no stray name in $a.a" '' "$(names "$lib/$a.a" | grep -v '^hl_' | xargs)"
done
same 'libhl.a offers what libhl.so does' \
    "$(nm -D --defined-only "$lib/libhl.so" | awk '$3 !~ /^_/ { print $3 }' | sort -u | xargs)" \
    "$(names "$lib/libhl.a" | xargs)"
# Every one is in a header.
for n in $(names "$lib/libhl.a"); do
    grep -qwE "$n|GDB_LINKED\\(${n#hl_}\\)" "$prefix"/include/hl/*.h || echo "$n"
done >missing
same 'and each is in a header' '' "$(xargs <missing)"

cat >g.c <<'C'
#include <hl/guest.h>
#include <stdio.h>
/* Names that the runtime uses inside. */
int format(int x) { return x + 1; }
int scratch(int x) { return x + 2; }
int crt0_serve(int x) { return x + 3; }
int serve(int x) { return x + 4; }
int run_function(int x) { return x + 5; }
HL_HOST_FUNCTION(i32, Cb, (i32, x));
HL_FUNCTION(i32, Call, (i32, x))
{
    printf("hello\n");
    return Cb(format(scratch(crt0_serve(serve(run_function(x))))));
}
C
for mode in '' -static-pie; do
    if "$cc" $mode -g -o g g.c >"$out" 2>"$err"; then ok "a guest with names of the runtime $mode"
    else fail "a guest with names of the runtime $mode" 'does not link'; fi
done
sed '/stdio\|printf/d' g.c >free.c
if "$cc" --freestanding -g -o free free.c >"$out" 2>"$err"; then ok 'a freestanding one'
else fail 'a freestanding one' 'does not link'; fi

cat >h.c <<'C'
#include <hl/hl.h>
#include <stdio.h>
#include <stdlib.h>
/* The program's own, which libhl must not call. */
int observe(int x) { abort(); return x; }
int host_call(void) { abort(); }
int limit_free(int x) { return x; }
const char *linux_syscall_name(int n) { (void)n; abort(); }
int message_get, message_put, layout_create, sandbox_run;
void kick_send(void) { abort(); }
static int cb(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
              struct hl_error *error)
{
    (void)opaque; (void)count; (void)error;
    result->i32 = args[0].i32;
    return 0;
}
int main(int argc, char **argv)
{
    struct hl_image *image;
    struct hl_sandbox *sb;
    struct hl_error e;
    struct hl_value arg = hl_i32(27), result;
    if (argc < 2 || hl_image_open(&image, argv[1], &e) ||
        hl_sandbox_create(&sb, image, NULL, &e) ||
        hl_sandbox_register(sb, "Cb", "i32(i32)", cb, NULL, &e) || hl_sandbox_start(sb, &e) ||
        hl_sandbox_call(sb, "Call", &arg, 1, &result, &e))
        return printf("%s\n", e.text), 1;
    printf("%d\n", result.i32);
    hl_sandbox_destroy(sb);
    hl_image_close(image);
    return limit_free(0);
}
C
libs=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --static --libs-only-l hl | sed 's/-lhl\b//')
# Both orders, with the stub's own archive beside it.
for order in "$lib/libhl.a" "$lib/libhlgdb.a $lib/libhl.a" "$lib/libhl.a $lib/libhlgdb.a"; do
    if gcc $san -g -o h h.c -I"$prefix/include" -Wl,--undefined=hl_gdb_create $order $libs >"$out" 2>"$err"; then
        ok "its own names with ${order//$lib\//}"
    else fail "its own names with ${order//$lib\//}" 'does not link'; fi
done
for guest in g free; do
    HL_PROFILE=$tmp/profile.json HL_GDB=auto ./h $guest >"$out" 2>"$err"
    same "each calls its own, with $guest" '42 0' "$(cat "$out") $?"
done

gdb -nx -batch -ex 'info line hl_sandbox_call' -ex 'info line host.c:host_call' \
    -ex 'break hl_gdb_create' h >"$out" 2>"$err"
for f in call.c host.c server.c; do
    if grep -qE "$f(\"|,)" "$out"; then ok "gdb knows the lines of $f"
    else fail "gdb knows the lines of $f" 'it does not'; fi
done
exit $status
