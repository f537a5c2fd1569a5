#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# new.sh PREFIX: hl-new and what it generates.  PREFIX is a build directory or an installed prefix.
# Prints `ok NAME`, `not ok NAME: why` or `skip NAME: why` for each check; 1 when one failed.
set -u

if [ $# != 1 ] || ! prefix=$(cd "${1:?}" && pwd -P); then
    echo 'usage: new.sh PREFIX' >&2
    exit 64
fi
bin=$prefix/bin
new=$bin/hl-new
unset HL_TEMPLATES HL_BIN MAKEFLAGS MAKELEVEL MFLAGS CC CFLAGS LDFLAGS
unset GUEST_CFLAGS GUEST_LDFLAGS GUEST_LIBS WARNINGS
export LC_ALL=C
plain_path=$PATH
PATH=$bin:$PATH

tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-new-test.XXXXXX") || exit 1
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
chmod 711 "$tmp"
mkdir "$tmp/work" && cd "$tmp/work" || exit 1

# A libhl with a sanitizer needs it in whatever links it.
case $prefix in
*/san-*)
    LDFLAGS=-fsanitize=$(basename "$prefix" | sed 's/^san-//; s/-/,/g')
    export LDFLAGS
    ;;
esac

status=0
ok() { echo "ok $1"; }
skip() { echo "skip $1: $2"; }
fail() # NAME WHY: the output of the last command helps to see it
{
    echo "not ok $1: $2"
    cat "$tmp/out" "$tmp/err" 2>/dev/null | tail -n 20 | sed 's/^/# /'
    status=1
}

# run COMMAND...: its output in out and err, its exit status in rc; one that hangs is ended.
run()
{
    timeout 120 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    rc=$?
}

# succeeds NAME COMMAND...: exit status 0 and nothing on stderr
succeeds()
{
    s_name=$1
    shift
    run "$@"
    if [ $rc != 0 ]; then fail "$s_name" "exit status $rc"
    elif [ -s "$tmp/err" ]; then fail "$s_name" 'something on stderr'
    else ok "$s_name"; fi
}

# same NAME WANTED GOT: two texts
same()
{
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "'$3' is not '$2'"; fi
}

# refused NAME STATUS ERROR HINT COMMAND...: one line of error that matches, the hint (none where
# HINT is empty), nothing on stdout, and nothing left behind in the present directory.
refused()
{
    r_name=$1 r_status=$2 r_error=$3 r_hint=$4
    shift 4
    r_before=$(ls -A)
    run "$@"
    r_lines=1
    [ -z "$r_hint" ] || r_lines=2
    if [ $rc != "$r_status" ]; then fail "$r_name" "exit status $rc, not $r_status"
    elif [ -s "$tmp/out" ]; then fail "$r_name" 'something on stdout'
    elif ! sed -n 1p "$tmp/err" | grep -q "^hl-new: error: .*$r_error"; then
        fail "$r_name" "the error does not match '$r_error'"
    elif [ -n "$r_hint" ] && ! sed -n 2p "$tmp/err" | grep -q "^hint: .*$r_hint"; then
        fail "$r_name" "the hint does not match '$r_hint'"
    elif [ "$(wc -l <"$tmp/err")" -ne $r_lines ]; then fail "$r_name" "not $r_lines lines on stderr"
    elif [ "$(ls -A)" != "$r_before" ]; then fail "$r_name" 'something was left behind'
    else ok "$r_name"; fi
}

# last_line NAME TEXT: of out
last_line() { same "$1" "$2" "$(tail -n 1 "$tmp/out")"; }

# ---- The command line ------------------------------------------------------------------------------

