#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# real.sh PREFIX [--compile] - programs of others, compiled unchanged from Debian's sources by hl-cc and run as
# guests: Lua, zlib, bzip2.  Whatever they put out must be what the native build of the same sources
# puts out.  Where the sources cannot be fetched, it says so and skips.
# Objects are kept below PREFIX/tests/real, by what they are made from and by.  --compile makes those
# and no more: check-nested has it done on this machine, which compiles 30 times faster.
# shellcheck disable=SC2015,SC2016,SC2317 # functions are called by built(); no && || is an if-else
set -u
prefix=$(cd "${1-}" 2>/dev/null && pwd -P) && [ -n "$1" ] && case ${2-} in '' | --compile) ;; *) false ;; esac || {
    echo 'usage: real.sh PREFIX [--compile]' >&2
    exit 64
}
compile_only=${2-}
here=$(cd "$(dirname "$0")" && pwd -P)
dev=$prefix/bin/hl-dev
hlcc=$prefix/bin/hl-cc
gcc=${CC:-gcc}
slow=${HL_TEST_SLOW:-1}
store=$here/../../build/real
jobs=$(nproc 2>/dev/null || echo 1)
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_CPATH HL_KVM_DEVICE
export LC_ALL=C

tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-real-test.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
cd "$tmp" || exit 1
status=0
ok() { echo "ok $1"; }
skip() { echo "skip $1: $2"; }
fail() {
    echo "not ok $1: $2"
    tail -n 10 err 2>/dev/null | cut -c 1-300 | sed 's/^/# /'
    status=1
}
same() { # NAME WANTED GOT
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "'${3:0:300}' is not '${2:0:300}'"; fi
}
same_file() { # NAME WANTED GOT
    if cmp "$2" "$3" >differ 2>&1; then ok "$1"; else fail "$1" "$(cat differ)"; fi
}
limited() { timeout -k 5 $((120 * slow)) "$@"; }
guest() { limited "$dev" run "$@" 2>err </dev/null; }

# fetched PACKAGE: its source is in $store/PACKAGE
fetched() {
    local why
    why=$(limited bash "$here/fetch" "$store" "$1")
    case $? in
    0) ;;
    77) skip "$1" "$(printf '%s' "$why" | tail -n 1)" && return 1 ;;
    124) skip "$1" 'fetching its source took too long' && return 1 ;;
    *) fail "$1" "fetching its source failed: $why" && return 1 ;;
    esac
}

