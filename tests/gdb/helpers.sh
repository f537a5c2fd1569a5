#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# helpers.sh PREFIX: the `monitor` commands of a guest, GDB's helpers in Python, and core files.
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
guests=$B/tests/gdb/guests helpers=$B/share/hl/gdb/hl.py
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1 # where `monitor gcore` may write

# on CALL [OPTION]...: the command that makes GDB start it
on() {
    local call=$1
    shift
    echo "target remote | $B/bin/hl-dev run -q --gdb=stdio --host $guests/host.so $guests/${guest:-faults}" \
        "${call:+--call '$call'} $*"
}
load=(-ex "source $helpers")

# ---- monitor ----

session maps -ex "$(on 'Library()' --heap 1M)" -ex 'monitor maps' -ex 'break realloc' -ex c -ex finish -ex 'monitor maps'
has '^0x0*400000 0x[0-9a-f]+ +[0-9]+ r-- image$'
has '^0x[0-9a-f]+ 0x[0-9a-f]+ +[0-9]+ r-x image$'
has '^0x[0-9a-f]+ 0x[0-9a-f]+ +4096 r-- boot$'
has ' +65536 --- guard$'
has ' +1048576 rw- stack$'
has ' +1048576 --- heap: not given out$'
has ' rw- heap: (brk|mmap)$'
has '^0xffff800000000000: the host.s own 8192 bytes'
lacks 'rwx|-wx'
verdict

session exits -ex "$(on 'Ask(4)' --call "'Ask(5)'")" -ex 'tbreak hl_fail' -ex 'break Ask' -ex c -ex 'monitor exits' -ex 'monitor regs'
has '^exits +[1-9]'
has '^  host calls +1$'
has '^    HostAdd +1$'
has '^    set_tid_address +1$'
has '^  faults +0$'
has '^calls of guest functions +2$'
has '^cr0 0x8.*cr3 0x'
verdict

session calls -ex "$(on 'Ask(4)')" -ex 'monitor calls' -ex 'monitor catch host' -ex c -ex 'monitor calls' \
    -ex 'monitor catch none'
has '^guest Fault\(string, i32\) -> i32$'
has '^host  HostAdd\(i32, string, bytes\) -> i32$'
count '^now:  Ask\(4\)$' 2
count '^      calls host function HostAdd\(4, "say \\"hello\\"\\n", x"0102ff"\)$' 1
has '^stop at host calls: no, at system calls: no$'
verdict

# What a terminal would obey is shown byte by byte, by the host and by the helpers.
session escapes -ex "$(on 'Fault("a\xe2\x80\xae\x1b[1m\xc2\x9b\xff\\", 1)' --stop-at=Fault)" "${load[@]}" \
    -ex 'monitor calls' -ex 'print hl_state.input->call'
has '^now:  Fault\("a\\342\\200\\256\\033\[1m\\302\\233\\377\\\\", 1\)$'
has '^\$1 = CALL Fault\(string "a\\342\\200\\256\\033\[1m\\302\\233\\377\\\\", i32 1\)$'
verdict

session catch-syscall -ex "$(on '' --stop-at=main)" -ex 'monitor catch syscall' -ex c -ex 'p $rax' -ex 'p $rdi' -ex 'p $orig_rax'
has '^\$1 = 20$'
has '^\$2 = 1$'
has '^\$3 = 20$'
verdict

# In a host function that does not return until we say so.
mkfifo "$tmp/go" "$tmp/entered"
export HL_TEST_ENTERED=$tmp/entered HL_TEST_GO=$tmp/go
session in-a-host-function "${load[@]}" -ex "$(on 'Ask(4)')" -ex "python
import os, signal, threading
def later():
    open('$tmp/entered').read() # until the host function has it open, and closes it
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=later, daemon=True).start()" -ex c -ex 'hl calls' -ex bt -ex 'up 2' \
    -ex "monitor gcore $tmp/host.core" -ex "shell : >$tmp/go" -ex finish
unset HL_TEST_ENTERED HL_TEST_GO
has '^      in host function HostAdd\(4, "say'
has '^#1 .*HostAdd \(data=bytes\[3\] 01 02 ff, text='
has '^#2  Ask \(n=4\)'
has '^Value returned is \$1 = 8$'
verdict

