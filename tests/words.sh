#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# words.sh [-l] [FOLDER...]: words that plain English does without, in comments, messages and
# documents.  Prints how many there are in each folder; -l prints the lines.  Status 1 if any.
set -u
cd "$(dirname "$0")/.." || exit 1
list=
[ "${1-}" = -l ] && list=1 && shift
[ $# -gt 0 ] || set -- README.md docs guest-sdk templates tests hostlib gdbstub tools

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

# Right where they are: FILE (grep -E) TAB TEXT (grep -E)
allowed='tests/words.sh	.
tests/lint/	.
tests/real/lua/	.
tests/gdb/suite/.*\.txt	.
-corpus/	.
\.svg	.
\.py	is None
\.json	.
\.(c|sh|h)	(left|leaves?)( nothing| files)? behind
\.(h|c|md|sh)	tell (them|it|one|the two|two|which) apart'

hits=$(mktemp "${TMPDIR:-/tmp}/hl-words.XXXXXX") || exit 1
trap 'rm -f "$hits"' EXIT
grep -rnEiI "$pattern" "$@" 2>/dev/null | grep -v '^[^:]*/build/' >"$hits"

found=$(awk -v allowed="$allowed" '
    BEGIN { n = split(allowed, row, "\n"); for (i = 1; i <= n; i++) { split(row[i], c, "\t"); file[i] = c[1]; text[i] = c[2] } }
    { path = $0; sub(/:.*/, "", path); line = $0; sub(/^[^:]*:[0-9]*:/, "", line)
      for (i = 1; i <= n; i++) if (path ~ file[i] && line ~ text[i]) next
      print }' "$hits")
[ -n "$found" ] || { echo 'ok words'; exit 0; }
[ -z "$list" ] || printf '%s\n' "$found"
cut -d: -f1 <<<"$found" | sed 's|/[^/]*$||' | sort | uniq -c
echo "not ok words: $(wc -l <<<"$found") lines"
exit 1
