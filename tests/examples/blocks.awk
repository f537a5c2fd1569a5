# SPDX-License-Identifier: Apache-2.0
# blocks.awk: the code blocks of Markdown files and of the comments of headers, one a file in DIR,
# and for each a line FILE:LINE <tab> KIND <tab> NAME on standard output.  examples.sh has the kinds.
#
# In Markdown it is a fence with an info string, which is the kind; in a header's comment, lines
# that begin with " *     ", of which the kind is HEADER.

function begin(what) {
    kind = what
    start = FNR + !/^ /
    name = DIR "/" ++count
    printf "" >name
    open = 1
}
function end() {
    close(name)
    printf "%s:%d\t%s\t%s\n", FILENAME, start, kind, name
    open = held = 0
}

FNR == 1 && open { end() }
FILENAME ~ /\.md$/ && /^```/ {
    if (open) end()
    else if (fence) fence = 0
    else if (/^```(console|text|sh)?$/) fence = 1 # the suite docs has those
    else begin(substr($0, 4))
    next
}
FILENAME ~ /\.h$/ && !/^ \*     / && open {
    if (!/^ \*$/) end()
    else held++
    next
}
# Part of a table or a list, which stand further left.
FILENAME ~ /\.h$/ && !open && /^ \*   / && (list || !/^ \*     /) {
    list = 1
    next
}
FILENAME ~ /\.h$/ { list = 0 }
FILENAME ~ /\.h$/ && /^ \*     / {
    if (!open) begin(HEADER)
    for (; held; held--) print "" >name
    print substr($0, 8) >name
    next
}
open { print >name }
END { if (open) end() }
