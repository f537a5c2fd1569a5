/*
 * The flame graph's script; it is put into each picture.
 *
 * #frames has one <g class="f"> a node, parents first, siblings in the order they stand in:
 * data-p (number of the parent), data-c, data-t (count, ns), in a comparison data-oc, data-ot (what
 * they were), data-n (name), data-f (file:line).  The address keeps the current view:
 * #weight=time&zoom=NUMBER-or-NAME&search=REGEX.
 */
(function () {
    "use strict";
    var script = document.currentScript;
    var svg = (script && script.closest("svg")) || document.documentElement;
    var MARGIN = 12, ROW = 20, CHAR = 7.23, TOP = 92, FOOT = 34;
    var nodes = [], deepest = 0, width = 1200, inverted = false, chosen = false;
    var state = { weight: svg.getAttribute("data-weight"), zoom: 0, search: "" };
    var selected = null, unit = svg.getAttribute("data-unit"), compares = svg.hasAttribute("data-diff");

    function id(name) { return svg.querySelector("#" + name); }
    function put(element, attributes) {
        for (var key in attributes)
            element.setAttribute(key, attributes[key]);
    }
    function weight(n) { return state.weight === "time" ? n.t : n.c; }
    function before(n) { return state.weight === "time" ? n.ot : n.oc; }

    function load() {
        Array.prototype.forEach.call(svg.querySelectorAll(".f"), function (g, i) {
            function number(key) { return Number(g.getAttribute("data-" + key) || 0); }
            var n = { i: i, g: g, rect: g.querySelector("rect"), text: g.querySelector("text"),
                      c: number("c"), t: number("t"), oc: number("oc"), ot: number("ot"), kids: [],
                      name: g.getAttribute("data-n"), place: g.getAttribute("data-f") || "",
                      parent: i ? nodes[number("p")] : null, depth: 0 };
            var title = g.querySelector("title");
            g.setAttribute("aria-label", title.textContent);
            g.removeChild(title); /* our own says more, and at once */
            if (n.parent) {
                n.depth = n.parent.depth + 1;
                n.parent.kids.push(n);
            }
            deepest = Math.max(deepest, n.depth);
            g.node = n;
            nodes.push(n);
        });
    }

    function shorten(text, px) {
        var room = Math.floor((px - 7) / CHAR), all = Array.from(text);
        return all.length <= room ? text : room < 4 ? "" : all.slice(0, room - 2).join("") + "..";
    }

    /* Where each node begins, in units of the weight. */
    function places() {
        nodes.forEach(function (n) {
            n.x = n.parent ? n.parent.cursor : 0;
            n.cursor = n.x;
            if (n.parent)
                n.parent.cursor += weight(n);
        });
    }

    function draw(n, x, w, ancestor) {
        var y = TOP + (inverted ? n.depth : deepest - n.depth) * ROW;
        n.px = x;
        n.py = y;
        n.g.classList.toggle("a", ancestor);
        n.g.style.display = "";
        put(n.rect, { x: x.toFixed(1), y: y, width: (w > 3 ? w - 0.8 : w * 0.8).toFixed(1) });
        put(n.text, { x: (x + 4).toFixed(1), y: y + 14 });
        n.text.textContent = shorten(n.name, w);
    }

    function layout() {
        var zoomed = nodes[state.zoom], inner = width - 2 * MARGIN;
        var scale = weight(zoomed) ? inner / weight(zoomed) : 0, up = new Set();
        for (var a = zoomed.parent; a; a = a.parent)
            up.add(a);
        places();
        nodes.forEach(function (n) {
            var x = (n.x - zoomed.x) * scale, w = weight(n) * scale;
            n.inside = n === zoomed || (!!n.parent && n.parent.inside);
            if (up.has(n))
                draw(n, MARGIN, inner, true);
            else if (n === zoomed || (n.inside && w >= 0.3))
                draw(n, MARGIN + x, n === zoomed ? inner : w, false);
            else
                n.g.style.display = "none";
        });
    }

    /* Red grew, blue shrank; as strong as the change is, next to the greatest there is. */
    function compareColors() {
        var most = 1;
        nodes.forEach(function (n) { most = Math.max(most, Math.abs(weight(n) - before(n))); });
        nodes.forEach(function (n) {
            var d = weight(n) - before(n), pale = Math.floor(198.5 - 110 * Math.abs(d) / most);
            n.rect.setAttribute("fill", d === 0 ? "rgb(238,236,232)"
                : d > 0 ? "rgb(240," + pale + "," + pale + ")" : "rgb(" + pale + "," + pale + ",245)");
        });
    }

    function pattern() {
        try {
            id("input").classList.remove("bad");
            return new RegExp(state.search, "i");
        } catch (e) { /* half of it is typed: take it as it is */
            id("input").classList.add("bad");
            return new RegExp(state.search.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
        }
    }

    /* What matches within a match is part of it. */
    function search() {
        var matched = 0, frames = 0, re = state.search ? pattern() : null;
        nodes.forEach(function (n) {
            var hit = !!re && (re.test(n.name) || re.test(n.place));
            n.g.classList.toggle("m", hit);
            n.hit = hit;
            if (hit && n.inside) {
                frames++;
                matched += within(n) ? 0 : weight(n);
            }
        });
        id("matched").textContent = re ? frames + " frame" + (frames === 1 ? "" : "s") + ", " +
            percent(matched, weight(nodes[state.zoom])) + " matched" : "";
    }

    function within(n) {
        for (n = n.parent; n && n.inside; n = n.parent)
            if (n.hit)
                return true;
        return false;
    }

    function percent(part, whole) { return whole ? (100 * part / whole).toFixed(1) + "%" : "-"; }
    function time(ns) {
        var units = [["s", 1e9], ["ms", 1e6], ["us", 1e3]];
        for (var i = 0; i < 3; i++)
            if (ns >= units[i][1] * (i < 2 ? 0.9995 : 1)) {
                var v = ns / units[i][1];
                return v.toFixed(v < 9.995 ? 2 : v < 99.95 ? 1 : 0) + " " + units[i][0];
            }
        return ns + " ns";
    }
    function change(now, was, text) {
        if (!was)
            return now ? "  (new)" : "";
        var d = now - was;
        return "  (was " + text(was) + ", " + (d < 0 ? "-" : "+") + percent(Math.abs(d), was) + ")";
    }

    function describe(n) {
        var all = nodes[0], zoomed = nodes[state.zoom], lines = [n.name];
        function plain(v) { return String(v); }
        if (n.place)
            lines.push(n.place);
        if (n.g.classList.contains("i"))
            lines.push("inlined into " + n.parent.name);
        if (n.g.classList.contains("u"))
            lines.push("uncertain: found without unwind information");
        lines.push(n.c + " " + (n.c === 1 ? unit.slice(0, -1) : unit) + "  " + percent(n.c, all.c) + (compares ? change(n.c, n.oc, plain) : ""));
        lines.push(time(n.t) + "  " + percent(n.t, all.t) + (compares ? change(n.t, n.ot, time) : ""));
        if (zoomed !== all)
            lines.push(percent(weight(n), weight(zoomed)) + " of " + zoomed.name);
        return lines;
    }

    function showTip(n, x, y) {
        var tip = id("tip"), text = tip.querySelector("text"), longest = 0, lines = describe(n);
        text.textContent = "";
        lines.forEach(function (line, i) {
            var span = document.createElementNS("http://www.w3.org/2000/svg", "tspan");
            line = shorten(line, width - 60);
            put(span, { x: 9, y: 19 + 16 * i, "class": i ? "" : "n" });
            span.textContent = line;
            longest = Math.max(longest, Array.from(line).length);
            text.appendChild(span);
        });
        var w = longest * (CHAR + 0.1) + 18, h = 16 * lines.length + 12;
        put(tip.querySelector("rect"), { width: w.toFixed(0), height: h });
        x = Math.max(4, Math.min(x + 14, width - w - 6));
        y = y + 18 + h > window.scrollY + window.innerHeight ? y - h - 8 : y + 18;
        put(tip, { transform: "translate(" + x.toFixed(0) + "," + y.toFixed(0) + ")" });
        tip.style.visibility = "visible";
    }
    function hideTip() { id("tip").style.visibility = "hidden"; }

    function select(n) {
        if (selected)
            selected.g.classList.remove("s");
        selected = n;
        if (!n)
            return hideTip();
        n.g.classList.add("s");
        showTip(n, n.px, n.py);
    }

    function head() {
        var right = width - MARGIN;
        put(svg, { "data-weight": state.weight, "data-zoom": nodes[state.zoom].name });
        id("by-count").classList.toggle("on", state.weight === "count");
        id("by-time").classList.toggle("on", state.weight === "time");
        id("reset").classList.toggle("off", state.zoom === 0);
        put(id("tools"), { transform: "translate(" + (right - 520) + ",0)" });
        put(id("matched"), { x: right, y: 62 });
        if (id("input") !== document.activeElement)
            id("input").value = state.search;
    }

    function remember() {
        var parts = [];
        if (state.weight !== "count")
            parts.push("weight=" + state.weight);
        if (state.zoom)
            parts.push("zoom=" + state.zoom);
        if (state.search)
            parts.push("search=" + encodeURIComponent(state.search));
        try { /* not where it is part of another page */
            window.history.replaceState(null, "", "#" + parts.join("&"));
        } catch (e) { }
    }

    function show() {
        if (compares)
            compareColors();
        head();
        layout();
        search();
    }
    function set(key, value) {
        state[key] = value;
        select(null);
        show();
        remember();
    }

    function recall() {
        window.location.hash.replace(/^#/, "").split("&").forEach(function (part) {
            var at = part.indexOf("="), value;
            try {
                value = decodeURIComponent(part.slice(at + 1));
            } catch (e) {
                return;
            }
            if (part.slice(0, at) === "weight" && (value === "count" || value === "time"))
                state.weight = value;
            else if (part.slice(0, at) === "search")
                state.search = value;
            else if (part.slice(0, at) === "zoom")
                state.zoom = /^\d+$/.test(value) && nodes[value] ? Number(value)
                    : Math.max(0, nodes.findIndex(function (n) { return n.name === value; }));
        });
    }

    function resize() {
        var height = TOP + (deepest + 1) * ROW + FOOT;
        var own = svg === document.documentElement, bar = height > window.innerHeight ? 16 : 0;
        width = own ? Math.max(720, window.innerWidth - bar) : 1200;
        if (!chosen) /* where it does not fit into the window one should see where it begins */
            inverted = own && height > window.innerHeight;
        put(svg, { width: width, height: height, viewBox: "0 0 " + width + " " + height });
        put(id("page"), { width: width, height: height });
        put(id("back"), { width: width });
        show();
    }

    function step(key) {
        var n = selected || nodes[state.zoom], up = inverted ? "ArrowDown" : "ArrowUp", next = null;
        var around = n.parent ? n.parent.kids : [n], at = around.indexOf(n);
        function seen(k) { return k && k.g.style.display !== "none"; }
        if (key === "ArrowLeft" || key === "ArrowRight") {
            var by = key === "ArrowLeft" ? -1 : 1;
            for (at += by; around[at] && !next; at += by)
                next = seen(around[at]) ? around[at] : null;
        } else if (key === up) { /* the widest of those it calls */
            n.kids.filter(seen).forEach(function (k) {
                next = !next || weight(k) > weight(next) ? k : next;
            });
        } else {
            next = n.parent;
        }
        select(next || n);
    }

    function key(e) {
        var typing = e.target === id("input"), button = e.target.closest && e.target.closest(".button");
        if ((e.ctrlKey && e.key === "f") || (e.key === "/" && !typing)) {
            id("input").focus();
            id("input").select();
        } else if (e.key === "Escape") {
            id("input").blur();
            if (state.search)
                set("search", "");
            else
                set("zoom", 0);
        } else if (typing || e.ctrlKey || e.altKey || e.metaKey) {
            return;
        } else if (button && (e.key === "Enter" || e.key === " ")) {
            button.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        } else if (/^Arrow/.test(e.key)) {
            step(e.key);
        } else if (e.key === "Enter" && selected) {
            set("zoom", selected.i);
        } else if (e.key === "w") {
            set("weight", state.weight === "time" ? "count" : "time");
        } else if (e.key === "i") {
            inverted = !inverted;
            chosen = true;
            show();
        } else {
            return;
        }
        e.preventDefault();
    }

    function listen() {
        var frames = id("frames");
        frames.addEventListener("mousemove", function (e) {
            var g = e.target.closest(".f"), box = svg.getBoundingClientRect();
            if (g)
                showTip(g.node, e.clientX - box.left, e.clientY - box.top);
        });
        frames.addEventListener("mouseleave", hideTip);
        frames.addEventListener("click", function (e) {
            var g = e.target.closest(".f");
            if (g)
                set("zoom", g.node.i);
        });
        id("by-count").addEventListener("click", function () { set("weight", "count"); });
        id("by-time").addEventListener("click", function () { set("weight", "time"); });
        id("reset").addEventListener("click", function () { set("zoom", 0); });
        id("input").addEventListener("input", function () { set("search", id("input").value); });
        document.addEventListener("keydown", key);
        window.addEventListener("resize", resize);
        window.addEventListener("hashchange", function () { recall(); show(); });
        window.addEventListener("scroll", function () { /* the head stays in sight */
            put(id("head"), { transform: "translate(0," + window.scrollY + ")" });
        });
    }

    load();
    svg.classList.add("live");
    recall();
    listen();
    resize();
}());
