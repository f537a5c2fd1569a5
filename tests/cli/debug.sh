#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# debug.sh PREFIX - a debugger on a guest as its author meets it: `hl-dev run --gdb`, `debug`, `ps`,
# `attach`, and HL_GDB for a program of somebody else's.
# shellcheck disable=SC2016,SC2010,SC2012 # single quotes are meant; we know the names that ls lists
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

unset HL_GDB GDB
export XDG_RUNTIME_DIR=$tmp/run HOME=$tmp
mkdir -m 700 "$tmp/run"
registry=$tmp/run/hl
command -v gdb >/dev/null || { skip debug 'there is no gdb'; exit 0; }

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# shellcheck disable=SC2046 # words are meant
${CC:-gcc} -O1 -g -o host "$here/guest/debug-host.c" $(pkg-config --cflags hl) \
    $(pkg-config --static --libs hl | sed 's/-lhl\b/-l:libhl.a/') 2>"$err" || {
    fail 'compile host' 'cc failed'
    exit 1
}
src=$here/guest/debug.c
"$cc" -O2 -g -o guest "$src" && "$cc" -O0 -g -pie -o pie "$src" && "$cc" -O2 -s -o bare "$src" || exit 1
at() { grep -n "AT $1 " "$src" | cut -d: -f1; }

# start ARG...: hl-dev in the background; $job is its process, $said what it said on stderr
said=$tmp/said
start() {
    : >"$said"
    "$dev" "$@" >"$tmp/job.out" 2>"$said" </dev/null &
    job=$!
}
# printed_command: the gdb command it printed, once it did
printed_command() {
    wait_until shown '^  gdb ' "$said" "$job"
    sed -n 's/^  gdb /gdb /p' "$said"
}
# await STATE: until `hl-dev ps` has a row with it
listed() { "$dev" ps 2>/dev/null | grep -Eq -- "$1"; }
await() { wait_until listed "$1"; }
# in_gdb COMMAND ARG...: a gdb command line as it was printed, typed into a shell
in_gdb() {
    local command=$1
    shift
    timeout -k 5 $((60 * slow)) bash -c "$command -nx -batch \"\$@\"" gdb "$@" >"$out" 2>"$err" </dev/null
    rc=$?
}
# gone NAME: hl-dev has ended and left nothing
gone() {
    wait "$job"
    job_rc=$?
    same "$1: nothing is left" '' "$(ls -A "$registry" 2>/dev/null)"
}

# ---- run --gdb: what it prints works when it is typed, with no file argument

for guest in guest pie; do
    start run $guest --gdb -- one 'two words'
    in_gdb "$(printed_command)" -ex 'info args' -ex 'p argv[2]' -ex 'info proc cmdline' -ex bt -ex c
    has "$guest: stops at the first line of main" "$out" "^main \(argc=3, argv=0x[0-9a-f]+\) at .*debug.c:$(at main)\$"
    has "$guest: and shows it" "$out" "^$(at main)	.*AT main"
    has "$guest: info proc has them, too" "$out" "^cmdline = '.*$guest one two words'\$"
    has "$guest: arguments can be read" "$out" '= 0x[0-9a-f]+ "two words"'
    has "$guest: gdb hears of the exit status" "$out" '^\[Inferior 1 \(process [0-9]+\) exited with code 05\]'
    gone "$guest: main"
    same "$guest: which is hl-dev's" 5 $job_rc
    same "$guest: the guest's output is on stdout too" 'main 3' "$(cat "$tmp/job.out")"

    start run $guest --gdb --call 'Add(40, 2)' --call 'Twice("ab")'
    in_gdb "$(printed_command)" -ex 'info args' -ex 'b Twice' -ex c -ex 'p text' -ex c
    has "$guest: stops at the called function" "$out" "^Add \(.*=40, .*=2\) at .*debug.c:$(at Add)\$"
    has "$guest: a breakpoint in the next call" "$out" '= 0x[0-9a-f]+ "ab"'
    has "$guest: calls end normally" "$out" '^\[Inferior 1 \(process [0-9]+\) exited normally\]'
    gone "$guest: calls"
    same "$guest: results" 'Add(40, 2) = 42/Twice("ab") = "abab"/0' "$(paste -sd / "$tmp/job.out")/$job_rc"
