"use strict";
(() => {
const d = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

// What would change the direction of the text around it, or has no form, is written as
// \x1b or \u202e.
const visible = (s) => s.replace(/\r\n/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
  (c) => { const n = c.charCodeAt(0).toString(16); return n.length > 2 ? "\\u" + n.padStart(4, "0") : "\\x" + n.padStart(2, "0"); });
// All text of the capture comes into the page here, as text.
function el(name, attrs, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attrs || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== undefined && v !== false) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter((c) => c !== undefined && c !== null).map((c) => typeof c === "string" ? visible(c) : c));
  return e;
}
function svg(name, attrs, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attrs || {})) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

// Units.
const num = (n) => n.toLocaleString("en-US");
const count = (n, what) => `${num(n)} ${what}${n === 1 ? "" : "s"}`;
function dur(ns) {
  if (ns === undefined || ns < 0) return "";
  if (ns >= 12e10) return ns < 72e11 ? (ns / 6e10).toPrecision(3) * 1 + " min" : Number((ns / 36e11).toFixed(1)) + " h";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
    if (ns >= size) return (ns / size).toPrecision(3).replace(/e\+?(\d+)/, "e$1") * 1 + " " + unit;
  return ns + " ns";
}
function size(n) {
  for (const [unit, s] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])
    if (n >= s) return (n / s).toPrecision(3) * 1 + " " + unit;
  return n + " B";
}
const clock = (ns) => new Date(d.meta.start_ms + ns / 1e6).toISOString().slice(11, 23);

// Facts.
if (d.meta.start) {
  const day = (ns) => new Date(d.meta.start_ms + ns / 1e6).toISOString().slice(0, 10);
  const from = clock(0).slice(0, 8), to = clock(d.meta.span).slice(0, 8), other = day(d.meta.span) === day(0) ? "" : day(d.meta.span) + " ";
  $("period").textContent = `${day(0)} ${from} to ${other}${to} UTC, ${dur(d.meta.span) || "0 s"}`;
} else $("period").textContent = d.meta.connections || d.meta.messages ? "Its packets have no times." : "There is no PostgreSQL in it.";
const facts = [["Packets", num(d.meta.packets)], ["Bytes", size(d.meta.bytes)], ["Connections", num(d.meta.connections)],
  ["Messages", num(d.meta.messages)], ["Queries", num(d.meta.queries)], ["Errors", num(d.meta.errors), d.meta.errors > 0],
  ["Not captured", size(d.meta.lost_bytes), d.meta.lost_bytes > 0], ["Sent again", size(d.meta.retransmitted_bytes)]];
if (d.meta.encrypted) facts.push(["Connections encrypted and not read", num(d.meta.encrypted), true]);
if (d.meta.joined) facts.push(["Connections begun before the capture", num(d.meta.joined)]);
if (d.meta.skipped) facts.push(["Queries passed over after an error", num(d.meta.skipped)]);
if (d.meta.live) facts.push(["Dropped by the kernel", num(d.meta.kernel_dropped), d.meta.kernel_dropped > 0]);
for (const [name, value, bad] of facts) $("facts").append(el("div", {}, el("dt", {}, name), el("dd", { class: bad ? "bad" : undefined }, value)));
for (const w of d.meta.warnings || []) $("warnings").append(el("li", {}, w));
$("warnings").hidden = !(d.meta.warnings || []).length;

// Findings.
if (!d.findings || d.findings.length === 0) $("findings").append(el("p", {}, d.meta.queries || d.meta.errors ? "Nothing was found to be wrong." : "Nothing could be read that something may be wrong with."));
for (const f of d.findings || []) {
  const cost = [];
  if (f.cost && f.cost.time_ns) cost.push(dur(f.cost.time_ns));
  if (f.cost && f.cost.round_trips) cost.push(num(f.cost.round_trips) + " round trips");
  if (f.cost && f.cost.bytes) cost.push(size(f.cost.bytes));
  const seen = (f.evidence || []).slice(0, 3).map((e) => el("p", { class: "hint" }, `#${e.conn}${e.query ? " query " + e.query : ""}, packet ${e.frame}: ${e.text}`));
  $("findings").append(el("article", { class: "finding " + f.severity },
    el("h3", {}, el("span", { class: "tag" }, f.severity), " " + f.code + (cost.length ? " – costs " + cost.join(", ") : "")),
    el("p", {}, f.title), ...(f.queries || []).slice(0, 3).map((q) => el("code", {}, q.normalized || "")), ...seen, el("p", {}, "→ " + f.advice)));
}
if (d.more_findings) $("findings").append(el("p", { class: "hint" }, `${num(d.more_findings)} further findings are not listed.`));

