#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# names.sh PREFIX - names and lines wherever a compiler or objcopy left them: a guest has the same
# crash report however its debug information is kept.
# shellcheck disable=SC2016 # single quotes are meant
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
export HL_DEBUG_DIR=/nonexistent

# report GUEST: the frames of its crash, in $got
report() {
    hl run "./$1"
    got=$(grep '^  #' "$err")
}
# alike NAME GUEST: its report is that of the plain guest
alike() {
    report "$2"
    same "$1" "$want" "$got"
}
# poor NAME GUEST: no line of the author's file is known
poor() {
    report "$2"
    case $got in *names.c:*) fail "$1" 'it has lines' ;; '') fail "$1" 'no frames' ;; *) ok "$1" ;; esac
}

cp "$here/guest/names.c" .
"$cc" -O2 -o plain names.c
report plain
want=$got
has 'plain: inlined twice' "$err" '#0 .*\(inlined\).* in deepest at .*names\.c:[0-9]+$'
# addr2line is another reader of the same file
at=$(sed -n 's/^  #2 *\(0x[0-9a-f]*\) .*/\1/p' "$err")
same 'plain: as addr2line has it' "$(addr2line -ife plain "$at" | awk 'NR % 2 { f = $1; next } { sub(/.*:/, ""); print f, $1 }')" \
    "$(sed -n 's/^  #[012] .* in \([^ ]*\) at .*:\([0-9]*\)$/\1 \2/p' "$err")"

# ---- Compressed

for how in zlib-gnu zlib-gabi zstd; do
    if objcopy --compress-debug-sections=$how plain "$how" 2>/dev/null; then alike "$how" "$how"
    else skip "$how" 'this objcopy does not write it'; fi
done

# ---- In a file of its own

objcopy --only-keep-debug plain whole.debug
cp plain linked && strip linked && objcopy --add-gnu-debuglink=whole.debug linked
alike 'debuglink: beside it' linked
mkdir .debug && mv whole.debug .debug
alike 'debuglink: .debug' linked
mkdir -p "root$PWD" && mv .debug/whole.debug "root$PWD"
HL_DEBUG_DIR=/nonexistent:$PWD/root alike 'debuglink: HL_DEBUG_DIR' linked
cp "root$PWD/whole.debug" whole.debug
HL_DEBUG_DIR=none poor 'HL_DEBUG_DIR=none' linked
printf x >>whole.debug
poor 'debuglink: another CRC' linked
has 'debuglink: it says which file' "$err" '^hint: .*whole\.debug'
rm whole.debug && mkfifo whole.debug
poor 'debuglink: a fifo holds nobody up' linked
rm whole.debug
id=$(readelf -n plain | sed -n 's/.*Build ID: //p')
dir=root/.build-id/${id:0:2}
mkdir -p "$dir" && mv "root$PWD/whole.debug" "$dir/${id:2}.debug"
cp plain bare && strip bare
HL_DEBUG_DIR=$PWD/root alike 'build ID' bare
"$cc" -O1 -o another names.c && objcopy --only-keep-debug another "$dir/${id:2}.debug"
HL_DEBUG_DIR=$PWD/root poor 'build ID: of another guest' bare
if command -v dwz >/dev/null; then
    cp plain one && cp plain two && dwz -m shared.dwz one two
    alike 'dwz' one
    rm shared.dwz
    poor 'dwz: the shared file is gone' one
else
    skip dwz 'no dwz'
fi

# ---- Split

for dwarf in 4 5; do
    "$cc" -O2 -gdwarf-$dwarf -gsplit-dwarf -o split$dwarf names.c
    alike "split, DWARF $dwarf" split$dwarf
    "$cc" -O2 -gdwarf-$dwarf -gsplit-dwarf -gz=zlib -o packed$dwarf names.c
    alike "split and compressed, DWARF $dwarf" packed$dwarf
done
"$cc" -O2 -gdwarf-4 -gsplit-dwarf -c names.c && "$cc" -o package names.o
if command -v dwp >/dev/null && dwp -e package -o package.dwp 2>/dev/null; then
    report package
    want=$got
    mv names.dwo elsewhere
    alike 'package of DWARF 4' package
    mv elsewhere names.dwo
else
    skip 'package of DWARF 4' 'no dwp that works'
fi
rm -f package.dwp names.dwo
report package
has 'split: its file is gone' "$err" 'real_fn at .*names\.c:[0-9]+$'
has 'split: it says which' "$err" '^hint: .*names\.dwo'
if command -v clang >/dev/null && command -v llvm-dwp >/dev/null; then
    clang -O2 -gdwarf-5 -gsplit-dwarf -fno-pic -c names.c && "$cc" -o clang names.o
    report clang
    want=$got
    timeout 60 llvm-dwp -e clang -o clang.dwp && rm names.dwo
    alike 'package of DWARF 5' clang
else
    skip 'package of DWARF 5' 'no clang and llvm-dwp'
fi

# ---- C++

cp "$here/guest/names.cc" .
"$cc" -O2 -o cxx names.cc
report cxx
want=$got
has 'C++: inlined, with its scope' "$err" \
    '#0 .*\(inlined\) +in outer::\(anonymous namespace\)::Box<double, 4>::poke at .*names\.cc:11$'