done

start run guest --gdb --call 'named/half(3)'
in_gdb "$(printed_command)" -ex c
has 'a function with another name for the host' "$out" '^half \(x=3\) at '
gone 'named'
start run bare --gdb
in_gdb "$(printed_command)" -ex 'p $pc' -ex c
has 'a stripped guest stops at its entry' "$said" '^hl-dev: warning: cannot find main'
gone 'stripped'
start run bare --gdb --call 'Add(1, 2)'
in_gdb "$(printed_command)" -ex 'info registers rdi rsi' -ex c
has 'a stripped guest stops at the called function' "$out" '^rsi +0x2 '
gone 'stripped call'

# ---- --stop-at

stop() { # NAME WHERE PATTERN [ARG...]
    local name=$1 where=$2 pattern=$3
    shift 3
    start run pie --gdb --stop-at="$where" "$@"
    in_gdb "$(printed_command)" -ex bt -ex 'p early' -ex c -ex kill
    has "--stop-at=$where: $name" "$out" "$pattern"
    gone "--stop-at=$where"
}
stop 'before constructors' entry ' in _start \(\)'
has '--stop-at=entry: they have not run' "$out" '^\$1 = 0$'
stop 'main' main '^main \('
has '--stop-at=main: constructors have run' "$out" '^\$1 = 1$'
stop 'a function that main calls' deep "^deep \(n=3\) at .*debug.c:$(at deep)\$"
has '--stop-at=FUNCTION: with its callers' "$out" '^#1 .* in main \('
stop 'a constructor' constructor '^constructor \('
stop 'a published name' 'named/half' '^half \(x=3\)' --call 'named/half(3)'
start run pie --gdb --stop-at=none --call 'Spin()'
command=$(printed_command)
has '--stop-at=none: says that it does not wait' "$said" 'can attach at any time'
await 'in (Spin|a call) ' || fail await 'no guest in Spin'
in_gdb "$command" -ex 'p running' -ex 'set var stop=1' -ex detach
has '--stop-at=none: attaches to a running guest' "$out" '^\$1 = 1$'
gone '--stop-at=none'
same '--stop-at=none: detached, it runs to its end' 'Spin() = 9' "$(cat "$tmp/job.out")"

# ---- endpoints

mkdir "it's a dir"
start run guest --gdb="unix:it's a dir/so\$cket" --call 'Add(1, 2)'
command=$(printed_command)
(cd / && in_gdb "$command" -ex c)
has 'a path with blanks and quotes works as printed, from anywhere' "$out" '^Add \(.*=1, .*=2\) at '
gone 'odd path'
same 'its socket is gone' '' "$(ls "it's a dir")"
start run guest --gdb=tcp:0 --call 'Add(1, 2)'
in_gdb "$(printed_command)" -ex c
has 'tcp:0' "$out" '^Add \(.*=1, .*=2\) at '
has 'tcp:0: on this machine alone' "$said" "target remote 127.0.0.1:[0-9]+'\$"
gone 'tcp'
timeout -k 5 $((60 * slow)) gdb -nx -batch -ex "target remote | '$dev' run pie --gdb=stdio --call 'Print(\"hello\")' --call 'Fail(3)'" \
    -ex 'info args' -ex c >"$out" 2>"$err" </dev/null
has 'stdio: stops at the called function' "$out" "^Print \(text=0x[0-9a-f]+ \"hello\"\) at "
same "stdio: the guest's output is there once" 1 "$(cat "$out" "$err" | grep -c '^hello$')"
has 'stdio: so are results' "$err" '^Print\("hello"\) = void$'
has 'stdio: and errors' "$err" '^hl-dev: error: Fail failed with code 3'
has 'stdio: the end' "$out" 'exited with code 01'
start run guest --gdb --call 'Print("x")' --json
in_gdb "$(printed_command)" -ex c
gone '--json'
cp "$tmp/job.out" "$out"
member '--json: the result' null calls 0 value
member '--json: the output' '"x\n"' output

# ---- who ends what

