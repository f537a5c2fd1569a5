#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# profile.sh PREFIX - `hl-dev profile` as a person meets it, and HL_PROFILE.  What each format looks
# like is render.sh's business, that numbers are exact tests/profile/kvm_profile.c's.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

guest=$prefix/tests/guest/exits
source=$here/../guest/exits.c
at() { grep -n "@$1 " "$source" | cut -d: -f1; }
${CC:-gcc} -shared -fPIC -I"$prefix/include" -o host.so "$here/guest/profile-host.c" || exit 1
profile() { hl profile "$guest" --host host.so "$@"; }

# ---- What is where

profile --call 'All()' --call 'Five()'
same 'status' 0 $rc
same 'results come first, on stdout' 'All() = 1003 Five() = 5' "$(head -n 2 "$out" | tr '\n' ' ' | sed 's/ $//')"
has 'the line of most exits' "$out" "^ +1000 +98\.[0-9]% .* All +[^ ]*exits\.c:$(at all) +\[host HostAdd\]$"
has 'an inlined line, once' "$out" "^ +10 .* tick_five_times +[^ ]*exits\.c:$(at inlined) +\[host HostTick\]$"
has 'a system call' "$out" "^ +5 .* Five +[^ ]*exits\.c:$(at syscalls) +\[syscall getpid\]$"
has 'a header' "$out" '3 runs, 1020 exits$'
has 'start-up' "$out" '^first result'
has 'memory' "$out" '^stack +at most '
same 'nothing on stderr' '' "$(cat "$err")"

for by in reason host function line; do
    profile --call 'All()' --by $by
    same "--by $by" 0 $rc
done
has '--by line is shown' "$out" "exits\.c:$(at all)"
profile --call 'All()' --by reason
has '--by reason' "$out" '^ *1000 .*HostAdd'
profile --call 'Grow(400)' --memory
has '--memory' "$out" ' 10[0-9] +1[0-9][0-9] +Grow$'

# ---- Formats: the document has stdout for itself

profile --call 'Print("guest output")' --format json
same '--format json: status' 0 $rc
member '--format json' '"exits"' mode
member '--format json: exits by name' '"hl-profile"' format
has "the guest's output is on stderr then" "$err" '^guest output$'
has 'and so are results' "$err" '^Print\("guest output"\) = void$'
cp "$out" old.json
profile --call 'Print("guest output")' --json
member '--json is the same' 1 version
profile --call 'Print("guest output")' --format json -o new.json
same '-o: stdout as of run' $'guest output\nPrint("guest output") = void' "$(cat "$out")"
same '-o: the document' 0 "$(cmp -s <(head -n 4 new.json) <(head -n 4 old.json); echo $?)"
same '-o: mode as the umask has it' 644 "$(stat -c %a new.json)"
chmod 600 new.json
profile --call 'Ten()' --format json -o new.json
same '-o: a file that is replaced keeps its permissions' '0/600' "$rc/$(stat -c %a new.json)"
chmod 400 new.json
if [ -w new.json ]; then
    skip '-o: a file that is write-protected' 'root may write to it'
else
    profile --call 'Ten()' -o new.json
    same '-o: a file that is write-protected' 100 $rc
    has '-o: a file that is write-protected is said' "$err" 'new.json: cannot write: Permission denied'
fi
chmod 644 new.json
for format in folded callgrind speedscope svg; do
    profile --call 'All()' --format $format -o $format.out
    same "--format $format" "0/1" "$rc/$(grep -c . $format.out | sed 's/^[1-9].*/1/')"
done
if command -v callgrind_annotate >/dev/null; then
    (cd "$here/../.." && callgrind_annotate "$tmp/work/callgrind.out" tests/guest/exits.c) >"$out" 2>"$err"
    has 'callgrind: calls beside the lines of the source' "$out" '^1,000 .* => .*HostAdd \(1,?000x\)$'
    same 'callgrind: nothing on stderr' '' "$(cat "$err")"