succeeds help "$new" --help
succeeds version "$new" --version
same version_text 'hl-new' "$(cut -d' ' -f1 "$tmp/out")"
succeeds list "$new" --list
same list_names 'function program' "$(cut -d' ' -f1 "$tmp/out" | paste -s -d' ' -)"
same list_described 0 "$(grep -vc '^[a-z]*  *[a-z].*' "$tmp/out")"
refused no_name 64 'name is missing' 'hl-new NAME' "$new"
refused two_names 64 'one name' 'hl-new NAME' "$new" a b
refused list_with_name 64 'takes no name' '.' "$new" --list a
refused unknown_option 64 "unknown option '-x'" '--help' "$new" -qx a
refused unknown_long_option 64 "'--frob'" '--help' "$new" --frob a
refused option_without_argument 64 "'-t' needs" '--help' "$new" a -t
refused long_option_without_argument 64 "'--template'" '--help' "$new" a --template
refused option_with_argument 64 "'--list=x'" '--help' "$new" --list=x

long=$(printf '%065d' 0 | tr 0 x)
# shellcheck disable=SC2016 # these are meant to stay as they are
for name in '' . .. / '../..' 1abc _a 'a b' a.b 'a$b' 'a;b' 'ä' "$(printf 'a\nb')" "$long" \
    a/.hidden; do
    refused "bad_name_$(printf %s "$name" | tr -c 'A-Za-z0-9\n' _ | tr '\n' _ | cut -c1-20)" \
        64 'not a name' 'a letter' "$new" "$name"
done
refused bad_name_dash 64 'not a name' 'a letter' "$new" -- -x
refused endless_name 64 'too long' '' "$new" "$(printf '%05000d' 0)"
refused control_characters_are_not_echoed 64 'not a name' 'a letter' "$new" "$(printf 'a\033[31mb')"
same no_escape 0 "$(tr -d '\n' <"$tmp/err" | LC_ALL=C grep -c '[[:cntrl:]]')"

mkdir directory
: >file
ln -s nowhere dangling
refused existing_directory 100 'directory already exists' 'another name' "$new" directory
refused existing_directory_slash 100 'directory already exists' 'another name' "$new" directory//
refused existing_file 100 'file already exists' 'another name' "$new" file
refused existing_symlink 100 'dangling already exists' 'another name' "$new" dangling
refused existing_dry_run 100 'file already exists' 'another name' "$new" --dry-run file
refused missing_parent 100 'No such file' 'mkdir -p none/there' "$new" none/there/guest
refused parent_is_a_file 100 'Not a directory' '' "$new" file/guest
refused unknown_template 100 "no template 'frob'" 'function, program' "$new" guest -t frob
refused template_is_a_path 100 'no template' 'function, program' "$new" guest -t ../templates/function
refused empty_template 100 'no template' 'function, program' "$new" guest -t ''
refused unwritable_parent 100 'cannot create' '' "$new" /proc/guest
mkdir locked && chmod 555 locked
if [ "$(id -u)" != 0 ]; then
    refused locked_parent 100 'Permission denied' '' "$new" locked/guest
elif setpriv --reuid=65534 --regid=65534 --clear-groups "$new" --version >/dev/null 2>&1; then
    refused locked_parent 100 'Permission denied' '' \
        setpriv --reuid=65534 --regid=65534 --clear-groups "$new" locked/guest
else
    skip locked_parent 'root, and no setpriv or a prefix that only root can read'
fi
refused failed_write 111 'cannot write big/' '' sh -c 'ulimit -f 1; exec "$0" big' "$new"
refused full_stdout 111 'standard output' '' sh -c 'exec "$0" --list >/dev/full' "$new"

# ---- Templates of one's own ------------------------------------------------------------------------

HL_TEMPLATES=$tmp/templates
export HL_TEMPLATES
refused no_template_directory 100 "$tmp/templates" 'HL_TEMPLATES' "$new" --list
mkdir "$tmp/templates" "$tmp/templates/no-ini"
refused no_templates 100 'no templates in' '' "$new" --list

