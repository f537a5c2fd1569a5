# SPDX-License-Identifier: Apache-2.0
# Markdown with each paragraph that has a line of more than `width` columns wrapped anew.  Code,
# tables, headings and comments stay as they are, and so does a paragraph that fits.
function flush_paragraph(   i, n, word, line, glued)
{
    if (!lines)
        return
    if (!long) {
        for (i = 1; i <= lines; i++)
            print raw[i]
    } else {
        n = split(text, word, " ")
        line = first
        glued = 1
        for (i = 1; i <= n; i++) {
            # a word that would be a list's or a heading's mark at the start of a line
            while (i < n && word[i + 1] ~ /^([-+*|#]+|[0-9]+[.)])$/) {
                word[i + 1] = word[i] " " word[i + 1]
                i++
            }
            if (!glued && length(line) + 1 + length(word[i]) > width) {
                print line
                line = rest
                glued = 1
            }
            line = line (glued ? "" : " ") word[i]
            glued = 0
        }
        print line
    }
    lines = long = 0
    text = ""
}
function begin(mark)
{
    flush_paragraph()
    first = mark
    rest = mark
    gsub(/[^ ]/, " ", rest)
}
/^ *```/ { flush_paragraph(); code = !code; print; next }
code || /^ *$/ || /^ *\|/ || /^#/ || /^<!--/ || /^    / && !lines { flush_paragraph(); print; next }
{
    if (match($0, /^ *([-*+]|[0-9]+[.)]) +/))
        begin(substr($0, 1, RLENGTH))
    else if (!lines) {
        match($0, /^ */)
        begin(substr($0, 1, RLENGTH))
    }
    raw[++lines] = $0
    if (length($0) > width)
        long = 1
    body = lines == 1 ? substr($0, length(first) + 1) : $0
    sub(/^ */, "", body)
    text = text (text == "" ? "" : " ") body
}
END { flush_paragraph() }
