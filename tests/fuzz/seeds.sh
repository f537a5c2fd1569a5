#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# seeds.sh CC OUT: what the fuzz targets begin with and a compiler makes: OUT/dwarf, OUT/unwind and
# OUT/profile.  Real debug information, of the kinds that gcc and binutils have.
set -eu
cc=$1 out=$2 from=tests/symbols/guests
rm -rf "$out"
mkdir -p "$out/dwarf" "$out/unwind" "$out/profile"
cp tests/profile/*.json "$out/profile/"

# guest NAME SOURCE FLAGS...
guest() {
    name=$1 source=$2
    shift 2
    "$cc" -nostdlib -static -no-pie -Wl,-z,noseparate-code "$@" -o "$out/dwarf/$name" -Iguest-sdk/include \
        tests/fuzz/note.S $from/start.S "$source"
}
guest v5 $from/chain.c -O2 -gdwarf-5
guest v4 $from/inline.c -O2 -gdwarf-4
guest v3 $from/chain.c -O1 -gdwarf-3 -gstrict-dwarf
guest v2 $from/chain.c -O0 -gdwarf-2 -gstrict-dwarf
guest types $from/inline.c -O2 -g -fdebug-types-section
guest macros $from/inline.c -O1 -g3
guest sections $from/chain.c -O2 -g -ffunction-sections
guest zlib $from/inline.c -O2 -g -gz=zlib
guest zdebug $from/chain.c -O2 -g -gz=zlib-gnu
guest split $from/chain.c -O1 -g -gsplit-dwarf -dumpdir "$out/"
guest wide $from/inline.c -O2 -g -gdwarf64
guest frame $from/chain.c -O2 -g -fno-asynchronous-unwind-tables
guest plain $from/chain.c -O2
guest pie $from/chain.c -O2 -g -fPIE -static-pie
rm -f "$out"/*.dwo
# Not every binutils can.
objcopy --compress-debug-sections=zstd "$out/dwarf/v5" "$out/dwarf/zstd" 2>/dev/null || rm -f "$out/dwarf/zstd"

# A stack of addresses in the code (tests/fuzz/unwind.c).
words=
for i in 0 1 2 3 4 5 6 7; do words="$words\\$i$((i * 2 % 8))0\\000\\000\\000\\000\\000\\000T"; done
for file in v5 v2 frame plain pie; do
    cp "$out/dwarf/$file" "$out/unwind/$file"
    for i in 1 2 3 4 5 6 7 8; do printf "$words"; done >>"$out/unwind/$file"
done