make_template() # NAME
{
    mkdir "$tmp/templates/$1" && printf '; no\ndescription =  The %s. \n' "$1" \
        >"$tmp/templates/$1/template.ini"
}
make_template full
(
    cd "$tmp/templates/full" && mkdir -p 'd-{{NAME_IDENT}}/empty' .hidden || exit 1
    printf 'n={{name}} i={{NAME_IDENT}} b={{bindir}} {{{name}}} {{ name }} {{name} {{1, 2}, {3, 4}} {{}} {' \
        >'d-{{NAME_IDENT}}/{{name}}.txt'
    printf '{{name}}{{name}}\n{{version}}\n' >.hidden/.dot
    printf '{{name}}\000{{unknown}}\377\n' >binary
    : >nothing
    echo '#!/bin/sh' >script && chmod 555 script
    echo kept >'d-{{NAME_IDENT}}/template.ini'
)
succeeds own_list "$new" --list
same own_list_text 'full  The full.' "$(cat "$tmp/out")"
# As hl-dev reads hl.ini: sections, line ends of DOS, a byte order mark; the first one counts.
mkdir "$tmp/templates/odd"
printf '\357\273\277[a]\r\nno line of it\r\n  description=Odd = ; one\r\ndescription = two\n' >"$tmp/templates/odd/template.ini"
succeeds odd_list "$new" --list
same odd_list_text 'odd   Odd = ; one' "$(tail -n 1 "$tmp/out")"
rm -r "$tmp/templates/odd"
succeeds dry_run "$new" -n -t full a-b_c
same dry_run_text '.hidden/.dot binary d-a_b_c/template.ini d-a_b_c/a-b_c.txt nothing script' \
    "$(sed 's|^a-b_c/||' "$tmp/out" | paste -s -d' ' -)"
same dry_run_writes_nothing '' "$(ls -Ad a-b_c .hl-new* 2>/dev/null)"
succeeds render "$new" -q --template=full a-b_c/
same quiet '' "$(cat "$tmp/out")"
same render_text "n=a-b_c i=a_b_c b=$bin {a-b_c} {{ name }} {{name} {{1, 2}, {3, 4}} {{}} {" \
    "$(cat a-b_c/d-a_b_c/a-b_c.txt)"
same render_version "a-b_ca-b_c $("$new" --version | cut -d' ' -f2)" \
    "$(paste -s -d' ' a-b_c/.hidden/.dot)"
if cmp -s "$tmp/templates/full/binary" a-b_c/binary; then ok binary_file; else
    fail binary_file differs
fi
(umask 027 && mkdir umask && "$new" -q -t full umask/guest)
same modes 'drwxr-x--- -rw-r----- -rwxr-x---' "$(cd umask/guest &&
    ls -ld . nothing script | cut -d' ' -f1 | paste -s -d' ' -)"
same empty_directory empty "$(cd a-b_c/d-a_b_c && echo *empty*)"
same ini_not_copied '' "$(find a-b_c -maxdepth 1 -name '*ini*')"

make_template slip
printf 'one\ntwo {{name}}\nthree {{nmae}}\n' >"$tmp/templates/slip/text"
refused unknown_placeholder 100 'text:3: unknown placeholder {{nmae}}' '{{name}} {{NAME_IDENT}}' \
    "$new" -t slip guest
make_template path
: >"$tmp/templates/path/{{frob}}"
refused unknown_placeholder_in_name 100 'unknown placeholder {{frob}}' '.' "$new" -t path guest
rm "$tmp/templates/path/"*b*
: >"$tmp/templates/path/{{bindir}}"
refused placeholder_makes_path 100 'makes a path' '' "$new" -t path guest
make_template same
: >"$tmp/templates/same/{{name}}"
: >"$tmp/templates/same/guest"
refused two_files_of_one_name 100 'guest/guest: File exists' '' "$new" -t same guest
make_template fifo
mkfifo "$tmp/templates/fifo/fifo"
refused template_with_fifo 100 'neither a file nor a directory' '' "$new" -t fifo guest
make_template loop
ln -s . "$tmp/templates/loop/again"
refused template_with_loop 100 'too large' '' "$new" -t loop guest
make_template huge
truncate -s 1G "$tmp/templates/huge/sparse"
refused template_too_large 100 'too large' '' "$new" -t huge guest