start run guest --gdb -v --call 'Spin()'
in_gdb "$(printed_command)" -ex kill
gone 'kill'
same 'killed from gdb is no failure' 0 $job_rc
has 'and -v says so' "$said" '^killed from the debugger$'
start run guest --gdb --call 'Crash(16)'
in_gdb "$(printed_command)" -ex c -ex 'p $_siginfo.si_signo' -ex bt -ex c
has 'a crash stops in gdb' "$out" '^Program received signal SIGSEGV'
has 'with its place' "$out" "^#0 .*Crash \(.*debug.c:$(at crash)\$"
gone 'crash'
same 'a crash is hl-dev status' 134 $job_rc
start run guest --gdb --call 'Add(1, 2)' --call 'Count()'
in_gdb "$(printed_command | sed 's/target remote/target extended-remote/')" -ex 'b Count' -ex c -ex run -ex c
same '`run` makes all calls again' 'Add(1, 2) = 3/Add(1, 2) = 3/Count() = 1' "$(paste -sd / "$tmp/job.out")"
gone 'run again'

start run guest --gdb --timeout 0.2 --call 'Spin()'
command=$(printed_command)
hl run guest --timeout 0.2 --call 'Spin()'
same 'the limit of one that began later is over' 124 $rc
in_gdb "$command" -ex "shell '$dev' run guest --timeout 0.2 --call 'Spin()'" -ex 'p $_shell_exitcode' \
    -ex 'p 6 * 7' -ex 'detach'
has 'and of one that began while gdb holds the guest' "$out" '^\$1 = 124$'
has 'no time limit while gdb holds the guest' "$out" '^\$2 = 42$'
gone 'time limit'
same 'but after it' 124 $job_rc
for signal in TERM HUP; do
    start run guest --gdb --call 'Spin()'
    printed_command >/dev/null
    kill -$signal $job
    gone "SIG$signal while it waits"
    same "SIG$signal ends it as any program" $((128 + $(kill -l $signal))) $job_rc
done
start run guest --gdb --call 'Spin()'
printed_command >/dev/null
kill -KILL $job
wait $job 2>/dev/null
same 'SIGKILL leaves the socket and the entry' 2 "$(ls -A "$registry" | wc -l)"
hl ps
same 'which the next ps removes' '0/no sandboxes/' "$rc/$(cat "$out")/$(ls -A "$registry")"

# ---- debug

debug() { # ARG...
    timeout -k 5 $((60 * slow)) "$dev" debug "$@" >"$out" 2>"$err" </dev/null
    rc=$?
    same "debug $1: nothing is left" '' "$(ls -A "$registry")"
}
debug guest --call 'Print("out")' -- -nx -batch -ex 'info args' -ex c
has 'debug: stops at the called function' "$out" '^Print \(text=0x[0-9a-f]+ "out"\) at '
same "debug: the guest's output is there once" 1 "$(cat "$out" "$err" | grep -c '^out$')"
has 'debug: the result' "$out" '^Print\("out"\) = void$'
has 'debug: the end' "$out" 'exited normally'
same 'debug: status' 0 $rc
debug guest -- -nx -batch -ex detach
same 'debug: detached, the guest runs on, its output on stdout' 'main 1' "$(grep '^main 1' "$out")"
same 'debug: and its status counts' 5 $rc
debug guest --call 'Spin()' -- -nx -batch -ex 'p 1'
same 'debug: the end of gdb is the end of the guest' 0 $rc
debug guest --call 'Crash(1)' -- -nx -batch -ex c
same 'debug: what gdb has seen is no failure' 0 $rc
debug guest --call 'Crash(1)' -- -nx -batch -ex detach
same 'debug: what it has not seen is' 134 $rc
has 'debug: and is reported' "$err" '^  #0 .* in Crash at '
debug guest -- -nx -batch -ex disconnect
same 'debug: disconnected, as detached' 5 $rc
debug guest --call 'Crash(1)' -- -nx -batch -ex c -ex kill
same 'debug: killed by gdb' 0 $rc
# hl-dev is kept from its own last words (stderr is full) until gdb, which has seen the end, is gone.
mkfifo slow
exec 9<>slow
yes "" | head -c 65536 >&9
printf '#!/bin/sh\ngdb "$@" 2>/dev/null\nrc=$?\n: >%q\nexit $rc\n' "$tmp/over" >slow-gdb
chmod +x slow-gdb
GDB=$PWD/slow-gdb timeout -k 5 $((60 * slow)) "$dev" debug guest --call 'Crash(1)' -- -nx -batch -ex c -ex c >"$out" 2>slow </dev/null &
job=$!
wait_until test -e "$tmp/over"
cat <&9 >"$err" &
reader=$!
wait $job
same 'debug: gdb has gone before hl-dev has said how it ended' 0 $?
kill $reader
wait $reader 2>/dev/null
exec 9>&-
rm -f slow slow-gdb "$tmp/over"
has 'debug: gdb saw that end' "$out" '^Program terminated with signal SIGSEGV'
debug guest -- --nonsense
same "debug: gdb's own failure" 1 $rc
debug guest --stop-at=deep --call 'Add(1, 2)' -- -nx -batch -ex 'p 1'
has 'debug: a place where the guest does not come' "$err" 'ended without a stop at deep'
GDB=$tmp/no-gdb refused 'debug: no such gdb' 100 'no program .*no-gdb \(\$GDB\)' 'set GDB' debug guest
# shellcheck disable=SC2123 # no PATH is the point
(PATH=$PWD/none && "$dev" debug guest >"$out" 2>"$err" </dev/null)
same 'debug: no gdb: status' 100 $?
same 'debug: no gdb' 'hl-dev: error: gdb is not installed/hint: apt-get install gdb' "$(paste -sd / "$err")"

