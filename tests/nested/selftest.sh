#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# selftest.sh: check `run` itself, and with it that the machine is a standard KVM.
# A line `ok NAME`, `not ok NAME: why` or `skip NAME: why` each; status 1 when one is not ok, 77
# when the machine cannot be set up here. About a minute; five seconds more when it is the first.
set -u
here=$(cd "$(dirname "$0")" && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/hl-nested-test.XXXXXX")
export TMPDIR=$T/tmp            # files that `run` forgets would be in here
mkdir "$TMPDIR"
trap 'rm -rf "$T"' EXIT
failed=0

ok() { echo "ok $1"; }
no() { echo "not ok $1: $2"; failed=1; }
check() {                       # check NAME WHY COMMAND...
    local name=$1 why=$2
    shift 2
    if "$@"; then ok "$name"; else no "$name" "$why"; fi
}
run() { "$here/run" -t 120 "$@" >"$T/out" 2>"$T/err"; rc=$?; }
# Processes of ours are those that have our TMPDIR in their environment.
left() {
    local p
    for p in /proc/[0-9]*; do
        if tr '\0' '\n' 2>/dev/null <"$p/environ" | grep -qx "TMPDIR=$TMPDIR"; then
            echo "${p#/proc/}"
        fi
    done 2>/dev/null
}
nothing_left() {
    check "$1" "processes '$(left | tr '\n' ' ')', files '$(ls "$TMPDIR")'" \
        [ -z "$(left)$(ls "$TMPDIR")" ]
}

machine=$("$here/setup" 2>"$T/err") || {
    rc=$?
    why=$(tail -n 1 "$T/err")
    [ $rc = 77 ] && { echo "skip nested: $why"; exit 77; }
    no setup "$why"
    exit 1
}
t=$(date +%s%N)
"$here/setup" >/dev/null
ms=$((($(date +%s%N) - t) / 1000000))
check setup-again "took $ms ms when nothing is to be done" [ $ms -lt 500 ]

# A standard KVM, by the features found at set-up and by the probe now.
if grep -qx sw-bp "$machine/features-$(cat "$machine/default")"; then
    run "$machine/probe"
    check probe "$(grep -v '^ok' "$T/out" "$T/err" | head -n 3)" [ $rc = 0 ]
else
    echo "skip probe: this build of QEMU gets software breakpoints wrong"
fi

# Arguments, working directory, streams, status.
mkdir "$T/a dir" && cd "$T/a dir" || exit 1
args=('two  words' "it's" '"q" $x `y` \z *' '' $'a\nb' 'ä%s')
run sh -c 'pwd; printf "[%s]\n" "$@"; echo other >&2; exit 255' sh "${args[@]}"
{ echo "$T/a dir"; printf '[%s]\n' "${args[@]}"; } >"$T/want"
check arguments "$(cat "$T/out" "$T/err")" cmp -s "$T/want" "$T/out"
check stderr "$(cat "$T/err")" [ "$(cat "$T/err")" = other ]
check status-255 "status $rc" [ $rc = 255 ]

# Every byte value, through both streams at once, and not a little of it.
for i in {0..255}; do printf '%b' "\\0$(printf %o "$i")"; done >"$T/bytes"
for _ in {1..2000}; do cat "$T/bytes"; done >"$T/many"
run -s "$T" -c 'cat ../many; cat ../bytes >&2; echo in >../shared; echo lost >../unshared/x; exit 3'
check bytes "$(cmp "$T/many" "$T/out" 2>&1)" cmp -s "$T/many" "$T/out"
check bytes-stderr "$(cat "$T/err" | tail -c 300)" grep -q 'unshared' "$T/err"
check share "status $rc" [ "$(cat "$T/shared" 2>/dev/null)" = in -a $rc = 3 ]

# The environment of a command, standard input, and a tree that is not written to.
export HL_FOO='a b'
echo 'some input' | "$here/run" -i -k npt=0 -n 2 -c '
    touch '"$T"'/written && cat && echo $HL_NESTED $HL_TEST_SLOW "$HL_FOO"
    cat /sys/module/kvm_amd/parameters/npt; nproc
    : >/dev/shm/x && : >"/tmp/x.$$" && echo seen >/dev/stderr && test -w /dev/kvm && echo writable
    bash -c "echo >/dev/tcp/127.0.0.1/9" 2>&1 | grep -o refused | head -n 1
    script -qec tty /dev/null </dev/null | tr -d "\\r"
    (sleep 1000 &) ; kill -TERM $$' >"$T/out" 2>"$T/err"
rc=$?
printf '%s\n' 'some input' '1 30 a b' N 2 writable refused /dev/pts/0 >"$T/want"
check reopened-stderr "$(cat "$T/err")" [ "$(cat "$T/err")" = seen ]
check environment "$(cat "$T/out" "$T/err")" cmp -s "$T/want" "$T/out"
check read-only 'a file was written outside' [ ! -e "$T/written" ]
check status-signal "status $rc" [ $rc = 143 ]
"$here/run" -c 'for i in 1 2 3; do echo o$i; echo e$i >&2; done; exec ./no-such' >"$T/out" 2>&1
check status-127 "status $?" [ $? = 127 ]
check one-stream "$(cat "$T/out")" [ "$(head -n 6 "$T/out" | tr '\n' ' ')" = 'o1 e1 o2 e2 o3 e3 ' ]

# The ways a machine ends badly.
run -c 'echo c >/proc/sysrq-trigger; sleep 60'
check panic "status $rc, $(cat "$T/err")" grep -q 'sysrq triggered crash' "$T/err"
check status-125 "status $rc" [ $rc = 125 ]
t=$SECONDS
"$here/run" -t 30 -c 'echo begun; while :; do :; done' >"$T/out" 2>"$T/err"
rc=$?
t=$((SECONDS - t))
check limit "status $rc after $t s: $(cat "$T/out" "$T/err")" \
    [ $rc = 124 -a $t -lt 40 -a "$(cat "$T/out")" = begun ]
nothing_left nothing-left

for sig in INT:130 TERM:143; do
    mkfifo "$T/fifo"
    # env gives SIGINT back, which a shell takes from its background commands.
    env --default-signal=INT "$here/run" -t 60 -c 'echo begun; sleep 1000' >"$T/fifo" 2>"$T/err" &
    pid=$!
    read -r _ <"$T/fifo"
    kill -"${sig%:*}" $pid
    wait $pid
    rc=$?
    check "signal-${sig%:*}" "status $rc" [ $rc = "${sig#*:}" ]
    rm "$T/fifo"
done
nothing_left nothing-left-by-signals

# A closed output must not keep it from ending.
t=$SECONDS
"$here/run" -t 60 -c 'yes' 2>"$T/err" | head -n 1 >"$T/out"
rc=${PIPESTATUS[0]}
check closed-output "status $rc after $((SECONDS - t)) s" [ $rc = 141 -a $((SECONDS - t)) -lt 30 ]
nothing_left nothing-left-by-a-closed-output

# The set-up where it cannot work: in a folder of its own, no package is fetched.
HL_NESTED_NEED_MIB=999999999 "$here/setup" "$T/none" >"$T/out" 2>"$T/err"
rc=$?
check little-disk "status $rc, $(cat "$T/err")" [ $rc = 77 -a ! -s "$T/out" ]
http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
    "$here/setup" "$T/none" >"$T/out" 2>"$T/err"
rc=$?
check no-network "status $rc, $(cat "$T/err")" [ $rc = 77 -a ! -s "$T/out" ]
check no-half "$(ls "$T/none")" [ "$(ls "$T/none")" = lock ]
exit $failed
