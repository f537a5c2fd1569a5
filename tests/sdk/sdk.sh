#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sdk.sh PREFIX - what of the guest SDK can be checked without running a guest: files that hl-cc of
# PREFIX makes, looked at with binutils.  Prints `ok NAME` or `not ok NAME: why`; exit 1 on failure.
# shellcheck disable=SC2015,SC2317 # functions are called by check(); no && || below is an if-else
set -u

prefix=${1:?usage: sdk.sh PREFIX}
prefix=$(cd "$prefix" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd)
cc=$prefix/bin/hl-cc
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
failed=0

# check NAME COMMAND...: the command says on stdout or stderr why it failed
check()
{
    name=$1
    shift
    if why=$("$@" 2>&1); then
        echo "ok $name"
    else
        echo "not ok $name: $(echo "$why" | head -n 5 | tr '\n' ' ')"
        failed=1
    fi
}

same() # GOT WANTED
{
    [ "$1" = "$2" ] || { echo "got '$1', not '$2'"; return 1; }
}

strict='-Wall -Wextra -Wshadow -Wconversion -Wpedantic -Werror'
strict_c="-std=c11 $strict -Wstrict-prototypes -Wmissing-prototypes"

# build OUT OPTION... : everything, for one set of options; our headers as an author's own (-I), so
# that they get no leave as system headers
build()
{
    kind=$1
    shift
    # shellcheck disable=SC2086 # lists of words
    {
        "$cc" -I"$prefix/lib/hl/include" $strict_c "$@" "$here/types.c" -o "types$kind" &&
            "$cc" -I"$prefix/lib/hl/include" $strict_c "$@" "$here/imports.c" \
                "$here/imports-other.c" -o "imports$kind" &&
            "$cc" -I"$prefix/lib/hl/include" $strict_c "$@" "$here/libc.c" -lm -lpthread -ldl -lc \
                -o "libc$kind" &&
            "$cc" $strict_c "$@" "$here/hello.c" -o "hello$kind" &&
            "$cc" --freestanding $strict_c "$@" "$here/free.c" -o "free$kind" &&
            "$cc" --freestanding -I"$prefix/lib/hl/include" $strict "$@" "$here/cxx.cc" \
                -o "cxx$kind" &&
            "$cc" -I"$prefix/lib/hl/include" -std=c++11 $strict "$@" "$here/cxx.cc" -o "cxxlibc$kind"
    }
}

guests='types imports libc hello free cxx cxxlibc'

# Segments in order, as "flags:type"; W and E never together; page-aligned.
segments()
{
    got=$(readelf -lW "$1" | awk '$1 == "LOAD" { f = $7; if ($8 == "E") f = f "E"; print f }' |
        tr '\n' ' ')
    same "$got" "R RE RW " || return 1
    readelf -lW "$1" | awk '$1 == "LOAD" && ($3 !~ /000$/ || $NF != "0x1000") { exit 1 }' || {
        echo "a segment is not page-aligned"
        return 1
    }
    readelf -lW "$1" | grep -q 'GNU_STACK.* RW ' || { echo "executable stack"; return 1; }
    ! readelf -lW "$1" | grep -qE 'INTERP|GNU_RELRO' || { echo "INTERP or RELRO"; return 1; }
    ! readelf -SW "$1" | grep -qE ' \.(plt|iplt|hl\.names)' || { echo "unwanted section"; return 1; }
}

# section FILE NAME: "address offset size", decimal
section()
{
    # shellcheck disable=SC2046,SC2183 # three numbers
    printf '%d %d %d' $(readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' |
        awk -v n="$2" '$1 == n { print "0x" $3, "0x" $4, "0x" $5 }')
}

