#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# trace.sh PREFIX - what `hl-dev trace` shows of a guest, and what it does not; times masked.
# shellcheck disable=SC2016 # nothing in single quotes is to be expanded
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

compile guest "$here/guest/trace.c"
${CC:-gcc} -shared -fPIC -I"$prefix/include" -o host.so "$here/guest/trace-host.c" || exit 1
declare -A at # what is marked so in the source: its line
for mark in add fail flip sleep say missing print complain log store illegal abort spin port; do
    at[$mark]=$(line trace.c "$mark")
done

# Times, columns, the source's directory and musl's own system calls are not what is compared.
masked() {
    sed -E -e 's/^ *[0-9]+\.[0-9]{6} //' -e 's/ <[0-9.]+ (ns|us|ms|s)>/ <T>/' \
        -e "s|$here/guest/||g" -e 's/ +/ /g' -e 's/0x7[0-9a-f]{9,}/ADDRESS/g' \
        -e 's/tv_(sec|nsec)=[0-9]+/tv_\1=N/g' -e 's/getrandom\(".*", 4/getrandom(RANDOM, 4/' \
        -e '/^hl-dev: warning: no host/d' -e '/^hint: --host/d' -e '/^__(init_tls|set_thread_area)/d' "$1"
}

# shows NAME STATUS LINES ARG...: of a trace with -q and these arguments, in a file
shows() {
    local name=$1 want=$2 lines=$3 got
    shift 3
    rm -f trace.txt
    hl trace guest --host host.so -q -o trace.txt "$@"
    got=$(masked trace.txt)
    if [ $rc != "$want" ]; then fail "$name" "exit status $rc, not $want"
    elif [ "$got" != "$lines" ]; then
        fail "$name" 'other lines:'
        diff <(echo "$lines") <(echo "$got") | sed 's/^/# /'
    else ok "$name"; fi
}

# ---- One line an exit

hl trace guest --host host.so -q -o trace.txt --call 'Add(1, 2)'
same 'a call, from start-up to result' ">>> start-up
<<< start-up <T>
>>> Add(1, 2)
trace.c:${at[add]} Add HostAdd(1, 2) = 3 <T>
<<< Add = 3 <T>" "$(masked trace.txt)"
has 'a time in seconds and a duration' trace.txt "^ +[0-9]+\.[0-9]{6} .*:${at[add]} Add +HostAdd\(1, 2\) = 3 <[0-9.]+ [num]?s>$"
has "start-up's own system calls" trace.txt 'set_tid_address\(0x[0-9a-f]+\) = 1 <'
same 'nothing else is printed with -q and -o' '' "$(cat "$out" "$err")"

