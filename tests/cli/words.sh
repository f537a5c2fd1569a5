#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# words.sh PREFIX - what a person reads: 80 columns, no control characters, numbers with
# as many digits as they have.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

cp "$here/guest/words.c" .
compile words words.c

# fits NAME FILE: an error is one line by contract, with the words that it is about; a path may be as
# long as it is
fits() {
    local long
    long=$(grep -av '^hl-[a-z]*: error: ' "$2" | LC_ALL=C.UTF-8 awk -v tmp="$tmp" 'length > 80 && !index($0, tmp)' |
        head -n 1)
    if [ -z "$long" ]; then ok "80 columns: $1"; else fail "80 columns: $1" "'$long'"; fi
}

# ---- 80 columns

for command in '' run debug profile trace ps attach inspect core doctor completion; do
    # shellcheck disable=SC2086 # no word where there is no command
    hl $command --help
    same "$command --help: status" 0 $rc
    fits "${command:-hl-dev} --help" "$out"
done
for tool in hl-new hl-cc; do
    "$prefix/bin/$tool" --help >"$out" 2>"$err"
    fits "$tool --help" "$out"
done
"$prefix/bin/hl-new" --list >"$out" 2>"$err"
fits 'hl-new --list' "$out"
for args in doctor 'inspect words' 'run words --call Real(1)' 'run words --core c --call Crash()' 'core c' \
    'trace words --call Real(1)' 'trace -k words --call Real(1)' 'profile words --call Real(1)' \
    'profile words --memory --call Crash()' 'profile words --by reason --call Real(1)' \
    'profile words --by function --call Real(1)' 'profile words --by host --weight time --call Real(1)' \
    'profile words --cpu --by line --repeat 1000 -q --call Real(1)' 'profile words --format json -o p --call Real(1)' \
    'profile --from p --diff p' 'profile --from p --diff p --weight time --by function'; do
    # shellcheck disable=SC2086 # words are wanted
    hl $args
    cat "$err" >>"$out"
    fits "$args" "$out"
done

# The guest of `make demo`, as its author sees it, and what an author gets wrong.
export XDG_RUNTIME_DIR=$tmp
"$prefix/bin/hl-new" demo >"$out" 2>"$err" && make -s -C demo HL_BIN="$prefix/bin" >>"$out" 2>>"$err" ||
    fail 'the demo' 'it does not build'
fits 'hl-new demo' "$out"
while read -r want args; do
    # shellcheck disable=SC2086 # words are wanted
    hl $args
    same "status: $args" "$want" $rc
    cat "$err" >>"$out"
    fits "$args" "$out"
done <<'END'
0 run demo
0 run -v demo
0 run --json demo
0 inspect demo
0 inspect -v demo
0 trace demo
0 trace -k demo
0 profile demo
0 profile --memory demo
0 profile --cpu demo
0 ps
0 version
100 run nosuch
100 run .
100 run demo --call Nosuch()
64 run demo --call Greet(
100 run demo --call Greet(1)
100 run demo --host nosuch.so
100 run demo --stop-at nosuch --gdb
64 run demo --stop-at main
64 run demo --frob
64 run demo --heap x
64 run demo --gdb=x
64 run demo --gdb=tcp:192.0.2.1:1
64 run demo --gdb=stdio --json
64 run a b
64 inspect a b
64 debug --json
64 core
100 core nosuch
100 core words
100 attach
100 attach 1
64 completion
64 completion fish
64 frob
64 trac
64 profile --by x
64 profile --cpu --exits
64 profile --rate 5
100 profile --from words
64 trace -s x demo
END
HL_KVM_DEVICE=/nonexistent hl run words
fits 'run without KVM' "$err"
HL_GDB=frob hl run words --call 'Real(1)'
fits 'a wrong HL_GDB' "$err"
for tool in 'hl-new' 'hl-new 1' 'hl-new -t nosuch x' 'hl-new demo' 'hl-new --frob' 'hl-new -n x/y' 'hl-cc' 'hl-cc --frob'; do
    # shellcheck disable=SC2086 # words are wanted
    "$prefix/bin/"$tool >"$out" 2>"$err"
    fits "$tool: an error" "$err"
done

# ---- nothing that a terminal would obey

# tame NAME: in all that was printed; the é does not count
tame() {
    same "tame: $1" '' "$(cat "$out" "$err" | tr -d '\n\t' | LC_ALL=C.UTF-8 sed 's/[é€�]//g' |
        LC_ALL=C grep -ao '[^ -~]' | head -n 1)"
}
for args in 'run words --call Say()' 'run words --call Fail()' 'run words --call Abort()' 'run words --call Log()' \
    'run --json words --call Say() --call Fail()' 'trace words --call Say() --call Fail()' 'trace words --call Abort()' \
    'trace --json words --call Log()' 'profile words --call Say()'; do
    # shellcheck disable=SC2086
    hl $args
    tame "$args"
