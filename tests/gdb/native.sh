#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# native.sh PREFIX: real GDB sessions, in batch mode, on a native process under the stub.
set -u
B=$(cd "$1" && pwd)
server=$B/tests/gdb/server play=$B/tests/gdb/play pie=$B/tests/gdb/play-pie
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb.XXXXXX") || exit 1
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$tmp"' EXIT
. "$(dirname "$0")/session.sh"

stub() { echo "target remote | $server $*"; }
# serve ARG...: a server in the background; its address in $remote, its input open as fd 9
serve() {
    coproc SERVER { exec "$server" "$@"; }
    pids+=("$SERVER_PID")
    read -r remote <&"${SERVER[0]}"
}
unserve() {
    echo >&"${SERVER[1]}"
    wait "$SERVER_PID"
    served=$?
}

session symbols-without-file -ex "$(stub stdio "$play")" -ex 'break middle' -ex c -ex bt -ex finish
has '^Breakpoint 1, middle \(n=0\) at '
has '^#1 .* in main \(argc=1'
has 'total \+= middle\(i\)'
has '^Value returned is .* = 1$'
verdict

for how in '' -n; do
    session "pie${how:+-by-qoffsets}" -ex "target remote | $server $how stdio $pie" \
        -ex 'break leaf' -ex c -ex 'info symbol $pc' -ex 'p &counter' -ex 'p pair' -ex 'next'
    has '^Breakpoint 1, leaf \(n=0\)'
    has '^leaf \+ '
    has '= \(volatile int \*\) 0x7ff[0-9a-f]+ <counter>'
    has '= \{a = 7, b = 2.5\}'
    has 'return n \* 2;'
    verdict
done

session step-next-until-advance -ex "$(stub stdio "$play")" -ex 'break middle' -ex c -ex step \
    -ex step -ex 'info frame' -ex next -ex next -ex next -ex stepi -ex 'p $_' -ex delete \
    -ex 'advance add' -ex 'tbreak vectors' -ex c
has '^leaf \(n=0\)'
has 'return twice \+ 1;'
has '^(Temporary breakpoint 2, )?vectors \(\)'
verdict

session watch -ex "$(stub stdio "$play")" -ex 'break leaf' -ex c -ex 'delete' -ex 'watch counter' \
    -ex c -ex c -ex 'delete' -ex 'rwatch pair.a' -ex 'awatch wide[1]' -ex c -ex 'p $_siginfo.si_signo'
has '^Old value = 0$'
has '^New value = 1$'
has '^New value = 2$'
has 'awatch|Hardware access \(read/write\) watchpoint 4: wide\[1\]'
has '= 5$'
verdict

session watch-at-a-step -ex "$(stub stdio "$play")" -ex 'break leaf if n == 3' -ex c \
    -ex 'watch counter' -ex 'next' -ex 'p counter'
has 'Hardware watchpoint 2: counter'
has '^New value = 3$'
verdict

session conditions -ex "$(stub stdio "$play" many)" -ex 'set breakpoint condition-evaluation target' \
    -ex 'break add if a == 19999 && b == 1' -ex 'set debug remote 1' -ex c -ex 'set debug remote 0' -ex 'p a'
has '= 19999$'
count 'Sending packet: .vCont;c' 1
verdict

session dprintf-agent -ex "$(stub stdio "$play")" -ex 'set dprintf-style agent' \
    -ex 'dprintf leaf,"n is %d, %s, %5.5lx|%c%%\n", n, text, (long)255, 65' -ex 'break vectors' -ex c
has '^n is 0, a string, 000ff\|A%$'
has '^n is 9, a string'
has '^Breakpoint 2, .*vectors'
verdict

session commands-and-condition -ex "$(stub stdio "$play")" -ex 'set dprintf-style agent' \
    -ex 'dprintf leaf,"odd %d\n", n' -ex 'condition 1 n % 2 == 1' -ex 'break vectors' -ex c
count '^odd [13579]$' 5
lacks '^odd [02468]$'
verdict