// Charts over time, which zoom together.
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const s = d.series, slots = s.queries ? s.queries.length : 0;
const x = Array.from({ length: slots }, (_, i) => (d.meta.start_ms + i * s.width / 1e6) / 1000);
// The last slot is as long as the capture goes on in it.
const lastPart = slots ? Math.max(0, Math.min(1, (d.meta.span - (slots - 1) * s.width) / s.width)) : 1;
const perSecond = (list) => list.map((n, i) => {
  if (i < slots - 1 || slots < 2) return n * 1e9 / s.width;
  return (n + list[i - 1]) * 1e9 / s.width / (1 + lastPart); // of so short a time alone it would say little
});
const ms = (list) => list.map((ns) => ns < 0 ? null : ns / 1e6);
// Times of day on the axes, with as many digits as tell neighbours apart.
function ticks(u, splits) {
  const step = splits.length > 1 ? splits[1] - splits[0] : 1;
  return splits.map((t) => new Date(t * 1000).toISOString().slice(11, step < 0.01 ? 23 : step < 1 ? 22 : step < 60 ? 19 : 16));
}
// Numbers on an axis, in the room that it has: 2M and not 2,000,000.
const few = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format;
let plots = [], zooming = false;
function zoom(u) {
  if (zooming) return;
  zooming = true;
  for (const p of plots) if (p !== u) p.setScale("x", { min: u.scales.x.min, max: u.scales.x.max });
  zooming = false;
  drawHeat(u.scales.x.min, u.scales.x.max);
}
// The room beside the charts, in pixels: of the axis, and for the end of the last time.
const axisWidth = 62, margin = 44;
// alone returns the values that have none beside them, which a line does not show.
const alone = (list) => list.map((_, i) => i).filter((i) => list[i] !== null && (list[i - 1] ?? null) === null && (list[i + 1] ?? null) === null);
// tens returns the powers of ten of a logarithmic axis.
function tens(u, axis, min, max) {
  const list = [];
  for (let e = Math.ceil(Math.log10(min) - 1e-9); e <= Math.log10(max) + 1e-9; e++) list.push(10 ** e);
  return list;
}
function chart(title, list, logarithmic) {
  const host = el("div", { class: "chart", role: "img", "aria-label": title + " over time; the table below the charts has the numbers" });
  $("charts").append(host);
  const axis = { stroke: css("--dim"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
  const u = new uPlot({
    title, width: host.clientWidth || 1100, height: 170, padding: [8, margin, 0, 0], cursor: { sync: { key: "time" } }, tzDate: (t) => uPlot.tzDate(new Date(t * 1e3), "Etc/UTC"), 
    scales: { x: { time: true }, y: logarithmic ? { distr: 3 } : { range: (u, min, max) => [0, Math.max(1.1 * max, 1)] } }, axes: [{ ...axis, values: ticks, space: 96 }, { ...axis, values: (u, list) => list.map((n) => n === null ? "" : few(n)), size: axisWidth, ...(logarithmic ? { splits: tens, filter: (u, list) => list } : {}) }],
    series: [{ value: (u, t) => t === null || t === undefined ? "" : new Date(t * 1000).toISOString().slice(11, 23) }, ...list.map(([label, values, colour]) => ({ label, stroke: css(colour), width: 1.5, points: slots < 60 ? { show: true } : { show: true, filter: () => alone(values) } }))],
    hooks: { setScale: [(p, key) => { if (key === "x") zoom(p); }] },
  }, [x, ...list.map(([, values]) => values)], host);
  plots.push(u);
}
let heat;
function drawHeat(from, to) {
  if (!heat || !slots) return;
  const c = heat, w = c.width = c.clientWidth || 1100, h = c.height = 150, g = c.getContext("2d");
  const lo = (from * 1000 - d.meta.start_ms) * 1e6, hi = (to * 1000 - d.meta.start_ms) * 1e6 + s.width;
  const points = d.heat || [], most = points.reduce((a, p) => Math.max(a, p[2]), 1), rows = points.reduce((a, p) => Math.max(a, p[1] + 2), 8);
  g.clearRect(0, 0, w, h);
  g.fillStyle = css("--blue");
  for (const [i, b, n] of points) {
    const place = (n) => axisWidth + (n * s.width - lo) / (hi - lo) * (w - axisWidth - margin), left = place(i), right = Math.min(place(i + 1), w - margin);
    if (right < axisWidth || left > w - margin) continue;
    g.globalAlpha = 0.15 + 0.85 * Math.log(1 + n) / Math.log(1 + most);
    g.fillRect(Math.max(left, axisWidth), h - (b + 1) * h / rows, Math.max(1, right - Math.max(left, axisWidth)), Math.ceil(h / rows));
  }
  g.globalAlpha = 1;
  g.fillStyle = css("--dim");
  for (let b = 0; b < rows; b += 6) g.fillText(dur(d.bounds[Math.min(2 * b, d.bounds.length - 1)]), 2, h - b * h / rows - 2);
}
// The lag of replication in the slots of the charts, in milliseconds: the worst of each.
function lagOf(stream) {
  const list = new Array(slots).fill(null);
  for (const [from, lag] of stream.series || [])
    for (let i = Math.max(0, Math.floor(from / s.width)); i <= Math.min(slots - 1, Math.floor((from + Math.max(stream.period, 1) - 1) / s.width)); i++)
      list[i] = Math.max(list[i] ?? 0, lag / 1e6);
  return list;
}
// What the charts show, as a table of some forty stretches.
let shown = false;
function numbers() {
  const each = Math.ceil(slots / 40), body = el("tbody");
  const text = (v) => v === null || v < 0 ? "" : v.toLocaleString("en-US", { maximumSignificantDigits: 4 });
  const name = (n) => el("th", { scope: "col" }, n);
  for (let i = 0; i < slots; i += each) {
    const to = Math.min(i + each, slots), part = (list) => list.slice(i, to);
    const seconds = Math.max(0.1, to - i - (to === slots ? 1 - lastPart : 0)) * s.width / 1e9, rate = (list) => text(part(list).reduce((a, n) => a + n, 0) / seconds);
    const most = (list) => { const v = Math.max(...part(list)); return v < 0 ? "" : dur(v); };
    body.append(el("tr", {}, el("th", { scope: "row" }, clock(i * s.width)), el("td", {}, rate(s.queries)), el("td", {}, rate(s.errors)), el("td", {}, most(s.p50)),
      el("td", {}, most(s.p95)), el("td", {}, most(s.p99)), el("td", {}, num(Math.max(...part(s.open)))), el("td", {}, rate(s.bytes))));
  }
  return el("details", { open: shown, ontoggle: (e) => { shown = e.target.open; } }, el("summary", {}, "The charts as a table"),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The charts as a table" }, el("table", {}, el("thead", {}, el("tr", {}, ...["from", "queries/s", "errors/s", "p50", "p95", "p99", "connections", "bytes/s"].map(name))), body)));
}
// move zooms by a factor and goes on by a part of what is shown.
function move(factor, part) {
  if (!plots.length) return;
  const { min, max } = plots[0].scales.x, all = x[slots - 1] - x[0], w = Math.min(all, Math.max((max - min) * factor, all / slots)), middle = (min + max) / 2 + part * (max - min);
  const from = Math.max(x[0], Math.min(middle - w / 2, x[slots - 1] - w));
  plots[0].setScale("x", { min: from, max: from + w });
}
for (const [id, factor, part] of [["closer", 0.5, 0], ["farther", 2, 0], ["earlier", 1, -0.5], ["later", 1, 0.5]]) $(id).addEventListener("click", () => move(factor, part));
function drawCharts() {
  const kept = plots.length ? { min: plots[0].scales.x.min, max: plots[0].scales.x.max } : undefined;
  drawAll();
  if (kept && plots.length) plots[0].setScale("x", kept);
}
function drawAll() {
  for (const p of plots) p.destroy();
  plots = [];
  $("charts").replaceChildren();
  if (slots < 2) { $("charts").append(el("p", {}, "Too short for charts.")); return; }
  chart("Queries and errors a second", [["queries/s", perSecond(s.queries), "--blue"], ["errors/s", perSecond(s.errors), "--red"]]);
  if (d.meta.queries) chart("Duration in ms (about)", [["p50", ms(s.p50), "--green"], ["p95", ms(s.p95), "--blue"], ["p99", ms(s.p99), "--amber"]], true);
  chart("Connections open", [["connections", s.open, "--blue"]]);
  chart("Bytes of rows a second", [["bytes/s", perSecond(s.bytes), "--green"]]);
  const lagging = (d.streams || []).filter((r) => (r.series || []).length), lags = lagging.slice(0, 4);
  if (lags.length) chart("Replication lag in ms (95 %)" + (lagging.length > 4 ? `, of 4 of ${lagging.length} connections` : ""), lags.map((r, i) => [visible("#" + r.conn + " " + (r.who || "")), lagOf(r), ["--blue", "--amber", "--green", "--red"][i]]));
  if (!(d.heat || []).length) { heat = undefined; $("charts").append(numbers()); return; }
  $("charts").append(el("p", { class: "hint" }, "Durations over time: the darker, the more queries"));
  heat = el("canvas", { class: "heat", role: "img", "aria-label": "Heat map of durations over time; the table of durations has the same numbers in sum" });
  $("charts").append(heat, numbers());
  drawHeat(x[0], x[slots - 1]);
}
$("unzoom").addEventListener("click", () => { if (plots.length) plots[0].setScale("x", { min: x[0], max: x[slots - 1] }); });

// The histogram, as a table with bars.
(() => {
  const t = el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "up to"), el("th", { scope: "col" }, "queries"), el("td"))));
  const body = el("tbody"), joined = [];
  for (let i = 0; i < d.histogram.length; i += 4) joined.push([d.bounds[Math.min(i + 3, d.bounds.length - 1)], d.histogram.slice(i, i + 4).reduce((a, b) => a + b, 0)]);
  const used = joined.map((j, i) => j[1] ? i : -1).filter((i) => i >= 0), most = Math.max(1, ...joined.map((j) => j[1]));
  if (!used.length) { $("histogram").append(el("p", {}, "No query has a known duration.")); return; }
  for (const [bound, n] of joined.slice(used[0], used[used.length - 1] + 1)) {
    const bar = svg("svg", { width: 400, style: "max-width: 50vw", height: 12, "aria-hidden": "true" }, svg("rect", { class: "hbar", width: 400 * n / most, height: 12 }));
    body.append(el("tr", {}, el("td", {}, dur(bound)), el("td", {}, num(n)), el("td", { class: "text" }, bar)));
  }
  t.append(body);
  $("histogram").append(t);
})();

