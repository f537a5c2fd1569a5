#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lldb.sh PREFIX: LLDB on guests: breakpoints, steps, watchpoints, expressions, the memory map.
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
command -v lldb >/dev/null || { echo 'skip lldb: no lldb'; exit 0; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb.XXXXXX") || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT

# lldb_on NAME GUEST COMMAND...: in $out what LLDB said; $server is the process it talked to
lldb_on() {
    local guest=$2 port line said=
    name=$1 problem=
    shift 2
    coproc SERVER { exec "$B/bin/hl-dev" run --gdb=tcp:0 "$guest" 2>&1; }
    server=$SERVER_PID
    while read -t $((20 * slow)) -r line <&"${SERVER[0]}"; do
        said+=$line$'\n'
        [[ $line =~ 127.0.0.1:([0-9]+) ]] && { port=${BASH_REMATCH[1]} && break; }
    done
    printf '%s\n' 'settings set interpreter.stop-command-source-on-error false' "target create $guest" \
        "gdb-remote ${port-none}" "$@" >"$tmp/commands"
    out=$(cd "$tmp" && timeout $((60 * slow)) lldb --no-lldbinit -b -s "$tmp/commands" 2>&1)
    cat <&"${SERVER[0]}" >"$tmp/said" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
    lacks 'Assertion|LLVM ERROR|PLEASE submit'
}

for guest in play play-pie; do
    lldb_on "lldb-$guest" "$B/tests/gdb/guests/$guest" 'breakpoint set -n leaf' c bt 'frame variable' \
        'expression n + 41' 'expression add(40, 2)' 'expression (int)add(1, add(2, 3)) * pair.a' \
        'breakpoint delete -f' 'memory region $rip' 'memory region $rsp' 'memory region 0x10' \
        'memory region 0xffffffffffff0000' 'register read rip fs_base' 'expression counter' \
        'watchpoint set variable counter' c 'expression counter' 'watchpoint delete -f' finish \
        'thread step-in' 'disassemble -c 2' 'process kill'
    has 'stop reason = breakpoint 1.1'
    has 'frame #1: .*`middle\(n=0\) at play.c'
    has 'frame #2: .*`main\(argc=1'
    has '^\(int\) n = 0$'
    has '^\(int\) \$0 = 41$'
    has '^\(int\) \$1 = 42$'
    has '^\(int\) \$2 = 42$'
    has '^\[0x[0-9a-f]+-0x[0-9a-f]+\) r-x .*/play'
    has '^\[0x[0-9a-f]+-0x[0-9a-f]+\) rw- \[stack\]$'
    has '^\[0x0*-0x[0-9a-f]+\) ---'
    has '^\[0x[0-9a-f]+-0xffffffffffffffff\) ---'
    has 'stop reason = watchpoint 1'
    has 'stop reason = step (out|in)'
    has '^Process [0-9]+ exited with status = 9'
    verdict
done

lldb_on lldb-exits "$B/tests/gdb/guests/play" 'expression add(1, 1)' c
has '^\(int\) \$0 = 2$'
has 'exited with status = 3 '
verdict
exit $failed