else
    skip 'callgrind: calls beside the lines of the source' 'no callgrind_annotate'
fi
has 'folded' folded.out ';All;HostAdd;hl_detail_call;\[host HostAdd\] 1000$'
has 'svg' svg.out '^<svg |<svg '
hl profile --from old.json --format folded
has '--from' "$out" ';Print;.* [0-9]+$'
same '--from runs nothing' '' "$(cat "$err")"
profile --call 'Print("x")' --call 'Five()' --diff old.json
has '--diff' "$out" ' 5 +\+5 +new '
profile --call 'All()' --format folded -o /dev/stdout
has '-o to a device' "$out" 'HostAdd\] 1000$'

# ---- Samples

profile --cpu --rate 500 --call 'Spin(100000000)'
same '--cpu: status' 0 $rc
has '--cpu: the rate and what was lost' "$out" '^sampled 500 times a second: [0-9]+ samples, (none|[0-9]+) lost'
has '--cpu: the busier function first' "$out" '^ +[0-9]+ .* spin_more +[^ ]*exits.c$'
profile --cpu --call 'Slow(100000)' --format json
member '--cpu: the default rate' 997 rate_hz

# ---- Ends of other kinds

profile --call 'Crash()'
same 'a crash: status' 134 $rc
has 'a crash: the report' "$err" '#PF page fault: write to unmapped address 0x10'
has 'a crash is in the profile' "$out" "^ +1 .* Crash +[^ ]*exits\.c:$(at crash) +\[fault #PF\]$"
profile --timeout 0.5 --call 'Spin(1000000000000)'
same 'time limit: status' 124 $rc
has 'time limit: the profile' "$out" '^total  +[0-9.]+ '
profile --timeout 0.5 --call 'Slow(0)' --format folded
same 'a host function that hangs: status' 124 $rc
has 'a host function that hangs: what there was' "$out" '\[result\] 1$'
profile --call 'Ten()' --call 'Slow(1)'
same 'a host function that calls exit(): status' 7 $rc
has 'a host function that calls exit(): the profile' "$out" '^ +10 .*HostTick'
profile --call 'Ten()' --call 'Slow(1)' --format json -o exit.json
same 'a host function that calls exit(): one file' exit.json "$(echo exit.json*)"
hl profile --from exit.json
has 'a host function that calls exit(): what is in it' "$out" '^ +10 .*HostTick'
profile --call 'Slow(2)' --call 'Ten()' --format json -o fork.json
same 'a child that calls exit(): status' 0 $rc
hl profile --from fork.json
has 'a child that calls exit() writes nothing' "$out" '^ +10 .*HostTick'
profile --repeat 3 --restore --call 'Ten()'
has '--repeat and --restore' "$out" '^ +30 .*HostTick'
has '--restore in the start-up table' "$out" '^restore .* mean of 3$'
# A shell without job control starts its children in the background with SIGINT ignored.
env --default-signal=INT "$dev" profile "$guest" --host host.so --call 'Print("now")' \
    --call 'Spin(1000000000000)' >"$out" 2>"$err" </dev/null &
child=$!
wait_until shown '^Print' "$out" $child
kill -INT $child
wait $child
same 'Ctrl-C: status' 130 $?
has 'Ctrl-C: the profile' "$out" '^total '
if command -v python3 >/dev/null; then
    printf '%s\n' 'expect [1-9]\.[0-9] s: 1 runs over, [0-9]+ exits; Ctrl-C' 'key 03' 'expect total +[0-9]' |
        timeout $((60 * slow)) python3 "$here/terminal.py" $((20 * slow)) \
            "'$dev' profile '$guest' --host host.so --call 'Spin(1000000000000)'" >"$out" 2>"$err"
    same 'progress on a terminal, and Ctrl-C' 0 $?
    printf '%s\n' 'expect [1-9]\.[0-9] s: 1 runs over, 2 exits; Ctrl-C' 'key 03' 'expect total +[0-9]' |
        timeout $((60 * slow)) python3 "$here/terminal.py" $((20 * slow)) \
            "'$dev' profile '$guest' --cpu --host host.so --call 'Spin(1000000000000)'" >"$out" 2>"$err"
    same 'progress: a tick is no exit' 0 $?
