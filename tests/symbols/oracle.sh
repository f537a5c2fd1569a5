#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# oracle.sh PREFIX - names, lines and inlined functions are those that libdw reads in the same file:
# of the toolkit's own programs and guests, and of small ones in each form that compilers write.
set -u
B=$(cd "$1" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd)
guests=$here/oracle-guests
dir=$(mktemp -d "${TMPDIR:-/tmp}/hl-oracle.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
places=${PLACES:-1000} # of each program
status=0
export HL_DEBUG_DIR=$dir

# same NAME FILE [OTHER [PLACES]]: libdw reads OTHER, where it has not all that FILE has.
same() {
    local name=$1
    shift
    if timeout 120 "$B/tests/symbols/oracle" "$@" >log 2>&1; then
        echo "ok $name: $(tail -n 1 log)"
    else
        echo "not ok $name: $(tail -n 1 log)"
        head -n 20 log
        status=1
    fi
}

# make NAME COMMAND...: a file of that name; false, with a reason, where the tool cannot.
make() {
    local name=$1
    shift
    command -v "$1" >/dev/null || { echo "skip $name: no $1"; return 1; }
    "$@" -o "$name" >make.log 2>&1 && return
    echo "skip $name: $(grep -v '^$' make.log | head -n 1)"
    return 1
}
c() { make "$1" "$2" "${@:3}" "$guests/parts.c" "$guests/other.c" && same "$1" "$1" "$1" "$places"; }
cxx() { make "$1" "$2" -std=c++17 "${@:3}" "$guests/shapes.cc" && same "$1" "$1" "$1" "$places"; }

[ -x "$B/bin/hl-dev" ] && same hl-dev "$B/bin/hl-dev"
[ -e "$B/lib/libhl.so" ] && same libhl.so "$B/lib/libhl.so"
for guest in "$B"/tests/guest/*; do
    [ -x "$guest" ] && [ ! -d "$guest" ] && readelf -S "$guest" | grep -q '\.debug_info' &&
        same "guest ${guest##*/}" "$guest" "$guest" 2000
done

for form in 2-O0 2-O2 3-O2 4-O0 4-O2 5-O0 5-O2; do
    c gcc-$form gcc -gdwarf-${form/-/ -}
    cxx g++-$form g++ -gdwarf-${form/-/ -}
    c clang-$form clang -gdwarf-${form/-/ -}
    cxx clang++-$form clang++ -gdwarf-${form/-/ -}
done
c gcc-strict-2 gcc -gdwarf-2 -O2 -gstrict-dwarf
c gcc-own-lines-4 gcc -gdwarf-4 -O2 -gno-as-loc-support
c gcc-own-lines-5 gcc -gdwarf-5 -O2 -gno-as-loc-support
c gcc-64 gcc -gdwarf-5 -gdwarf64 -O2
c gcc-64-4 gcc -gdwarf-4 -gdwarf64 -O2
c clang-64 clang -gdwarf-5 -gdwarf64 -O2
c gcc-sections gcc -g -O2 -ffunction-sections -Wl,--gc-sections
cxx g++-lto g++ -g -O2 -flto
cxx g++-O3 g++ -g3 -O3
cxx g++-types-4 g++ -gdwarf-4 -fdebug-types-section -O2
cxx g++-types-5 g++ -gdwarf-5 -fdebug-types-section -O2
cxx clang++-types-5 clang++ -gdwarf-5 -fdebug-types-section -O2
c clang-lines clang -gline-tables-only -O2
c gcc-g1 gcc -g1 -O2
cxx clang++-lld clang++ -g -O2 -fuse-ld=lld -ffunction-sections -Wl,--icf=all
cxx clang++-lto clang++ -g -O2 -flto=thin -fuse-ld=lld
cxx g++-gold g++ -g -O2 -fuse-ld=gold -ffunction-sections -Wl,--icf=all
c gcc-no-pie gcc -g -O2 -static -no-pie
c gcc-zlib gcc -g -O2 -gz=zlib
c gcc-zlib-gnu gcc -g -O2 -gz=zlib-gnu
if [ -e g++-5-O2 ] && objcopy --compress-debug-sections=zstd g++-5-O2 zstd 2>/dev/null; then
    same g++-zstd zstd g++-5-O2 "$places" # Debian 12's libelf knows no zstd
else
    echo 'skip g++-zstd: objcopy has no zstd'
fi

# ---- files beside the program
cat >both.sh <<'END'
compiler=$1 flags=$2 out=$4
shift 4
set -e
for source; do $compiler $flags -c "$source" -o "$out-$(basename "$source").o"; done
$compiler -o "$out" "$out"-*.o
END
for compiler in gcc clang; do
    for version in 4 5; do
        for level in 0 2; do
            name=$compiler-split-$version-O$level
            command -v $compiler >/dev/null || { echo "skip $name: no $compiler"; continue; }
            bash both.sh $compiler "-gdwarf-$version -gsplit-dwarf -O$level" -o "$name" "$guests"/{parts,other}.c || status=1
            same "$name" "$name" "$name" "$places"
            cxx=${compiler/gcc/g++}; cxx=${cxx/clang/clang++}
            bash both.sh "$cxx" "-std=c++17 -gdwarf-$version -gsplit-dwarf -O$level" -o "$name++" "$guests/shapes.cc" || status=1
            same "$name++" "$name++" "$name++" "$places"
            # libdw of Debian 12 knows no packages: it reads the .dwo files.
            tool=dwp
            [ $version = 5 ] && tool=$(command -v llvm-dwp || ls /usr/bin/llvm-dwp-* 2>/dev/null | head -n 1)
            command -v "${tool:-llvm-dwp}" >/dev/null || { echo "skip $name packed: no ${tool:-llvm-dwp}"; continue; }
            # That of LLVM 14 does not end with what gcc writes.
            [ $compiler-$version = gcc-5 ] && continue
            mkdir -p packed && cp "$name" "$name++" packed/
            for file in "$name" "$name++"; do
                if timeout 20 $tool -e "$file" -o "packed/$file.dwp" >make.log 2>&1; then
                    same "$file packed" "packed/$file" "$file" "$places"
                else
                    echo "skip $file packed: $(head -n 1 make.log)"
                fi
            done
        done
    done
done
if command -v dwz >/dev/null; then
    for file in gcc-4-O2 gcc-5-O2 g++-4-O2 g++-5-O2 clang++-4-O2 clang++-5-O2; do
        [ -e $file ] && cp $file dwz-$file && dwz dwz-$file 2>make.log && same "dwz $file" dwz-$file dwz-$file "$places"
    done
    for version in 4 5; do
        cp g++-$version-O2 one-$version && cp g++-$version-O0 two-$version &&
            dwz -m shared-$version.debug one-$version two-$version 2>make.log || { status=1; cat make.log; }
        for file in one two; do
            same "dwz -m $file-$version" $file-$version $file-$version "$places"
        done
    done
else
    echo 'skip dwz: no dwz'
fi
for file in gcc-5-O2 g++-4-O2; do
    cp $file whole && objcopy --only-keep-debug whole apart.debug && strip whole &&
        objcopy --add-gnu-debuglink=apart.debug whole && same "debuglink $file" whole $file "$places"
done

for level in 0 3; do
    make rustc-O$level rustc -g -C opt-level=$level "$guests/shapes.rs" && same rustc-O$level rustc-O$level rustc-O$level "$places"
done
exit $status
