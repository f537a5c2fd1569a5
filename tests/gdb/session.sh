# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# session.sh: what the suites with real GDB share.  Sourced; needs bash.  `name`, `problem`, `out`
# are of the session at hand; `failed` is the suite's.
failed=0
export LC_ALL=C DEBUGINFOD_URLS=
slow=${HL_TEST_SLOW:-1}
# shellcheck source-path=SCRIPTDIR source=../wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wait.sh"

# gdb_batch GDB-ARG...: one GDB, its output on standard output
gdb_batch() {
    timeout $((${limit:-40} * slow)) gdb -nx -q -batch -iex 'set pagination off' \
        -iex 'set width 0' -iex 'set confirm off' -iex 'set sysroot target:' \
        -iex "set remotetimeout $((10 * slow))" "$@" 2>&1
}
# session NAME GDB-ARG...: output in $out
session() {
    name=$1
    shift
    out=$(gdb_batch "$@")
    problem=
}
# With these arguments GDB gets a SIGINT once it has resumed its target, and rests.
ctrl_c=(-ex "source $(dirname "${BASH_SOURCE[0]}")/ctrl_c.py")
# The output has a line that matches; lacks: has none.
has() { grep -qE -- "$1" <<<"$out" || problem="no line like: $1"; }
lacks() { ! grep -qE -- "$1" <<<"$out" || problem="a line like: $1"; }
count() { # PATTERN NUMBER
    local n
    n=$(grep -cE -- "$1" <<<"$out")
    [ "$n" = "$2" ] || problem="$n lines, not $2, like: $1"
}
verdict() {
    if [ -z "$problem" ]; then
        echo "ok $name"
    else
        echo "not ok $name: $problem"
        sed 's/^/  | /' <<<"$out" | cut -c -200 | tail -n 40
        failed=1
    fi
}
# own_breakpoints TARGET: on the program `play`, GDB writes the instructions itself, on a client that
# may know `swbreak` or not.
own_breakpoints() {
    local swbreak
    for swbreak in auto off; do
        session "breakpoints-of-gdbs-own-swbreak-$swbreak" -ex 'set remote software-breakpoint-packet off' \
            -ex "set remote swbreak-feature-packet $swbreak" -ex "$1" -ex 'break leaf' -ex c -ex c \
            -ex 'stepi' -ex finish -ex 'p add(40, 2)' -ex 'next' -ex 'delete' -ex 'x/1xb leaf' -ex c
        has '^Breakpoint 1, leaf \(n=0\)'
        has '^Breakpoint 1, leaf \(n=1\)'
        has '^Value returned is .* = 2$'
        has '^\$2 = 42$'
        lacks 'SIGTRAP|0xcc$'
        has 'exited with code 03'
        verdict
    done
}