# What happens before main: gdb is offered the guest first, and sees the true stop.
early=$here/guest/early.c
for how in segv abort exit loop; do
    "$cc" -O0 -g -DHOW=\"$how\" -o early-$how "$early" || exit 1
done
early() { grep -n "AT $1 " "$early" | cut -d: -f1; }
debug early-segv -- -nx -batch -ex 'p $_siginfo.si_signo' -ex bt -ex c -ex 'b mark' -ex run -ex bt -ex c -ex c
has 'a crash in a constructor: where' "$out" "^constructor \(\) at .*early.c:$(early segv)\$"
has 'a crash in a constructor: the signal' "$out" '^\$1 = 11$'
has 'a crash in a constructor: the end' "$out" '^Program terminated with signal SIGSEGV'
has 'a crash in a constructor: run again, to a breakpoint before it' "$out" '^Breakpoint 1, mark \(\) at '
has 'a crash in a constructor: and it crashes again' "$out" '^Program received signal SIGSEGV'
debug early-abort -- -nx -batch -ex bt -ex c
has 'an abort in a constructor' "$out" "^#[1-4] .* in constructor \(\) at .*early.c:$(early abort)\$"
has 'an abort in a constructor: the end' "$out" '^Program terminated with signal SIGABRT'
debug early-exit -- -nx -batch -ex bt -ex c -ex run -ex starti -ex 'p $pc'
has 'an exit in a constructor' "$out" "^#[0-9] .* in constructor \(\) at .*early.c:$(early exit)\$"
same 'an exit in a constructor: the end, twice' 2 "$(grep -c 'exited with code 07' "$out")"
has 'an exit in a constructor: starti' "$out" '^\$1 = .*<_start>$'
debug early-loop -- -nx -batch -ex bt -ex 'set var go = 1' -ex c -ex c
has 'a constructor that never returns' "$out" "^#[01] .*constructor \(\) at .*early.c:$(early loop)\$"
has 'a constructor that does return' "$out" '^main \(\) at '
start run early-segv --gdb
await ' held ' || fail await 'no guest is held'
in_gdb "$(printed_command)" -ex bt -ex c
has 'run --gdb: a crash in a constructor' "$out" "^#0  constructor \(\) at .*early.c:$(early segv)\$"
gone 'run --gdb: a crash in a constructor'
same 'run --gdb: a crash in a constructor: the status' 134 $job_rc
start run early-segv --gdb
await ' held ' || fail await 'no guest is held'
in_gdb "gdb" -ex "target remote | '$dev' run -q --gdb=stdio early-exit" -ex bt -ex c
has 'stdio: an exit in a constructor' "$out" '^\[Inferior 1 .* exited with code 07\]'
hl attach "$(hl ps; awk '/early-segv/ { print $1 }' "$out")" -- -nx -batch -ex bt -ex detach
has 'attach: a crash in a constructor' "$out" "^#0  constructor \(\) at .*early.c:$(early segv)\$"
gone 'attach: a crash in a constructor'
same 'attach: a crash in a constructor: detached, it ends by it' 134 $job_rc

