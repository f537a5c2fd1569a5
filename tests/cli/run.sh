#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh PREFIX - what `hl-dev run` promises: values, output, options, exit statuses, crashes.
# Prints `ok NAME`, `not ok NAME: why` or `skip NAME: why` for each check; 1 when one failed.
# shellcheck disable=SC2016,SC1003 # nothing in single quotes is to be expanded
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

compile values "$here/guest/values.c"
${CC:-gcc} -shared -fPIC -I"$prefix/include" -o host.so "$here/guest/values-host.c" || exit 1

# ---- Values: what goes in, and how it is printed

gives 'no arguments, no result' 'Nothing()' void
gives 'i32 smallest' 'I32(-2147483648)' -2147483648
gives 'i32 largest' 'I32(2147483647)' 2147483647
gives 'i32 hexadecimal' 'I32(0x7fffffff)' 2147483647
gives 'i32 plus sign' 'I32(+5)' 5
gives 'i32 leading zeros are no octal' 'I32(010)' 10
gives 'u32 largest' 'U32(4294967295)' 4294967295
gives 'i64 smallest' 'I64(-9223372036854775808)' -9223372036854775808
gives 'i64 largest' 'I64(9223372036854775807)' 9223372036854775807
gives 'u64 largest' 'U64(18446744073709551615)' 18446744073709551615
gives 'u64 hexadecimal' 'U64(0xFFFFFFFFFFFFFFFF)' 18446744073709551615
gives 'f32' 'F32(0.1)' 0.1
gives 'f32 largest' 'F32(3.4028235e38)' 3.4028235e+38
gives 'f64' 'F64(0.1)' 0.1
gives 'f64 needs all digits' 'F64(0.30000000000000004)' 0.30000000000000004
gives 'f64 looks like a float' 'F64(3)' 3.0
gives 'f64 exponent' 'F64(-1.5e300)' -1.5e+300
gives 'f64 smallest' 'F64(5e-324)' 5e-324
gives 'f64 negative zero' 'F64(-0.0)' -0.0
gives 'f64 hexadecimal' 'F64(0x1.8p1)' 3.0
gives 'f64 infinity' 'F64(-inf)' -inf
gives 'f64 not a number' 'F64(nan)' nan
gives 'bool true' 'Bool(true)' true
gives 'bool false' 'Bool(false)' false
gives 'string' 'String("plain text")' '"plain text"'
gives 'string empty' 'String("")' '""'
gives 'string escapes' 'String("\a\b\f\n\r\t\v\\\"\'"'"'\?")' '"\a\b\f\n\r\t\v\\\"'"'"'?"'
gives 'string octal and hexadecimal' 'String("\101\x42\7\x7f\033[m")' '"AB\a\177\033[m"'
gives 'string UTF-8' 'String("žluťoučký €")' '"žluťoučký €"'
gives 'string with what separates arguments' 'String("a, b) = @c")' '"a, b) = @c"'
gives 'bytes' 'Bytes(x"00ff7F")' 'x"00ff7f"'
gives 'bytes empty' 'Bytes(x"")' 'x""'
gives 'bytes from text' 'Bytes("A\0B")' 'x"410042"'
gives 'spaces anywhere' ' I32 ( 7 ) ' 7
gives 'a name that is no C identifier' 'math.add-2(40, 2)' 42
gives 'sixteen arguments of every type' \
    'Many(1,2,3,4,5.0,6.0,true,"seven",x"0102",-1,1,1,1,1,1,1)' 34
printf 'a\0b\n\377' >data
printf 'text in a file' >text
printf 'odd' >'od)d, "n"'
gives '@FILE as bytes' 'Bytes(@data)' 'x"6100620aff"'
gives '@FILE as a string' 'String(@text)' '"text in a file"'
gives '@FILE with spaces around' 'Length( @data )' 5
gives '@FILE absolute' "Length(@$PWD/data)" 5
gives '@"FILE" with any name' 'String(@"od)d, \"n\"")' '"odd"'
gives '@FILE empty' 'Bytes(@/dev/null)' 'x""'
head -c 3000000 /dev/zero >large
gives '@FILE larger than the default input buffer' 'Length(@large)' 3000000
gives '@FILE from a pipe' 'Length(@/dev/stdin)' 0