done
shown='a\x1b[31m\x9bb\xc2\x85\x7f \xe2\x80\xae dé'
hl run words --call 'Say()'
same 'a result, as it can be typed' 'Say() = "a\033[31m\233b\302\205\177 \342\200\256 dé"' "$(cat "$out")"
hl run words --call 'Fail()'
same 'an error of the guest' "hl-dev: error: Fail failed with code 7: $shown" "$(cat "$err")"
hl run words --call 'Log()'
same 'a log line' "[error] $shown" "$(cat "$err")"
hl run words --json --call 'Say()'
has 'JSON: escaped, not lost' "$out" '"a\\u001b\[31m.*b\\u0085\\u007f \\u202e d'
hl run words --call 'Print()'
same "the guest's own output is as it is" 1 "$(grep -ac "$(printf '\033')\[31m" "$out")"
hl run words --safe-output --call 'Print()' -q
tame '--safe-output'
same '--safe-output: characters in two pieces' "$(printf 'x\ty')\\r€\\xe2$shown
\\xe2\\x82" "$(sed 's/Print() = 0//' "$out")"
refused '--safe-output where gdb prints it' 64 '--safe-output with --gdb=stdio' '--gdb without' \
    run words --safe-output --gdb=stdio --call 'Print()'

# ---- nor in names: of files, of what is asked for, of the environment

nasty=$(printf 'e\302\2332J\177\342\200\256\233\033[1m')
cp words "$nasty"
mkdir "$nasty.d"
printf 'guest = %s\n%s = 1\n' "$nasty" "$nasty" >"$nasty.d/hl.ini"
export XDG_RUNTIME_DIR=$tmp
for args in 'run @.none' 'run @.d' '@' 'run --@' 'run @ --call @()' 'run @ --call Real(@)' 'inspect @' 'inspect --json @' \
    'run @ --core @.core --call Crash()' 'core @.core' 'core --json @.core' 'core @.none' 'run --json @ --call Crash()' \
    'profile @ --call Real(1)' 'profile @ --by @' 'profile @ -o /none/@ --call Real(1)' 'profile --from @' \
    'profile @ --format svg --call Real(1)' 'profile @ --format folded --call Real(1)' 'trace @ --call Crash()' \
    'trace --json @ --call Real(1)' 'trace -e @ @ --call Real(1)' 'run --gdb=@ @' 'run --gdb=unix:/none/@ @' \
    'run --gdb=tcp:@:1 @' 'run --host @ @' 'run --gdb --stop-at @ @' 'run --timeout @ @' 'attach @' 'completion @' 'help @'; do
    # shellcheck disable=SC2086
    hl ${args//@/$nasty}
    tame "a name: $args"
done
"$dev" run --gdb="unix:$nasty.sock" words --call 'Real(1)' >"$out" 2>"$err" </dev/null &
child=$!
wait_until shown 'target remote' "$err" $child
tame "the command for gdb"
has 'the command for gdb: as bash reads it' "$err" "gdb -ex \\$'target remote .*e.xc2.x9b2J.x7f.xe2.x80.xae.x9b.x1b\[1m.sock'"
hl ps
tame ps
kill $child
wait $child
for name in HL_REAL_CC HL_MUSL; do
    env $name="/$nasty" "$prefix/bin/hl-cc" words.c >"$out" 2>"$err"
    tame "hl-cc: $name"
done
"$prefix/bin/hl-new" "$nasty/x" >"$out" 2>"$err"
tame 'hl-new: the directory'
"$prefix/bin/hl-new" -t "$nasty" x >"$out" 2>"$err"
tame 'hl-new: the template'

# ---- digits

# number EXPR JSON
number() {
    hl run words --json --call "$1"
    same "JSON: $1" "      \"value\": $2," "$(grep '"value"' "$out")"
}
number 'Real(0.1)' 0.1
number 'Real(0.30000000000000004)' 0.30000000000000004
number 'Real(1)' 1.0
number 'Real(1e300)' 1e+300
number 'Real(-0.0)' -0.0
number 'Real(inf)' '"inf"'
number 'Single(0.1)' 0.1
number 'Single(16777216)' 16777216.0
number 'Single(3.4028235e38)' 3.4028235e+38
number 'Whole(9223372036854775807)' 9223372036854775807
number 'Whole(18446744073709551615)' '"18446744073709551615"'
has 'JSON: times to the nanosecond' "$out" '"ms": [0-9]+\.[0-9]{1,6}$'
hl trace words --json --call 'Single(0.1)'
has 'JSON: a trace' "$out" '"result":0\.1,'

# ---- a profile that Ctrl-C ends

# stopped ARG...: profile until Real() has returned and Spin() runs, then SIGINT; status in rc
stopped() {
    : >"$out" # what an earlier command printed is no sign
    env --default-signal=INT "$dev" profile "$@" words --call 'Real(1)' --call 'Spin(1)' >"$out" 2>"$err" </dev/null &
    child=$!
    wait_until shown '^Real' "$out" $child
    kill -INT $child
    wait $child
    rc=$?
}
stopped --cpu
same 'profile --cpu, Ctrl-C: status' 130 $rc
same 'profile --cpu, Ctrl-C: it says so, once' 'hl-dev: warning: interrupted: the profile covers the run up to that point' \
    "$(cat "$err")"
has 'profile --cpu, Ctrl-C: the call was stopped, it did not fail' "$out" '^COUNT +STOPPED +EXITS '
has 'profile --cpu, Ctrl-C: which one' "$out" '^ +1 +1 +0 .* Spin$'
has 'profile --cpu, Ctrl-C: ticks are not counted as interrupts' "$out" '^words: 3 runs, 3 exits$'
stopped --cpu --json -o p.json
same 'profile --cpu --json, Ctrl-C: status' 130 $rc
cp p.json "$out"
member 'profile --cpu --json, Ctrl-C: the document' 3 totals runs
member 'profile --cpu --json, Ctrl-C: the call failed' 1 calls 2 failed
member 'profile --cpu --json, Ctrl-C: because it was stopped' 1 calls 2 interrupted
finish