# run, start and starti wherever the guest stands: from its very first instruction, again and again.
for at in entry main deep; do
    for call in '' "--call=Add(1, 2)"; do
        [ -z "$call" ] || [ $at != deep ] || continue
        debug guest --stop-at=$at ${call:+"$call"} -- -nx -batch -ex 'b constructor' -ex 'p 1' \
            -ex run -ex 'p early' -ex starti -ex 'p $pc' -ex run -ex run -ex starti -ex starti -ex c -ex 'p early' -ex c
        same "run from $at $call: stops in the constructor" 4 "$(grep -c '^Breakpoint 1, constructor' "$out")"
        same "run from $at $call: starti is at the first instruction" 3 "$(grep -c ' in _start ()$' "$out" | awk -v entry=$at '{ print entry == "entry" ? $1 - 1 : $1 }')"
        has "run from $at $call: constructors have not run" "$out" '^\$2 = 0$'
        has "run from $at $call: to its end" "$out" '^\[Inferior 1 .* exited '
    done
    debug guest --stop-at=$at -- -nx -batch -ex start -ex 'p early' -ex start -ex bt -ex c
    same "start from $at" 2 "$(grep -c '^Temporary breakpoint [12], main (argc=1' "$out")"
    has "start from $at: after constructors" "$out" '^\$1 = 1$'
done
in_gdb "gdb" -ex "target remote | '$dev' run -q --gdb=stdio --stop-at=entry guest" -ex run -ex starti -ex 'b constructor' -ex c -ex c
has 'target remote: gdb itself refuses run' "$err" 'does not support "run"'
has 'target remote: and the session goes on' "$out" '^Breakpoint 1, constructor'
has 'target remote: to its end' "$out" 'exited with code 05'

# As a new user meets it: a project, a terminal.
"$prefix/bin/hl-new" -q project >"$out" 2>&1 || fail 'hl-new' 'it failed'
if command -v python3 >/dev/null && python3 -c 'import pty' 2>/dev/null; then
    python3 "$here/terminal.py" $((30 * slow)) "$dev debug project; echo status=\$?" >"$out" 2>"$err" <<'SCRIPT'
expect \(gdb\) $
send info args
expect name = .*"world"
expect \(gdb\) $
send break hl_fail
expect \(gdb\) $
send continue
expect Greet\("world"\) = "Hello, world!"
expect exited normally
expect \(gdb\) $
send run
expect exited normally
expect \(gdb\) $
send quit
expect status=0
SCRIPT
    same 'debug in a terminal' 0 $?
    has "debug: the project's gdbinit" "$out" 'Greet'
    DEV=$dev python3 "$here/terminal.py" $((30 * slow)) "$dev debug guest --call 'Spin()'; echo status=\$?" >"$out" 2>"$err" <<'SCRIPT'
expect \(gdb\) $
send continue
expect Continuing
until "$DEV" ps | grep -q ' in Spin '
key 03
expect SIGINT
expect \(gdb\) $
send quit
expect y or n
send y
expect status=0
SCRIPT
    same 'debug in a terminal: Ctrl-C' 0 $?
    same 'debug in a terminal: nothing is left' '' "$(ls -A "$registry")"
else
    skip 'debug in a terminal' 'there is no python3 with pty'
fi
rm -rf project

# ---- HL_GDB: a program that knows nothing of it

has_lines() { [ "$(wc -l <"$2")" -ge "$1" ]; }
# host N ENDPOINT: in the background, N processes of two sandboxes each; they end when we say so
hosts() {
    rm -f go
    mkfifo go
    : >"$tmp/host.out"
    HL_GDB=$2 ./host guest "$1" <go >"$tmp/host.out" 2>"$err" &
    host=$!
    exec 7>go
    wait_until has_lines "$1" "$tmp/host.out"
}
hosts_end() {
    exec 7>&-
    wait $host
    same "$1: the program's status" 0 $?
    same "$1: nothing is left" '' "$(ls -A "$registry"; ls | grep '^sock')"
}
hosts 3 auto
hl ps
same 'HL_GDB=auto: all sandboxes of all processes are listed' 6 "$(grep -c ' idle .* host .* guest' "$out")"
hl ps --json
member 'ps --json' '"idle"' sandboxes 5 state
member 'ps --json: calls' 1 sandboxes 0 calls
hl attach
same 'attach without an ID: several' 100 $rc
has 'attach lists them' "$err" "^hint: choose one: [0-9]+-1, [0-9]+-2, "
hl attach $host
has 'attach PID: several' "$err" "process $host has several sandboxes"
for row in $("$dev" ps | awk '/ idle / { print $1 }'); do
    hl attach "$row" -- -nx -batch -ex 'p early' -ex detach
    has "attach: $row of HL_GDB=auto" "$out" '^\$1 = 1$'