# ---- Output

prints 'calls in their order, in one sandbox' 0 $'Count() = 1\nI32(5) = 5\nCount() = 2\n' \
    run values --host host.so --call 'Count()' --call 'I32(5)' --call 'Count()'
prints '--repeat' 0 $'Count() = 1\nCount() = 2\nCount() = 3\n' \
    run values --host host.so --call 'Count()' --repeat 3
prints '--option=value' 0 $'Count() = 1\n' run values --host=host.so '--call=Count()' --repeat=1
prints 'options before the target' 0 $'Count() = 1\n' \
    run --host host.so --call 'Count()' values
prints "the guest's output comes before its result" 0 $'a line\nPrint("a line\\n") = void\n' \
    run values --host host.so --call 'Print("a line\n")'
prints '-q prints the guest only' 0 'just this' \
    run values -q --host host.so --call 'Print("just this")' --call 'Log(1, "no log")'
hl run values -q --host host.so --call 'Raw()'
same 'any bytes pass unchanged' 0001027f80ffc3280d0a091b5b333100 "$(od -An -tx1 -v "$out" | tr -d ' \n')"
hl run values --host host.so --call 'Complain("this and that\n")'
same "the guest's stderr is stderr" 'this and that' "$(cat "$err")"
same "the guest's stderr is not on stdout" 'Complain("this and that\n") = void' "$(cat "$out")"
hl run values --host host.so --call 'Log(1, "e")' --call 'Log(2, "w\033[31m")' --call 'Log(3, "i")'
same 'the log is on stderr, and cannot drive a terminal' $'[error] e\n[warn] w\\x1b[31m\n[info] i' "$(cat "$err")"
hl run values -v --host host.so --call 'I32(5)'
same '-v leaves stdout alone' 'I32(5) = 5' "$(cat "$out")"
has '-v shows times' "$err" 'I32\(5\): [0-9.]+ ms'
has '-v counts exits' "$err" '[0-9.]+ ms; [0-9]+ exits: 1 calls, 0 host calls'

# ---- main()

hl run values -- 0 'two words' '' --call '--' '"\*'
same 'arguments after -- reach main()' '[0][two words][][--call][--]["\*]' "$(cat "$out")"
same "main()'s stderr" 'to stderr' "$(grep -v '^hl-dev: warning\|^hint' "$err")"
for code in 0 1 3 64 134 255; do
    hl run values -- $code
    same "main()'s exit status $code passes through" $code $rc
done
hl run values -- 7 --repeat 3
same 'what follows -- is not an option' '[7][--repeat][3]' "$(cat "$out")"
hl run values --repeat 3 -- 0
same '--repeat of main()' $'[0]\n[0]\n[0]' "$(cat "$out")"
hl run values --repeat 3 -- 5
same '--repeat ends with the first failure' '[5]/5' "$(cat "$out")/$rc"
same 'a missing host function is reported once' 3 "$(grep -c '^hl-dev: warning: no host function ' "$err")"
has 'a missing host function has a hint' "$err" '^hint: --host FILE'

# ---- Host functions

prints 'a host function answers' 0 $'Name() = "plug-in"\n' run values --host host.so --call 'Name()'
prints 'a failing host function is a value' 0 $'AskFailing() = "42 not today"\n' \
    run values --host "$PWD/host.so" --call 'AskFailing()'
