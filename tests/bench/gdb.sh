#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gdb.sh PREFIX ROUNDS: our stub on a guest against gdbserver on the same code as a native process.
# A table on stdout, every figure in PREFIX/bench/gdb.json.
set -eu
B=$(cd "$1" && pwd) work=$B/bench
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work"
cp "$B/tests/bench/gdb-guest" "$work/"
musl-gcc -g -O0 -static -no-pie -o "$work/gdb-native" "$here/gdb-guest.c"
gdbserver=$(command -v gdbserver) || {
    # Without it our side is still measured.
    kit=$("$here/../gdb/suite/setup") && cp "$kit/gdbserver" "$work/" &&
        gdbserver=$work/gdbserver || gdbserver=
}
export BENCH_PREFIX=$B BENCH_WORK=$work BENCH_GDBSERVER=$gdbserver BENCH_ROUNDS=$2
export BENCH_SLOW=${HL_TEST_SLOW:-1} LC_ALL=C DEBUGINFOD_URLS=
rm -f "$work/gdb.txt"
gdb -nx -q -batch -x "$here/gdb.py" >"$work/gdb.log" 2>&1 </dev/null || true
cat "$work/gdb.txt" || { tail -n 20 "$work/gdb.log" >&2; exit 1; }