// A table that sorts by a click on a heading, or Enter.
function sortable(table, columns, rows, first, render) {
  let by = first, down = columns[first].down ?? true;
  const head = el("tr"), body = el("tbody");
  columns.forEach((c, i) => head.append(el("th", { scope: "col", class: c.text ? "text" : undefined }, el("button", { type: "button", onclick: () => { down = by === i ? !down : !c.text; by = i; draw(); } }, c.name))));
  table.replaceChildren(el("thead", {}, head), body);
  function draw() {
    const key = columns[by].key;
    const list = rows().slice().sort((a, b) => { const p = key(a), q = key(b); return (p < q ? -1 : p > q ? 1 : 0) * (down ? -1 : 1); });
    [...head.children].forEach((th, i) => th.setAttribute("aria-sort", i !== by ? "none" : down ? "descending" : "ascending"));
    body.replaceChildren(...list.flatMap(render));
  }
  draw();
  return draw;
}

// Queries.
function sparkline(list) {
  const w = 90, h = 18, bins = new Array(45).fill(0).map((_, i) => list[i] || 0);
  const top = Math.max(1, ...bins);
  return svg("svg", { width: w, height: h, role: "img", "aria-label": `calls over time, ${num(top)} at most in a 45th of it` },
    svg("polyline", { class: "spark", points: bins.map((v, i) => `${i * w / 44},${h - 1 - v * (h - 2) / top}`).join(" ") }));
}
function ladder(c) {
  const rows = c.steps.length, rowH = 22, h = rows * rowH + 34, left = 150, right = 560;
  const g = svg("svg", { class: "ladder", width: 760, height: h, "aria-hidden": "true" });
  g.append(svg("text", { x: left - 25, y: 14 }, "client"), svg("text", { x: right - 20, y: 14 }, "server"),
    svg("line", { x1: left, y1: 20, x2: left, y2: h }), svg("line", { x1: right, y1: 20, x2: right, y2: h }));
  c.steps.forEach((m, i) => {
    const y = 38 + i * rowH, [a, b] = m.back ? [right, left] : [left, right];
    g.append(svg("text", { x: 0, y: y + 4 }, m.at > 0 ? dur(m.at) : "0"), svg("line", { class: m.back ? "back" : "msg", x1: a, y1: y, x2: b, y2: y }),
      svg("path", { d: `M${b},${y} l${m.back ? 7 : -7},-4 v8 z`, class: "hbar" }),
      svg("text", { x: left + 14, y: y - 4 }, m.name + (m.count ? ` × ${num(m.count)}` : "") + `, ${size(m.len)}`));
  });
  const list = el("ol", { class: "unseen" }, ...c.steps.map((m) => el("li", {}, `${m.at > 0 ? dur(m.at) : "0"}, ${m.back ? "server" : "client"}: ${m.name}${m.count ? ` × ${num(m.count)}` : ""}, ${size(m.len)}`)));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Messages between client and server" }, g, list);
}
const textOf = (c) => c.unknown ? "(not in the capture)" : c.sql;
function details(c) {
  const box = el("div");
  box.append(el("pre", {}, textOf(c) || "(text left out)"));
  for (const k of c.slowest || []) {
    box.append(el("p", {}, `${dur(k.duration)} at ${clock(k.ts)}, #${k.conn} query ${k.id}, packet ${k.frame}, ${count(k.rows, "row")}`, k.error ? el("span", { class: "err" }, " error " + k.error) : ""));
    if (k.params) box.append(el("code", {}, k.params));
    if (k.sql && k.sql !== c.sql && !k.params) box.append(el("code", {}, k.sql));
  }
  const slowest = (c.slowest || [])[0];
  if (slowest && slowest.steps && slowest.steps.length) {
    box.append(el("p", { class: "hint" }, "The slowest, message by message" + (slowest.more ? ` (${num(slowest.more)} more are left out)` : "")), ladder(slowest));
  }
  return box;
}
const total = (d.classes || []).reduce((a, c) => a + c.total, 0) + (d.other ? d.other.total : 0) || 1;
const open = new Set();
const classColumns = [{ name: "calls", key: (c) => c.calls }, { name: "errors", key: (c) => c.errors }, { name: "rows", key: (c) => c.rows },
  { name: "total", key: (c) => c.total }, { name: "share", key: (c) => c.total }, { name: "mean", key: (c) => c.total / Math.max(1, c.calls) },
  { name: "p50", key: (c) => c.p50 }, { name: "p95", key: (c) => c.p95 }, { name: "p99", key: (c) => c.p99 }, { name: "max", key: (c) => c.max },
  { name: "over time", key: (c) => c.calls }, { name: "query", key: textOf, text: true }];
