# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2015 # no && || here is an if-else
# lib.sh PREFIX: what the tests of hl-dev share; sourced.  Each test works in a directory of its own,
# where the tool must leave nothing behind.

prefix=$(cd "${1-}" 2>/dev/null && pwd -P) && [ $# = 1 ] && [ -n "$1" ] || {
    echo "usage: $(basename "$0") PREFIX" >&2
    exit 64
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
dev=$prefix/bin/hl-dev
cc=$prefix/bin/hl-cc
slow=${HL_TEST_SLOW:-1}
# shellcheck source-path=SCRIPTDIR source=../wait.sh
. "$here/../wait.sh"
unset HL_KVM_DEVICE HL_BIN NO_COLOR MAKEFLAGS MAKELEVEL MFLAGS PLUGIN_GIVES_UP PLUGIN_LIES
export LC_ALL=C TERM=xterm

tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-cli-test.XXXXXX") || exit 1
trap 'chmod -R u+rwx "$tmp"; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
chmod 711 "$tmp"
mkdir "$tmp/work" "$tmp/tmp" && cd "$tmp/work" || exit 1
export TMPDIR=$tmp/tmp
out=$tmp/out err=$tmp/err status=0 rc=0

ok() { echo "ok $1"; }
skip() { echo "skip $1: $2"; }

# fail NAME WHY: the output of the last command helps to see it
fail() {
    echo "not ok $1: $2"
    { tail -n 20 "$out"; tail -n 20 "$err"; } 2>/dev/null | cut -c 1-300 | sed 's/^/# /'
    status=1
}

# hl ARG...: run hl-dev; output in $out and $err, exit status in rc; one that hangs is ended.
hl() {
    timeout -k 5 $((60 * slow)) "$dev" "$@" >"$out" 2>"$err" </dev/null
    rc=$?
}

# same NAME WANTED GOT
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "'$3' is not '$2'"; fi
}

# prints NAME STATUS STDOUT ARG...: exactly this, and nothing on stderr
prints() {
    local name=$1 want=$2 text=$3
    shift 3
    hl "$@"
    if [ $rc != "$want" ]; then fail "$name" "exit status $rc, not $want"
    elif ! printf '%s' "$text" | cmp -s - "$out"; then fail "$name" "stdout is not '$text'"
    elif [ -s "$err" ]; then fail "$name" 'something on stderr'
    else ok "$name"; fi
}

# gives NAME EXPR VALUE: the line `EXPR = VALUE` and no other
gives() { prints "$1" 0 "$2 = $3"$'\n' run values --host host.so --call "$2"; }

# has NAME FILE PATTERN: an extended regular expression in $out or $err
has() {
    if grep -Eq -- "$3" "$2"; then ok "$1"; else fail "$1" "no line matches '$3'"; fi
}

# refused NAME STATUS ERROR HINT ARG...: one line of error that matches ERROR, one hint that matches
# HINT (none at all where HINT is -), nothing on stdout, and no file left behind.
refused() {
    local name=$1 want=$2 error=$3 hint=$4 before after lines=1
    shift 4
    before=$(ls -A . "$TMPDIR")
    hl "$@"
    after=$(ls -A . "$TMPDIR")
    [ "$hint" = - ] || lines=2
    if [ $rc != "$want" ]; then fail "$name" "exit status $rc, not $want"
    elif [ -s "$out" ]; then fail "$name" 'something on stdout'
    elif [ "$(grep -c '^hl-dev: error: ' "$err")" != 1 ]; then fail "$name" 'not exactly one error line'
    elif [ "$(wc -l <"$err")" != $lines ]; then fail "$name" "stderr is not $lines line(s)"
    elif LC_ALL=C grep -q '[[:cntrl:]]' "$err"; then fail "$name" 'control characters on stderr'
    elif ! sed -n 1p "$err" | grep -aEq -- "^hl-dev: error: .*$error"; then
        fail "$name" "the error does not match '$error'"
    elif [ "$hint" != - ] && ! sed -n 2p "$err" | grep -aEq -- "^hint: .*$hint"; then
        fail "$name" "the hint does not match '$hint'"
    elif [ "$before" != "$after" ]; then fail "$name" 'it left files behind'
    else ok "$name"; fi
}

# json FILE KEY...: the member at that path, as compact JSON; fails where FILE is not exactly one
# JSON document.  Three tools may do it: one is there on most machines.
if command -v python3 >/dev/null && python3 -c 'import json' 2>/dev/null; then
    json() {
        python3 -c '
import json, sys
v = json.load(open(sys.argv[1], encoding="utf-8"))
for k in sys.argv[2:]:
    v = v[int(k)] if isinstance(v, list) else v[k]
print(json.dumps(v, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode("utf-8"))' "$@"
    }
    PYTHONIOENCODING=utf-8
    export PYTHONIOENCODING
elif command -v jq >/dev/null; then
    json() {
        local file=$1
        shift
        jq -sce 'if length == 1 then .[0] else error("not one document") end |
            reduce $ARGS.positional[] as $k (.; if type == "array" then .[$k | tonumber] else .[$k] end) |
            tojson | .' "$file" --args -- "$@" | jq -r .
    }
elif command -v node >/dev/null; then
    json() {
        node -e '
let v = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
for (const k of process.argv.slice(2)) { v = v[k]; if (v === undefined) process.exit(1); }
console.log(JSON.stringify(v));' "$@"
    }
else
    json() { return 77; }
fi

# member NAME WANTED KEY...: of the document in $out
member() {
    local name=$1 want=$2 got
    shift 2
    got=$(json "$out" "$@" 2>"$tmp/json")
    case $? in
    0) same "$name" "$want" "$got" ;;
    77) skip "$name" 'no python3, jq or node to read JSON with' ;;
    *) fail "$name" "no such member, or not one JSON document: $(tail -n 1 "$tmp/json")" ;;
    esac
}

# compile OUT ARG...: a guest; without it nothing that follows makes sense
compile() {
    local to=$1
    shift
    "$cc" -O1 -o "$to" "$@" >"$out" 2>"$err" || {
        fail "compile $to" 'hl-cc failed'
        exit 1
    }
}

# line SOURCE WHAT: number of the line marked `AT WHAT`
line() { grep -n "AT $2 " "$here/guest/$1" | cut -d: -f1; }

# finish: no process may still work in our directory
finish() {
    local p left=
    for p in /proc/[0-9]*; do
        [ "${p#/proc/}" = $$ ] && continue
        case $(readlink "$p/cwd" 2>/dev/null) in "$tmp"*)
            # The shell's own children of this very loop are gone by the second look.
            case $(readlink "$p/exe" 2>/dev/null) in *hl-dev | */make) left="$left ${p#/proc/}" ;; esac ;;
        esac
    done
    same 'no process is left behind' '' "$left"
    same 'no temporary file is left behind' '' "$(ls -A "$TMPDIR")"
    exit $status
}