# note FILE: flags, functions, imports, as the host finds them
note()
{
    # shellcheck disable=SC2046
    set -- "$1" $(section "$1" .note.hl)
    [ $# -eq 4 ] || { echo "no .note.hl"; return 1; }
    field=$(($2 + 16 + 8))
    # shellcheck disable=SC2046
    set -- "$field" $(od -An -v -j $(($3 + 16)) -N 8 -t d4 "$1") \
        $(od -An -v -j $(($3 + 24)) -N 32 -t d8 "$1")
    echo "version $2 flags $3 functions $((($1 + 8 + $5 - $1 - $4) / 128))" \
        "imports $((($1 + 24 + $7 - $1 - 16 - $6) / 128)) at $(($1 + $4))"
}

note_is() # FILE FLAGS FUNCTIONS IMPORTS
{
    # shellcheck disable=SC2046
    set -- "$2" "$3" "$4" "$(note "$1")" $(section "$1" hl_functions)
    same "${4% at *}" "version 1 flags $1 functions $2 imports $3" || return 1
    [ "$2" = 0 ] || same "${4##* at }" "$5"
}

note_in_segments()
{
    readelf -lW "$1" | awk '/^ +[0-9]+ / && /\.note\.hl/ { n++ } END { exit n != 2 }' ||
        { echo ".note.hl is not in one PT_LOAD and one PT_NOTE"; return 1; }
    readelf -nW "$1" | grep -q '^ *HL  *0x00000028' || { echo "readelf -n does not see it"; return 1; }
}

# descriptors FILE SECTION: a line "result:args name" for each
descriptors()
{
    # shellcheck disable=SC2046
    set -- "$1" $(section "$1" "$2")
    [ $# -eq 4 ] || return 0
    od -An -v -w128 -t u1 -j "$3" -N "$4" "$1" | awk '{
        line = $17 ":"
        for (i = 0; i < $18; i++)
            line = line (i ? "," : "") $(19 + i)
        line = line " "
        for (i = 41; i <= 128 && $i; i++)
            line = line sprintf("%c", $i)
        print line
    }'
}

has() # FILE SECTION LINE
{
    descriptors "$1" "$2" | grep -qxF "$3" ||
        { echo "no '$3' among:"; descriptors "$1" "$2"; return 1; }
}

# The entry and thunk of the first descriptor: in the file, or as relative relocations of a PIE.
entry_is() # FILE FUNCTION
{
    # shellcheck disable=SC2046
    set -- "$1" "$2" $(section "$1" hl_functions)
    wanted=$(nm "$1" | awk -v f="$2" '$3 == f { sub(/^0*/, "", $1); print $1 }')
    if readelf -hW "$1" | grep -q 'Type: *DYN'; then
        got=$(readelf -rW "$1" | awk -v a="$(printf '%016x' "$3")" '$1 == a { print $4 }')
    else
        got=$(od -An -v -t x8 -j "$4" -N 8 "$1" | sed 's/^ *0*//')
    fi
    same "$got" "$wanted"
}

only_relative()
{
    got=$(readelf -rW "$1" | awk '$3 ~ /^R_X86_64_/ { print $3 }' | sort -u)
    same "$got" R_X86_64_RELATIVE || return 1
    readelf -hW "$1" | grep -q 'Type: *DYN' || { echo "not ET_DYN"; return 1; }
    ! readelf -dW "$1" | grep -qE 'NEEDED|TEXTREL|JMPREL' || { echo "needs a loader"; return 1; }
}

no_relocations()
{
    readelf -rW "$1" | grep -q 'no relocations' || { readelf -rW "$1"; return 1; }
}

init_array_size() # FILE BYTES
{
    # shellcheck disable=SC2046
    set -- "$2" $(section "$1" .init_array)
    same "${4:-0}" "$1"
}

smaller() # FILE BYTES
{
    strip -o small "$1" && size=$(wc -c <small) && [ "$size" -lt "$2" ] ||
        { echo "$size bytes stripped"; return 1; }
}

# fails STATUS TEXT COMMAND...: the command fails so, and its stderr has a line with TEXT
fails()
{
    status=$1 text=$2
    shift 2
    "$@" >out 2>err
    rc=$?
    same "$rc" "$status" || { cat err; return 1; }
    grep -q -e "$text" err || { echo "no '$text' in:"; cat err; return 1; }
}

says() # TEXT COMMAND...
{
    text=$1
    shift
    "$@" >out 2>&1 && grep -q -e "$text" out || { echo "no '$text' in:"; cat out; return 1; }
}

clean() # COMMAND...: succeeds and prints nothing
{
    "$@" >out 2>&1 && [ ! -s out ] || { cat out; return 1; }
}

check build build '' -O2
check build-O0 build -O0 -O0
check build-pie build -pie -O2 -static-pie
check build-lto build -lto -O2 -flto
check build-lto-pie build -lto-pie -O2 -flto -pie
check build-gc build -gc -O2 -ffunction-sections -fdata-sections -Wl,--gc-sections

for kind in '' -O0 -pie -lto -lto-pie -gc; do
    for g in $guests; do
        check "segments $g$kind" segments "$g$kind"
        check "note-place $g$kind" note_in_segments "$g$kind"
        case $kind in
        *pie) check "relative $g$kind" only_relative "$g$kind" ;;
        *) check "relocated $g$kind" no_relocations "$g$kind" ;;
        esac
    done
    check "note types$kind" note_is "types$kind" 1 19 0
    check "note imports$kind" note_is "imports$kind" 1 7 8
    check "note libc$kind" note_is "libc$kind" 3 2 0
    check "note hello$kind" note_is "hello$kind" 3 0 0
    check "note free$kind" note_is "free$kind" 2 2 0
    check "note cxx$kind" note_is "cxx$kind" 2 6 2
    check "desc-first types$kind" entry_is "types$kind" PlainBool
    check "desc-void types$kind" has "types$kind" hl_functions '0: NoOp'
    check "desc-bool types$kind" has "types$kind" hl_functions '7:7 EchoBool'
    check "desc-16 types$kind" has "types$kind" hl_functions \
        '1:1,2,3,4,5,6,7,8,9,1,1,1,1,1,1,1 Sixteen'
    check "desc-name types$kind" has "types$kind" hl_functions '9:9 24K_in_8K_out'
    check "import imports$kind" has "imports$kind" hl_imports '1:1,1 HostAdd'
    check "import-void imports$kind" has "imports$kind" hl_imports '0: HostNothing'
    check "import-name imports$kind" has "imports$kind" hl_imports '5:5 host/odd-name'
    check "import-types cxx$kind" has "cxx$kind" hl_imports '9:9,7,8 HostBytes'
    check "constructors cxx$kind" init_array_size "cxx$kind" 8
    check "constructors libc$kind" init_array_size "libc$kind" 16 # the guest's own, and start-libc.c's