hl run values --call 'Name()'
same 'without a plug-in a host call fails' 1 $rc
has 'and says why' "$err" '^hl-dev: error: Name failed with code .*HostName is not registered'
refused 'no such plug-in' 100 'no-host.so: cannot open' - run values --host no-host.so
refused 'a file that is not a plug-in' 100 'text: ' - run values --host text
printf 'int x;\n' >empty.c && ${CC:-gcc} -shared -fPIC -o empty.so empty.c
refused 'a plug-in without the function' 100 'does not define hl_plugin_register' 'hl/plugin.h' \
    run values --host empty.so
PLUGIN_GIVES_UP=1 refused 'a plug-in that gives up' 100 'no mood' - run values --host host.so
PLUGIN_LIES=1 refused 'a plug-in with another signature' 100 'HostName' - run values --host host.so

# ---- --json

hl run values --host host.so --json --call 'String("a\"\n€")' --call 'Bytes(x"00ff")' \
    --call 'U64(18446744073709551615)' --call 'I64(-9223372036854775808)' --call 'Bool(true)' \
    --call 'Nothing()' --call 'F64(inf)' --call 'Print("printed\n")' --call 'I32(-1)'
same '--json has nothing on stderr' '' "$(cat "$err")"
member '--json status' 0 status
member '--json string' '"a\"\n€"' calls 0 value
member '--json call' '"String(\"a\\\"\\n€\")"' calls 0 call
member '--json function' '"Bytes"' calls 1 function
member '--json bytes' '"00ff"' calls 1 value
member '--json bytes type' '"bytes"' calls 1 type
member '--json u64 that fits no JSON integer' '"18446744073709551615"' calls 2 value
member '--json i64' -9223372036854775808 calls 3 value
member '--json bool' true calls 4 value
member '--json void' null calls 5 value
member '--json infinity' '"inf"' calls 6 value
member '--json i32' -1 calls 8 value
member "--json the guest's output" '"printed\n"' output
hl run values --host host.so --json --repeat 2 --call 'Count()'
member '--json --repeat' 2 calls 1 value
# The guest has 64 MiB of it, the library a copy: there is no room for a third.
case $prefix in
*/san-*) skip '--json of large results in little memory' 'a sanitizer needs an address space of its own' ;;
*)
    ulimit -S -v 450000
    for call in 'Large()' 'LargeText()'; do
        hl run values --host host.so --json --repeat 3 --call "$call"
        same "--json $call" "0 3" "$rc $(grep -c '"value": ' "$out")"
    done
    ulimit -S -v "$(ulimit -H -v)"
    ;;
esac
hl run values --host host.so --json --call 'Raw()'
member '--json output that is no UTF-8' 0 status
hl run values --host host.so --json -- 3
member '--json exit status of main()' 3 exit_status
same '--json keeps the exit status' 3 $rc
hl run values --host host.so --json --call 'Fail(5, "so it is")' --call 'I32(1)'
member '--json error' '"GUEST_ERROR"' calls 0 error code
member '--json error message' '"Fail failed with code 5: so it is"' calls 0 error message
member '--json error status' 1 status
same '--json error on stderr too' 'hl-dev: error: Fail failed with code 5: so it is' "$(cat "$err")"
hl run values --host host.so --json --call 'I32('
member '--json usage error' '"ARGUMENT"' error code
member '--json usage status' 64 status
hl run no-such-guest --json
member '--json no guest' '"FILE"' error code
member '--json no guest: the message' '"no-such-guest: No such file or directory"' error message

# ---- Colour

esc=$(printf '\033')
hl run values --host host.so --call 'I32(x)'
same 'no colour in a file' '' "$(grep "$esc" "$err")"
hl run values --color always --call 'I32(x)'
has '--color always' "$err" "$esc"
NO_COLOR=1 hl run values --color always --call 'I32(x)'
has '--color always is stronger than NO_COLOR' "$err" "$esc"
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    tty() { script -qec "$dev run values $1 --call 'I32(x)'" /dev/null >"$out" 2>&1 </dev/null; }
    tty ''
    has 'colour on a terminal' "$out" "$esc"
    tty '--color never'
    same '--color never' '' "$(grep "$esc" "$out")"
    NO_COLOR=1 tty ''
    same 'NO_COLOR' '' "$(grep "$esc" "$out")"
    TERM=dumb tty ''
    same 'TERM=dumb' '' "$(grep "$esc" "$out")"
