#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# browser.sh PREFIX - the flame graph in a browser: headless Chromium draws it, and its script searches,
# zooms, and answers mouse and keyboard.  Skipped where chromium is not installed.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
docs=$(cd "$here/../profile" && pwd -P)

give_up() {
    echo "$1"
    exit 77
}
command -v python3 >/dev/null || give_up 'no python3 to make the pages with'
command -v chromium >/dev/null || give_up 'no chromium to draw the picture'

# chrome URL ARG...: headless, with a profile of its own and without the network
chrome() {
    local url=$1 profile
    shift
    profile=$(mktemp -d "$TMPDIR/chrome.XXXXXX")
    HOME=$profile TMPDIR=$profile timeout -k 5 $((30 * slow)) chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
        --host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir="$profile" --window-size=1200,500 \
        "$@" "$url" >"$out" 2>"$err" </dev/null
    rc=$?
    rm -rf "$profile"
}

# picture DOC ARG...: as picture.svg
picture() {
    timeout $((20 * slow)) "$prefix/tests/profile/render" "$docs/$1.json" --format svg "${@:2}" >picture.svg ||
        fail "picture of $1" 'no picture'
}

# dom FRAGMENT: the picture as its script made it, into $out
dom() { chrome "file://$PWD/picture.svg$1" --dump-dom; }

# attribute NAME: of the picture itself
attribute() { sed -n "s/^<svg [^>]* $1=\"\([^\"]*\)\".*/\1/p" "$out"; }
# frame NAME: the first one of it that is there to be seen
frame() { grep -F "data-n=\"$1\"" "$out" | grep -v 'display: none' | sed -n 1p; }
# number NAME ATTRIBUTE: of its rectangle
number() { frame "$1" | sed -n "s/.*<rect[^>]* $2=\"\([^\"]*\)\".*/\1/p"; }
matched() { sed -n 's/.*id="matched"[^>]*>\([^<]*\)<.*/\1/p' "$out"; }