# Interrupted while it writes: the temporary directory is the event to wait for.
make_template many
(cd "$tmp/templates/many" && seq 1 20000 | split -a 4 -l 1)
for signal in INT:130 TERM:143 HUP:129; do
    mkdir stop && (
        cd stop || exit
        # Not through `&` alone: sh makes a background job ignore SIGINT.
        env --default-signal=INT "$new" -q -t many guest 2>"$tmp/err" &
        while kill -0 $! 2>/dev/null; do
            set -- .hl-new-*
            [ ! -d "$1" ] || { kill -${signal%:*} $! && break; }
        done
        wait $!
        echo $? >"$tmp/out"
    ) 2>/dev/null # where sh reports the signal
    same "interrupted_${signal%:*}" "${signal#*:} 0" \
        "$(cat "$tmp/out") $(ls -A stop | wc -l | tr -d ' ')"
    rm -rf stop
done
same interrupted_says_so 'hl-new: error: interrupted, nothing was created' "$(cat "$tmp/err")"
unset HL_TEMPLATES

# ---- What is generated -----------------------------------------------------------------------------

why_not=
[ -x "$bin/hl-cc" ] || why_not='no hl-cc'
why_not_run=$why_not
[ -r /dev/kvm ] && [ -w /dev/kvm ] || why_not_run='no usable /dev/kvm'

# Commands of compile_commands.json, a line each, as sh reads them; 77 without a JSON reader.
json_commands()
{
    if command -v jq >/dev/null; then
        jq -r '.[] | "cd " + (.directory | @sh) + " && " + (.arguments | @sh)' "$1"
    elif command -v python3 >/dev/null; then
        python3 -c 'import json, shlex, sys
for e in json.load(open(sys.argv[1])):
    print("cd", shlex.quote(e["directory"]), "&&", *map(shlex.quote, e["arguments"]))' "$1"
    elif command -v node >/dev/null; then
        node -e 'const q = s => "\x27" + s.replace(/\x27/g, "\x27\\\x27\x27") + "\x27"
for (const e of JSON.parse(require("fs").readFileSync(process.argv[1])))
    console.log("cd " + q(e.directory) + " && " + e.arguments.map(q).join(" "))' "$1"
    else
        return 77
    fi
}

check_compile_commands() # NAME, in a project
{
    succeeds "$1_compile_commands" make -s compile_commands.json
    json_commands compile_commands.json >"$tmp/commands" 2>"$tmp/err"
    case $? in
    0) ;;
    77) skip "$1_compile_commands_json" 'neither jq nor python3 nor node' && return ;;
    *) fail "$1_compile_commands_json" 'not JSON' && return ;;
    esac
    same "$1_compile_commands_entries" "$(find src host tests -name '*.c' 2>/dev/null | wc -l)" \
        "$(wc -l <"$tmp/commands")"
    while read -r command; do
        run sh -c "$command -o '$tmp/object.o'"
        [ $rc = 0 ] || fail "$1_compile_commands_work" "$command"
    done <"$tmp/commands"
}

check_format() # NAME, in a project
{
    command -v clang-format >/dev/null || { skip "$1_format" 'no clang-format' && return; }
    find src host tests -name '*.c' 2>/dev/null >"$tmp/files"
    succeeds "$1_format" sh -c 'xargs -d "\n" clang-format --dry-run -Werror <"$0"' "$tmp/files"
}

