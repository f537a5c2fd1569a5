#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# render.sh PREFIX - profile documents in every format; needs no KVM.  What is right was worked out
# by hand from the documents in tests/profile.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=render-lib.sh
. "$here/render-lib.sh"

shows 'table: exits by line' "$exits" <<'END'
build/shop: 3 runs, 164 exits, 2 interrupts
guest  1.00 ms  25.0%  running the guest, with KVM's entry and exit
host   2.20 ms  55.0%  in host functions
vmm     800 us  20.0%  in libhl: system calls, arguments, output, log
total  4.00 ms         and 123 us for making this profile
the stack of 4 exits is unknown: there were too many different ones

OUTSIDE: time that exits took outside the guest, in host functions and libhl
EXITS  SHARE  OUTSIDE  SHARE  FUNCTION   AT         WHAT
   60  36.6%  1.50 ms  50.0%  serve      shop.c:20  [host HostAdd]
   50  30.5%  1.00 ms  33.3%  visit      tree.h:3   [host HostAdd]
   40  24.4%   350 us  11.7%  main       shop.c:44  [syscall write]
    5   3.0%  60.0 us   2.0%  0x402200              [io out 0x3f8]
    5   3.0%  50.0 us   1.7%  serve      shop.c:24  [syscall write]
    3   1.8%  10.0 us   0.3%  [unknown]             [result]
    1   0.6%  30.0 us   1.0%  walk       tree.c:9   [fault #PF]

calls, their times and who took them
COUNT  FAILED  EXITS     TIME  GUEST   HOST      P50      P99      MAX  CALL
    1              1   300 us  66.7%   0.0%   300 us   300 us   300 us  start
    2       1    163  3.70 ms  21.6%  59.5%  1.70 ms  2.00 ms  2.00 ms  Serve

pages that each call wrote to and touched
COUNT  WRITTEN  CALL
    1       12  start
    2      3-6  Serve

start-up
load                250 us
create             1.40 ms
first instruction  90.0 us
first result        300 us
restore            21.0 us  mean of 2

memory
heap   at most 1.25 MiB of 64.0 MiB
stack  at most 5.00 KiB of 1.00 MiB
pages  18 written to (72.0 KiB)

what KVM counted meanwhile, for its own and the host's sake, too
190  exits     vcpu
164  io_exits  vcpu
2 of its counters stayed at 0
END

# rows NAME ARG...: of the table alone
rows() {
    local name=$1
    shift
    cat >"$tmp/want"
    r "$@"
    awk '/^ *EXITS |SAMPLES /{ on = 1 } /^$/ && on { exit } on' "$out" >"$tmp/rows"
    if diff "$tmp/want" "$tmp/rows" >"$err"; then ok "$name"; else fail "$name" 'not what it should be'; fi
}

# Callers have a total without anything of their own; walk is in a stack twice and counts once.
rows 'table: exits by function' "$exits" --by function <<'END'
EXITS  SHARE  OUTSIDE  SHARE  TOTAL  FUNCTION   FILE
   65  39.6%  1.55 ms  51.7%  70.7%  serve      shop.c
   50  30.5%  1.00 ms  33.3%  30.5%  visit      tree.h
   40  24.4%   350 us  11.7%  95.1%  main       shop.c
    5   3.0%  60.0 us   2.0%   3.0%  0x402200
    3   1.8%  10.0 us   0.3%   1.8%  [unknown]
    1   0.6%  30.0 us   1.0%  31.1%  walk       tree.c
    0   0.0%     0 ns   0.0%  67.1%  HostAdd
    0   0.0%     0 ns   0.0%  27.4%  write      libc/write.c
    0   0.0%     0 ns   0.0%   3.0%  guess?
END
rows 'table: exits by reason' "$exits" --by reason --weight time <<'END'
EXITS  OUTSIDE  SHARE      P50      MAX  WHAT
  110  2.50 ms  83.3%  20.0 us   120 us  [host HostAdd]  2 failed
   45   400 us  13.3%  8.00 us  30.0 us  [syscall write]
    5  60.0 us   2.0%  12.0 us  12.0 us  [io out 0x3f8]
    1  30.0 us   1.0%  30.0 us  30.0 us  [fault #PF]
    3  10.0 us   0.3%  4.00 us  5.00 us  [result]
END
rows 'table: by host' "$exits" --by host <<'END'
EXITS  SHARE  OUTSIDE      P50      MAX  WHAT
  110  71.0%  2.50 ms  20.0 us   120 us  [host HostAdd]  2 failed
   45  29.0%   400 us  8.00 us  30.0 us  [syscall write]
END
shows 'table: samples' "$cpu" <<'END'
build/shop: 1 run, 70 exits
guest   100 ms  76.9%  running the guest, with KVM's entry and exit
host   20.0 ms  15.4%  in host functions
vmm    10.0 ms   7.7%  in libhl: system calls, arguments, output, log
total   130 ms         and 5.00 us for making this profile
sampled 1000 times a second: 100 samples, 3 lost (2.9% of those due)

guest: 100 ms, in the guest's own code (sampled)
SAMPLES  SHARE     TIME  SHARE  TOTAL  FUNCTION   FILE
     50  50.0%  50.0 ms  50.0%  50.0%  fib        fib.c
     40  40.0%  40.0 ms  40.0%  40.0%  memcpy
      9   9.0%  9.00 ms   9.0%  49.0%  work       shop.c
      1   1.0%  1.00 ms   1.0%   1.0%  [unknown]
      0   0.0%     0 ns   0.0%  99.0%  main       shop.c

host: 20.0 ms, in host functions (measured)
SAMPLES   SHARE     TIME   SHARE   TOTAL  FUNCTION  FILE
     20  100.0%  20.0 ms  100.0%  100.0%  work      shop.c
      0    0.0%     0 ns    0.0%  100.0%  HostAdd
      0    0.0%     0 ns    0.0%  100.0%  main      shop.c

vmm: 10.0 ms, in libhl (measured)
SAMPLES   SHARE     TIME   SHARE   TOTAL  FUNCTION  FILE
     10  100.0%  10.0 ms  100.0%  100.0%  work      shop.c
      0    0.0%     0 ns    0.0%  100.0%  HostAdd
      0    0.0%     0 ns    0.0%  100.0%  main      shop.c

memory
heap   at most 0 B of 0 B
stack  at most 0 B of 0 B
END
# What memcpy() took is charged to the line that called it: it has no lines itself.
says 'table: samples by line' '^     49  49\.0%  49\.0 ms  49\.0%  work       shop\.c:20$' "$cpu" --by line
says 'table: colour where it is wanted' $'^\033\\[1mEXITS.*\033\\[0m$' "$exits" --color

# 12 lines of 5 exits more than a table has: 60 of 5 * 42 = 210
many=$tmp/many.json
{
    echo '{"format":"hl-profile","version":1,"mode":"exits","kinds":[{"reason":"log","name":"log","count":210,"ns":42}],"frames":['
    for i in $(seq 1 42); do printf '%s{"function":"f","file":"m.c","line":%d}\n' "${comma-}" "$i"; comma=,; done
    echo '],"stacks":['
    for i in $(seq 0 41); do printf '%s[-1,%d]\n' "${comma2-}" "$i"; comma2=,; done
    echo '],"exits":['
    for i in $(seq 0 41); do printf '%s{"kind":0,"stack":%d,"site":%d,"count":5,"ns":1}\n' "${comma3-}" "$i" "$i"; comma3=,; done
    echo ']}'
} >"$many"
says 'table: no more than 30 rows' '^\.\.\. and 12 more, of 60 exits and 12 ns together \(28\.6%\)$' "$many"
same 'table: 30 rows' 30 "$(grep -c 'm\.c:' "$out")"

shows 'folded: exits' "$exits" --format folded <<'END'
[unknown];[result] 3
guess?;0x402200;[io out 0x3f8] 5
main;serve;HostAdd;[host HostAdd] 60
main;serve;walk;walk;[fault #PF] 1
main;serve;walk;walk;visit;HostAdd;[host HostAdd] 50
main;serve;write;[syscall write] 5
main;write;[syscall write] 40
END
shows 'folded: by line, time' "$exits" --format folded --by line --weight time <<'END'
[unknown];[result] 10000
guess?;0x402200;[io out 0x3f8] 60000
main (shop.c:40);serve (shop.c:20);HostAdd;[host HostAdd] 1500000
main (shop.c:40);serve (shop.c:20);walk (tree.c:7);walk (tree.c:9);[fault #PF] 30000
main (shop.c:40);serve (shop.c:20);walk (tree.c:7);walk (tree.c:9);visit (tree.h:3);HostAdd;[host HostAdd] 1000000
main (shop.c:40);serve (shop.c:24);write (libc/write.c:12);[syscall write] 50000
main (shop.c:44);write (libc/write.c:12);[syscall write] 350000
END
shows 'folded: by host' "$exits" --format folded --by host <<'END'
[host HostAdd];main;serve;HostAdd 60
[host HostAdd];main;serve;walk;walk;visit;HostAdd 50
[syscall write];main;serve;write 5
[syscall write];main;write 40
END
shows 'folded: samples' "$cpu" --format folded <<'END'
guest;[unknown] 1
guest;main;fib;fib;fib 50
guest;main;work 9
guest;main;work;memcpy 40
host;main;work;HostAdd;[host HostAdd] 20
vmm;main;work;HostAdd;[host HostAdd] 10
END

# annotate NAME LINE...: callgrind_annotate opens $out, and prints each of these lines
annotate() {
    local name=$1 line
    shift
    command -v callgrind_annotate >/dev/null || { skip "$name" 'no callgrind_annotate'; return; }
    cp "$out" "$tmp/callgrind.out"
    timeout $((30 * slow)) callgrind_annotate --inclusive=yes --auto=no --threshold=100 \
        "$tmp/callgrind.out" >"$out" 2>"$err" || { fail "$name" "status $?"; return; }
    sed 's/  *([^)]*)//g; s/  */ /g; s/^ //' "$out" >"$tmp/plain"
    for line; do
        grep -Fqx -- "$line" "$tmp/plain" || { fail "$name" "no line '$line'"; return; }
    done
    if [ -s "$err" ]; then fail "$name" 'something on stderr'; else ok "$name"; fi
}
r "$exits" --format callgrind
annotate 'callgrind: exits' '164 3,000,000 PROGRAM TOTALS' '156 2,930,000 shop.c:main' \
    '116 2,580,000 shop.c:serve' '51 1,030,000 tree.c:walk' '50 1,000,000 tree.h:visit' \
    '110 2,500,000 ???:[host HostAdd]' '5 60,000 ???:guess?'
r "$cpu" --format callgrind
annotate 'callgrind: samples' '130 130,000,000 PROGRAM TOTALS' '129 129,000,000 shop.c:main' \
    '50 50,000,000 fib.c:fib' '100 100,000,000 ???:[guest]' '20 20,000,000 ???:[host]'
# What functions cost themselves is everything, once.
same 'callgrind: self costs add up' '130 130000000' "$(awk '/^calls=/ { skip = 1; next }
    /^[0-9]/ { if (!skip) { a += $2; b += $3 } skip = 0 } END { print a, b }' "$tmp/callgrind.out")"
r "$hostile" --format callgrind
annotate 'callgrind: hostile names' '15 5,000 PROGRAM TOTALS' "15 5,000 a;b\\t\"<&>'.c:main;\\nevil"

# check NAME ARG...: the python program on stdin says nothing about $out
check() {
    local name=$1 text
    shift
    command -v python3 >/dev/null || { skip "$name" 'no python3'; return; }
    text=$(timeout $((30 * slow)) python3 - "$out" "$@" 2>&1)
    if [ -z "$text" ]; then ok "$name"; else fail "$name" "$(echo "$text" | tail -n 1)"; fi
}

# Required members and types of https://www.speedscope.app/file-format-schema.json, release 1.x
speedscope() {
    check "$@" <<'END'
import json, sys
f = json.load(open(sys.argv[1], encoding="utf-8"))
assert f["$schema"] == "https://www.speedscope.app/file-format-schema.json"
assert type(f.get("name", "")) is str and type(f.get("exporter", "")) is str
assert f.get("activeProfileIndex", 0) in range(len(f["profiles"]))
frames = f["shared"]["frames"]
for frame in frames:
    assert type(frame["name"]) is str
    assert set(frame) <= {"name", "file", "line", "col"}, frame
    assert type(frame.get("file", "")) is str and type(frame.get("line", 0)) is int
for p in f["profiles"]:
    assert p["type"] == "sampled" and type(p["name"]) is str
    assert p["unit"] in ("none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes")
    assert len(p["samples"]) == len(p["weights"])
    assert all(i in range(len(frames)) for s in p["samples"] for i in s)
    assert p["startValue"] == 0 and p["endValue"] == sum(p["weights"])
want = [int(a) for a in sys.argv[2:]]
assert [p["endValue"] for p in f["profiles"]] == want, [p["endValue"] for p in f["profiles"]]
END
}
r "$exits" --format speedscope
speedscope 'speedscope: exits' 164 3000000
member 'speedscope: a stack' '[0,1,4,4,5,2,3]' profiles 0 samples 1
member 'speedscope: inlined' '"visit (inlined)"' shared frames 5 name
member 'speedscope: counts first' 0 activeProfileIndex
r "$exits" --format speedscope --weight time --by line
member 'speedscope: time first' 1 activeProfileIndex
member 'speedscope: a line' '{"name":"main","file":"shop.c","line":40}' shared frames 0
r "$cpu" --format speedscope
speedscope 'speedscope: samples' 130 130000000
r "$hostile" --format speedscope
speedscope 'speedscope: hostile names' 15 5000

r "$exits" --format json
cp "$out" "$tmp/again.json"
member 'json: the document itself' '[1,6]' stacks 2
r "$tmp/again.json" --format json
same 'json: of json the same again' '' "$(cmp "$out" "$tmp/again.json" 2>&1)"

# Nodes of the picture: "name count ns x width" of those with data, x and width as without script.
svg() {
    check "$@" <<'END'
import sys, xml.dom.minidom as dom
d = dom.parse(sys.argv[1])
want, nodes = sys.argv[2:], []
for g in d.getElementsByTagName("g"):
    if g.hasAttribute("data-n"):
        rect, = g.getElementsByTagName("rect")
        nodes.append((g, float(rect.getAttribute("x")), float(rect.getAttribute("width"))))
for i, (g, x, w) in enumerate(nodes):
    if i:
        pg, px, pw = nodes[int(g.getAttribute("data-p"))]
        assert int(g.getAttribute("data-p")) < i
        assert px - .11 <= x and x + w <= px + pw + .2, "%s is not on its caller" % g.getAttribute("data-n")
    assert g.getElementsByTagName("title"), "nothing shows it without script"
lines = ["%s %s %s" % (g.getAttribute("data-n"), g.getAttribute("data-c"), g.getAttribute("data-t"))
         for g, x, w in nodes]
assert len(lines) == len(nodes)
for w in want:
    assert w in lines, "no %r in %r" % (w, lines)
for e in d.getElementsByTagName("*"):
    for name, value in e.attributes.items():
        assert not name.startswith("on"), "inline script"
        assert "://" not in value or name == "xmlns" or name.startswith("data-"), value
        assert name not in ("href", "xlink:href", "src"), "a reference to another file"
assert len(d.getElementsByTagName("script")) == 1
assert "://" not in d.getElementsByTagName("style")[0].firstChild.data
END
}
r "$exits" --format svg
svg 'svg: exits' 'all 164 3000000' 'main 156 2930000' 'serve 116 2580000' 'walk 51 1030000' \
    'visit 50 1000000' '[host HostAdd] 50 1000000' '[host HostAdd] 60 1500000' 'guess? 5 60000'
has 'svg: inlined and uncertain are marked' "$out" 'class="f i".*data-n="visit"'
has 'svg: a tip without script' "$out" 'uncertain: found without unwind information'
same 'svg: the page it was made from is nowhere in it' '' "$(grep -n "$tmp\|$here" "$out")"
r "$exits" --format svg --weight time
has 'svg: time' "$out" 'data-weight="time"'
r "$exits" --format svg --by line
svg 'svg: by line' 'main (shop.c:40) 116 2580000' 'main (shop.c:44) 40 350000' '0x402200 5 60000'
r "$exits" --format svg --by reason
svg 'svg: by reason' '[host HostAdd] 110 2500000' '[syscall write] 45 400000' 'walk 50 1000000'
r "$cpu" --format svg
svg 'svg: samples' 'guest 100 100000000' 'host 20 20000000' 'vmm 10 10000000' 'memcpy 40 40000000'
r "$hostile" --format svg
svg 'svg: hostile names' 'all 15 5000' 'main;\nevil 15 5000' ']]><script>alert(1)</script> 15 5000'

# 7000 functions of 1 exit each, and one of 100000: more than a picture can have
awk 'BEGIN {
    printf "{\"format\":\"hl-profile\",\"version\":1,\"mode\":\"exits\",\"kinds\":[{\"reason\":\"log\",\"name\":\"log\",\"count\":107000,\"ns\":107000}],\"frames\":["
    for (i = 0; i <= 7000; i++) printf "%s{\"function\":\"f%d\"}", i ? "," : "", i
    printf "],\"stacks\":["
    for (i = 0; i <= 7000; i++) printf "%s[-1,%d]", i ? "," : "", i
    printf "],\"exits\":["
    for (i = 0; i <= 7000; i++) printf "%s{\"kind\":0,\"stack\":%d,\"count\":%d,\"ns\":%d}", i ? "," : "", i, i ? 1 : 100000, i ? 1 : 100000
    print "]}" }' >"$tmp/wide.json"
r "$tmp/wide.json" --format svg
svg 'svg: too many frames' 'all 107000 107000' 'f0 100000 100000' '[log] 100000 100000'
has 'svg: too many frames: the narrowest are left out' "$out" '>14000 frames are too narrow to be shown<'
r "$tmp/wide.json" --format folded
same 'folded: none is left out' 7001 "$(wc -l <"$out")"

d=("$later" --diff "$exits")
shows 'diff: by line' "${d[@]}" <<'END'
build/shop compared with build/shop

TOTAL   BEFORE      NOW    CHANGE
runs         3        3         0       =
exits      164      140       -24  -14.6%
guest  1.00 ms  1.00 ms      0 ns       =
host   2.20 ms  3.20 ms  +1.00 ms  +45.5%
vmm     800 us   800 us      0 ns       =
total  4.00 ms  5.00 ms  +1.00 ms  +25.0%

EXITS  NOW  CHANGE          TIME NOW  FUNCTION   AT         WHAT
   40   20     -20  -50.0%    160 us  main       shop.c:44  [syscall write]
    5    0      -5    gone      0 ns  serve      shop.c:24  [syscall write]
    0    2      +2     new   8.00 us  main       shop.c:40  [log]
    1    0      -1    gone      0 ns  walk       tree.c:9   [fault #PF]
   60   60       0       =   2.60 ms  serve      shop.c:20  [host HostAdd]
   50   50       0       =    900 us  visit      tree.h:3   [host HostAdd]
    5    5       0       =   60.0 us  0x402200              [io out 0x3f8]
    3    3       0       =   10.0 us  [unknown]             [result]
END
says 'diff: by reason' '^   45   20     -25  -55\.6% .* -240 us  \[syscall write\]$' "${d[@]}" --by reason
says 'diff: by function' '^   65   60      -5   -7\.7%   1\.55 ms   2\.60 ms  .*serve' \
    "${d[@]}" --by function
same 'diff: the greatest change of time is first' '[host HostAdd]' \
    "$(r "${d[@]}" --by reason --weight time; sed -n '/^EXITS/{n;s/.*  //p}' "$out")"
r "${d[@]}" --format json --by host
member 'diff: json' '"hl-profile-diff"' format
member 'diff: json: a row' '{"name":"write","place":"","what":"[syscall write]","before":{"count":45,"ns":400000},"now":{"count":20,"ns":160000},"count_change":-25,"ns_change":-240000}' rows 0
member 'diff: json: totals' 4000000 before wall_ns
r "${d[@]}" --format svg
svg 'diff: svg' 'all 140 3738000' 'write 20 160000' '[log] 2 8000'
has 'diff: svg: what it was' "$out" 'data-c="20" data-t="160000" data-oc="40" data-ot="350000" data-n="write"'
has 'diff: svg: what is gone' "$out" 'gone, and not shown: 6 exits, 80\.0 us'
r "$cpu" --diff "$cpu"
same 'diff: of a profile with itself' '' "$(grep '[-+][0-9]' "$out")"

for format in folded callgrind speedscope; do
    refuses "diff: not as $format" ARGUMENT "--format $format cannot show a comparison" "${d[@]}" --format $format
    has "diff: a hint, $format" "$err" '^hint: .*table, json and svg'
done
refuses 'diff: exits and samples' ARGUMENT 'one profile is of exits, the other of samples' "$cpu" --diff "$exits"
refuses 'diff: a damaged old one' FILE 'not "hl-profile"' "$exits" --diff <(echo '{"format": "x"}')

# Nothing of a guest's drives the terminal, and text stays text.
for format in table folded svg callgrind speedscope; do
    r "$hostile" --format $format
    same "hostile names: $format" 0 $rc
    same "hostile names: no control characters in $format" '' \
        "$(LC_ALL=C grep -naP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]' "$out")"
done
same 'hostile names: a stack a line' 4 "$(r "$hostile" --format folded; grep -cE ' [0-9]+$' "$out")"
finish