# What objects depend on: sources and headers beside them, compiler, options, the SDK's headers.
key_of() {
    { printf '%s\0' "$@" && "$gcc" --version && cat "$hlcc" "$prefix"/lib/hl/*.specs \
        "$prefix"/lib/hl/include/*/*.h "${@: -1:1}" "$(dirname "${@: -1:1}")"/*.[ch]; } 2>/dev/null |
        sha256sum | cut -c 1-16
}

# objects DIR COMPILER OPTION... -- SOURCE...: compile into DIR, unless it was done before
objects() {
    local to=$1 kept
    kept=$prefix/tests/real/$1-$(key_of "$@")
    if [ ! -d "$kept" ]; then
        compile "$@" || return
        mkdir -p "$kept.$$" && cp "$to"/*.o "$kept.$$" && mv -T "$kept.$$" "$kept" 2>>err || rm -rf "$kept.$$"
    fi
    mkdir -p "$to" && cp "$kept"/*.o "$to"
}

# compile: as objects; as many at once as there are CPUs
compile() {
    local to=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    mkdir -p "$to"
    printf '%s\0' "$@" | xargs -0 -P "$jobs" -I{} sh -c '
        source=$1 to=$2 && shift 2
        "$@" -c -o "$to/$(basename "$source" .c).o" "$source"' sh {} "$to" "${options[@]}" 2>err
}

# built NAME COMMAND...
built() {
    local name=$1
    shift
    "$@" 2>>err && ok "$name" || { fail "$name" 'it does not compile' && return 1; }
}

# ---- Lua: scripts as bytes, and its own main()

# The text of `EXPR = "TEXT"`, its escapes undone.
text_of() {
    local line
    line=$(cat) && line=${line#*' = "'} && line=${line%'"'}
    printf '%b' "${line//'\"'/'"'}" # %b knows all of them but this
}

test_lua() {
    local src=$store/lua5.4/src all=() script f rc want
    fetched lua5.4 || return
    for f in "$src"/*.c; do
        case ${f##*/} in lua.c | luac.c) ;; *) all+=("$f") ;; esac
    done
    # Debian's build makes this header, which says where its libraries lie.
    mkdir -p lua-include
    echo '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"' >lua-include/lua5.4-deb-multiarch.h
    # Both builds in plain ISO C, so that only the C library and the machine differ.
    built 'lua: hl-cc compiles it unchanged' objects lua-guest "$hlcc" -O2 -I"$src" -Ilua-include -- "${all[@]}" "$src/lua.c" || return
    built 'lua: native build' objects lua-native "$gcc" -O2 -I"$src" -Ilua-include -- "${all[@]}" "$src/lua.c" || return
    [ -z "$compile_only" ] || return
    mv lua-guest/lua.o lua-guest-main.o && mv lua-native/lua.o lua-native-main.o
    built 'lua: as a program guest' "$hlcc" -o lua lua-guest-main.o lua-guest/*.o -lm || return
    built 'lua: as a guest with a function' \
        "$hlcc" -O2 -I"$src" -Ilua-include -o lua-run "$here/lua-run.c" lua-guest/*.o -lm || return
    "$gcc" -o native-lua lua-native-main.o lua-native/*.o -lm 2>err &&
        "$gcc" -O2 -DNATIVE -I"$src" -Ilua-include -o native-run "$here/lua-run.c" lua-native/*.o -lm 2>err || return

    for script in "$here"/lua/*.lua; do
        f=$(basename "$script" .lua)
        ./native-run "$script" >wanted
        # A stack overflow of Lua takes more than the default heap, natively too.
        guest lua-run --heap 256M --call "RunLua(@\"$script\")" | text_of >got
        same_file "lua: $f.lua" wanted got
        [ "$(wc -l <wanted)" -ge 5 ] || fail "lua: $f.lua" 'the native build printed next to nothing'
    done
    same 'lua: a script in the expression' "RunLua(\"print('a' .. 1 + 1)\") = \"a2\\n\"" \
        "$(guest lua-run --call "RunLua(\"print('a' .. 1 + 1)\")")"
    # A new state each time in one sandbox: it must not wear out.
    guest lua-run -q --repeat 5 --call "RunLua(@\"$here/lua/gc.lua\")" >got
    same 'lua: the same script again and again in one sandbox' 0 $?
    printf 'local t = {}\nfor i = 1, 1 << 30 do t[i] = ("x"):rep(10000) .. i end\n' >eater.lua
    printf 'print("still there")\n' >after.lua
    guest lua-run --heap 8M --call 'RunLua(@eater.lua)' --call 'RunLua(@after.lua)' >got
    same 'lua: out of memory is an error in the script, no more' \
        'RunLua(@eater.lua) = "error: not enough memory\n"
RunLua(@after.lua) = "still there\n"' "$(cat got)"

    # like_native NAME ARG...: stdout, stderr and exit status of lua's own main()
    like_native() {
        local name=$1
        shift
        limited ./native-lua "$@" >wanted 2>wanted-err </dev/null
        want=$?
        guest lua -- "$@" >got
        rc=$?
        sed 's/\.\/native-lua/lua/' wanted-err >wanted-err.lua
        if [ $rc != $want ]; then fail "lua: $name" "exit status $rc, native $want"
        elif ! cmp -s wanted-err.lua err; then fail "lua: $name" 'another stderr'
        else same_file "lua: $name" wanted got; fi
    }
    like_native "-e 'print(1+1)'" -e 'print(1+1)'
    like_native 'two -e' -e 'x = 6' -e 'print(x * 7)'
    like_native '-v' -v
    like_native 'arguments' -e 'print(#arg, arg[1], ...)'
    like_native 'io.write and string.format' -e 'io.write(string.format("%08.3f|%s\n", math.pi, "end"))'
    like_native 'stderr' -e 'io.stderr:write("to stderr\n")'
    like_native 'os.exit' -e 'os.exit(7)'
    like_native 'os.exit(true, true)' -e 'print(1) os.exit(true, true)'
    like_native 'an error' -e 'error("oops")'
    like_native 'an error in a function' -e 'local function f() local x = nil + 1 end f()'
    like_native 'a syntax error' -e 'print('
    like_native 'an error object' -e 'error({})'
    like_native 'a bad option' -x
    like_native 'standard input is empty' -
    like_native 'reading standard input' -e 'print(io.read("a") == "", io.read("l"))'
    like_native 'standard libraries' -l string -e 'print(type(os.time()), os.getenv("NOTHING"), #os.date() > 0)'
    like_native 'a loop of calls' -e 'local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end print(fib(24))'
    like_native 'megabytes of output' -e 'for i = 1, 100000 do print(i, i * i, "some text to fill the line") end'
    same '.. which really were megabytes' yes "$([ "$(stat -c %s got)" -gt 3000000 ] && echo yes)"
}

# ---- Packers: at least 1 MiB, bit by bit

# Text, code and zeros.
{ seq 1 100000; head -c 700000 "$dev"; head -c 100000 /dev/zero; } >input
size=$(stat -c %s input)
[ "$size" -ge 1048576 ] || fail 'input for the packers' "only $size bytes"

# The bytes of `EXPR = x"HEX"`; perl-base is part of every Debian.
bytes_of() { perl -ne 'print pack("H*", $1) if / = x"([0-9a-f]*)"$/'; }

# packer NAME GUEST NATIVE LEVEL...
packer() {
    local name=$1 guest=$2 native=$3 level
    shift 3
    for level; do
        "$native" pack "$level" <input >wanted
        guest "$guest" --call "Pack(@input, $level)" | bytes_of >packed
        same_file "$name: level $level: packed as the native build does" wanted packed
        guest "$guest" --call "Unpack(@packed, $size)" | bytes_of >got
        same_file "$name: level $level: unpacked again" input got
    done
    "$native" unpack "$size" <packed >got
    same_file "$name: the native build unpacks what the guest packed" input got
    : >nothing
    guest "$guest" --call 'Pack(@nothing, 9)' | bytes_of >packed
    "$native" pack 9 <nothing >wanted
    same_file "$name: nothing at all" wanted packed
    head -c 5000 wanted input 2>/dev/null >garbage
    guest "$guest" --call "Unpack(@garbage, $size)" --call 'Pack(x"00", 1)' >got
    same "$name: garbage is refused" 1 $?
    "$native" pack 9 <input | head -c 20000 >shortened
    guest "$guest" --call "Unpack(@shortened, $size)" >got
    same "$name: a cut stream is refused" 1 $?
}

test_zlib() {
    local src=$store/zlib pie
    fetched zlib || return
    built 'zlib: native build' objects zlib-native "$gcc" -O2 -DHAVE_UNISTD_H -I"$src" -- "$src"/*.c &&
        "$gcc" -O2 -DNATIVE -I"$src" -o native-zlib "$here/packers.c" zlib-native/*.o || return
    built 'zlib: hl-cc compiles it unchanged' objects zlib-guest "$hlcc" -O2 -DHAVE_UNISTD_H -I"$src" -- "$src"/*.c || return
    [ -z "$compile_only" ] || { objects zlib-pie-guest "$hlcc" -static-pie -O2 -I"$src" -DHAVE_UNISTD_H -- "$src"/*.c; return; }
    built 'zlib: as a guest' "$hlcc" -O2 -I"$src" -o zlib "$here/packers.c" zlib-guest/*.o || return
    packer zlib zlib ./native-zlib 0 1 6 9
    same 'zlib: crc32' "Crc32(@input) = $(./native-zlib crc <input)" "$(guest zlib --call 'Crc32(@input)')"
    same 'zlib: adler32' "Adler32(@input) = $(./native-zlib adler <input)" "$(guest zlib --call 'Adler32(@input)')"
    same 'zlib: crc32 as published' 'Crc32("123456789") = 3421780262' "$(guest zlib --call 'Crc32("123456789")')"
    # The same as a guest for any address.
    pie=zlib-pie
    built 'zlib: hl-cc -static-pie' objects $pie-guest "$hlcc" -static-pie -O2 -I"$src" -DHAVE_UNISTD_H -- "$src"/*.c &&
        "$hlcc" -static-pie -O2 -I"$src" -o $pie "$here/packers.c" $pie-guest/*.o || return
    ./native-zlib pack 6 <input >wanted
    guest $pie --call 'Pack(@input, 6)' | bytes_of >packed
    same_file 'zlib: PIE: packed as the native build does' wanted packed
}

test_bzip2() {
    local src=$store/bzip2 library=() f
    fetched bzip2 || return
    for f in blocksort huffman crctable randtable compress decompress bzlib; do library+=("$src/$f.c"); done
    built 'bzip2: native build' objects bzip2-native "$gcc" -O2 -DBZ_NO_STDIO -I"$src" -- "${library[@]}" &&
        "$gcc" -O2 -DNATIVE -DBZIP2 -I"$src" -o native-bzip2 "$here/packers.c" bzip2-native/*.o || return
    built 'bzip2: hl-cc compiles it unchanged' objects bzip2-guest "$hlcc" -O2 -DBZ_NO_STDIO -I"$src" -- "${library[@]}" || return
    [ -z "$compile_only" ] || return
    built 'bzip2: as a guest' "$hlcc" -O2 -DBZIP2 -I"$src" -o bzip2 "$here/packers.c" bzip2-guest/*.o || return
    packer bzip2 bzip2 ./native-bzip2 1 9
}

test_lua
test_zlib
test_bzip2
exit $status
