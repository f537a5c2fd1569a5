#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# vscode.sh PREFIX: the .vscode of a generated project, as Visual Studio Code and its C/C++ extension
# use it: launch.json's preLaunchTask is started, and GDB's MI gets the commands that cppdbg sends.
set -u
B=$(cd "$1" && pwd)
. "$(dirname "$0")/session.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/hl-gdb.XXXXXX") || exit 1
pids=()
finish() {
    exec 5>&- 2>/dev/null
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
    rm -rf "$tmp"
}
trap finish EXIT
command -v jq >/dev/null || { echo 'skip vscode: no jq'; exit 0; }
unset HL_BIN HL_TEMPLATES MAKEFLAGS MAKELEVEL MFLAGS

# setting JQ-EXPRESSION: of the configuration "debug the guest", with VS Code's variables filled in
setting() {
    jq -er '.configurations[] | select(.name == "debug the guest") | '"$1" .vscode/launch.json |
        sed "s|\${workspaceFolder}|$PWD|g"
}
task() { jq -er --arg task "$(setting .preLaunchTask)" '.tasks[] | select(.label == $task) | '"$1" .vscode/tasks.json; }

# start_task: in the background; returns when its output matches the end of the background phase
start_task() {
    local end line
    end=$(task '.problemMatcher[] | objects | .background.endsPattern')
    mkfifo "$tmp/task"
    PATH=/usr/bin:/bin setsid sh -c "$(task .command)" >"$tmp/task" 2>&1 &
    pids+=("$!")
    server=$!
    exec 4<"$tmp/task"
    rm "$tmp/task"
    task_said=
    while read -t $((60 * slow)) -r line <&4; do
        task_said+=$line$'\n'
        [[ $line =~ $end ]] && { cat <&4 >"$tmp/task.rest" & return 0; }
    done
    return 1
}

# mi COMMAND [PATTERN]: send one; wait for its result, and for a stop where PATTERN is *stopped
token=0
mi() {
    local line seen= want="^$((token += 1))\^"
    echo "$token$1" >&5
    while read -t $((30 * slow)) -r line <&6; do
        out+=$line$'\n'
        [[ $line =~ $want ]] && seen=1
        [ -z "$seen" ] && continue
        [[ $line =~ ^$token\^error ]] && { last=$line; return 1; }
        if [ -z "${2-}" ] || [[ $line =~ $2 ]]; then
            last=$line
            return 0
        fi
    done
    last='(nothing)'
    return 1
}
# expect COMMAND PATTERN [STOP]: the result, or the stop, matches
expect() {
    mi "$1" "${3-}" || problem=${problem:-"$1: $last"}
    [[ $last =~ $2 ]] || problem=${problem:-"$1: $last"}
}
stopped='^\*stopped'

# What MIEngine sends for "request": "launch" with a miDebuggerServerAddress.
launch() {
    local text
    out= problem=
    coproc GDB { exec "$(setting '.miDebuggerPath // "gdb"')" -nx -q --interpreter=mi3 2>&1; }
    pids+=("$GDB_PID")
    exec 5>&"${GDB[1]}" 6<&"${GDB[0]}"
    while read -r text; do
        [[ $text = -* ]] || text="-interpreter-exec console \"$text\""
        expect "$text" '\^done'
    done < <(setting '.setupCommands[].text')
    expect '-gdb-set mi-async on' '\^done'
    expect "-file-exec-and-symbols \"$(setting .program)\"" '\^done'
    expect "-target-select remote $(setting .miDebuggerServerAddress)" '\^connected'
}
quit_gdb() {
    expect '-gdb-exit' '\^exit'
    wait "$GDB_PID" 2>/dev/null
    exec 5>&- 6<&-
    wait "$server"
    served=$?
}

