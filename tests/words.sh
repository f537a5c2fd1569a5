#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# words.sh [-l] [FOLDER...]: words that plain English does without, in comments, messages and
# documents.  Prints how many there are in each folder; -l prints the lines.  Status 1 if any.
set -u
cd "$(dirname "$0")/.." || exit 1
list=
[ "${1-}" = -l ] && list=1 && shift
folders='README.md common docs gdbstub guest-sdk hostlib templates tests tools'
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $folders

# PATTERN (grep -E, whole words) and what to write instead.
words='behind|after, past, or what it is
tells?|says, shows, reports
told|reported, said
once a (process|call|sandbox|guest|thread)|once per ...
(there is|is) none|say what is the case
who(so)?ever|anyone who, a program that
roads?|path, way, mechanism
for ever|forever, without end
be it|whether ... or
to be had|available'
pattern="\\b($(sed 's/|[^|]*$//' <<<"$words" | paste -sd'|'))\\b"

# Right where they are: FILE (sed -E) TAB TEXT (sed -E) TAB why.
allowed='tests/words\.sh	.	the lists of this script
tests/real/lua/	.	a program of others
tests/gdb/suite/.*\.txt	.	names and results of a testsuite of others
-corpus/	.	inputs of the fuzzers
\.py	is None	a test of Python
\.(c|sh|h)	(left|leaves?)( nothing| files)? behind	what a program forgets to remove
\.(h|c|md|sh)	tell (them|it|one|the two|two|which) apart	an idiom that is as good as distinguish'

hits=$(mktemp "${TMPDIR:-/tmp}/hl-words.XXXXXX") || exit 1
trap 'rm -f "$hits"' EXIT
grep -rnEiI "$pattern" "$@" 2>/dev/null | grep -v '^[^:]*/build/' >"$hits"

# The allowed text is taken out of a line; the rest of the line counts.
while IFS=$'\t' read -r file text _; do
    sed -i -E "\\#^[^:]*${file}[^:]*:#s#${text}##g" "$hits"
done <<<"$allowed"
found=$(grep -Ei "^[^:]*:[0-9]+:.*$pattern" "$hits")
[ -n "$found" ] || { echo 'ok words'; exit 0; }
[ -z "$list" ] || printf '%s\n' "$found"
cut -d: -f1 <<<"$found" | sed 's|/[^/]*$||' | sort | uniq -c
echo "not ok words: $(wc -l <<<"$found") lines"
exit 1