else
    skip 'colour on a terminal' 'no script(1) to make one'
fi

# ---- Time limits

# in_time NAME ARG...: status 124, and long before anyone would end it by hand
in_time() {
    local name=$1 start=$SECONDS
    shift
    hl "$@"
    if [ $rc != 124 ]; then fail "$name" "exit status $rc, not 124"
    elif [ $((SECONDS - start)) -gt $((6 * slow)) ]; then fail "$name" 'it took too long'
    elif ! grep -q '^hl-dev: error: time limit reached' "$err"; then fail "$name" 'no message'
    else ok "$name"; fi
}
in_time '--timeout ends a spinning guest' run values --host host.so --timeout 0.2 --call 'Spin()'
in_time '--timeout ends a sleeping guest' run values --host host.so --timeout 0.2 --call 'Sleep(1000)'
has 'and blames no host function' "$err" '^hl-dev: error: time limit reached, the guest was interrupted$'
in_time '--timeout ends a hanging host function' \
    run values --host host.so --timeout 0.2 --call 'Hang()'
export PLUGIN_HANGS=1
in_time '--timeout ends a plug-in that does not register' \
    run values --host host.so --timeout 0.2 --call 'Spin()'
unset PLUGIN_HANGS
in_time '--timeout 0.000001' run values --host host.so --timeout 0.000001 --call 'Spin()'
ulimit -S -i 0
in_time '--timeout with a full queue of signals' \
    run values --host host.so --timeout 0.2 --call 'Spin()'
ulimit -S -i "$(ulimit -H -i)"
same '--timeout blames no host function' 0 "$(grep -c 'host function' "$err")"
ulimit -S -f 8
prints '--restore beyond the limit of files' 0 $'I32(8) = 8\nI32(9) = 9\n' \
    run values --host host.so --restore --call 'I32(8)' --call 'I32(9)'
ulimit -S -f "$(ulimit -H -f)"
in_time '--timeout counts all repetitions' \
    run values --host host.so --timeout 0.3 --repeat 1000000000 -q --call 'Nothing()'
hl run values --host host.so --json --timeout "$((2 * slow))e-1" --call 'I32(1)' --call 'Spin()'
member '--json timeout' '"INTERRUPTED"' calls 1 error code
member '--json timeout: what was done before it' 1 calls 0 value
gives 'a limit that is not reached' 'I32(8)' 8
prints '--timeout 0 is no limit' 0 $'I32(8) = 8\n' run values --host host.so --timeout 0 --call 'I32(8)'

# ---- How a guest ends

hl run values --host host.so --call 'Fail(7, "no such fruit")' --call 'I32(1)'
same 'hl_fail: status' 1 $rc
same 'hl_fail: message' 'hl-dev: error: Fail failed with code 7: no such fruit' "$(cat "$err")"
same 'hl_fail: the calls after it are not made' '' "$(cat "$out")"
hl run values --host host.so --call 'Fail(-3, "two\nlines\033[31m")'
same 'hl_fail: one line, clean' 'hl-dev: error: Fail failed with code -3: two\nlines\x1b[31m' "$(cat "$err")"
hl run values --host host.so --call 'Exit(3)' --call 'I32(1)'
same 'exit() in a call: status' 1 $rc
same 'exit() in a call: message' 'hl-dev: error: the guest exited with status 3' "$(cat "$err")"
same 'exit() in a call: stdio is flushed' bye "$(cat "$out")"