shows 'host functions' 0 "trace.c:${at[flip]} Flip HostFlip(x\"0102\", true, 0.5) = x\"fefd\" <T>
trace.c:${at[sleep]} Sleep HostSleep(1) = void <T>
trace.c:${at[say]} Say HostSay(\"\") = void <T>" -e host --call 'Flip(x"0102")' --call 'Sleep(1)' --call 'Say("")'
shows 'a failing host function' 1 ">>> start-up
<<< start-up <T>
>>> Fail(\"luck\")
trace.c:${at[fail]} Fail HostFail(\"luck\") = error 7: no luck today <T>
<<< Fail = error 7: no luck today <T>" -e HostFail,result --call 'Fail("luck")'
same 'a host function that nobody registered' \
    "trace.c:${at[missing]} Missing HostMissing() = error -14: host function HostMissing is not registered" \
    "$(hl trace guest -o trace.txt -q -e host --call 'Missing()'; masked trace.txt)"
shows 'system calls' 0 "$(n=$(grep -n 'char \*map = mmap' "$here/guest/trace.c" | cut -d: -f1)
    while IFS= read -r text; do
        echo "trace.c:$n Calls $text <T>"
        n=$((n + 1))
    done <<'END'
mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ADDRESS
mprotect(ADDRESS, 4096, PROT_READ) = 0
munmap(ADDRESS, 8192) = 0
mprotect(0x1000, 4096, PROT_NONE) = -1 ENOMEM (Cannot allocate memory)
write(1, "", 0) = 0
write(7, "one\ttwo\377", 8) = -1 EBADF (Bad file descriptor)
write(1, 0x10, 8) = -1 EFAULT (Bad address)
ioctl(1, TIOCGWINSZ, ADDRESS) = -1 ENOTTY (Inappropriate ioctl for device)
ioctl(9, 0x1234, NULL) = -1 EBADF (Bad file descriptor)
lseek(1, 0, SEEK_END) = -1 ESPIPE (Illegal seek)
clock_gettime(CLOCK_MONOTONIC, {tv_sec=N, tv_nsec=N}) = 0
clock_gettime(77, ADDRESS) = -1 EINVAL (Invalid argument)
getrandom(RANDOM, 4, GRND_NONBLOCK) = 4
openat(AT_FDCWD, "/etc/passwd", O_RDWR|O_CLOEXEC) = -1 ENOENT (No such file or directory)
open(0x10, O_RDONLY) = -1 EFAULT (Bad address)
semctl(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)
syscall_0x1f3(0x1, 0x2, 0x3, 0x4, 0x5, 0xabc) = -1 ENOSYS (Function not implemented)
arch_prctl(ARCH_SET_GS, 0x10) = -1 EINVAL (Invalid argument)
rt_sigaction(SIGUSR1, {sa_handler=SIG_IGN, sa_mask=[INT ALRM], sa_flags=SA_RESTART}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0
rt_sigprocmask(SIG_BLOCK, [], [], 8) = 0
rt_sigprocmask(SIG_SETMASK, [], NULL, 4) = -1 EINVAL (Invalid argument)
setitimer(ITIMER_REAL, {it_interval={tv_sec=N, tv_usec=0}, it_value={tv_sec=N, tv_usec=0}}, NULL) = 0
getitimer(ITIMER_PROF, ADDRESS) = -1 EINVAL (Invalid argument)
clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, {tv_sec=N, tv_nsec=N}, NULL) = 0
fcntl(1, F_GETFD, 0) = 0
open("/dev/null", O_RDONLY|O_CLOEXEC) = 3
END
)" -e 'syscall,!set_tid_address' --call 'Calls()'
hl trace guest -q -o trace.txt -e writev --call 'Vector()'
same 'vectors' 'writev(1, [{iov_base="first, ", iov_len=7}, {iov_base="second\n", iov_len=7}], 2) = 14
writev(1, 0x10, 2) = -1 EFAULT (Bad address)' "$(masked trace.txt | sed -e 's/^.* writev/writev/' -e 's/ <T>//')"

shows 'a log line' 0 "trace.c:${at[log]} Log [warn] \"careful\\n\"" -e log --call 'Log("careful\n")'
shows 'a fault alone' 134 "trace.c:${at[store]} Store --- #PF page fault: write to unmapped address 0x10 ---" \
    -e fault --call 'Store()'
has 'and its report follows as from run' "$err" "^  #0 .* Store at .*trace.c:${at[store]}$"
shows 'a fault without an address' 134 "trace.c:${at[illegal]} Illegal --- #UD invalid opcode ---" \
    -e fault --call 'Illegal()'
hl trace guest -q -o trace.txt -e result --call 'Store()'
has 'the end of a call that crashed' trace.txt \
    '<<< Store = \? the guest crashed: #PF .*\(NULL pointer\) at rip 0x[0-9a-f]+ <'
shows 'an abort' 134 "trace.c:${at[abort]} Abort --- the guest aborted with code 7: that is enough ---" \
    -e abort --call 'Abort()'
hl trace guest -q -o trace.txt -e kill,tkill,tgkill --call 'Raise()'
has 'a raised signal' trace.txt 'Raise +t?g?kill\(1, SIGABRT\) = \?$'
shows 'a broken ABI' 134 "trace.c:${at[port]} Port in(0xe0, 1) = ? the guest broke the ABI" -e io --call 'Port()'
has 'a broken ABI: the report stands on the same line' "$err" "^  #0 .* Port at .*trace.c:${at[port]}$"
hl trace guest -q -o trace.txt -- words 3
same 'main()' '>>> main()
writev(1, [{iov_base="words", iov_len=5}, {iov_base="\n", iov_len=1}], 2) = 6 <T>
exit_group(3) = ?
<<< main = 3 <T>' "$(masked trace.txt | sed -n -e '/ioctl/d' -e 's/^.* writev/writev/' -e 's/^.* exit/exit/' -e '/>>> main/,$p')"
same "main()'s status and output" 3/words "$rc/$(cat "$out")"
hl trace guest -q -o trace.txt -e result --repeat 2
same '--repeat of main(): sandbox after sandbox' '>>> start-up
<<< start-up <T>
>>> main()
<<< main = 0 <T>
>>> start-up
<<< start-up <T>
>>> main()
<<< main = 0 <T>' "$(masked trace.txt)"
hl trace guest --host host.so -q -o trace.txt --restore --repeat 2 --call 'Add(1, 2)'
same '--restore is shown' 2 "$(grep -c -e '--- restored <.*> ---$' trace.txt)"

# ---- Filters

three=(--call 'Add(1, 2)' --call 'Sleep(0)' --call 'Print("x")' --call 'Log("l")')
add_line="trace.c:${at[add]} Add HostAdd(1, 2) = 3 <T>"
sleep_line="trace.c:${at[sleep]} Sleep HostSleep(0) = void <T>"
print_line="trace.c:${at[print]} Print write(1, \"x\", 1) = 1 <T>"
log_line="trace.c:${at[log]} Log [warn] \"l\""
shows '-e with a class' 0 "$add_line"$'\n'"$sleep_line" -e host "${three[@]}"
shows '-e with a host function' 0 "$add_line" -e HostAdd "${three[@]}"
shows '-e with a system call' 0 "$print_line" -e write "${three[@]}"
shows '-e with several' 0 "$add_line"$'\n'"$print_line"$'\n'"$log_line" -e HostAdd,write,log "${three[@]}"
shows '-e more than once' 0 "$add_line"$'\n'"$print_line" -e HostAdd -e write "${three[@]}"
shows '-e with all but one of a class' 0 "$sleep_line" -e 'host,!HostAdd' "${three[@]}"
shows '-e with a negated list' 0 "$sleep_line"$'\n'"$log_line" -e '!syscall,HostAdd,result' "${three[@]}"
shows '-e, negated one by one' 0 "$sleep_line"$'\n'"$log_line" -e '!syscall' -e '!HostAdd' -e '!result' "${three[@]}"
shows '-e with what was left out before' 0 "$add_line"$'\n'"$print_line"$'\n'"$log_line" \
    -e '!host' -e HostAdd -e '!result' "${three[@]}"
shows '-e as strace has it' 0 "$print_line" -e trace=write "${three[@]}"
shows '-e with spaces' 0 "$print_line" -e ' write , ! log ' "${three[@]}"
shows '-e all, then not' 0 "$log_line" -e all -e '!host,syscall,result' "${three[@]}"
shows '-e with nothing left' 0 '' -e '!all' "${three[@]}"
shows '--trace' 0 "$print_line" --trace=write "${three[@]}"
rm -f trace.txt
hint='classes: host, syscall, .*; host functions of this guest: .*HostAdd'
refused 'an unknown word' 64 'no class, host function or system call "frob"' "$hint" trace guest -e write,frob
refused 'an unknown word after !' 64 'system call "frob"' "$hint" trace guest -e '!frob'
refused 'an empty word' 64 'system call ""' "$hint" trace guest -e write,
refused 'nothing but !' 64 'system call ""' "$hint" trace guest -e '!'
refused 'control characters in a word' 64 'system call "\\x1b\[31m' "$hint" trace guest -e $'\033[31m'
compile plain -x c - <<<'#include <hl/guest.h>
HL_FUNCTION(void, Nothing) {}'
refused 'an unknown word, and no host functions' 64 '"frob"' 'of this guest: none' \
    trace plain -e frob --call 'Nothing()'

# ---- How it is shown

hl trace guest -q -o trace.txt -s 8 --call 'Print("0123456789")'
has '-s cuts arguments' trace.txt '>>> Print\("01234567"\.\.\.\)$'
shows '-s cuts a buffer' 0 "trace.c:${at[print]} Print write(1, \"01234567\"..., 10) = 10 <T>" \
    -s 8 -e write --call 'Print("0123456789")'
shows '-s as long as the string' 0 "trace.c:${at[print]} Print write(1, \"0123456789\", 10) = 10 <T>" \
    -s 10 -e write --call 'Print("0123456789")'
shows '-s 0' 0 "trace.c:${at[print]} Print write(1, \"\"..., 10) = 10 <T>" -s 0 -e write --call 'Print("0123456789")'
shows '-s for values' 0 "trace.c:${at[flip]} Flip HostFlip(x\"01\"..., true, 0.5) = x\"fe\"... <T>" \
    --string-limit 1 -e host --call 'Flip(x"0102")'
shows '32 bytes by default' 0 \
    "trace.c:${at[print]} Print write(1, \"01234567890123456789012345678901\"..., 34) = 34 <T>" \
    -e write --call 'Print("0123456789012345678901234567890123")'
shows 'nothing drives a terminal' 0 \
    "trace.c:${at[print]} Print write(1, \"\\033[m\\t\\302\\233é\\377\", 9) = 9 <T>" \
    -e write --call 'Print("\033[m\t\302\233é\377")'
hl trace guest --host host.so -q -o trace.txt -k -e host --call 'Add(1, 2)'
same '-k prints the stack' "$add_line
> HostAdd (inlined)
> Add
> hl_thunk_Add" "$(masked trace.txt | sed -n -E -e "1p" -e 's/^ > .*trace\.c:[0-9]+ /> /p')"
hl trace guest --host host.so -q -t -o trace.txt -e host --call 'Add(1, 2)'
has '-t' trace.txt '^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{6} .* HostAdd\(1, 2\) = 3'
hl trace guest --host host.so -q -r -o trace.txt -e host --call 'Sleep(30)' --call 'Add(1, 2)'
has '-r' trace.txt '^ +0\.(0[3-9]|[1-9])[0-9]+ .* HostAdd'
hl trace guest --host host.so -o trace.txt -e host --call 'Sleep(30)'
has 'milliseconds' trace.txt ' = void <[0-9]+\.[0-9]{2} ms>$'
same 'results are on stdout' 'Sleep(30) = void' "$(cat "$out")"
hl trace guest --host host.so -q --color always -e host --call 'Add(1, 2)'
has 'colours' "$err" $'\033\\[1mHostAdd\033\\[0m\\(1, 2\\) = 3'
hl trace guest -v -q -o trace.txt --call 'Print("x")'
has '-v counts exits' "$err" '[0-9.]+ ms; [0-9]+ exits: 1 calls'

# ---- Beside other output

hl trace guest --host host.so -e host,write --call 'Print("a line\n")' --call 'Add(1, 2)'
same "stdout is the guest's and the results'" $'a line\nPrint("a line\\n") = void\nAdd(1, 2) = 3' "$(cat "$out")"
masked "$err" >"$tmp/masked"
same 'the trace is on stderr' "trace.c:${at[print]} Print write(1, \"a line\\n\", 7) = 7 <T>"$'\n'"$add_line" "$(cat "$tmp/masked")"
timeout 60 "$dev" trace guest --host host.so -e host,write --call 'Say("from the host\n")' \
    --call 'Say("part")' --call 'Print("half")' --call 'Add(1, 2)' >"$tmp/both" 2>&1 </dev/null
same 'output of a host function breaks its line, and half a line is ended' \
    "trace.c:${at[say]} Say HostSay(\"from the host\\n\") <unfinished ...>
from the host
trace.c:${at[say]} Say <... HostSay resumed> = void <T>
Say(\"from the host\\n\") = void
trace.c:${at[say]} Say HostSay(\"part\") <unfinished ...>
part
trace.c:${at[say]} Say <... HostSay resumed> = void <T>
Say(\"part\") = void
half
trace.c:${at[print]} Print write(1, \"half\", 4) = 4 <T>
Print(\"half\") = void
$add_line
Add(1, 2) = 3" "$(masked "$tmp/both")"
"$dev" trace guest --host host.so -q -e host --call 'Sleep(3000)' >"$out" 2>"$err" </dev/null &
pid=$!
seen=0
is_seen() { grep -q 'HostSleep(3000)$' "$err" && seen=1 || ended $pid; }
wait_until is_seen
same 'a host function is seen while it runs' 1 $seen
wait $pid
has 'and ended when it returns' "$err" 'HostSleep\(3000\) = void <3\.[0-9]{3} s>$'

# ---- The end

# Not before the guest has started.
soon=0.3
[ "$slow" = 1 ] || soon=3
shows '--timeout in guest code' 124 "trace.c:${at[spin]} Spin --- interrupt ---" -e interrupt,host \
    --timeout "$soon" --call 'Spin()'
hl trace guest -q -o trace.txt --timeout "$soon" --call 'Spin()'
same 'and the call is ended' '<<< Spin = ? the guest was interrupted <T>' "$(masked trace.txt | tail -n 1)"
shows '--timeout in a host function that returns' 124 "trace.c:${at[sleep]} Sleep HostSleep(600) = void <T>" \
    -e host --timeout 0.2 --call 'Sleep(600)'
shows '--timeout in one that does not' 124 "trace.c:${at[sleep]} Sleep HostSleep(60000) <unfinished ...>" \
    -e host --timeout 0.2 --call 'Sleep(60000)'
shows 'a host function that calls exit()' 7 "trace.c:${at[sleep]} Sleep HostSleep(-1) <unfinished ...>" \
    -e host --call 'Sleep(-1)'
hl trace guest --host host.so -q -e host --timeout 0.2 --call 'Sleep(60000)'
same 'the same on stderr' "trace.c:${at[sleep]} Sleep HostSleep(60000) <unfinished ...>
hl-dev: error: time limit reached, and a host function does not return" "$(masked "$err")"
rm -f trace.txt
# A shell without job control starts its children in the background with SIGINT ignored.
env --default-signal=INT "$dev" trace guest --host host.so -q -o trace.txt --call 'Spin()' >"$out" 2>"$err" </dev/null &
pid=$!
wait_until shown '>>> Spin' trace.txt $pid
kill -INT $pid
wait $pid
same 'Ctrl-C: status as from run' 130 $?
same 'Ctrl-C: a complete trace' ">>> Spin()
trace.c:${at[spin]} Spin --- interrupt ---
<<< Spin = ? the guest was interrupted <T>" "$(masked trace.txt | tail -n 3)"
same 'Ctrl-C: no complaint' '' "$(cat "$err")"
rm -f trace.txt
refused '-o where nothing can be written' 100 'cannot write /none/such: No such file' - trace guest -o /none/such
refused '-o to a directory' 100 'cannot write \.: Is a directory' - trace guest -o .
refused '-o without a name' 64 '-o needs the name of a file' - trace guest -o ''
refused '-o and a wrong filter' 64 '"frob"' "$hint" trace guest -o trace.txt -e frob
HL_KVM_DEVICE=/none refused '-o without KVM leaves no file' 100 '/none' 'HL_KVM_DEVICE' trace guest -o trace.txt
hl trace guest -q -o /dev/full --call 'Print("x")'
same '-o to a full disk' 111/1 "$rc/$(grep -c 'cannot write /dev/full: No space' "$err")"
refused '-s that is not a number' 64 'bad value for --string-limit: many' 'a number of bytes' trace guest -s many
refused '-s too large' 64 'bad value for --string-limit' 'at most' trace guest -s 99999999999
refused 'no debugger in it' 64 'trace has no option --gdb' '' trace guest --gdb
refused 'run has none of its options' 64 'run has no option -e' '' run guest -e write
hl completion bash
classes=$(sed -n "s/^    -e|--trace) .* -W '\([a-z ]*\)'.*/\1/p" "$out")
same 'completion offers classes' 10 "$(wc -w <<<"$classes")"
for class in $classes; do
    hl trace guest -q -e "$class" --call 'Add(1, 2)'
    same "-e $class: completion offers it" 0 $rc
done
hl trace --help
same 'trace --help' '0/Usage: hl-dev trace [TARGET] [--call EXPR]... [-- ARG...]' "$rc/$(head -n 1 "$out")"

# ---- JSON

# lines NAME CHECK: every line of $out is an object; in CHECK, a Python expression, they are `e`.
lines() {
    if ! command -v python3 >/dev/null; then
        skip "$1" 'no python3'
    elif python3 -c '
import json, sys
e = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
def of(c): return [o for o in e if o["class"] == c]
def called(n): return [o for o in e if o.get("name") == n]
sys.exit(not eval("(" + sys.argv[2] + ")"))' "${3-$out}" "$2" >"$tmp/json" 2>&1; then
        ok "$1"
    else
        fail "$1" "not so: $2 $(tail -n 1 "$tmp/json")"
    fi
}

hl trace guest --host host.so --json -k --call 'Add(1, 2)' --call 'Print("out\n")' --call 'Log("l")' --call 'Fail("luck")'
lines 'JSON: a host function' 'of("host")[0]["name"] == "HostAdd" and of("host")[0]["args"] == [1, 2] and
    of("host")[0]["result"] == 3 and of("host")[0]["duration_ns"] > 0 and of("host")[0]["call"] == "Add"'
lines 'JSON: its place' "of('host')[0]['function'] == 'Add' and of('host')[0]['line'] == ${at[add]} and
    of('host')[0]['file'].endswith('trace.c') and len(of('host')[0]['stack']) > 3"
lines 'JSON: a failing one' 'of("host")[1]["error"] == {"code": 7, "message": "no luck today"} and
    "result" not in of("host")[1]'
lines 'JSON: a system call' 'called("write")[0]["args"] == [1, "out\n", 4] and
    called("write")[0]["result"] == 4 and
    called("write")[0]["number"] == 1'
lines "JSON: the guest's output" '[(o["fd"], o["text"]) for o in of("output")] == [(1, "out\n")]'
lines 'JSON: a log line' '[(o["name"], o["text"]) for o in of("log")] == [("warn", "l")]'
lines 'JSON: results' '[(o["name"], o.get("args"), o.get("result")) for o in of("result") if o["run"] == "call"][:2] ==
    [("Add", [1, 2], None), ("Add", None, 3)]'
lines 'JSON: the failing call' 'of("result")[-1]["error"] == {"code": 7, "message": "no luck today"}'
lines 'JSON: the end' 'e[-1] == {"class": "end", "status": 1}'
lines 'JSON: times in order' '[o["time_ns"] for o in e[:-1]] == sorted(o["time_ns"] for o in e[:-1])'
hl trace guest --json -e fault --call 'Store()'
lines 'JSON: a fault' 'len(e) == 2 and e[0]["name"] == "#PF" and e[0]["vector"] == 14 and
    e[0]["address"] == "0x10" and e[1]["status"] == 134'
hl trace guest --json -e 'syscall,!set_tid_address' -s 3 --call 'Calls()' --call 'Vector()'
lines 'JSON: decoded arguments' 'called("clock_gettime")[0]["args"][1].keys() == {"tv_sec", "tv_nsec"} and
    called("mprotect")[0]["args"][1:] == [4096, "PROT_READ"] and
    called("writev")[0]["args"] ==
        [1, [{"iov_base": "fir", "iov_len": 7}, {"iov_base": "sec", "iov_len": 7}], 2]'
lines 'JSON: a system call that fails' 'called("open")[0]["error"]["name"] == "EFAULT" and
    called("open")[0]["result"] == -14'
hl trace guest --host host.so --json -o trace.txt --call 'Print("out\n")'
same '--json -o: stdout as ever' $'out\nPrint("out\\n") = void' "$(cat "$out")"
lines '--json -o: objects in the file' 'len(of("host")) == 0 and len(of("result")) == 4 and not of("output")' trace.txt
hl trace --json guest --host host.so -e host --call 'Sleep(-1)'
lines 'JSON: unfinished, and the program with it' 'e[-1]["name"] == "HostSleep" and e[-1]["unfinished"]'
hl trace guest --host host.so --json -e host --timeout 0.2 --call 'Sleep(60000)'
lines 'JSON: unfinished' 'e[-1]["name"] == "HostSleep" and e[-1]["unfinished"]'
hl trace guest --json -e frob
lines 'JSON: an error before it starts' 'e == [{"class": "end", "status": 64, "error": e[0]["error"]}]'
"$dev" trace guest --json -q --call "Print(\"x\")" >/dev/full 2>"$err" </dev/null
same "JSON to a full disk" "111/1" "$?/$(grep -c "cannot write to standard output" "$err")"

# ---- Guests with less information

strip -o stripped guest
hl trace stripped --host host.so -q -e host,write --call 'Add(1, 2)' --call 'Print("x")'
same 'stripped: addresses' 'ADDRESS HostAdd(1, 2) = 3 <T>
ADDRESS write(1, "x", 1) = 1 <T>' "$(masked "$err" | sed -E 's/^0x4[0-9a-f]{5} /ADDRESS /')"
compile pie -pie "$here/guest/trace.c"
hl trace pie --host host.so -q -e host --call 'Add(1, 2)'
same 'PIE' "$add_line" "$(masked "$err")"
compile bare -g0 -fomit-frame-pointer -fno-asynchronous-unwind-tables "$here/guest/trace.c"
hl trace bare --host host.so -q -k -e HostAdd --call 'Add(1, 2)'
has 'no line numbers: functions' "$err" ' Add\+0x[0-9a-f]+ +HostAdd\(1, 2\) = 3'
has 'no unwind information: a guess is marked' "$err" '^ +> .*hl_serve\?$'
compile far -fomit-frame-pointer -fno-asynchronous-unwind-tables "$here/guest/trace.c"
hl trace far --host host.so -q -e HostAdd --call 'Add(1, 2)'
same 'no frame pointers' "$add_line" "$(masked "$err" | tr -d '?')"

finish