# check_project NAME TEMPLATE CALLS-OF-hl-dev-run: generated, built, tested, cleaned and moved
check_project()
{
    p=$1
    succeeds "${2}_new" "$new" -t "$2" "$p"
    same "${2}_next" "$(printf '  cd %s\n  make\n  make test\n  hl-dev run' "$p")" \
        "$(sed 1d "$tmp/out")"
    "$new" -n -t "$2" other-name | sed 's|^other-name/||' | sort >"$tmp/listed"
    (cd "$p" && find . -type f | sed 's|^\./||; s|'"$p"'|other-name|g' | sort) >"$tmp/found"
    succeeds "${2}_dry_run_agrees" cmp "$tmp/listed" "$tmp/found"
    run grep -rn '{{' "$p"
    same "${2}_no_placeholder" 1 "$rc"
    cd "$p" || return
    check_format "$2"
    if [ -n "$why_not" ]; then
        skip "${2}_build" "$why_not"
        cd .. && return
    fi
    find . | sort >"$tmp/before"
    succeeds "${2}_build" make -j4
    same "${2}_build_strict" '' "$(grep -e ' -c ' "$tmp/out" | grep -v -e '-Wall -Wextra -Werror')"
    succeeds "${2}_build_again" make
    same "${2}_build_again_nothing" "make: Nothing to be done for 'all'." "$(cat "$tmp/out")"
    check_compile_commands "$2"
    if [ -z "$why_not_run" ]; then check_runs "$2" "$3"; else skip "${2}_test" "$why_not_run"; fi
    succeeds "${2}_clean" make clean
    find . | sort >"$tmp/after"
    succeeds "${2}_clean_tree" cmp "$tmp/before" "$tmp/after"
    cd ..
    check_moved "$2" "$3"
}

# The commands of its README.md, but for those that wait for another terminal.
check_readme() # NAME, in a project
{
    command -v gdb >/dev/null || { skip "$1_readme" 'no gdb' && return; }
    awk '/^```/ { on = !inside && $0 == "```"; inside = !inside; next } on' README.md |
        sed 's/  *# .*//' | grep -v 'hl-dev attach\|--gdb' >"$tmp/readme"
    [ "$(grep -c . "$tmp/readme")" -ge 4 ] || fail "$1_readme" "$(cat "$tmp/readme")"
    while read -r command <&3; do
        run sh -c "$command"
        same "$1_readme" "0 $command" "$rc $command"
    done 3<"$tmp/readme"
}

check_runs() # NAME OUTPUT, in a project
{
    if [ ! -x "$bin/hl-dev" ] && [ -f tests/test.sh ]; then
        skip "$1_test" 'no hl-dev'
    else
        succeeds "$1_test" make test
        same "$1_test_summary" ' passed, 0 failed' "$(tail -n 1 "$tmp/out" | tr -d 0-9 |
            sed 's/failed/0 failed/; s/  */ /g')"
        same "$1_test_results" 0 "$(grep -c '^not ok' "$tmp/out")"
    fi
    if [ -x "$bin/hl-dev" ]; then
        check_readme "$1"
        run hl-dev run
        same "$1_run" "0 $2" "$rc $(cat "$tmp/out")"
        run make -s -j4 run
        same "$1_make_run" "0 $2" "$rc $(cat "$tmp/out")"
        same "$1_make_run_quiet" '' "$(cat "$tmp/err")"
        run hl-dev run
        same "$1_run_builds_nothing" 0 "$(grep -c hl-cc "$tmp/err")"
        run make clean
        run hl-dev run
        same "$1_run_builds" "0 $2" "$rc $(cat "$tmp/out")"
    else
        skip "$1_run" 'no hl-dev'
    fi
}

# Built in one place, moved to one that no Makefile could name, and on from there.
check_moved() # TEMPLATE OUTPUT
{
    odd="odd 'place' \"of\" \\\$x #1"
    mkdir -p "$odd"
    (cd "$p" && run make)
    mv "$p" "$odd/"
    cd "$odd/$p" || return
    succeeds "$1_moved" make
    same "$1_moved_nothing" "make: Nothing to be done for 'all'." "$(cat "$tmp/out")"
    succeeds "$1_moved_rebuild" make -B
    check_compile_commands "$1_moved"
    [ -n "$why_not_run" ] || check_runs "$1_moved" "$2"
    cd ../..
}

check_project my-guest function 'Greet("world") = "Hello, world!"'
check_project hello2 program 'Hello, world!'

for file in .vscode/tasks.json .vscode/launch.json; do
    command -v jq >/dev/null || { skip "$file" 'no jq' && continue; }
    succeeds "json_$(basename $file .json)" jq -e . "$odd/my-guest/$file"
done