# project TEMPLATE: built, in a place with a space in its name
project() {
    cd "$tmp" || exit 1
    rm -rf 'my projects' && mkdir 'my projects' && cd 'my projects' || exit 1
    "$B/bin/hl-new" -q -t "$1" sample && cd sample || exit 1
    name=$1-settings problem= out=
    for file in launch tasks; do jq -e . .vscode/$file.json >/dev/null || problem="$file.json"; done
    [ "$(setting .miDebuggerServerAddress)" = "$PWD/$(sed -n 's/^GDB_SOCKET ?= //p' Makefile)" ] ||
        problem='another socket in the Makefile'
    [ "$(setting .type)/$(setting .request)/$(setting .MIMode)" = cppdbg/launch/gdb ] || problem='not cppdbg'
    [ "$(task .isBackground)" = true ] || problem='the task is not a background task'
    verdict
    # As an author would who wants to step.
    export GUEST_CFLAGS=-O0
    name=$1-task problem=
    start_task || problem='the task never was ready'
    out=$task_said
    has '^hl-dev: waiting for gdb'
    [ -f "$(setting .program)" ] || problem='the program was not built'
    verdict
}

project program
launch
name=program-connects
expect '-break-insert main' 'func="main"'
expect '-exec-continue' 'reason="breakpoint-hit".*func="main"' "$stopped"
expect '-stack-list-frames' 'frame=\{level="0",addr="0x[0-9a-f]+",func="main",file="src/main.c",fullname="[^"]*/sample/src/main.c",line="[0-9]+"'
verdict
name=program-looks out=
expect '-stack-list-arguments 1 0 0' 'name="argc",value="1"'
expect '-var-create v * argc' 'name="v",numchild="0",value="1",type="int"'
expect '-var-create w * argv' 'type="char \*\*"'
expect '-var-list-children --all-values w' 'numchild="1"'
expect '-data-evaluate-expression argc+41' 'value="42"'
expect '-data-evaluate-expression *argv' 'sample'
expect '-thread-info' 'name="[^"]*"'
expect '-data-list-register-names' '"rax","rbx"'
expect '-data-list-register-values x 16' 'value="0x'
expect "-data-disassemble -s \$pc -e \$pc+16 -- 2" 'func-name="main"'
expect '-data-read-memory-bytes $sp 16' 'contents="[0-9a-f]{32}"'
expect '-interpreter-exec console "hl calls"' '\^done'
has '^~?"?now:  main\(\)|now:  main'
verdict
name=program-steps out= problem=
expect '-exec-next' 'reason="end-stepping-range".*func="main"' "$stopped"
expect '-break-insert __stdio_write' 'addr="0x'
expect '-exec-continue' 'reason="breakpoint-hit".*func="__stdio_write"' "$stopped"
expect '-stack-list-frames' 'func="__stdio_write".*func="main"[^{]*\]'
# GDB gives no reason for the end of a function without debug information.
expect '-exec-finish' 'func="__stdout_write"' "$stopped"
expect '-break-delete' '\^done'
expect '-exec-step' 'reason="end-stepping-range"' "$stopped"
expect '-exec-continue' 'reason="exited-normally"' "$stopped"
quit_gdb
verdict
name=program-ends problem= out=$(cat "$tmp/task.rest")
[ $served = 0 ] || problem="status $served"
has '^Hello, world!$'
verdict

project function
launch
name=function-steps
expect '-break-insert Greet' 'func="Greet"'
expect '-exec-continue' 'reason="breakpoint-hit".*func="Greet".*name="name",value="0x[0-9a-f]+ \\"world\\""' "$stopped"
expect '-var-create v * name' 'value="0x[0-9a-f]+ \\"world\\""'
expect '-exec-next' 'func="Greet"' "$stopped"
expect '-data-evaluate-expression text' 'Hello, world!'
expect '-data-evaluate-expression hl_state.input->call' 'CALL Greet\(string \\"world\\"\)'
expect '-stack-list-frames' 'func="Greet".*func="hl_thunk_Greet".*func="crt0_serve"'
expect '-exec-finish' 'reason="function-finished".*Hello, world!' "$stopped"
expect '-exec-continue' 'reason="exited-normally"' "$stopped"
quit_gdb
verdict
name=function-ends problem= out=$(cat "$tmp/task.rest")
[ $served = 0 ] || problem="status $served"
has '^Greet\("world"\) = "Hello, world!"$'
verdict
cd /
exit $failed
