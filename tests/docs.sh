#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs.sh BUILD [FILE...]: the command blocks of the documents, run in their order in one shell and
# one scratch directory, and what they print compared with what the documents show.
#
# A block is ```console.  `$ COMMAND` is run; the lines up to the next one are its output, where
#   - `...` alone on a line is any number of lines, also none
#   - addresses (0x...), times (12 us, `<411 ns>`, 0.001180), pids and socket names differ, and
#     so does the width of space; /tmp is the scratch directory
#   - a line `(gdb) COMMAND` is read by the gdb that the command before it starts
# In manual pages the .Bd -literal of EXAMPLES is such a block; instead of an output that is shown
# each command's status must be 0.  The comments are `.\" docs: ...` there.
# Comments before a block, `<!-- docs: ... -->`, that a reader does not see:
#   run COMMAND        run it first, unseen ($root: the tree, $scratch: the scratch directory)
#   gdb COMMAND        the block begins inside the gdb that COMMAND starts, and with what
#   first GDB-COMMAND  gdb has read (any number of these)
#   file NAME          not a command block: NAME is to have these lines; `append NAME` adds them
#   vary               all numbers differ: they depend on compiler, machine or moment
#   ties               and so does the order of rows that weigh the same: lines are compared sorted
#   skip WHY           not run here
#   except COMMAND     not this one of the next block; it needs a second terminal
# A fence names what is in it: console, c, ini, text (neither code nor commands) ...; one that does
# not is an error, for a command that nobody runs goes stale.
set -u
build=$1
shift
[ "$build" = build ] || { echo "the documents show the plain build, not $build"; exit 77; }
cd "$(dirname "$0")/.." || exit 1
root=$PWD
# The later ones of these go on with what the earlier ones have made; in all others are no commands
# that need it.
first=(README.md docs/guide.md docs/gdb.md docs/profiling.md docs/abi.md)
mapfile -t rest < <(printf '%s\n' docs/*.md | grep -vxF "$(printf '%s\n' "${first[@]}")")
[ $# -gt 0 ] || set -- "${first[@]}" "${rest[@]}" docs/man/hl-new.1 docs/man/hl-cc.1 docs/man/hl-dev.1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hl-docs.XXXXXX") || exit 1
work=$scratch/.docs
mkdir -p "$work" "$scratch/home"
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch/home PATH=$root/build/bin:$PATH PKG_CONFIG_PATH=$root/build/lib/pkgconfig
export LD_LIBRARY_PATH=$root/build/lib LC_ALL=C.UTF-8 DEBUGINFOD_URLS='' NO_COLOR=1
unset COLUMNS MAKEFLAGS MAKELEVEL MFLAGS HL_GDB HL_PROFILE
doc_status=0 doc_last=0

# What may differ, made equal: stdin to stdout; vary: all numbers, too.
doc_mask() {
    sed -E -e "s|$scratch/home|/home/you|g" -e "s|$scratch|/tmp|g" -e "s|$root/||g" -e 's|\x1b\[[0-9;]*m||g' \
        -e 's/\[answered Y; input not from terminal\]/y/' \
        -e 's/("(time_ns|duration_ns|ms)": ?)[0-9.]+/\1N/g' \
        -e 's/0x[0-9a-f]+/0xN/g' -e 's/[^ (]*\/[0-9]+-[0-9]+\.sock/SOCKET/g' \
        -e 's/\b[0-9]+(\.[0-9]+)? (ns|us|ms|s)\b/TIME/g' -e 's/\b[0-9]+\.[0-9]{6}\b/TIME/g' \
        ${doc_vary:+-e 's/[0-9]+(\.[0-9]+)?/N/g'} -e 's/[ \t]+/ /g; s/ $//; s/^ \.\.\.$/.../'
}

# doc_same WANT GOT: line by line; `...` in WANT is as few lines as do.
doc_same() {
    awk 'NR == FNR { want[++wants] = $0; next } { got[++gots] = $0 }
        END { star = 0; w = g = 1
            while (g <= gots) {
                if (w <= wants && want[w] == "...") { star = w++; from = g }
                else if (w <= wants && want[w] == got[g]) { w++; g++ }
                else if (star) { w = star + 1; g = ++from }
                else exit 1
            }
            while (w <= wants && want[w] == "...") w++
            exit w <= wants }' "$1" "$2"
}

# doc_run AT COMMAND: with the output in $work/want, and what gdb reads in $work/gdb.
doc_run() {
    [ -z "$doc_except" ] || [ "$2" != "$doc_except" ] || { echo "# skip $1 $2"; return; }
    local doc_name=${1//\// } doc_command=${2//\/tmp/$scratch}
    doc_name=${doc_name##* }
    if grep -q '^(gdb) ' "$work/want"; then
        sed -n 's/^(gdb) //p' "$work/want" | sed "s|/tmp|$scratch|g" >>"$work/gdb"
        # Its input is no terminal: what it reads is not shown, what it prints follows the prompt.
        awk '/^\(gdb\) / { prompt = prompt "(gdb) "; next } { print prompt $0; prompt = "" }
            END { print "..." }' "$work/want" >"$work/want.gdb"
        mv "$work/want.gdb" "$work/want"
    fi
    [ -z "$doc_manual" ] || echo ... >"$work/want"
    # A shell line sees the status of the one before it.
    (exit "$doc_last")
    eval "$doc_command" <"$work/gdb" >"$work/got" 2>&1
    doc_last=$?
    : >"$work/gdb"
    doc_mask <"$work/want" >"$work/want.masked"
    doc_mask <"$work/got" >"$work/got.masked"
    [ -z "$doc_ties" ] || sort -o "$work/want.masked" "$work/want.masked"
    [ -z "$doc_ties" ] || sort -o "$work/got.masked" "$work/got.masked"
    if [ -n "$doc_manual" ] && [ $doc_last != 0 ]; then
        echo "not ok $doc_name $doc_command: status $doc_last"
        sed 's/^/# /' "$work/got"
        doc_status=1
    elif doc_same "$work/want.masked" "$work/got.masked"; then
        echo "ok $doc_name $doc_command" | sed "s|$scratch|/tmp|g"
    else
        echo "not ok $doc_name $doc_command: prints something else" | sed "s|$scratch|/tmp|g"
        diff "$work/want.masked" "$work/got.masked" | sed 's/^/# /' | head -n 40
        doc_status=1
    fi
    : >"$work/want"
}

# doc_console AT: the block in $work/block.
doc_console() {
    local doc_line doc_command='' doc_seen=
    : >"$work/want"
    if [ -n "$doc_gdb" ]; then
        printf '%s\n' "$doc_first" | sed '/^$/d' >"$work/gdb"
        { echo ...; sed '1s/^(gdb) /... (gdb) /' "$work/block"; } >"$work/want"
        sed -i 's/^\.\.\. (gdb)/(gdb)/' "$work/want"
        doc_run "$1" "$doc_gdb"
        return
    fi
    while IFS= read -r doc_line <&3; do
        if [[ $doc_line == '$ '* ]]; then
            [ -z "$doc_command" ] || doc_run "$1" "$doc_command"
            doc_command=${doc_line#'$ '} doc_seen=1
        else
            printf '%s\n' "$doc_line" >>"$work/want"
        fi
    done 3<"$work/block"
    if [ -n "$doc_seen" ]; then doc_run "$1" "$doc_command"; return; fi
    echo "not ok $1: a block without a command"
    doc_status=1
}

# doc_block AT LANGUAGE
doc_block() {
    if [ -n "$doc_skip" ]; then echo "# skip $1: $doc_skip"
    elif [ "$doc_file" != '' ]; then cp "$work/block" "$doc_file"
    elif [ "$doc_append" != '' ]; then cat "$work/block" >>"$doc_append"
    elif [ "$2" = console ]; then doc_console "$1"
    elif grep -q '^\$ ' "$work/block"; then
        echo "not ok $1: commands in a block that is no console"
        doc_status=1
    elif [ "$2" = '' ]; then
        echo "not ok $1: a block that is no console, no other language and has no reason"
        doc_status=1
    fi
    doc_forget
}

doc_forget() { doc_skip='' doc_file='' doc_append='' doc_vary='' doc_ties='' doc_gdb='' doc_first='' doc_except=''; }

# doc_hint WORD REST: a comment for the next block
doc_hint() {
    local doc_rest=${2//\/tmp/$scratch}
    case $1 in
    run) eval "$doc_rest" >"$work/got" 2>&1 </dev/null ||
        { echo "not ok $doc_rest: status $?"; sed 's/^/# /' "$work/got"; doc_status=1; } ;;
    gdb) doc_gdb=$2 ;;
    first) doc_first+=$2$'\n' ;;
    file) doc_file=$doc_rest ;;
    append) doc_append=$doc_rest ;;
    vary) doc_vary=1 ;;
    ties) doc_ties=1 ;;
    skip) doc_skip=$2 ;;
    except) doc_except=$2 ;;
    *) echo "not ok: docs: $1 is no word of it"; doc_status=1 ;;
    esac
}

doc_text() { # FILE: as Markdown
    case $1 in
    *.md) cat "$1" ;;
    *) sed -n -e 's/^\.\\" docs: \(.*\)/<!-- docs: \1 -->/p;t' -e '/^\.Sh EXAMPLES/,/^\.Sh [^E]/{
        /^\.Bd/{s/.*/```console/p;d};/^\.Ed/{s/.*/```/p;d};/^[^.]/{s/\\e/\\/g;p}}' "$1" ;;
    esac
}

: >"$work/gdb"
for doc in "$@"; do
    cd "$scratch" || exit 1
    case $doc in *.md) doc_manual='' ;; *) doc_manual=1 ;; esac
    doc_forget
    number=0 inside=
    while IFS= read -r line <&4; do
        number=$((number + 1))
        if [[ $line == '```'* ]]; then
            if [ -n "$inside" ]; then doc_block "$doc:$at" "$language"; inside=; continue; fi
            inside=1 at=$number language=${line#'```'}
            : >"$work/block"
        elif [ -n "$inside" ]; then printf '%s\n' "$line" >>"$work/block"
        elif [[ $line =~ ^'<!-- docs: '([a-z]+)\ ?(.*)' -->'$ ]]; then
            doc_hint "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        fi
    done 4< <(doc_text "$root/$doc")
done
exit $doc_status