session registers -ex "$(stub stdio "$play")" -ex 'break vectors_here' -ex c \
    -ex 'p $st0' -ex 'p $st1' -ex 'p $xmm3.v4_float' -ex 'info registers eflags mxcsr cr0 efer' \
    -ex 'set var $xmm3.v4_float[0] = 9.5' -ex 'p $xmm3.v4_float' -ex 'p $st0' -ex 'p/x $fctrl' \
    -ex 'p/x $ftag' -ex 'set var $r12 = 0x1234' -ex 'set var $rbx = 77' -ex 'flushregs' \
    -ex 'p/x $r12' -ex 'p $rbx' -ex 'p/x $rbp != $rbx' -ex 'set var $st0 = 0.5' -ex 'flushregs' \
    -ex 'p $st0 + 0' -ex 'p $st1 + 0' -ex 'set var $fctrl = 0x27f' -ex 'flushregs' -ex 'p/x $fctrl' \
    -ex 'p $orig_rax' -ex 'p/x $fs_base != 0' -ex 'info all-registers' -ex 'set var $cr3 = 1'
has '= 3.14159265358979323851$'
has '= \{1.5, 2.5, 3.5, 4.5\}$'
has '= \{9.5, 2.5, 3.5, 4.5\}$'
has '^mxcsr +0x1f80 +\[ IM DM ZM OM UM PM \]'
has '^cr0 .*\[ PE MP ET NE WP AM PG \]'
has '^efer .*\[ SCE LME LMA NXE \]'
has '= 0x37f$'
has '= 0xfff$'
has '= 0x1234$'
has '= 77$'
has '= 0.5$'
has '= 0x27f$'
has '^\$[0-9]+ = -1$'
has 'Could not write register "cr3"; remote failure reply .E\.cannot write cr3'

verdict

session memory -ex "$(stub stdio "$play")" -ex 'break leaf' -ex c -ex 'x/2i leaf' -ex 'x/2xb $pc' \
    -ex 'info mem' -ex 'find &pair, +16, (int)7' -ex 'set var pair.a = 41' -ex 'p pair.a + 1' \
    -ex 'compare-sections .text' -ex 'x/4xb 8' -ex "dump binary memory $tmp/dump 0x401000 0x401100"
lacks 'int3'
lacks ':	0xcc'
has '^1 pattern found'
has '= 42$'
has 'Section .text.*: matched'
has 'Cannot access memory at address 0x8'
[ "$(stat -c %s "$tmp/dump")" = 256 ] || problem='dump of another size'
verdict

session call-a-function -ex "$(stub stdio "$play")" -ex 'break middle' -ex c -ex 'p add(40, 2)' -ex 'p add(1,1)' \
    -ex 'finish'
has '= 42$'
has '^Value returned'
verdict

session exit-code -ex "$(stub -c stdio "$play")" -ex c -ex 'p $_exitcode'
has '^total 105$'
has 'exited with code 03\]'
has '= 3$'
verdict

session signals -ex "$(stub stdio "$play" crash)" -ex c -ex 'p $_siginfo.si_signo' \
    -ex 'p $_siginfo._sifields._sigfault.si_addr' -ex 'bt 1' -ex c
has 'Program received signal SIGSEGV'
has '= \(void \*\) 0x10'
has 'Program terminated with signal SIGSEGV'
verdict

own_breakpoints "$(stub stdio "$play")"

session own-int3 -ex "$(stub stdio "$play" trap)" -ex c -ex 'x/1xb $pc-1' -ex 'handle SIGTRAP nopass' -ex c
has 'Program received signal SIGTRAP'
has '0xcc$'
has 'exited with code 03'
verdict

session monitor -ex "$(stub stdio "$play")" -ex 'monitor help' -ex 'monitor say hello' \
    -ex 'monitor say twice hello' -ex 'monitor say' -ex 'monitor nonsense'
has '^  say TEXT +print TEXT'
has '^hello$'
has '^say: invalid argument'
has "no such monitor command"
verdict

session extended -ex "target extended-remote | $server stdio $play spin" -ex 'break leaf' -ex c \
    -ex kill -ex 'info inferiors' -ex run -ex 'p n' -ex 'p counter' -ex c -ex c -ex 'p counter' -ex run -ex 'p counter' \
    -ex detach -ex 'attach 1' -ex 'info threads'
