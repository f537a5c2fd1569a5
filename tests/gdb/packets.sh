#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# packets.sh PREFIX: GDB without each optional packet it has, in turn: a session goes as with all of
# them.  What GDB cannot do without one, whatever the server, is in differs().
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

# What depends on the run, or names a packet, is not a difference.
talk() {
    gdb_batch "$@" -ex "file $B/tests/gdb/play" \
        -ex "target extended-remote | $B/tests/gdb/server stdio $B/tests/gdb/play" -ex 'break leaf' -ex c \
        -ex bt -ex 'info registers rip rbx' -ex 'p $xmm3.v4_int32' -ex 'p add(40, 2)' -ex finish -ex stepi \
        -ex 'set var pair.a = 41' -ex 'p pair.a + 1' -ex 'x/2i leaf' -ex 'find &pair, +16, (int)41' \
        -ex 'set var $rbx = 77' -ex 'p $rbx' -ex 'delete' -ex 'watch counter' -ex c -ex 'delete' \
        -ex 'hbreak leaf if n == 5' -ex c -ex 'p n' -ex 'info threads' -ex 'p $_siginfo.si_signo' -ex 'delete' \
        -ex 'tbreak vectors' -ex c -ex next -ex kill -ex 'info inferiors' |
        sed -E 's/process [0-9]+/process N/g; s/Thread [0-9.]+/Thread N/g; s/0x7ff[0-9a-f]+/STACK/g; s/ +/ /g' |
        sed -E '/^warning:|set sysroot|^$|packet/d'
}
# differs PACKET: what GDB cannot do without it, with any server; the rest of the session is the same
differs() {
    local lines='^$'
    case $1 in
        Z | write-watchpoint | hardware-breakpoint)
            has '^Could not insert hardware'
            has '^\$2 = 42$'
            has '^\$5 = 77$'
            has '^Temporary breakpoint 4, vectors'
            has '^\[Inferior 1 \(process N\) killed\]$'
            return
            ;;
        kill) lines='^\[Inferior|^\* 1 (<null>|process)|^Can.t kill process' ;;
        multiprocess-feature) lines='^\[Inferior 1 \((process N|Remote target)\) killed\]$' ;;
        read-siginfo-object) lines='^\$7 = |^Unable to read siginfo' ;;
        supported-packets)
            lines='^\$7 = |^Unable to read siginfo|^\* 1 Thread'
            lines+='|^\[Inferior 1 \((process N|Remote target)\) killed\]$'
            ;;
        threads) lines='^\* 1 Thread' ;;
    esac
    out=$(diff <(grep -vE -- "$lines" "$tmp/all") <(grep -vE -- "$lines" "$tmp/one"))
    [ -z "$out" ] || problem='it goes another way'
}

talk >"$tmp/all"
out=$(cat "$tmp/all") name=all-packets problem=
has '^Breakpoint 1, leaf \(n=0\)'
has '^\$2 = 42$'
has '^Value returned is .* = 0$'
has '^New value = 1$'
has '^Breakpoint 3, leaf \(n=5\)'
has '^\[Inferior 1 \(process N\) killed\]$'
verdict
[ -z "$problem" ] || exit 1
packets=$(gdb_batch -ex 'help set remote' | sed -nE 's/^set remote ([A-Za-z-]+)-packet .*/\1/p')
name=packets problem= out=$packets
[ "$(wc -w <<<"$packets")" -gt 60 ] || problem='GDB lists too few'
verdict
for packet in $packets; do
    talk -ex "set remote $packet-packet off" >"$tmp/one"
    name=without-$packet problem= out=$(cat "$tmp/one")
    differs "$packet"
    verdict
done
exit $failed