picture exits
dom ''
same 'browser: status' 0 $rc
same 'browser: the script runs' live "$(attribute class)"
same 'browser: begins with counts' count "$(attribute data-weight)"
same 'browser: not zoomed' all "$(attribute data-zoom)"
same 'browser: as wide as the window' 1200 "$(attribute width)"
same 'browser: all is as wide as there is room' 1175.2 "$(number all width)"
# 60 of 164 of 1176, and a bit of room between frames
same 'browser: a frame as wide as its count' 429.4 "$(number '[host HostAdd]' width)"
same 'browser: a name that has room' 1 "$(frame '[host HostAdd]' | grep -c '>\[host HostAdd\]</text>')"
same 'browser: a name that has none' 1 "$(frame '[fault #PF]' | grep -c '<text[^>]*/>')"
dom '#weight=time'
same 'browser: time' time "$(attribute data-weight)"
same 'browser: a frame as wide as its time' 587.2 "$(number '[host HostAdd]' width)"
dom '#search=walk'
same 'browser: search' '2 frames, 31.1% matched' "$(matched)"
same 'browser: what matches is marked' 2 "$(grep -c '<g class="f m".*data-n="walk"' "$out")"
dom '#search=%5E%5C%5Bhost'
same 'browser: search by a regular expression' '2 frames, 67.1% matched' "$(matched)"
dom '#search=shop.c%3A44'
same 'browser: search for a line' '0 frames, 0.0% matched' "$(matched)"
dom '#search=tree.h'
same 'browser: search for a file' '1 frame, 30.5% matched' "$(matched)"
dom '#search=%5Bhost'
same 'browser: half a regular expression is text' '2 frames, 67.1% matched' "$(matched)"
has 'browser: and is shown to be' "$out" '<input [^>]*class="bad"'
dom '#zoom=serve&search=walk&weight=time'
same 'browser: zoom' serve "$(attribute data-zoom)"
same 'browser: what is zoomed into has all the room' 1175.2 "$(number serve width)"
same 'browser: its callers stay' 'f a' "$(frame main | sed 's/<g class="\([^"]*\)".*/\1/')"
same 'browser: what it does not call goes' '' "$(frame 'guess?')"
# 1030 of 2580
same 'browser: matched of what is zoomed into' '2 frames, 39.9% matched' "$(matched)"
same 'browser: zoomed widths' 468.7 "$(number walk width)"
dom '#zoom=nobody&weight=weight&search=%E0%A4'
same 'browser: an address that means nothing' 'all count' "$(attribute data-zoom) $(attribute data-weight)"

# The script that plays the user; what it saw is in the picture's data-saw.
cat >play.py <<'END'
import sys
text = open("picture.svg", encoding="utf-8").read()
text = text.replace("<script>", "<script>window.onerror = function (e) { document.documentElement"
                    ".setAttribute('data-error', e); };</script>\n<script>", 1)
end = text.rindex("</svg>")
play = """<script><![CDATA[
var seen = [], svg = document.documentElement, input = document.getElementById("input");
function saw(text) { seen.push(text); svg.setAttribute("data-saw", seen.join("|")); }
function find(name) { return Array.from(document.querySelectorAll(".f")).find(
    function (g) { return g.getAttribute("data-n") === name && g.style.display !== "none"; }); }
function press(key, how) { (document.activeElement || svg).dispatchEvent(new KeyboardEvent("keydown",
    Object.assign({ key: key, bubbles: true, cancelable: true }, how || {}))); }
function mouse(what, target) { target.dispatchEvent(new MouseEvent(what, { bubbles: true, clientX: 100, clientY: 150 })); }
function tip() { var t = document.getElementById("tip"); return t.style.visibility === "visible"
    ? Array.from(t.querySelectorAll("tspan")).map(function (s) { return s.textContent; }).join("/") : "no tip"; }
function zoom() { return svg.getAttribute("data-zoom"); }
%s
]]></script>
"""
sys.stdout.write(text[:end] + play % open("play.js").read() + text[end:])
END

# plays NAME WANTED: the lines on stdin
plays() {
    cat >play.js
    python3 play.py >played.svg
    chrome "file://$PWD/played.svg" --dump-dom
    same "$1" "$2" "$(attribute data-saw)$(attribute data-error)"
}
plays 'mouse: hover' 'visit/tree.h:3/inlined into walk/50 exits  30.5%/1.00 ms  33.3%|no tip' <<'END'
mouse("mousemove", find("visit").querySelector("rect")); saw(tip());
mouse("mouseleave", document.getElementById("frames")); saw(tip());
END
plays 'mouse: hover over what is uncertain' \
    'guess?/uncertain: found without unwind information/5 exits  3.0%/60.0 us  2.0%' <<'END'
mouse("mousemove", find("guess?").querySelector("rect")); saw(tip());
END
plays 'mouse: click zooms, and the button ends it' 'serve|visible|43.1% of serve|all|hidden' <<'END'
function reset() { return getComputedStyle(document.getElementById("reset")).visibility; }
mouse("click", find("serve")); saw(zoom()); saw(reset());
mouse("mousemove", find("visit")); saw(tip().split("/").pop());
mouse("click", document.getElementById("reset")); saw(zoom()); saw(reset());
END
plays 'mouse: the other weight' 'time|#weight=time|count' <<'END'
mouse("click", document.getElementById("by-time")); saw(svg.getAttribute("data-weight")); saw(location.hash);
mouse("click", document.getElementById("by-count")); saw(svg.getAttribute("data-weight"));
END
plays 'keyboard: arrows and Enter' 'main|serve|write|serve|walk|walk|main|main|all' <<'END'
function at() { var s = document.querySelector(".f.s"); return s && s.getAttribute("data-n"); }
press("ArrowUp"); saw(at());
press("ArrowUp"); saw(at());
press("ArrowRight"); saw(at());
press("ArrowLeft"); saw(at());
press("ArrowUp"); press("ArrowRight"); saw(at());
press("Enter"); saw(zoom());
press("ArrowDown"); press("ArrowDown"); saw(at());
press("Enter"); saw(zoom());
press("Escape"); saw(zoom());
END
plays 'keyboard: Ctrl-F, typing and Escape' 'input|2 frames, 31.1% matched|#search=walk|wait|wait|' <<'END'
press("f", { ctrlKey: true }); saw(document.activeElement.id);
input.value = "walk"; input.dispatchEvent(new Event("input", { bubbles: true }));
saw(document.getElementById("matched").textContent); saw(location.hash);
input.value = "wait"; press("w"); press("i"); saw(input.value); press("ArrowUp"); saw(input.value);
press("Escape"); saw(document.getElementById("matched").textContent);
END
plays 'keyboard: w and i' 'time|true|count|true' <<'END'
function y(name) { return Number(find(name).querySelector("rect").getAttribute("y")); }
press("w"); saw(svg.getAttribute("data-weight")); saw(y("all") > y("main"));
press("w"); saw(svg.getAttribute("data-weight")); press("i"); saw(y("all") < y("main"));
END

r=$(seq 60 | awk '{ print "[" NR - 2 ",0]" }' | paste -sd,)
echo '{"format":"hl-profile","version":1,"mode":"exits","kinds":[{"reason":"log","name":"log","count":1,"ns":1}],
    "frames":[{"function":"f"}],"stacks":['"$r"'],"exits":[{"kind":0,"stack":59,"count":1,"ns":1}]}' >tall.json
"$prefix/tests/profile/render" tall.json --format svg >picture.svg
dom ''
same 'tall: what does not fit begins at the top' 92 "$(number all y)"

picture hostile
plays 'hostile names: nothing of theirs runs' '1|true|0|true' <<'END'
saw(document.querySelectorAll("script").length - 2);
saw(document.querySelector("title").textContent.indexOf("<script>") > 0);
saw(document.querySelectorAll("b").length);
saw(!!find("]]" + "><script>alert(1)</script>"));
END
dom '#search=%3Cscript'
same 'hostile names: search' '1 frame, 100.0% matched' "$(matched)"

picture exits-later --diff "$docs/exits.json"
dom ''
# 20 of the greatest change, 24
same 'comparison: less is blue' 'rgb(106,106,245)' "$(number write fill)"
same 'comparison: the same is neither' 'rgb(238,236,232)' "$(number '[host HostAdd]' fill)"
dom '#weight=time'
# the greatest change is of what leads to the slower HostAdd: 1100000
same 'comparison: more is red' 'rgb(240,88,88)' "$(number '[host HostAdd]' fill)"
plays 'comparison: what it was' 'write/libc/write.c:12/20 exits  14.3%  (was 40, -50.0%)/160 us  4.3%  (was 350 us, -54.3%)' <<'END'
mouse("mousemove", find("write")); saw(tip());
END

# What is drawn: frames have their colours, with and without the script.
cat >pixels.py <<'END'
import struct, sys, zlib
data, at, image = open("shot.png", "rb").read(), 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind == b"IHDR":
        w, h, depth, color = struct.unpack(">IIBB", data[at + 8:at + 18])
    if kind == b"IDAT":
        image += data[at + 8:at + 8 + size]
    at += size + 12
n = {2: 3, 6: 4}[color]
assert depth == 8
raw, rows, last = zlib.decompress(image), [], bytearray(w * n)
for y in range(h):
    kind, row = raw[y * (w * n + 1)], bytearray(raw[y * (w * n + 1) + 1:(y + 1) * (w * n + 1)])
    for i in range(w * n):
        a, b, c = (row[i - n] if i >= n else 0), last[i], (last[i - n] if i >= n else 0)
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        row[i] = (row[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
    rows.append(row)
    last = row
print(w, h, " ".join("#%02x%02x%02x" % tuple(rows[int(y)][int(x) * n:int(x) * n + 3])
                     for x, y in (p.split(",") for p in sys.argv[1:])))
END
picture exits
dom ''
colors= points=
for name in all main serve walk '[host HostAdd]' '[syscall write]'; do
    colors="$colors $(number "$name" fill)"
    points="$points $(awk -v x="$(number "$name" x)" -v w="$(number "$name" width)" -v y="$(number "$name" y)" \
        'BEGIN { print int(x + w - 4) "," y + 9 }')"
done
chrome "file://$PWD/picture.svg" --screenshot="$PWD/shot.png"
# shellcheck disable=SC2086 # the points are words
same 'screenshot: frames are where they should be, and in their colours' "1200 500$colors" \
    "$(timeout $((60 * slow)) python3 pixels.py $points 2>&1 | tail -n 1)"
same 'screenshot: hues differ' 6 "$(echo $colors | tr ' ' '\n' | sort -u | wc -l)"
# As a picture within a page it has no script, and is the same one.
echo '<body style="margin:0"><img src="picture.svg"></body>' >page.html
chrome "file://$PWD/page.html" --screenshot="$PWD/shot.png"
# shellcheck disable=SC2086
same 'screenshot: without script too' "1200 500$colors" \
    "$(timeout $((60 * slow)) python3 pixels.py $points 2>&1 | tail -n 1)"
finish