count '^Breakpoint 1, leaf \(n=0\)' 3
has 'Thread 1.1'
verdict
session attach-to-nothing -ex "target extended-remote | $server stdio $play" -ex 'tbreak add' -ex c \
    -ex 'attach 1' -ex 'info threads' -ex 'attach 7'
has 'the guest has ended|[Aa]ttaching to .*process 1.* failed'
verdict

cat >"$tmp/mi" <<'EOF'
-gdb-set mi-async off
-target-select remote | SERVER stdio PLAY
-break-insert leaf
-exec-continue
-stack-list-frames
-data-list-register-values x 16
-exec-finish
-exec-next
-exec-step-instruction
-gdb-exit
EOF
sed -i "s|SERVER|$server|; s|PLAY|$play|" "$tmp/mi"
name=mi problem=
out=$(timeout 40 gdb -nx -q --interpreter=mi3 <"$tmp/mi" 2>&1)
has '^\^connected'
has 'reason="breakpoint-hit"'
has 'func="middle"'
has 'reason="function-finished"'
has 'reason="end-stepping-range"'
verdict

# Ctrl-C, detach, and again: the guest runs on with no trace of a breakpoint.
serve tcp:0 "$play" spin
session break-in -ex "target remote $remote" -ex 'break add' -ex 'tbreak vectors' -ex c \
    "${ctrl_c[@]}" -ex c -ex 'p spinning' -ex detach
has 'Program received signal SIGINT'
has '= 1$'
has 'detached\]'
verdict
session re-attach -ex "target remote $remote" -ex 'p counter > 100000' -ex 'p spinning' -ex 'x/1i add' -ex detach
has '^0x|main \(|spinning'
has '= 1$'
lacks 'int3'
verdict
session disconnect-and-back -ex "target remote $remote" -ex 'break add' -ex disconnect \
    -ex "target remote $remote" -ex 'set var spinning = 0' -ex 'c'
has 'exited with code 03'
verdict
unserve
name=server-ends problem=$([ "$served" = 0 ] || echo "status $served") out=
verdict

# Software watchpoints are GDB's own single steps: a break-in comes between two of them.
gdb -nx -q -batch -iex 'set sysroot target:' -ex "$(stub -1k stdio "$play" spin)" \
    -ex 'tbreak vectors' -ex c -ex 'watch $rbx + $r12' -ex "shell : >$tmp/steps" -ex c \
    -ex 'p spinning' >"$tmp/steps.log" 2>&1 &
stepping=$!
pids+=("$stepping")
slept=0
# Each time that it has slept, for the answers to its steps, so often more.
interrupt_steps() {
    local now
    ended $stepping && return 0
    now=$(sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' /proc/$stepping/status)
    [ -e "$tmp/steps" ] && [ "${now:-0}" -gt $((slept + 500)) ] && slept=$now && kill -INT $stepping
    return 1
}
name=break-in-between-steps problem=
wait_until interrupt_steps || problem='it never stopped'
kill $stepping 2>/dev/null
wait $stepping 2>/dev/null
out=$(cat "$tmp/steps.log")
[ -n "$problem" ] || has '^\$1 = 1$'
verdict

# A second debugger, a killed one.
serve unix:"$tmp/sock" "$play" spin
name=socket-mode problem=$([ "$(stat -c %a "$tmp/sock")" = 600 ] || echo "not 0600") out=
verdict
gdb -nx -q -batch -iex 'set sysroot target:' -ex "target remote $remote" -ex 'break leaf' \
    -ex "python import signal; open('$tmp/first', 'w'); signal.pause()" >"$tmp/first.log" 2>&1 &
first=$!
pids+=("$first")
is_attached() { [ -e "$tmp/first" ] || ended $first; }
wait_until is_attached
session second-refused -ex "target remote $remote"
has 'another debugger is attached|Remote (connection closed|replied unexpectedly)|E\.another'
verdict
kill -KILL $first
wait $first 2>/dev/null
session after-a-killed-gdb -ex "target remote $remote" -ex 'p counter >= 0' -ex 'x/2i leaf' -ex kill
has '= 1$'
has '<leaf>'
verdict
unserve
name=socket-unlinked problem=$([ ! -e "$tmp/sock" ] || echo "still there") out=
verdict
exit $failed