else
    skip 'progress on a terminal' 'no python3'
fi
profile --call 'All()'
same 'no progress where there is no terminal' '' "$(cat "$err")"

# ---- Guests with less information

hl profile "$prefix/tests/guest/exits_stripped" --host host.so --call 'All()'
has 'stripped: addresses' "$out" '^ +1000 .* 0x[0-9a-f]+ .*\[host HostAdd\]$'
hl profile "$prefix/tests/guest/exits_pie" --host host.so --call 'All()'
has 'PIE' "$out" "^ +1000 .* All +[^ ]*exits\.c:$(at all) +\[host HostAdd\]$"
hl profile "$prefix/tests/guest/exits" --host host.so --call 'Corrupt()'
has 'a damaged stack' "$out" "^ +1 .* Corrupt +[^ ]*exits\.c:$(at corrupt) +\[host HostTick\]$"

# ---- The example of docs/profiling.md

example=$here/../../docs/profiling
compile dump -Og "$example/dump.c"
compile dump-fixed -Og "$example/dump-fixed.c"
${CC:-gcc} -Wall -Wextra -Werror -shared -fPIC -I"$prefix/include" -o example.so "$example/host.c" || exit 1
head -c 256 "$prefix/bin/hl-dev" >sample
hl profile dump --host ./example.so --call 'Dump(@sample)' --format json -o before.json
hl profile --from before.json
has "the example's line" "$out" '^ +768 +99\.6% .* put +.*dump\.c:9 +\[host HostPut\]$'
hl profile dump-fixed --host ./example.so --call 'Dump(@sample)' --diff before.json
has 'the example: gone' "$out" '^ +768 +0 +-768 +gone .* put '
has 'the example: new' "$out" '^ +0 +1 +\+1 +new .* flush +.*dump-fixed\.c:12 +\[host HostWrite\]$'
has 'the example: in all' "$out" '^exits +771 +4 +-767 '

# ---- What cannot be meant

refused '--rate without --cpu' 64 '--rate without --cpu' 'each exit' profile "$guest" --rate 100
refused '--rate 0' 64 'bad value for --rate: 0' '1 to 10000' profile "$guest" --cpu --rate 0
refused '--rate too high' 64 'bad value for --rate: 10001' '1 to 10000' profile "$guest" --cpu --rate 10001
refused '--rate that is not a number' 64 'bad value for --rate: 5x' '1 to 10000' profile "$guest" --cpu --rate 5x
refused '--cpu and --exits' 64 '--exits and --cpu' 'twice' profile "$guest" --cpu --exits
refused '--by' 64 'bad value for --by: colour' 'reason, host' profile "$guest" --by colour
refused '--weight' 64 'bad value for --weight: kg' 'count or time' profile "$guest" --weight kg
refused '--format' 64 'bad value for --format: pdf' 'table, json' profile "$guest" --format pdf
refused '--json and another format' 64 '--json and another' 'is --format json' profile "$guest" --json --format svg
refused '-o where nothing can be' 100 'cannot write' - profile "$guest" --call 'Five()' -o /nowhere/x
for format in table json; do
    "$dev" profile "$guest" --host host.so --call 'Ten()' --format $format >/dev/full 2>"$err"
    same "a full disk, $format: status and one error" '111/1' "$?/$(grep -c '^hl-dev: error' "$err")"
    has "a full disk, $format: why" "$err" 'No space left on device'
    "$dev" profile "$guest" --host host.so --call 'Ten()' --format $format >&- 2>"$err"
    same "no standard output, $format: status and one error" '111/1' "$?/$(grep -c '^hl-dev: error' "$err")"