# crash NAME GUEST CALL PATTERN...: status 134, one error line, and lines that match on stderr
crash() {
    local name=$1 guest=$2 call=$3 p
    shift 3
    if [ "$call" ]; then hl run "$guest" --call "$call"; else hl run "$guest"; fi
    if [ $rc != 134 ]; then fail "$name" "exit status $rc, not 134"; return; fi
    if [ "$(grep -c '^hl-dev: error: ' "$err")" != 1 ]; then fail "$name" 'not one error line'; return; fi
    if [ -s "$out" ]; then fail "$name" 'something on stdout'; return; fi
    for p; do
        grep -Eq -- "$p" "$err" || { fail "$name" "no line matches '$p'"; return; }
    done
    ok "$name"
}
at() { echo "at .*crash\.c:$(line crash.c "$1")\$"; }
compile crash "$here/guest/crash.c"
compile crash-pie -static-pie "$here/guest/crash.c"
compile crash-free --freestanding "$here/guest/crash.c"
for guest in crash crash-pie crash-free; do
    crash "$guest: store to NULL" $guest 'Store()' \
        '^hl-dev: error: the guest crashed: #PF .*write .*0x10 .*NULL' \
        'vector 14 #PF, error code 0x6 .*write.*address 0x10$' "#0 .* in Store $(at store)" '^hint: '
    crash "$guest: division by zero" $guest 'Divide(0)' 'vector 0 #DE' "#0 .*$(at divide)"
    crash "$guest: undefined instruction" $guest 'Illegal()' 'vector 6 #UD' "#0 .*$(at illegal)"
    crash "$guest: privileged instruction" $guest 'Privileged()' 'vector 13 #GP' "#0 .*$(at privileged)"
    crash "$guest: write to code" $guest 'ReadOnly()' \
        'vector 14 #PF.*\(protection, write' "#0 .*$(at readonly)"
    crash "$guest: stack overflow" $guest 'Overflow()' '^hint: the stack is full' 'vector 14 #PF' '#0 .* in deeper'
    crash "$guest: in an inlined function" $guest 'Inlined()' \
        "#0 +\(inlined\) +in inner $(at inlined)" "#1 .* in outer $(at caller)"
    crash "$guest: jump into nothing" $guest 'Jump()' 'vector 14 #PF.*fetch.*address 0x30$' 'in Jump '
    crash "$guest: hl_abort" $guest 'Abort()' '^hl-dev: error: .*aborted with code 9: giving up$' \
        "in Abort $(at abort)"
done
for guest in crash crash-pie; do
    crash "$guest: strlen(NULL) in libc" $guest 'Strlen()' 'vector 14 #PF.*address 0x0$' \
        '#0 .* in strlen' "#1 .* in Strlen $(at strlen)"
    crash "$guest: assert" $guest 'Assert()' '^Assertion failed: 1 == 2 \(.*crash\.c: Assert: ' \
        '^hl-dev: error: .*abort\(\) was called$' "in Assert $(at assert)"
    crash "$guest: abort" $guest 'LibcAbort()' '^hl-dev: error: .*abort\(\) was called$' \
        "in LibcAbort $(at libcabort)"
    crash "$guest: main()" $guest '' "#0 .* in main $(at main)"
done
compile crash-early -DEARLY "$here/guest/crash.c"
crash 'in a constructor' crash-early 'Fine()' "#0 .* in early $(at early)"
hl run crash --call 'Fine()' --call 'Divide(0)' --call 'Fine()'
same 'what was done before the crash is printed' 'Fine() = 1' "$(cat "$out")"
hl run crash -v --call 'Store()'
has '-v shows the registers' "$err" ' rip [0-9a-f]{16} .*flags'
strip -o crash-stripped crash
crash 'stripped: as much as there is' crash-stripped 'Store()' 'vector 14 #PF.*address 0x10$' \
    '#0 +0x[0-9a-f]{16} in \?\?' '^hint: .*stripped'