let wanted = "";
const matching = () => (d.classes || []).filter((c) => !wanted || (textOf(c) + " " + (c.operation || "")).toLowerCase().includes(wanted));
if (!(d.classes || []).length && !d.other) $("classes").before(el("p", {}, "No query could be read."));
const drawClasses = sortable($("classes"), classColumns, matching, 3, (c) => {
  const shown = open.has(c.fingerprint);
  const change = () => {
    if (!open.delete(c.fingerprint)) open.add(c.fingerprint);
    drawClasses();
    const again = [...document.querySelectorAll("#classes .row")].find((b) => b.dataset.id === c.fingerprint);
    if (again) again.focus();
  };
  const closes = (e) => { if (e.key === "Escape") { e.preventDefault(); change(); } };
  const toggle = el("button", { type: "button", class: "row", "aria-expanded": String(shown), onclick: change, onkeydown: shown ? closes : () => {} }, el("code", {}, textOf(c).length > 160 ? textOf(c).slice(0, 160) + "…" : textOf(c) || c.fingerprint));
  toggle.dataset.id = c.fingerprint;
  const row = el("tr", { class: shown ? "open" : undefined }, el("td", {}, num(c.calls)), el("td", { class: c.errors ? "err" : undefined }, num(c.errors)), el("td", {}, num(c.rows)),
    el("td", {}, dur(c.total)), el("td", {}, (100 * c.total / total).toFixed(1) + " %"), el("td", {}, dur(c.total / Math.max(1, c.calls))),
    el("td", {}, dur(c.p50)), el("td", {}, dur(c.p95)), el("td", {}, dur(c.p99)), el("td", {}, dur(c.max)), el("td", {}, sparkline(c.spark || [])), el("td", { class: "text" }, toggle));
  return shown ? [row, el("tr", { class: "open", onkeydown: closes }, el("td", { class: "text", colspan: classColumns.length }, details(c)))] : [row];
});
$("search").addEventListener("input", (e) => {
  wanted = e.target.value.toLowerCase();
  drawClasses();
  $("found").textContent = wanted ? `${num(matching().length)} of ${num((d.classes || []).length)}` : "";
});
if (d.other) $("found").after(el("p", { class: "hint" }, `${num(d.other.calls)} further queries, of other texts, took ${dur(d.other.total)}${d.other.errors ? ", and " + num(d.other.errors) + " of them failed" : ""}; they are not listed.`));

