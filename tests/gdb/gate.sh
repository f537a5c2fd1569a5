#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gate.sh PREFIX: one session of real GDB, with a bit of everything, for where a session is dear.
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
limit=60

session gdb -ex "target extended-remote | $B/tests/gdb/driver stdio $B/tests/gdb/guests/work Work Other" \
    -ex 'break Work' -ex c -ex bt -ex 'stepi 3' -ex 'watch cells[0]' -ex c -ex 'delete 2' \
    -ex 'watch cells[1]' -ex c -ex 'hbreak Other' -ex c -ex 'p a + 1' -ex 'info registers rip' \
    -ex 'p $xmm0' -ex 'p Sum(5)' -ex delete -ex c
has '^#0  Work \(a=3, b=10\)'
has '^#1 .*hl_thunk_Work'
has '^New value = 13$'
has '^New value = 113$'
has '^Breakpoint 4, Other \(a=3\)'
has '^\$1 = 4$'
has '^rip .* <Other\+'
has 'v2_int64 = '
has '^\$3 = 10$'
has '^Other = 3$'
has 'exited normally\]'
verdict
exit $failed
