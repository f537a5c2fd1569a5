#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# faults.sh PREFIX: guests that crash, abort and raise signals, as real GDB shows them: the signal,
# $_siginfo, `monitor fault`, and a backtrace that ends in crt0 whatever lies between.
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
guests=$B/tests/gdb/guests helpers=$B/share/hl/gdb/hl.py
here=$(cd "$(dirname "$0")" && pwd)

# on GUEST [CALL [OPTION]]: the command that makes GDB start it
on() {
    echo "target remote | $B/bin/hl-dev run -q --gdb=stdio --host $guests/host.so $guests/$1" \
        "${2:+--call '$2'}" "${3-}"
}
# frames NAME...: the backtrace is these functions, and no other line follows it
frames() {
    local want="$*" got
    got=$(sed -n 's/^#[0-9]* *\(0x[0-9a-f]* in \)\?\([^ ]*\) (.*/\2/p' <<<"$out" | paste -s -d' ')
    [ "$got" = "$want" ] || problem="frames $got, not $want"
    lacks 'Backtrace stopped|corrupt stack|inner to this frame'
}
ends='Fault hl_thunk_Fault run_function hl_serve crt0_serve'

# fault NAME HOW SIGNAL PATTERN GDB-ARG...: it stops with the signal; monitor fault matches
fault() {
    local how=$2 signal=$3 pattern=$4
    name=$1
    shift 4
    session "$name" "${with[@]}" -ex "$(on "$guest" "Fault(\"$how\", 5)")" -ex c -ex bt \
        -ex 'p $_siginfo.si_signo' -ex 'p $_siginfo.si_code' -ex 'monitor fault' "$@"
    has "^Program received signal SIG$signal"
    has "$pattern"
}
info() { has "^\\\$1 = $1\$" && has "^\\\$2 = $2\$"; }