done
hosts_end 'HL_GDB=auto'
hosts 2 unix:sock
same 'HL_GDB=unix: each has one of its own' 'sock sock.2 sock.3 sock.4' "$(echo sock*)"
timeout $((60 * slow)) gdb -nx -batch -ex 'target remote sock' -ex 'p early' -ex detach >"$out" 2>"$err" </dev/null
has 'HL_GDB=unix: the first has it as given' "$out" '^\$1 = 1$'
hosts_end 'HL_GDB=unix'
hosts 2 tcp:0
hl ps
same 'HL_GDB=tcp: each has one of its own' 4 "$(grep -o 'tcp:127.0.0.1:[0-9]*' "$out" | sort -u | wc -l)"
hosts_end 'HL_GDB=tcp'
hosts 1 ''
hl ps
same 'HL_GDB empty is off' 'no sandboxes' "$(cat "$out")"
hosts_end 'HL_GDB empty'
for bad in nonsense unix: tcp:x tcp:99999 tcp:192.0.2.1:5; do
    HL_GDB=$bad timeout 20 ./host guest 0 >"$out" 2>&1 </dev/null
    rc=$?
    same "HL_GDB=$bad is an error" 1 $rc
    has "HL_GDB=$bad is named" "$out" "^ARGUMENT: HL_GDB=$bad: "
done
HL_GDB=nonsense hl run guest --call 'Add(1, 2)'
has 'HL_GDB and hl-dev: the error' "$err" '^hl-dev: error: HL_GDB=nonsense: '
HL_GDB=nonsense hl run bare --gdb=nonsense
same 'HL_GDB and --gdb: the option counts' 64 $rc
HL_GDB=nonsense timeout 20 ./host guest 0 no_debugger >"$out" 2>&1 </dev/null
same 'HL_GDB: a program may forbid it' 0 $?
timeout $((60 * slow)) env HL_GDB=stdio gdb -nx -batch -ex 'target remote | ./host guest -1 2>/dev/null' -ex 'p early' -ex c >"$out" 2>"$err" </dev/null
has 'HL_GDB=stdio' "$out" '^\$1 = [01]$'
has 'HL_GDB=stdio: to its end' "$out" 'exited normally'
if [ "$(id -u)" = 0 ] && cp host setgid && chgrp 65534 setgid && chmod 2755 setgid &&
    [ "$(stat -c %a setgid)" = 2755 ] && ! findmnt -no OPTIONS -T . 2>/dev/null | grep -q nosuid; then
    HL_GDB=nonsense timeout 20 ./setgid guest 0 >"$out" 2>&1 </dev/null
    same 'HL_GDB: not of a set-id program' 0 $?
else
    skip 'HL_GDB: not of a set-id program' 'only root can make one that may use KVM, on a file system that lets it'
fi

# A debugger comes and goes while the guest runs; a file of another kind is not taken for a socket.
hosts 0 auto
await '-2 .* in (Spin|a call) ' || fail await 'no second guest'
id=$("$dev" ps | awk '/-2 / { print $1 }')
hl attach "$id" -- -nx -batch -ex 'break deep' -ex 'p running' -ex detach
has 'attach while the guest runs' "$out" '^\$1 = 1$'
hl attach "$id" -- -nx -batch -ex 'p running' -ex 'x/i deep' -ex 'set var stop=1'
has 'and again' "$out" '^\$1 = 1$'
has 'no breakpoint is left in memory' "$out" 'deep.*:.*(push|mov|lea|endbr|sub|add|imul)'
hosts_end 'attach'
hl attach
same 'attach: nothing there' 100 $rc
has 'attach: nothing there: a hint' "$err" '^hint: .*HL_GDB=auto'
refused 'attach: no such one' 100 'no sandbox 99' 'hl-dev ps' attach 99
refused 'attach: nonsense' 100 'no sandbox \\x1b\[31m' 'hl-dev ps' attach "$(printf '\033[31m')"