// Errors.
const asked = (e) => e.example.id ? `#${e.example.conn} query ${e.example.id}` : `#${e.example.conn}, of a login or a session and not of a query`;
if (d.more_errors) $("errors").before(el("p", { class: "hint" }, `${count(d.more_errors, "error")} of further texts are not listed.`));
if (!(d.errors || []).length) $("errors").replaceWith(el("p", {}, "There was no error."));
else sortable($("errors"), [{ name: "count", key: (e) => e.count }, { name: "SQLSTATE", key: (e) => e.sqlstate }, { name: "message and an example", key: (e) => e.message || "", text: true }],
  () => d.errors, 0, (e) => [el("tr", {}, el("td", {}, num(e.count)), el("td", {}, e.sqlstate), el("td", { class: "text" }, el("p", { class: "err" }, (e.severity || "") + " " + (e.message || "")),
    e.example.sql ? el("code", {}, e.example.sql) : undefined, el("p", { class: "hint" }, `${asked(e)}, packet ${e.example.frame}, at ${clock(e.example.ts)}`)))]);

// Connections.
(() => {
  const list = d.connections || [], span = Math.max(1, d.meta.span, ...list.map((c) => c.end)), w = 420;
  const all = list.length + (d.more_connections || 0);
  $("connhint").textContent = (d.more_connections ? `${num(list.length)} of ${num(all)} connections, in order of time: in turn those with most findings, with most errors or a bad end, the longest idle in a transaction, the longest and the busiest` :
    `${num(all)} connection${all === 1 ? "" : "s"}`) + "; yellow: idle in a transaction; red: failed, reset, refused or not answered.";
  const at = (ns) => Math.max(0, Math.min(1, ns / span)) * w;
  if (!list.length) return;
  sortable($("conntable"), [{ name: "connection", key: (c) => Math.max(0, c.start), text: true, down: false }, { name: "queries", key: (c) => c.queries }, { name: "errors", key: (c) => c.errors },
    { name: "findings", key: (c) => c.findings || 0 }, { name: "idle in tx", key: (c) => c.idle_time || 0 }, { name: "lasted", key: (c) => c.end - c.start }, { name: "end", key: (c) => c.state || "" }, { name: "from when to when", key: (c) => c.start, text: true }],
  () => list, 0, (c) => {
    const g = svg("svg", { width: w, height: 14, "aria-hidden": "true" },
      svg("rect", { class: ["failed", "reset", "refused", "no_answer"].includes(c.state) ? "bad" : "hbar", x: at(c.start), y: 0, width: Math.max(2, at(c.end) - at(c.start)), height: 14 }));
    for (const [from, to] of c.idle || []) g.append(svg("rect", { class: "idle", x: at(from), y: 4, width: Math.max(1, at(to) - at(from)), height: 6 }));
    return [el("tr", {}, el("td", { class: "text" }, `#${c.id} ${c.user || "?"}@${c.database || "?"} ${c.app || ""} `, el("span", { class: "hint" }, c.client)),
      el("td", {}, num(c.queries)), el("td", { class: c.errors ? "err" : undefined }, num(c.errors)), el("td", {}, c.findings ? num(c.findings) : ""), el("td", {}, c.idle_time ? dur(c.idle_time) : ""), el("td", {}, dur(c.end - Math.max(0, c.start))),
      el("td", {}, c.state || "open"), el("td", { class: "bar" }, g, el("span", { class: "unseen" }, `${clock(Math.max(0, c.start))} to ${clock(c.end)}`)))];
  });
})();