if [ -z "$why_not" ]; then
    # Sizes and the toolkit's place
    strip -o "$tmp/stripped" "$odd/hello2/build/hello2"
    size=$(wc -c <"$tmp/stripped")
    if [ "$size" -lt 40960 ]; then ok program_size; else fail program_size "$size bytes"; fi

    "$new" -q place
    cd place || exit 1
    if PATH=$plain_path command -v hl-cc >/dev/null; then
        skip baked_bindir 'another hl-cc is on PATH'
    else
        succeeds baked_bindir env PATH="$plain_path" make
    fi
    succeeds override_bin make HL_BIN="$bin"
    succeeds override_bin_other_way make HL_BIN="$bin/../bin/."
    same override_bin_same "make: Nothing to be done for 'all'." "$(cat "$tmp/out")"
    ln -s "$bin/hl-cc" "$tmp/hl-cc"
    succeeds path_by_symlink env PATH="$tmp:$plain_path" make
    same path_by_symlink_nothing "make: Nothing to be done for 'all'." "$(cat "$tmp/out")"
    run make HL_BIN=/nonexistent
    same wrong_bin '2 1' "$rc $(grep -c 'no hl-cc in /nonexistent; .*make HL_BIN=' "$tmp/err")"
    succeeds clean_without_toolkit make HL_BIN=/nonexistent clean

    # Only what changed is built again; a new file and a new header are found.
    run make
    echo '#define WORD "Hullo"' >src/word.h
    sed -i 's/"Hello, %s!"/WORD ", %s!"/; s/#include <hl.guest.h>/&\n#include "word.h"/' src/place.c
    cat >src/more.c <<'END'
#include <hl/guest.h>

HL_FUNCTION(f64, Half, (f64, number))
{
    return number / 2;
}
END
    succeeds more_sources make
    same more_sources_found 1 "$(grep -c '/more.o build/' "$tmp/out")"
    echo '#define WORD "Hallo"' >src/word.h
    touch -d '+2 seconds' src/word.h
    run make
    same header_dependency 2 "$(grep -c . "$tmp/out")"
    if [ -z "$why_not_run" ]; then
        run build/test_place
        same a_failing_test '1 not ok greet' "$rc $(grep '^not ok' "$tmp/out" | head -n 1)"
        last_line a_failing_summary '6 passed, 2 failed'
        cd / && run "$tmp/work/place/build/test_place"
        same test_from_anywhere 1 "$rc"
        cd "$tmp/work/place" || exit 1
    fi
    echo 'int unused(int argument) { return 0; }' >src/more.c
    run make
    same warnings_are_errors '2 1' "$rc $(grep -c 'error: unused parameter' "$tmp/err")"
    cd ..

    # The toolkit in a place with a space, and not where it was built.
    mkdir "$tmp/tool kit" && cp -R "$prefix/bin" "$prefix/lib" "$prefix/include" "$prefix/share" \
        "$tmp/tool kit/"
    succeeds spaced_toolkit_new env PATH="$plain_path" "$tmp/tool kit/bin/hl-new" spaced
    same spaced_toolkit_next "  '$tmp/tool kit/bin/hl-dev' run" "$(tail -n 1 "$tmp/out")"
    cd spaced || exit 1
    if PATH=$plain_path command -v hl-cc >/dev/null; then
        skip spaced_toolkit_build 'another hl-cc is on PATH'
    else
        PATH=$plain_path
        succeeds spaced_toolkit_build make
        same spaced_toolkit_used 0 "$(grep -c "$bin" "$tmp/out")"
        succeeds spaced_toolkit_again make
        same spaced_toolkit_nothing "make: Nothing to be done for 'all'." "$(cat "$tmp/out")"
        [ -n "$why_not_run" ] || succeeds spaced_toolkit_test make test
        check_compile_commands spaced_toolkit
    fi
    cd ..
    mv "$tmp/tool kit" "$tmp/tool\$kit"
    refused unspeakable_toolkit 100 'no Makefile can name' 'without quotes' \
        "$tmp/tool\$kit/bin/hl-new" guest
fi

exit $status
