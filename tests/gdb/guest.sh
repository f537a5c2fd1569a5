#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh PREFIX: real GDB sessions, in batch mode, on guests in a micro-VM.
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
driver=$B/tests/gdb/driver work=$B/tests/gdb/guests/work pie=$B/tests/gdb/guests/work-pie
play=$B/tests/gdb/guests/play
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb.XXXXXX") || exit 1
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$tmp"' EXIT

# on [-OPTION] GUEST CALL...: the command that makes GDB start it
on() {
    local options=()
    while [[ $1 == -* ]]; do options+=("$1") && shift; done
    echo "target extended-remote | $driver ${options[*]} stdio $*"
}

for guest in "$work" "$pie"; do
    session "no-file-argument-$(basename "$guest")" -ex "$(on "$guest" Work)" -ex 'break Work' -ex c \
        -ex bt -ex 'info args' -ex finish -ex c
    has '^_start \(\) at guest-sdk/src/start.S'
    has '^Breakpoint 1, Work \(a=3, b=10\) at .*work.c:'
    has '^#0  Work \(a=3, b=10\)'
    has '^b = 10$'
    has '^Value returned is .* = 113$'
    has '^Work = 113$'
    has 'exited normally\]'
    lacks 'corrupt stack|Cannot access'
    verdict
done

session main -ex "$(on "$play" main)" -ex 'break middle' -ex c -ex bt -ex step -ex step -ex finish \
    -ex delete -ex c
has '^Breakpoint 1, middle \(n=0\) at '
has '^#1 .* in main \(argc=1'
has '^leaf \(n=0\)'
has 'exited with code 03\]'
verdict

# The end of a call is no end of the session: `next` goes over it, points stay.
session over-calls -ex "$(on "$work" Work Other Other)" -ex 'tbreak Work' -ex 'break Other' -ex c \
    -ex 'p hits' -ex 'c' -ex 'info threads' -ex 'until 27' -ex next -ex next -ex c -ex 'p cells[2]' -ex c
has '^Temporary breakpoint 1, Work '
has '^\* 1 .*"guest" \(Other\)'
count '^Breakpoint 2, Other \(a=3\) at' 2
has '^\$2 = 3$'
has 'exited normally\]'
verdict

session host-write-is-seen -ex "$(on "$work" Work)" -ex 'tbreak Work' -ex c -ex 'watch cells[0]' \
    -ex c -ex bt
has '^Old value = 0$'
has '^New value = 13$'
has '^#1 .*HostPoke \(x=13\)'
verdict

session step-over-a-host-call -ex "$(on "$work" Work)" -ex 'break HostPoke' -ex c -ex next -ex next \
    -ex next -ex next -ex 'p cells[0]' -ex 'p cells[1]'
has '^\$1 = 13$'
has '^\$2 = 113$'
verdict

session watchpoints -ex "$(on "$work" Other Copy)" -ex 'tbreak Copy' -ex c -ex 'watch to[2]' \
    -ex 'rwatch *(char *)((char *)from + 11)' -ex 'awatch *(short *)((char *)to + 6)' -ex c -ex c -ex c -ex c
has '^Hardware read watchpoint 3'
count '^Value = 0' 2
has '^New value = 3$'
verdict

session many-watchpoints -ex "$(on "$work" Work Other)" -ex 'tbreak Other' -ex c -ex 'watch big' \
    -ex 'watch hits' -ex 'watch cells[0]' -ex 'watch cells[1]' -ex 'watch cells[2]' -ex 'watch cells[3]' \
    -ex 'info watchpoints' -ex c
count 'hw watchpoint' 6
has '^Hardware watchpoint 6: cells\[2\]'
has '^New value = 3$'
verdict

session registers -ex "$(on "$work" Other)" -ex 'tbreak Other' -ex c -ex 'p $cs' -ex 'p $efer' \
    -ex 'set $xmm3.v2_double[1] = 2.5' -ex 'p $xmm3.v2_double[1]' -ex 'set $r13 = 0x1234' -ex 'p/x $r13' \
    -ex 'set $mxcsr = 0x1fa0' -ex 'p $mxcsr' -ex 'p $fctrl' -ex 'set $cr3 = 1' -ex 'p $fs_base' \
    -ex 'set $rdi = 40' -ex 'finish'
has '^\$1 = 51$'
has '^\$2 = \[ SCE LME LMA NXE \]'
has '^\$3 = 2.5$'
has '^\$4 = 0x1234$'
has '^\$5 = \[ PE IM'
has '^\$6 = 895$'
has 'not write register "cr3"'
verdict

session call-a-function -ex "$(on "$work" Other)" -ex 'tbreak Other' -ex c -ex 'p Sum(5)' -ex 'p Sum(100)' \
    -ex 'p $rip' -ex c
has '^\$1 = 10$'
has '^\$2 = 4950$'
has '^\$3 = .*<Other'
has '^Other = 3$'
verdict

session hardware-breakpoint -ex "$(on "$work" Work Other)" -ex 'thbreak Other' -ex 'hbreak Work if a == 3' \
    -ex c -ex c -ex c