# ---- the registry's directory, and rubbish in it

hl ps
same 'ps: none' '0/no sandboxes' "$rc/$(cat "$out")"
hl ps --json
member 'ps --json: none' '[]' sandboxes
printf 'rubbish' >"$registry/1-1"
printf 'rubbish' >"$registry/999999999-1"
head -c 20000 /dev/urandom >"$registry/$$-7"
mkdir "$registry/5-5" "$registry/other"
ln -s /etc/passwd "$registry/6-6"
hl ps
same 'ps: rubbish is no sandbox' '0/no sandboxes' "$rc/$(cat "$out")"
rm -rf "$registry"
: >"$registry"
hl ps
same 'ps: a file for a directory' 111 $rc
rm "$registry"
mkdir -m 777 "$registry" && chmod 777 "$registry"
refused 'ps: a directory open to others' 111 'open to other users' 'remove it' ps
refused 'run --gdb: likewise' 111 'open to other users' 'remove it' run guest --gdb
start run guest --gdb=unix:mine --call 'Add(1, 2)'
in_gdb "$(printed_command)" -ex c
has 'an endpoint of its own works without' "$out" '^Add \(.*=1, .*=2\) at '
wait $job
rmdir "$registry"
ln -s "$tmp/elsewhere" "$registry" && mkdir -m 700 "$tmp/elsewhere"
refused 'ps: a symbolic link' 111 'is not a directory' 'remove it' ps
rm "$registry"

# ---- options

usage='stdio, unix:PATH or tcp:'
for value in '' nonsense unix tcp /tmp/x stdio2; do
    refused "--gdb='$value'" 64 "bad value for --gdb: $value\$" "$usage" run guest --gdb="$value"
done
refused '--gdb=unix: without a path' 64 'too long or empty' 'unix:PATH' run guest --gdb=unix:
refused '--gdb=tcp: without a port' 64 'bad TCP endpoint' '' run guest --gdb=tcp:
refused '--gdb: not of this machine' 64 'not a loopback address' 'ssh -L' run guest --gdb=tcp:192.0.2.1:5
: >file
refused '--gdb: the path is a file' 100 'Address already in use' 'hl-dev ps' run guest --gdb=unix:file
refused '--gdb: the endpoint as a word' 64 'tcp:5 is not a target' '--gdb=tcp:5' run --gdb tcp:5
refused '--gdb=stdio and --json' 64 'standard output' '' run guest --gdb=stdio --json
refused '--stop-at without --gdb' 64 'without --gdb' '' run guest --stop-at=main
refused '--stop-at of nothing' 64 'bad value for --stop-at' 'entry' run guest --gdb --stop-at=
refused '--stop-at: no such function' 100 'guest: no function nope' 'stripped' run guest --gdb --stop-at=nope
refused '--stop-at: an object' 100 'no function early' '' run guest --gdb --stop-at=early
refused '--repeat of main' 64 'repeat of main' '' run guest --gdb --repeat 2
refused 'debug --gdb=stdio' 64 'bad value for --gdb' 'unix:PATH' debug guest --gdb=stdio
refused 'debug --json' 64 'debug has no option --json' '' debug guest --json
refused 'ps with a word' 64 'ps takes no argument: x' '' ps x
refused 'ps --call' 64 'ps has no option --call' '' ps --call 'F()'
refused 'attach --heap' 64 'attach has no option --heap' '' attach --heap 1M
refused 'attach: two' 64 'one target at a time' '' attach 1 2
for command in debug ps attach; do
    hl $command --help
    same "$command --help" "0/Usage: hl-dev $command" "$rc/$(head -n 1 "$out" | cut -d' ' -f1-3)"
done
hl completion bash
for word in debug ps attach --gdb --stop-at; do
    has "completion: $word" "$out" "[' ]$word "
done

exec 7>&-
rm -rf go file "it's a dir" sock*
finish