session errors -ex "$(on 'Ask(4)')" -ex 'monitor gcore' -ex 'monitor gcore /nonexistent/core' \
    -ex 'monitor catch everything' -ex 'monitor snapshot' -ex 'monitor restore' -ex 'monitor nonsense' \
    -ex 'monitor'
has "^gcore: takes the name of a new file that does not begin with '.' or '-'$"
has "^gcore: /nonexistent/core: only a new file in .* can be written$"
has '^catch: takes host, syscall or none$'
has '^snapshot: only between two calls$'
has '^restore: only between two calls; `run` starts'
has '^nonsense: no such monitor command'
has '^  gcore FILE +write a new core file'
count 'Protocol error with Rcmd' 6
verdict

# A debugger has the guest, not the host's files.
mkdir there && echo mine >mine && ln -s mine link && ln -s new dangling && mkfifo fifo
session gcore-is-new -ex "$(on 'Ask(4)')" -ex 'monitor gcore mine' -ex "monitor gcore $tmp/mine" \
    -ex 'monitor gcore link' -ex 'monitor gcore dangling' -ex 'monitor gcore fifo' \
    -ex 'monitor gcore .gdbinit' -ex 'monitor gcore there/core' -ex 'monitor gcore ../core' \
    -ex 'monitor gcore --checkpoint=1' -ex 'monitor gcore /core' -ex "monitor gcore $tmp/../core" \
    -ex "monitor gcore $(printf 'a\033[31m')" \
    -ex 'monitor gcore there' -ex 'monitor gcore there/..' -ex 'monitor gcore ./first' -ex 'monitor gcore ./first'
count '^gcore: cannot create the core file .*: File exists$' 7
count '^gcore: .*: only a new file in .* can be written$' 5
count '^gcore: takes the name of a new file' 3
count "^written: $tmp/first$" 1
[ "$(cat mine)" = mine ] && [ ! -e new ] && [ ! -e there/core ] && [ ! -e ../core ] ||
    problem='a file was touched'
verdict
rm -r there mine link dangling fifo first

# Over TCP: each packet that could touch a file, a program or the environment of the host.
packet() { printf -- '-ex\nmaint packet %s\n' "$1"; }
hex() { printf %s "$1" | od -An -vtx1 | tr -d ' \n'; }
echo secret >secret
before=$(ls -lA)
mapfile -t packets < <(
    for name in /etc/passwd "$tmp/secret" secret /proc/self/environ /proc/1/environ /proc/self/maps \
        "/proc/self/fd/0" "/proc/self/root/etc/passwd" "$guests/host.so"; do
        packet "vFile:open:$(hex "$name"),0,0"
        packet "vFile:open:$(hex "$name"),201,1b4"
        packet "vFile:readlink:$(hex "$name")"
        packet "vFile:unlink:$(hex "$name")"
        packet "vFile:stat:$(hex "$name")"
        packet "vRun;$(hex "$name")x"
    done
    packet 'vFile:pwrite:0,0,x'
    packet 'vFile:pread:3,10,0'
    for name in QEnvironment: QEnvironmentHexEncoded: QSetWorkingDir: QStartupWithShell: QLaunchGDBServer \
        qLaunchGDBServer A QSetSTDIN: QSetSTDOUT: qGetWorkingDir qPlatform_shell: qPlatform_mkdir: vFile:mode: \
        vFile:size: qModuleInfo: jSignalsInfo qFileLoadAddress: QSaveRegisterState Qbtrace qXfer:osdata:read:: \
        F0 vFlashErase: QTDP: QTSave: qTfP; do
        packet "$name$(hex /tmp/x)"
    done
    for line in 'shell id' '!id' 'source secret' 'gcore secret' 'gcore /etc/x' 'restore secret' 'snapshot secret' \
        'set file secret' 'help'; do
        packet "qRcmd,$(hex "$line")"
    done
)
"$B/bin/hl-dev" run -q --gdb=tcp:localhost:0 --stop-at entry --host "$guests/host.so" "$guests/faults" \
    --call 'Ask(4)' >"$tmp/tcp.out" 2>"$tmp/tcp.err" &