for guest in faults faults-pie; do
    pie=${guest#faults}
    with=()
    fault "segv$pie" segv SEGV '^#PF page fault: write to unmapped address 0x10 \(NULL pointer\)$' \
        -ex 'p $_siginfo._sifields._sigfault.si_addr' -ex 'up' -ex 'p how' -ex c
    info 11 1
    has '^vector 14, error code 0x6 \(not mapped, write, user\), address 0x10, rip 0x'
    has '^\$3 = \(void \*\) 0x10$'
    has '^105.*return deeper\(how, n\) \+ 1;'
    has '^Program terminated with signal SIGSEGV'
    out=$(sed '/^\$1/,$d' <<<"$out")
    frames deeper "$ends"
    verdict

    fault "abort$pie" abort ABRT '^no fault: the guest raised signal 6 \(SIGABRT\)$' -ex c
    info 6 -6
    frames abort deeper "$ends"
    has '^Program terminated with signal SIGABRT'
    verdict

    # What musl does between ours and the author's needs the helpers.
    with=(-ex "source $helpers")
    # musl blocks every signal while it raises one: it arrives when they are let in again, as under Linux.
    fault "callback$pie" sort USR1 'raised signal 10 \(SIGUSR1\)$' -ex 'frame function sort' -ex 'p numbers'
    has '^\$3 = \{.*5.*\}$'
    out=$(sed '/^\$1/,$d' <<<"$out")
    frames __restore_sigs raise compare sift qsort_r sort deeper "$ends"
    verdict
    with=()

    # A session is dear on the standard KVM of tests/nested.
    [ -z "$pie" ] || [ -z "${HL_NESTED-}" ] || continue

    fault "read-only$pie" read-only SEGV '^#PF page fault: write to read-only page at 0x' \
        -ex 'p $_siginfo._sifields._sigfault.si_addr == &constant'
    info 11 2
    has '^\$3 = 1$'
    frames deeper "$ends"
    verdict

    fault "non-canonical$pie" non-canonical SEGV '^#GP general protection fault$'
    info 11 128
    frames deeper "$ends"
    verdict

    fault "fpe$pie" fpe FPE '^#DE divide error$' \
        -ex 'p $_siginfo._sifields._sigfault.si_addr == $pc'
    info 8 1
    has '^\$3 = 1$'
    frames deeper "$ends"
    verdict

    fault "ill$pie" ill ILL '^#UD invalid opcode$'
    info 4 2
    frames deeper "$ends"
    verdict

    fault "trap$pie" trap TRAP '^#BP breakpoint$' -ex 'x/1xb $pc - 1' -ex c
    info 5 1
    has '0xcc$'
    has 'exited normally\]'
    frames deeper "$ends"
    verdict

    fault "assert$pie" assert ABRT '^Assertion failed: n == 42 \(.*faults.c: deeper: [0-9]+\)$'
    info 6 -6
    has '^#1 .*__assert_fail \(expression=.*"n == 42",'
    frames abort __assert_fail deeper "$ends"
    verdict

    fault "hl_abort$pie" hl_abort ABRT '^no fault: the guest called hl_abort\(7, \.\.\.\)$'
    has '^#0 .*hl_abort \(code=.*7, message=.*"it had enough"\)'
    frames hl_abort deeper "$ends"
    verdict

    fault "stack-smashed$pie" smash ABRT 'hl_abort\(134'
    has '^#0 .*hl_abort \(code=.*134, message=.*"stack smashing detected"\)'
    has '^#2 .*smash \('
    verdict

    fault "stack-overflow$pie" overflow SEGV '^#PF .* \(stack overflow\)$' -ex 'bt -3'
    has '^#0 .*overflow \('
    has 'crt0_serve \(\)'
    verdict

    fault "wild-jump$pie" jump SEGV '^#PF page fault: instruction fetch from unmapped address 0x1234'
    frames '??' deeper "$ends"
    verdict

    with=(-ex "source $helpers")
    fault "raise$pie" raise USR1 'raised signal 10 \(SIGUSR1\)$'
    frames __restore_sigs raise deeper "$ends"
    verdict

    fault "in-strlen$pie" strlen SEGV 'read of unmapped address 0x77 \(NULL pointer\)'
    frames strlen deeper "$ends"
    verdict

    fault "in-printf$pie" printf SEGV 'read of unmapped address 0x77' -ex 'set disassembly-flavor intel' -ex bt
    has '^#[0-9]+ .*printf_core \(\)'
    has '^#[0-9]+ .*in printf \(\)'
    count '^#[0-9]+ .*in deeper \(how=0x[0-9a-f]+ "printf", n=5\)' 2
    count 'crt0_serve \(\)' 2
    lacks '\?\?'
    verdict

    fault "free-crashes$pie" free SEGV '^#GP'
    has ' deeper \(how='
    lacks '\?\?'
    verdict
done
guest=faults with=()

# Around main(): constructors, destructors, and what lies beyond.
session constructor -ex "$(on faults)" -ex 'set backtrace past-main on' -ex bt -ex 'break late' -ex c -ex bt
frames main crt0_serve late hl_libc_destructors __libc_exit_fini
verdict
session before-main -ex "$(on faults '' --stop-at=early)" -ex bt
frames early hl_libc_constructors __libc_start_init
verdict

# Into a host function and back: the vCPU has stopped after its `out`.
session host-call -ex "$(on faults 'Ask(4)')" -ex 'monitor catch host' -ex c -ex bt -ex 'up 2' -ex finish
has '^#0 .*hl_detail_call \('
has '^#1 .*HostAdd \(data=.*, text=0x[0-9a-f]+ "say \\"hello\\"\\n", number=4\)'
has '^#2  Ask \(n=4\)'
has 'return HostAdd\(n, '
has '^Value returned is \$1 = 8$'
lacks '\?\?'
verdict

# A frame is shown only if it is certain; else the backtrace ends.
session damaged-stack -ex "source $helpers" -ex "$(on faults 'Fault("strlen", 5)')" -ex c \
    -ex 'set var *(long *)$rsp = 0x123456' -ex bt
count '^#' 2
has '^#1  0x0000000000000000 in \?\? \(\)$'
verdict

# Every instruction of a part of musl.
limit=200
session through-musl -ex "source $helpers" -ex "$(on faults 'Library()')" -ex "set \$steps = ${HL_NESTED:+300}${HL_NESTED:-100000}" \
    -ex "source $here/walk.py"
has '^walked [0-9]+ instructions of [0-9]+ functions, lost 0$'
verdict
exit $failed
