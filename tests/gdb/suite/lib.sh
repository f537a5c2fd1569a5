# SPDX-License-Identifier: Apache-2.0
# lib.sh: sourced by gate.sh and score.sh.
# shellcheck shell=bash

suite=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# suite_begin PREFIX KIND WORK LIMIT: make WORK ready for `run`; 77 and a reason when GDB's testsuite
# is not available, or the stub's parts are missing.  KIND says what is between GDB and the program:
#   guest      hl-dev run, a guest built with hl-cc
#   native     our stub over ptrace (tests/gdb/server.c), a native static program
#   gdbserver  GDB's own stub, the same program
suite_begin() {
    local B=$1 kind=$2 work=$3 limit=$4 slow=${HL_TEST_SLOW:-1} kit cc flags stub runner=
    kit=$("$suite/setup") || return
    B=$(cd "$B" && pwd)
    # Programs are built as guests are, for every kind: static musl, at a fixed address.
    cc=$(command -v musl-gcc) flags='-static -no-pie'
    case $kind in
    guest) stub="$B/bin/hl-dev run --gdb=stdio --stop-at=entry" cc=$B/bin/hl-cc runner="$B/bin/hl-dev run" ;;
    native) stub="$B/tests/gdb/server -1ck stdio" ;;
    gdbserver) stub="$kit/gdbserver --once -" ;;
    *) echo "gdb-suite: error: no kind $kind: guest, native, gdbserver" >&2 && return 64 ;;
    esac
    stub=${HL_SUITE_STUB:-$stub} cc=${HL_SUITE_CC:-$cc} flags=${HL_SUITE_FLAGS-$flags}
    mkdir -p "$work"/{obj,out,logs,tmp}
    cat >"$work/env" <<END
export WORK=$work KIT=$kit GDB=$(command -v gdb) LIMIT=$((limit * slow))
export HL_SUITE_STUB='$stub' HL_SUITE_RUNNER='$runner' HL_SUITE_CC=$cc HL_SUITE_C=$suite/cc HL_SUITE_CXX=$suite/c++ HL_SUITE_FLAGS='$flags'
export TMPDIR=$work/tmp LC_ALL=C DEBUGINFOD_URLS=
export DEJAGNU=$work/global.exp
END
    # Triplets by hand: the testsuite's configure is not run.
    cat >"$work/obj/site.exp" <<END
set host_triplet x86_64-pc-linux-gnu
set build_triplet x86_64-pc-linux-gnu
set target_triplet x86_64-pc-linux-gnu
set target_alias x86_64-pc-linux-gnu
set srcdir $kit/gdb/testsuite
set objdir $work/obj
set tool gdb
set enable_libctf no
set gdb_test_timeout $((10 * slow))
lappend boards_dir $suite/boards
source \${srcdir}/lib/append_gdb_boards_dir.exp
END
    echo '# no settings of this machine' >"$work/global.exp"
    : >"$work/obj/Makefile"     # configure would have made it; style.exp wants a file of this name
}

# suite_run WORK FILE...: two files at a time; a line of `run` each, as they end, on descriptor 8.
# In the background; suite_end WORK, in an EXIT trap, ends what is left and removes all but the logs.
suite_run() {
    mkfifo "$1/results.fifo"
    suite_loop "$@" >"$1/results.fifo" &
    runner=$!
    exec 8<"$1/results.fifo"
}
suite_end() {
    trap '' INT TERM
    [ -z "${runner-}" ] || { kill "$runner"; wait "$runner"; } 2>/dev/null
    rm -rf "$1"/{obj,out,tmp,results.fifo}
}
suite_loop() {
    local work=$1 file ended p keep running=()
    shift
    trap - EXIT
    # A signal to the group reaches this one twice, by suite_end too.
    trap 'trap "" INT TERM
        [ ${#running[@]} = 0 ] || { kill "${running[@]}"; wait; } 2>/dev/null
        exit 143' INT TERM
    for file; do
        if [ ${#running[@]} = 2 ]; then
            wait -n -p ended "${running[@]}"
            keep=()
            for p in "${running[@]}"; do [ "$p" = "$ended" ] || keep+=("$p"); done
            running=(${keep[@]+"${keep[@]}"})
        fi
        "$suite/run" "$work" "$file" &
        running+=($!)
    done
    wait
}