strip -g -o crash-nodebug crash
crash 'without debug information: names only' crash-nodebug 'Inlined()' '#0 .* in outer\+0x'
if objcopy --redefine-sym "outer=o$(printf '\377\033')" crash-nodebug crash-odd 2>/dev/null; then
    hl run crash-odd --call 'Inlined()' --json
    same 'a symbol that is no text: status' 134 $rc
    member 'a symbol that is no text: JSON' 134 status
    same 'a symbol that is no text cannot drive a terminal' '' "$(grep -a "$esc" "$err")"
fi
hl run crash --json --call 'Strlen()'
member '--json crash vector' 14 calls 0 crash vector
member '--json crash name' '"#PF"' calls 0 crash name
member '--json crash address' '"0x0"' calls 0 crash address
member '--json crash function' '"strlen"' calls 0 crash frames 0 function
member '--json crash line' "$(line crash.c strlen)" calls 0 crash frames 1 line
member '--json crash status' 134 status

# ---- Sizes

prints '--heap' 0 $'Heap() = 8388608\n' run values --host host.so --heap 8M --call 'Heap()'
prints '--stack' 0 $'Stack() = 2097152\n' run values --host host.so --stack 2M --call 'Stack()'
prints '--input' 0 $'Input() = 2097152\n' run values --host host.so --input 2048K --call 'Input()'
prints '--output' 0 $'Output() = 8192\n' run values --host host.so --output 8192 --call 'Output()'
refused 'arguments larger than --input' 100 'arguments of Length do not fit' 'larger input' \
    run values --host host.so --input 4K --call 'Length(@large)'

# ---- Projects

mkdir -p project/build
cp "$here/guest/values.c" project/guest.c
cp host.so project/build/
printf 'from the project' >project/data
cat >project/hl.ini <<END
; everything that can be said
[guest]
guest = build/guest
host = build/host.so
heap = 8M
stack = 2M
input = 2M
output = 2M
timeout = $((50 * slow))
call = Name()
call = String(@data)
# comments of both kinds
call = Heap()
call = Stack()
call = Input()
call = Output()
END
# Make's own output belongs on stderr, whatever it is
cat >project/Makefile <<'END'
build/guest: guest.c
	@echo building
	$(HL_BIN)/hl-cc -O1 -o $@ $<
END
wanted='Name() = "plug-in"
String(@data) = "from the project"
Heap() = 8388608
Stack() = 2097152
Input() = 2097152
Output() = 2097152'
hl run project
same 'hl.ini: every key, and the project is built first' "$wanted/0" "$(cat "$out")/$rc"
has "make's output is on stderr" "$err" '^building$'
hl run project
same 'hl.ini: nothing to build' "$wanted" "$(cat "$out")"
(cd project && hl run)
same 'the present directory is the default target' "$wanted" "$(cat "$out")"
(cd project/build && hl run ..)
same 'hl.ini: paths are relative to it' "$wanted" "$(cat "$out")"
hl run project --call 'String(@text)' --call 'Heap()' --heap 16M
same '--call replaces the calls, other options the keys' \
    $'String(@text) = "text in a file"\nHeap() = 16777216' "$(cat "$out")"
sed -i 's/"to stderr/"edited/; s/return v\.len;/return v.len + 1000;/' project/guest.c
touch -d '+1 hour' project/guest.c
hl run project --call 'Length(x"00")'
same 'an edited project is built again' 'Length(x"00") = 1001' "$(cat "$out")"
hl run project -v
has '-v shows the commands of make' "$err" 'hl-cc -O1'
same '-v: make is not on stdout' "$wanted" "$(cat "$out")"
hl run project --json --call 'I32(3)'
member 'a project with --json' 3 calls 0 value
MAKEFLAGS=-n MAKELEVEL=1 hl run project
same 'make runs even below another make' "$wanted" "$(cat "$out")"