has '^Breakpoint 2, Work'
has '^Temporary breakpoint 1, Other'
has 'exited normally'
verdict

session false-conditions -ex "$(on "$work" Sum)" -ex 'break work.c:33 if i == 2' -ex 'set debug remote 1' \
    -ex c -ex 'set debug remote 0' -ex 'p i'
has '^\$1 = 2$'
count 'Sending packet: .vCont;c' 1
verdict

session start-afresh -ex "$(on "$work" Work Other)" -ex 'break Other' -ex c -ex 'p hits' -ex 'p cells[0]' \
    -ex 'tbreak Work' -ex run -ex 'p hits' -ex 'p cells[0]' -ex c -ex 'p hits' -ex delete -ex c -ex 'tbreak Sum' -ex 'tbreak Other' -ex run \
    -ex 'p cells[2]' -ex kill
count '^again$' 2
has '^\$1 = 1$'
has '^\$3 = 0$'
has '^\$4 = 0$'
has '^\$5 = 1$'
has '^\$6 = 0$'
has 'killed\]'
verdict

session return-and-jump -ex "$(on "$work" Other)" -ex 'tbreak Other' -ex c -ex 'return (int)77' -ex 'c'
has '^Other = 77$'
verdict

# The guest's memory is what it was, to the byte, once GDB has let go.
session text-before -ex "$(on "$work" Sum)" -ex 'tbreak Sum' -ex c -ex "dump binary memory $tmp/before 0x401000 0x402000" -ex kill
session no-trace -ex "$(on "$work" Sum Sum)" -ex 'break Sum' -ex 'break Other' -ex 'rbreak ^hl_' -ex c -ex 'dump binary memory '"$tmp/during"' 0x401000 0x402000' \
    -ex c -ex "dump binary memory $tmp/again 0x401000 0x402000" -ex kill
cmp -s "$tmp/before" "$tmp/during" || problem='breakpoints show in memory'
cmp -s "$tmp/before" "$tmp/again" || problem='breakpoints show in memory, the second time'
verdict

# serve ARG...: the driver in the background; its address in $remote
serve() {
    rm -f "$tmp/in" "$tmp/out" && mkfifo "$tmp/in" "$tmp/out"
    "$driver" "$@" <"$tmp/in" >"$tmp/out" &
    server=$!
    pids+=("$server")
    exec 8>"$tmp/in" 9<"$tmp/out"
    next_line
    remote=$line
}
next_line() { read -t $((20 * slow)) -r line <&9 || line='(nothing)'; }
ctrl_c='python import threading, os, signal; threading.Timer('$slow', lambda: os.kill(os.getpid(), signal.SIGINT)).start()'

serve -a unix:"$tmp/sock" "$work" Spin
session attach-to-a-running-guest -ex "target remote $remote" -ex bt -ex 'p hits > 0' -ex 'break Other' \
    -ex "$ctrl_c" -ex c -ex 'p hits > 0' -ex detach
has 'Spin \(\)'
has 'Program received signal SIGINT'
has 'detached\]'
verdict
session and-again -ex "target remote $remote" -ex 'x/1i Other' -ex 'set var cells[3] = 42' -ex 'set var stop = 1'
lacks 'int3'
has '<Other>'
verdict
next_line
name=it-ran-on problem= out=$line
has '^Spin = 42$'
verdict
wait "$server"

serve -a -r unix:"$tmp/sock" "$work" Other
next_line
session attach-to-an-idle-sandbox -ex "target remote $remote" -ex 'info threads' -ex 'p cells[2]' \
    -ex 'set var cells[2] = 1000' -ex "$ctrl_c" -ex c -ex 'p cells[2]' -ex detach
has '\(idle, between calls\)'
has '^\$1 = 3$'
has 'SIGINT'
verdict
echo >&8
next_line
name=idle-change-counts problem= out=$line
has '^Other = 1003$'
verdict
wait "$server"

serve -s $((3 * slow)) unix:"$tmp/sock" "$work" Work
session break-in-during-a-host-call -ex "target remote $remote" -ex "$ctrl_c" -ex c -ex 'info threads' -ex bt \
    -ex 'finish' -ex c
has '\(Work, in host function HostPoke\)'
has '^#[12] .*HostPoke \(x=13\)'
has 'exited normally\]'
verdict
wait "$server"

serve unix:"$tmp/sock" "$work" Spin
session kill-a-running-guest -ex "target remote $remote" -ex "$ctrl_c" -ex c -ex kill
has 'killed\]'
verdict
next_line
name=killed-is-an-error problem= out=$line
has '^Spin: the guest was interrupted: the debugger killed the guest$'
verdict
wait "$server"
name=killed-host-lives problem=$([ $? = 0 ] || echo "status $?") out=
verdict

# GDB dies without a word: the guest runs on, without its breakpoints.
serve -a -r unix:"$tmp/sock" "$work" Other
next_line
session gdb-dies -ex "target remote $remote" -ex 'break Other' -ex 'shell kill -9 $PPID'
echo >&8
next_line
out=$line
has '^Other = 6$'
verdict
wait "$server"

exit $failed