done
refused '--diff without a file' 100 'nowhere.json' - profile "$guest" --call 'Five()' --diff nowhere.json
echo '{"format": "something else"}' >else.json
refused '--diff with another document' 100 'profile' 'record it again' profile --from old.json --diff else.json
refused '--from with another document' 100 'profile' 'record it again' profile --from else.json
refused '--from and a target' 64 'target with --from' 'shows a profile' profile "$guest" --from old.json
refused '--from and --call' 64 '--call with --from' 'shows a profile' profile --from old.json --call 'X()'
refused '--from and --cpu' 64 '--cpu with --from' 'shows a profile' profile --from old.json --cpu
refused 'no debugger in it' 64 'profile has no option --gdb' '' profile "$guest" --gdb
refused 'run has none of its options' 64 'run has no option --cpu' '' run "$guest" --cpu
refused 'no such guest' 100 'none' - profile ./none
hl profile --help
same 'profile --help' '0/Usage: hl-dev profile [TARGET] [--call EXPR]... [-- ARG...]' "$rc/$(head -n 1 "$out")"

# ---- HL_PROFILE

# pkg-config knows of sanitizers the library was built with.
libhl=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs hl)
# shellcheck disable=SC2086 # these are words
${CC:-gcc} -o main "$here/guest/profile-main.c" "$here/guest/profile-host.c" \
    $libhl -Wl,-rpath,"$prefix/lib" || exit 1
HL_PROFILE=env.json timeout $((60 * slow)) ./main "$guest" All >"$out" 2>"$err"
same 'HL_PROFILE: the program notices nothing' "0/" "$?/$(cat "$out" "$err")"
cp env.json "$out"
member 'HL_PROFILE: its document' '"exits"' mode
hl profile --from env.json
has 'HL_PROFILE: the same numbers' "$out" "^ +1000 .* All +[^ ]*exits\.c:$(at all) +\[host HostAdd\]$"
HL_PROFILE=two.json timeout $((60 * slow)) ./main "$guest" All "$prefix/tests/guest/exits_pie" Five "$guest" All
hl profile --from two.json
has 'HL_PROFILE: two sandboxes of a guest are one profile' "$out" '^ +2000 '
hl profile --from two.json.2
has 'HL_PROFILE: a second guest has a file of its own, wherever the program went' "$out" '^ +5 .*getpid'
# shellcheck disable=SC2086
${CC:-gcc} -Wall -Wextra -Werror -o fork "$here/guest/profile-fork.c" "$here/guest/profile-host.c" \
    $libhl -pthread -Wl,-rpath,"$prefix/lib" || exit 1
HL_PROFILE=forked.json timeout $((100 * slow)) ./fork "$guest"
same 'HL_PROFILE: children of a program whose guests run' 0 $?
same 'HL_PROFILE: they write nothing' forked.json "$(echo forked.json*)"
HL_PROFILE=cpu.json HL_PROFILE_HZ=500 timeout $((60 * slow)) ./main "$guest" All
cp cpu.json "$out"
member 'HL_PROFILE_HZ' 500 rate_hz
umask 027
HL_PROFILE=mode.json timeout $((60 * slow)) ./main "$guest" Five
same 'HL_PROFILE: mode as the umask has it' 640 "$(stat -c %a mode.json)"
umask 022
chmod 600 mode.json
HL_PROFILE=mode.json timeout $((60 * slow)) ./main "$guest" All
same 'HL_PROFILE: a file that is replaced keeps its permissions' 600 "$(stat -c %a mode.json)"
ln -s target.json link.json
HL_PROFILE=link.json timeout $((60 * slow)) ./main "$guest" All
same 'HL_PROFILE: a link to nothing yet' yes "$([ -s target.json ] && [ -L link.json ] && echo yes)"
HL_PROFILE=no.json timeout $((60 * slow)) ./main "$guest" All no_profile
same 'HL_PROFILE: a program may forbid it' no "$([ -e no.json ] && echo yes || echo no)"
HL_PROFILE=/nowhere/x timeout $((60 * slow)) ./main "$guest" All >"$out" 2>"$err"
same 'HL_PROFILE: a place that cannot be is no failure' 0 $?
finish