# project_says NAME STATUS ERROR HINT LINE...: an hl.ini of these lines
mkdir bare
project_says() {
    local name=$1 want=$2 error=$3 hint=$4
    shift 4
    printf '%s\n' "$@" >bare/hl.ini
    refused "hl.ini: $name" "$want" "$error" "$hint" run bare
}
project_says 'unknown key' 64 'bare/hl.ini:2: unknown key colour \(known: guest, ' - 'guest = ../values' 'colour = red'
project_says 'a file that asks for more than image_max' 100 'more than the 8 of image_max' 'raise image_max' \
    'guest = ../values' 'image_max = 8K'
project_says 'bad size' 64 'hl.ini:2: bad value for heap: lots' - 'guest = ../values' 'heap = lots'
project_says 'size 0' 64 'hl.ini:2: bad value for heap: 0' - 'guest = ../values' 'heap = 0'
project_says 'negative size' 64 'hl.ini:2: bad value for stack: -1' - 'guest = ../values' 'stack = -1'
project_says 'bad time limit' 64 'hl.ini:2: bad value for timeout: soon' - 'guest = ../values' 'timeout = soon'
project_says 'no guest' 64 'hl.ini: no guest = PATH' - 'heap = 1M'
project_says 'empty guest' 64 'hl.ini:1: bad value for guest' - 'guest ='
project_says 'no key = value' 64 'hl.ini:2: not a line' - 'guest = ../values' 'what is this'
project_says 'unknown section' 64 'bare/hl.ini:2: unknown section \[gest\] \(known: \[guest\]\)' - \
    'guest = ../values' '[gest]'
project_says 'a section that does not end' 64 'hl.ini:1: not a line' - '[guest' 'guest = ../values'
project_says 'a key twice' 64 'hl.ini:4: heap a second time; the first is in line 2' - \
    '[guest]' 'heap = 1M' 'guest = ../values' 'heap = 2M'
project_says 'no continuation lines' 64 'hl.ini:3: not a line' - 'guest = ../values' 'call = I32(' '  1)'
project_says 'a line without end' 64 "hl.ini:2: bad call expression" 'wanted: Name' \
    'guest = ../values' "call = Length(x\"$(printf '%0300000d' 0)\""
project_says 'a key that drives terminals' 64 'hl.ini:2: unknown key \\x1b\[31m' - 'guest = ../values' $'\033[31m = 1'
project_says 'empty file' 64 'hl.ini: no guest = PATH' - ''
project_says 'missing guest' 100 'bare/nothing: No such file' - 'guest = nothing'
project_says 'missing plug-in' 100 'bare/nothing.so' - 'guest = ../values' 'host = nothing.so'
project_says 'bad call' 64 'bare/hl.ini:2: bad call expression' 'wanted: Name' 'guest = ../values' 'call = I32(1'
project_says 'unknown function' 100 'bare/hl.ini:2: .*no function Nope' 'it has: Nothing, ' 'guest = ../values' 'call = Nope()'
project_says 'missing @FILE' 100 'bare/text: No such file' - 'guest = ../values' 'call = String(@text)'
printf 'guest = ../values\0\n' >bare/hl.ini
refused 'hl.ini: binary' 64 'hl.ini:1: not a line' - run bare
printf 'guest = ../values\r\nhost = ../host.so\r\ncall = I32(1)\r\n' >bare/hl.ini
prints 'hl.ini: CR LF' 0 $'I32(1) = 1\n' run bare
printf '\357\273\277[guest]\nguest = ../values\ncall = I32(1)\n' >bare/hl.ini
prints 'hl.ini: a byte order mark' 0 $'I32(1) = 1\n' run bare --host host.so
printf 'guest = ../values' >bare/hl.ini
printf 'all:\n\t@echo this goes wrong; exit 5\n' >bare/Makefile
hl run bare
same 'a failing make: status' 100 $rc
same 'a failing make: nothing on stdout' '' "$(cat "$out")"
has 'a failing make: its own words' "$err" '^this goes wrong$'
has 'a failing make: message' "$err" '^hl-dev: error: bare: make failed with status 2$'
refused 'a directory without hl.ini' 100 'tmp: no hl.ini' 'hl-new' run "$TMPDIR"

finish