done

in_order()
{
    got=$(descriptors types hl_functions | sed 's/.* //' | head -n 3 | tr '\n' ' ')
    same "$got" "PlainBool EchoBool EchoI32 "
}
check desc-in-order in_order

check size-hello smaller hello 32768
check size-hello-pie smaller hello-pie 36864
check size-free smaller free 16384

# An import goes when its last caller is dropped, a function never.
cat >gc.c <<'END'
#include <hl/guest.h>
HL_HOST_FUNCTION(i32, Gone, (i32, a));
int unused(void);
int unused(void) { return Gone(1); }
HL_FUNCTION(i32, Kept) { return 1; }
END
gc()
{
    "$cc" -ffunction-sections gc.c -Wl,--gc-sections -o gc && note_is gc 1 1 0
}
check gc-drops-imports gc

# The linker's own script: the tables are found, but not whether there is a main().
default_script()
{
    echo 'SECTIONS { .hl.end : { *(.hl.end) } } INSERT AFTER .bss;' >empty.ld
    "$cc" "$here/types.c" -T empty.ld -o default && note_is default 1 19 0 &&
        "$cc" -static-pie "$here/types.c" "$here/hello.c" -T empty.ld -o default &&
        note_is default 1 19 0
}
check default-script default_script

# Names
cat >long.c <<'END'
#include <hl/guest.h>
HL_FUNCTION_NAMED("12345678901234567890123456789012345678901234567890123456789012345678901234567890"
                  "12345678", void, f) {}
