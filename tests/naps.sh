#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# naps.sh: no test waits by sleeping.  A test waits for an event; where none exists it looks again and
# again, by tests/kit/wait.h or tests/wait.sh.  What may sleep all the same is listed here, with the reason.
set -u
cd "$(dirname "$0")/.." || exit 1

# FILE|TEXT|WHY: lines of tests/**/FILE with that text.
allowed='wait.h|clock_nanosleep(|the nap between two looks
wait.sh|sleep 0.02|the nap between two looks
ctrl_c.py|time.sleep(0.05)|a look at a state of GDB in /proc, which gives no sign
time.c|poll(NULL, 0, 20)|a guest that sleeps is what is tested
time.c|select(0, NULL, NULL, NULL, &|a guest that sleeps is what is tested
source.c|nanosleep(|a guest that sleeps is what is tested
time.c|ppoll(NULL, 0, &|a guest that sleeps is what is tested
time.c|sleep(|a guest that sleeps is what is tested
debuggee.c|nanosleep(|a guest that sleeps is what is tested
values.c|sleep(|a guest that sleeps is what is tested
trace.sh|clock_nanosleep(CLOCK|a line of a trace
kvm_sample.c|nanosleep(|a host function that sleeps is what is tested
profile-host.c|nanosleep(|a host function that sleeps is what is tested
trace-host.c|usleep(|a host function that sleeps is what is tested
kvm_observe.c|usleep(1000)|time in a host function is what is measured
limits.h|usleep(500)|time in a host function is what is limited
kvm_share_refuse.c|usleep(500)|a child that lives for an instant is what is tested
kvm_life.c|usleep((useconds_t)|chance chooses the moment of an interrupt
storm.c|nanosleep(|how often the workers are looked at, to find one that hangs
job.c|poll(NULL, 0, 5)|processes of a machine that ends, which give no sign
selftest.sh|sleep 1000|a command that does not end is what is tested
selftest.sh|sleep 60|a command that does not end is what is tested
bench_call.c|nanosleep(|a pause between samples
'
# What sleeps, in C, C++, Python and the shell.  Any file of tests may be a script.
naps='\b(u|nano|clock_nano)?sleep *\(|\bp?poll\((NULL|nullptr|0), 0, *[^-0 ]|\bp?select\(0, (NULL|nullptr|0),[^)]*&'
naps="$naps"'|\bsleep_(for|until)\b|time\.sleep|threading\.Timer'
shell_naps='(^|[;&|({`]|\b(do|then|else)|shell)[[:space:]]*sleep +[0-9.$"]'

hits=$( (
    grep -rnIE "$naps" tests --include='*.[ch]' --include='*.cc' --include='*.py' --include='*.sh'
    grep -rnIE "$shell_naps" tests --exclude-dir='*-corpus' --exclude='*.[chS]' --exclude='*.py'
) | grep -v '^tests/naps\.sh:' | sort -u)
status=0 used=
while IFS= read -r hit; do
    file=${hit%%:*} why=
    while IFS='|' read -r name text _; do
        if [ -n "$name" ] && [ "$name" = "${file##*/}" ] && [[ $hit == *"$text"* ]]; then
            why=1 used="$used$name|$text"$'\n'
        fi
    done <<<"$allowed"
    [ -n "$why" ] || { echo "not ok a test that sleeps: $hit" && status=1; }
done <<<"$hits"
while IFS='|' read -r name text why; do
    [ -z "$name" ] || grep -qxF -- "$name|$text" <<<"$used" ||
        { echo "not ok tests/naps.sh allows what is no longer there: $name: $text" && status=1; }
done <<<"$allowed"
[ $status != 0 ] || echo "ok no test waits by sleeping"
exit $status