served=$!
wait_until shown 'target remote' "$tmp/tcp.err" $served
session packets-and-files -ex "$(grep -o 'target remote [^'"'"']*' "$tmp/tcp.err")" "${packets[@]}" -ex kill
wait $served
rm -f "$tmp"/tcp.*
has '^received: "E[.0]|^received: ""'
lacks 'received: "F[0-9]' # no file was opened
lacks 'secret$|root:|uid='
[ "$(ls -lA)" = "$before" ] || problem='a file was touched'
verdict
rm secret

# ---- the helpers ----

session hl-commands "${load[@]}" -ex 'hl' -ex 'help hl' -ex 'help hl calls' -ex 'hl maps' -ex 'hl nonsense' \
    -ex "$(on 'Ask(4)')" -ex 'hl maps' -ex 'hl exits' -ex 'hl calls' -ex 'hl fault' -ex 'hl maps x'
has '^hl calls +The guest'
has '^hl exits -- '
has '^no guest is connected: target remote'
has '^there is no `hl nonsense`: maps, exits, calls, fault$'
has ' rw- stack$'
has '^    set_tid_address +1$'
has '^now:  Ask\(4\)$'
has '^no fault$'
has '^`hl maps` takes no argument$'
lacks 'Traceback|Python Exception|Error occurred'
verdict

name=hl-dev-debug-loads-them problem=
out=$("$B/bin/hl-dev" debug "$guests/faults" --call 'Fault("none", 1)' -- -nx -batch -ex 'hl calls' 2>&1 </dev/null)
has '^now:  Fault\("none", 1\)$'
verdict

for guest in faults faults-pie; do
    session "values${guest#faults}" "${load[@]}" -ex "$(on 'Ask(4)')" -ex 'break hl_detail_call' -ex c -ex up \
        -ex 'info args' -ex 'p *hl_args@3' -ex 'p hl_state.input->call' -ex 'p hl_state.input->reply' \
        -ex 'p *hl_import' -ex 'p *hl_state.boot' -ex 'up' -ex 'up' -ex 'up' -ex 'info locals' \
        -ex 'set var hl_state.output->message.slot[0] = {6, 0, 0x3ff8000000000000, 0}' -ex 'p hl_state.output->message.slot[0]' \
        -ex 'set var hl_state.output->message.slot[0] = {5, 0, 0x40490fdb, 0}' -ex 'p hl_state.output->message.slot[0]' \
        -ex 'set var hl_state.output->message.slot[0] = {7, 0, 1, 0}' -ex 'p hl_state.output->message.slot[0]' \
        -ex 'set var hl_state.output->message.slot[0] = {3, 0, 0xffffffffffffffff, 0}' -ex 'p hl_state.output->message.slot[0]' \
        -ex 'set var hl_state.output->message.slot[0] = {1, 0, 0xffffffff, 0}' -ex 'p hl_state.output->message.slot[0]'
    has '^data = bytes\[3\] 01 02 ff$'
    has '^\$1 = \{i32 4, string "say \\"hello\\"\\n", bytes\[3\] 01 02 ff\}$'
    has '^\$2 = CALL Ask\(i32 4\)$'
    has '^\$4 = HostAdd\(i32, string, bytes\) -> i32$'
    has '^\$5 = boot block, ABI 1, input 0x700000021000\+1048576, '
    has '^result = '
    has '^\$6 = f64 1.5$'
    has '^\$7 = f32 3.14159274$'
    has '^\$8 = bool true$'
    has '^\$9 = i64 -1$'
    has '^\$10 = i32 -1$'
    lacks 'Traceback|Python Exception|Error occurred'
    verdict
done
guest=faults

# Nothing that may stand in memory makes a printer fail.
args=()
for slot in '{8, 0, 5, 5}' '{8, 0, 0xffffffffffffffff, 0xffffffffffffffff}' '{9, 0, 0x700000021000, 1000000000000}' \
    '{77, 7, 7, 7}' '{1, 0, 0x100000000, 0}' '{7, 0, 2, 0}' '{0, 0, 0, 0}' '{8, 0, 0, 0}' '{4294967295, 0, 0, 0}'; do
    args+=(-ex "set var hl_state.output->message.slot[0] = $slot" -ex 'p hl_state.output->message.slot[0]')
done
for message in 'kind = 99' 'kind = 1' 'index = 4000000000' 'count = 4294967295' 'kind = 6' 'code = -5' 'kind = 4'; do
    args+=(-ex "set var hl_state.output->message.$message" -ex 'p hl_state.output->message' -ex 'monitor calls')