END
check name-too-long fails 1 '1 to 87 characters' "$cc" -c long.c
sed 's/"12345678"/"1234567"/' long.c >fits.c
check name-fits clean "$cc" -c fits.c
cat >dup1.c <<'END'
#include <hl/guest.h>
HL_FUNCTION_NAMED("same-name", void, f1) {}
END
sed 's/f1/f2/' dup1.c >dup2.c
check name-twice fails 1 'multiple definition of `hl_function:same-name' "$cc" dup1.c dup2.c -o dup
cat >types1.c <<'END'
#include <hl/guest.h>
HL_HOST_FUNCTION(i32, Host, (i32, a));
HL_FUNCTION(i32, F1) { return Host(1); }
END
sed 's/i32, a/u32, a/; s/F1/F2/' types1.c >types2.c
check import-differs fails 1 'multiple definition of `hl_import:Host' "$cc" types1.c types2.c -o dup
{
    printf '#include <hl/guest.h>\nHL_FUNCTION(void, Many'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do printf ', (i32, a%d)' "$i"; done
    printf ') {}\n'
} >many.c
check too-many fails 1 'too_many_arguments' "$cc" -c many.c

# The driver
printf 'int x;\n' >x.c
check cc-compile clean "$cc" -c x.c
check cc-assemble clean "$cc" -S x.c
check cc-preprocess says 'int x' "$cc" -E x.c
check cc-fpic clean "$cc" -fPIC -c x.c
check cc-partial clean "$cc" -r x.o "$here/hello.c" -o r.o
check cc-link-partial clean "$cc" r.o -o r
pie_in_steps()
{
    "$cc" -fPIE -c "$here/types.c" -o steps.o && "$cc" -static-pie steps.o -o steps &&
        only_relative steps
}
check cc-pie-in-steps pie_in_steps
check cc-language clean "$cc" --freestanding -x c++ "$here/cxx.cc" -o language
check cc-shared fails 64 'hl-cc: error: .*-shared' "$cc" -shared x.c -o x.so
check cc-shared-hint fails 64 '^hint: ' "$cc" -shared x.c -o x.so
check cc-no-input fails 64 'hl-cc: error: no input files' "$cc"
check cc-gcc-status fails 1 'nothing.c' "$cc" nothing.c
check cc-version says '^hl-cc [0-9]' "$cc" --version
check cc-version-gcc says 'Free Software Foundation' "$cc" --version
check cc-help says '--freestanding' "$cc" --help
check cc-prefix says "^$prefix\$" "$cc" --print-prefix
check cc-machine says x86_64 "$cc" -dumpmachine
check cc-no-musl fails 100 'hl-cc: error: .*musl' env HL_MUSL=/nonexistent "$cc" x.c
check cc-no-musl-hint fails 100 '^hint: ' env HL_MUSL=/nonexistent "$cc" x.c
check cc-free-no-musl clean env HL_MUSL=/nonexistent "$cc" --freestanding -c x.c
check cc-no-gcc fails 100 'hl-cc: error: .*no-such-gcc' env HL_REAL_CC=no-such-gcc "$cc" -c x.c
check cc-real-cc clean env HL_REAL_CC='env gcc' "$cc" -c x.c
printf '#include <stdio.h>\n' >stdio.c
check cc-free-no-stdio fails 1 'stdio.h' "$cc" --freestanding -c stdio.c
check cc-undefined fails 1 'undefined reference' "$cc" -xc - -o u <<'END'
int nowhere(void);
int main(void) { return nowhere(); }
END
defaults_yield()
{
    "$cc" -g0 -fno-stack-protector -O2 -c "$here/types.c" -o bare.o &&
        ! nm bare.o | grep __stack_chk_fail && ! readelf -SW bare.o | grep debug_info &&
        "$cc" -O2 -c "$here/types.c" -o guarded.o &&
        nm guarded.o | grep -q __stack_chk_fail && readelf -SW guarded.o | grep -q debug_info
}
check cc-defaults defaults_yield