// Replication.
if (d.more_streams) $("streams").before(el("p", { class: "hint" }, `${count(d.more_streams, "further connection")} of replication are not listed.`));
if ((d.streams || []).length) {
  $("replication").hidden = false;
  const stages = ["write", "flush", "apply"], behind = (r) => Math.max(0, ...stages.map((k) => (r[k] || {}).bytes || 0));
  const lag = (r) => Math.max(-1, ...stages.map((k) => (r[k] || {}).p95 ?? -1));
  const stage = (v) => v ? `${size(v.bytes)}` + (v.samples ? `, ${dur(v.p50)} / ${dur(v.p95)} / ${dur(v.max)}` : "") : "";
  sortable($("streams"), [{ name: "client", key: (r) => r.conn, text: true }, { name: "kind and slot", key: (r) => r.kind, text: true }, { name: "sent", key: (r) => r.wal },
    { name: "written: behind, lag p50 / p95 / max", key: lag }, { name: "flushed", key: lag }, { name: "applied", key: behind }],
    () => d.streams, 3, (r) => [el("tr", {}, el("td", { class: "text" }, `#${r.conn} ${r.who || ""} ${r.client}`), el("td", { class: "text" }, r.kind + (r.slot ? " " + r.slot : "")),
      el("td", {}, size(r.wal) + (r.sent ? " to " + r.sent : "")), el("td", {}, stage(r.write)), el("td", {}, stage(r.flush)), el("td", {}, stage(r.apply)))]);
}