has 'C++: method' "$err" ' in outer::Sq::area\(char const\*, unsigned long long\) const at '
has 'C++: template' "$err" ' in int outer::apply<'
same 'C++: nothing mangled' '' "$(grep -o '_Z[A-Za-z0-9_]*' "$err")"
"$cc" -O2 -gsplit-dwarf -o cxxsplit names.cc
alike 'C++, split' cxxsplit
hl run --json cxx
same 'C++: JSON' '' "$(grep -o '_Z[A-Za-z0-9_]*' "$out")"
hl trace -k --json cxx
same 'C++: trace' '' "$(grep -o '_Z[A-Za-z0-9_]*' "$out" "$err")"

cat >many.cc <<'END'
#include <hl/guest.h>
#define OUT __attribute__((noinline))
namespace a { OUT int f(int x) { return x * 3; } OUT int f(long x) { return (int)x * 5; } }
namespace b { OUT int g(int x) { return x * 7; } template<class T> OUT int t(T x) { return (int)x; } }
HL_FUNCTION(i32, Sum, (i32, x)) { return a::f(x) + a::f((long)x) + b::g(x) + b::t<unsigned long>(x); }
END
"$cc" -O1 -o many many.cc
for where in f a::f; do
    refused "--stop-at $where: which" 100 "2 functions are called $where" 'a::f\(int\).*a::f\(long\)' \
        run --gdb="unix:$tmp/s" --stop-at "$where" many --call 'Sum(1)'
done
refused '--stop-at: none' 100 'no function a::g' 'stop-at' \
    run --gdb="unix:$tmp/s" --stop-at a::g many --call 'Sum(1)'
for where in g b::g b::t 't(unsigned long)' many.cc:g 'a::f(int)' 'f( long )' 'b::t<unsigned long>' 'b::t<unsigned long>(unsigned long)'; do
    if command -v gdb >/dev/null; then
        timeout -k 5 $((60 * slow)) gdb -nx -batch \
            -ex "target remote | '$dev' run --gdb=stdio --stop-at='$where' many --call 'Sum(1)'" \
            -ex bt -ex kill >"$out" 2>"$err" </dev/null
        has "--stop-at $where" "$out" '^#0 +[ab]::[fgt]'
    else
        skip "--stop-at $where" 'no gdb'
    fi
done

# ---- Rust

cat >g.rs <<'END'
#![no_std]
#[panic_handler]
fn panic(_i: &core::panic::PanicInfo) -> ! { loop {} }
pub mod shapes { #[inline(never)] pub fn poke(x: u64) -> u64 { unsafe { core::ptr::write_volatile(8 as *mut u64, x) }; x } }
#[no_mangle]
pub extern "C" fn main(_c: i32, _v: *const *const u8) -> i32 { shapes::poke(7) as i32 }
END
cat >generic.rs <<'END'
#![no_std]
#[panic_handler]
fn panic(_i: &core::panic::PanicInfo) -> ! { loop {} }
#[inline(never)]
pub fn apply<F: Fn(u64) -> u64>(f: F, n: u64) -> u64 { f(n) ^ f(n + 1) }
#[no_mangle]
pub extern "C" fn main(c: i32, _v: *const *const u8) -> i32 { apply(|x| x * c as u64, c as u64) as i32 }
END
for style in '' '-C symbol-mangling-version=v0'; do
    # shellcheck disable=SC2086 # two words or none
    if command -v rustc >/dev/null && rustc -g -C opt-level=1 -C panic=abort \
        --crate-type lib --emit obj $style -o g.o g.rs 2>/dev/null && "$cc" -o rust g.o 2>/dev/null; then
        hl run rust
        has "Rust $style" "$err" ' in g::shapes::poke at .*g\.rs:4$'
        # shellcheck disable=SC2086
        rustc -g -C opt-level=1 -C panic=abort -C overflow-checks=off --crate-type lib \
            --emit obj $style -o generic.o generic.rs && "$cc" -o generic generic.o
        timeout -k 5 $((60 * slow)) gdb -nx -batch -ex bt -ex kill \
            -iex "target remote | '$dev' run --gdb=stdio --stop-at=generic::apply generic" \
            >"$out" 2>"$err" </dev/null
        has "Rust $style: --stop-at a generic function" "$out" '^#[01] .*generic::apply<'
    else
        skip "Rust $style" 'no rustc'
    fi
done

# ---- Stacks to their ends

cp "$here/guest/overflow.c" .
compile overflow overflow.c
for f in Sort Print Grow Call; do
    hl run overflow --call "$f(1)"
    has "overflow in $f: the author's function" "$err" '^  #[0-9]+ .* in (sort|print|grow|call) at '
    has "overflow in $f: what began it" "$err" "^  #[0-9]{3,} .* in $f at "
    has "overflow in $f: to the end" "$err" '^  #[0-9]{3,} .* in crt0_serve at '
done
compile sorts "$here/guest/sorts.c"
hl profile --cpu --format folded sorts
same 'one root of what main() does' 'guest;crt0_serve;main' \
    "$(grep -oE '^guest;(.*;)?main[?]*[; ]' "$out" | sed 's/[; ]$//' | sort -u)"
finish