# Another place, with a space in its name, and a symbolic link to it: no absolute paths inside.
moved()
{
    mkdir -p 'another place/lib' 'another place/bin' &&
        cp "$prefix/bin/hl-cc" 'another place/bin' &&
        cp -R "$prefix/lib/hl" 'another place/lib' && ln -s "another place/bin/hl-cc" linked &&
        ./linked "$here/types.c" -o moved && note_is moved 1 19 0 &&
        ./linked -flto -static-pie "$here/types.c" -o moved && note_is moved 1 19 0 &&
        ./linked --freestanding "$here/free.c" -o moved && note_is moved 2 2 0
}
check cc-moved moved

# Scripts and sections of an author's own
own_script()
{
    sed 's/0x400000/0x10000000/g' "$prefix/lib/hl/hl-guest.ld" >own.ld &&
        "$cc" "$here/types.c" -T own.ld -o own && segments own && note_is own 1 19 0 &&
        readelf -lW own | grep -q 'LOAD.* 0x0*10000000 '
}
check own-script own_script
cat >orphans.c <<'END'
#include <hl/guest.h>
extern int __start_counters[], __stop_counters[];
extern const int __start_constants[], __stop_constants[];
static int counter __attribute__((section("counters"), used)) = 1;
static const int constant __attribute__((section("constants"), used)) = 2;
static int zeros[100000];
__attribute__((section("code"), noinline)) int run_code(void);
int run_code(void) { return zeros[__start_counters[0]]++; }
HL_FUNCTION(i32, Sum)
{
    return __start_counters[0] + __start_constants[0] + run_code() + (int)(__stop_counters -
        __start_counters) + (int)(__stop_constants - __start_constants);
}
END
orphans() # OPTION...
{
    "$cc" -O2 "$@" orphans.c -o orphans && segments orphans && smaller orphans 40000
}
check orphans orphans -no-pie
check orphans-pie orphans -static-pie

unwinding_ends()
{
    readelf --debug-dump=frames "$prefix/lib/hl/$1" | grep -q 'DW_CFA_undefined: r16 (rip)'
}
check unwind-crt0 unwinding_ends crt0.o
check unwind-crt0-free unwinding_ends crt0-free.o

# abort() and assert() are ours, with unwind information, unless the author has his own; a libc's
# raise() and printf() are not linked for their sake.
printf '#include <assert.h>\nint main(int argc, char **argv) { assert(argc == 42); return !argv; }\n' >assert.c
abort_is_ours()
{
    "$cc" assert.c -o assert && "$cc" -static-pie assert.c -o assert-pie &&
        ! nm assert assert-pie | grep -wE 'raise|printf_core'
}
check abort-is-ours abort_is_ours
cat >own-abort.c <<'END'
#include <stdlib.h>
#include <assert.h>
void abort(void) { exit(3); }
void __assert_fail(const char *e, const char *f, int l, const char *n) { (void)e, (void)f, (void)l, (void)n; abort(); }
int main(int argc, char **argv) { assert(argc == 42); free(argv); return 0; }
END
check own-abort clean "$cc" -w own-abort.c -o own-abort
check free-abort clean "$cc" --freestanding -xc -o free-abort - <<'END'
_Noreturn void abort(void);
int main(void) { abort(); }
END

# Nothing in the archives is compiled with a stack protector or sanitizer: parts run before there
# is a canary, and there is no sanitizer run-time.
unguarded()
{
    ! nm "$prefix/lib/hl/libhlguest.a" "$prefix/lib/hl/libhlfree.a" |
        grep -E 'U __(stack_chk_fail|asan|ubsan)'
}
check archives-unguarded unguarded

# IFUNCs would need a resolver at run time.
cat >ifunc.c <<'END'
static int one(void) { return 1; }
static int (*resolve(void))(void) { return one; }
int chosen(void) __attribute__((ifunc("resolve")));
int main(void) { return chosen(); }
END
check ifunc fails 1 'a guest cannot have IFUNCs' "$cc" ifunc.c -o ifunc

# Run by hand as a Linux process, it says what it is.
check by-hand fails 100 'hl-dev run' ./hello
check by-hand-free fails 100 'hl-dev run' ./free

exit $failed