done
session damaged-values "${load[@]}" -ex "$(on 'Ask(4)')" -ex 'monitor catch host' -ex c "${args[@]}" \
    -ex 'p *(struct hl_slot *)8' -ex 'p *(struct hl_boot *)hl_state.input' -ex 'p *(struct hl_desc *)hl_state.input' \
    -ex 'p *(struct hl_bytes *)hl_state.input'
has '^\$1 = string <5 bytes at 0x5: not readable>$'
has '^\$2 = string <18446744073709551615 bytes at 0xffffffffffffffff: not readable>$'
has '^\$3 = bytes\[1000000000000\] [0-9a-f ]+ \.\.\.$'
has '^\$4 = <type 77: no value>$'
has '^\$5 = i32 <damaged: 0x100000000>$'
has '^\$6 = bool <damaged: 0x2>$'
has '^\$7 = void$'
has '^\$8 = string ""$'
has '^\$9 = <type 4294967295: no value>$'
has '= <message of kind 99>$'
has '= CALL number 4000000000\('
has '<4294967279 more\?>'
has '= LOG level -5 '
has '= <no boot block: magic 0x1>$'
lacks 'Traceback|Python Exception|Error occurred'
verdict

# ---- core files ----

look=(-ex bt -ex 'info registers rip rsp rbp rbx r12 r13 r14 r15 rax eflags cs ss fs_base gs_base'
    -ex 'p $xmm3.v2_double' -ex 'p $ymm4.v4_double' -ex 'p $st0' -ex 'p $mxcsr' -ex 'p $fctrl' -ex 'p $_siginfo.si_signo'
    -ex 'x/32xg $rsp' -ex 'p how' -ex 'x/s how' -ex 'p *hl_state.boot' -ex 'info symbol $pc')
# same WHAT LIVE CORE: two outputs from the first frame on
same() {
    local live core
    live=$(sed -n '/^#0/,$p' <<<"$2") core=$(sed -n '/^#0/,$p' <<<"$3" | sed '1{/^#0/!d}')
    # GDB shows frame 0 of a core by itself.
    core=$(awk '/^#0/ { if (seen++ == 0) next } seen > 1' <<<"$core")
    name=$1 problem= out=$(diff <(echo "$live") <(echo "$core"))
    [ -z "$out" ] && grep -q crt0_serve <<<"$live" || problem='the core is not as the guest was'
    verdict
}
for guest in faults faults-pie; do
    for how in vectors segv abort sort; do
        rm -f core
        session x "${load[@]}" -ex "$(on "Fault(\"$how\", 5)")" -ex c -ex "monitor gcore $tmp/core" "${look[@]}"
        live=$out
        has '^written: '
        session x "${load[@]}" "$guests/$guest" "$tmp/core" "${look[@]}"
        same "core-$how${guest#faults}" "$live" "$out"
    done
done
guest=faults
session core-of-a-trap "$guests/faults-pie" "$tmp/core"
has '^Core was generated by `'
has 'Program terminated with signal SIGUSR1'
verdict
name=core-mode problem= out=$(stat -c %a "$tmp/core")
has '^600$'
verdict
session core-without-a-guest "${load[@]}" -c "$tmp/host.core" -ex 'info auxv' -ex 'info proc mappings' -ex 'hl maps'
has 'AT_ENTRY .*0x40'
has "$guests/faults\$"
has '^no guest is connected'
verdict
session core-in-a-host-function "${load[@]}" "$guests/faults" "$tmp/host.core" -ex bt -ex 'hl calls'
has '^#1 .*HostAdd \(data=bytes\[3\] 01 02 ff, '
has '^last message to the host: CALL HostAdd\(i32 4, string "say \\"hello\\"\\n", bytes\[3\] 01 02 ff\)$'
verdict
if command -v readelf >/dev/null; then
    name=core-is-sound problem= out=$(LC_ALL=C readelf -lW "$tmp/core" 2>&1)
    has 'Elf file type is CORE'
    has '  NOTE '
    has '  LOAD .* R E 0x1000$'
    lacks 'RWE|[Ww]arning|[Ee]rror'
    verdict
fi
exit $failed
