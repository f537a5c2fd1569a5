#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# headers.sh PREFIX: every installed header stands alone, in strict C11 and C++17, and what it
# declares has C's names in C++: one that links to libhl, and a plug-in.
. "$(dirname "$0")/lib.sh"
include=$prefix/include lib=$prefix/lib
SAN=${prefix#*san-}; [ "$SAN" != "$prefix" ] && san=-fsanitize=${SAN//-/,} || san=
warn='-Wall -Wextra -Wshadow -Wconversion -Werror -pedantic-errors'
# built NAME COMMAND...
built() {
    local name=$1
    shift
    if "$@" >"$out" 2>"$err"; then ok "$name"; else fail "$name" 'does not compile'; fi
}

for h in "$include"/hl/*.h; do
    n=hl/${h##*/}
    printf '#include <%s>\n#include <%s>\nint nothing;\n' "$n" "$n" >one.c
    cp one.c one.cc
    built "$n in C11" gcc -std=c11 $warn -Wstrict-prototypes -I"$include" -fsyntax-only one.c
    built "$n in C++17" g++ -std=c++17 $warn -I"$include" -fsyntax-only one.cc
done

# All of them at once, by other compilers and in other standards.
for h in "$include"/hl/*.h; do echo "#include <hl/${h##*/}>"; done >every.c
echo 'int nothing;' >>every.c
cp every.c every.cc
while read -r compiler standards; do
    command -v "$compiler" >/dev/null || { skip "$compiler" "there is no $compiler here"; continue; }
    for standard in $standards; do
        case $compiler in *++) file=every.cc ;; *) file=every.c ;; esac
        built "all headers, $compiler $standard" \
            "$compiler" -std="$standard" $warn -I"$include" -fsyntax-only $file
    done
done <<'LIST'
gcc c17 c2x
clang c11 c17 c2x
g++ c++11 c++20
clang++ c++11 c++17 c++20
LIST

# From HL_API to the parenthesis: the names of all functions there are.
functions=$(cat "$include"/hl/*.h | tr '\n' ' ' | sed 's/HL_API/\n&/g' |
    sed -nE 's/^HL_API [^;(]*[ *]([a-z][a-z0-9_]*)\(.*/\1/p' | grep -v '^hl_plugin_register$' | sort -u)
if [ "$(wc -w <<<"$functions")" -ge 90 ]; then ok 'functions are found'
else fail 'functions are found' "only $(wc -w <<<"$functions")"; fi
{
    for h in "$include"/hl/*.h; do
        case $h in */guest*.h) ;; *) echo "#include <hl/${h##*/}>" ;; esac
    done
    echo 'typedef void any();'
    echo 'extern any *const all[]; any *const all[] = {'
    for f in $functions; do echo "reinterpret_cast<any *>(&$f),"; done
    cat <<'C'
};
int main()
{
    hl_sandbox_config sandbox = HL_SANDBOX_CONFIG_INIT;
    hl_machine_config machine = HL_MACHINE_CONFIG_INIT;
    hl_debug_config debug = HL_DEBUG_CONFIG_INIT;
    hl_profile_config profile = HL_PROFILE_CONFIG_INIT;
    hl_gdb_config gdb = HL_GDB_CONFIG_INIT;
    hl_sandbox_config plain = {}; // a C++ struct has its size
    hl_image *image;
    hl_error error;
    bool zero = !sandbox.heap && !debug.hold && !profile.rate_hz && !gdb.fds && all[0];
    zero = zero && plain.size == sizeof plain && sandbox.size == sizeof sandbox &&
           machine.size == sizeof machine && debug.size == sizeof debug &&
           profile.size == sizeof profile && gdb.size == sizeof gdb && hl_bytes("", 0).len == 0;
    return zero && hl_image_open(&image, "/nonexistent", &error) == HL_ERR_FILE ? 0 : 1;
}
C
} >host.cc
libs=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --static --libs-only-l hl | sed 's/-lhl\b//')
built 'a C++ host links to all of libhl.so' g++ -std=c++17 $warn $san -I"$include" -o host host.cc \
    -L"$lib" -lhl -Wl,-rpath,"$lib" &&
    if ./host; then ok 'and runs'; else fail 'and runs' "status $?"; fi
built 'a C++ host links to all of libhl.a' g++ -std=c++17 $warn $san -I"$include" -o host host.cc \
    "$lib/libhl.a" $libs &&
    if ./host; then ok 'and runs'; else fail 'and runs' "status $?"; fi

# struct hl_bytes of a guest, and the host's constructor of that name.
for first in guest value; do
    printf '#include <hl/%s.h>\n' $first value guest >both.c
    echo 'struct hl_bytes a; int b(void); int b(void) { return hl_bytes(a.data, 0).type; }' >>both.c
    cp both.c both.cc
    built "hl/$first.h first of two, in C11" \
        gcc -std=c11 $warn -I"$include" -fsyntax-only both.c
    built "hl/$first.h first of two, in C++17" \
        g++ -std=c++17 $warn -I"$include" -fsyntax-only both.cc
done

cat >plugin.cc <<'C'
#include <hl/plugin.h>
int hl_plugin_register(hl_sandbox *sandbox, hl_error *error)
{
    return hl_sandbox_register(sandbox, "HostAdd", "i32(i32, i32)",
                               [](void *, const hl_value *args, size_t, hl_value *result, hl_error *) {
                                   *result = hl_i32(args[0].i32 + args[1].i32);
                                   return 0;
                               },
                               nullptr, error);
}
C
built 'a C++ plug-in' g++ -std=c++17 $warn -I"$include" -shared -fPIC -o plugin.so plugin.cc
same 'has the name it is looked for by' hl_plugin_register \
    "$(nm -D --defined-only plugin.so | sed -n 's/^.* T \(.*plugin.*\)$/\1/p')"
exit $status