// Who asked.
for (const [name, list] of [["Users", d.users], ["Databases", d.databases], ["Applications", d.applications], ["Clients", d.clients]]) {
  const t = el("table");
  $("groups").append(el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, el("h3", {}, name), t));
  t.setAttribute("aria-label", name);
  sortable(t, [{ name: "name", key: (g) => g.name, text: true }, { name: "calls", key: (g) => g.calls }, { name: "errors", key: (g) => g.errors }, { name: "rows", key: (g) => g.rows }, { name: "total", key: (g) => g.total }],
    () => list || [], 4, (g) => [el("tr", {}, el("td", { class: "text" }, g.name || "(not known)"), el("td", {}, num(g.calls)), el("td", {}, num(g.errors)), el("td", {}, num(g.rows)), el("td", {}, dur(g.total)))]);
}

if (d.meta.command) $("command").append(el("code", {}, d.meta.command));

// Light and dark.
$("theme").addEventListener("click", () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  drawCharts();
});
drawCharts();
// Paper is light.
let chosen;
addEventListener("beforeprint", () => { chosen = document.documentElement.dataset.theme; document.documentElement.dataset.theme = "light"; drawCharts(); });
addEventListener("afterprint", () => { if (chosen) document.documentElement.dataset.theme = chosen; else delete document.documentElement.dataset.theme; drawCharts(); });
addEventListener("resize", () => { for (const p of plots) p.setSize({ width: $("charts").clientWidth, height: 170 }); if (plots.length) drawHeat(plots[0].scales.x.min, plots[0].scales.x.max); });
})();
