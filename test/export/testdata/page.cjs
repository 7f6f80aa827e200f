// Opens a page in Chromium, uses it, and prints what came of it as JSON.
const { createRequire } = require("node:module");
const { chromium } = createRequire(process.env.PGSNIFF_NODE_MODULES + "/")("playwright-core");
const [path, browser, search] = process.argv.slice(2);
(async () => {
  const b = await chromium.launch({ executablePath: browser, args: ["--no-sandbox"] });
  const p = await b.newPage({ viewport: { width: 1280, height: 900 } });
  const out = { errors: [], requests: [], dialogs: 0 };
  p.on("console", (m) => { if (["error", "warning"].includes(m.type())) out.errors.push(m.text()); });
  p.on("pageerror", (e) => out.errors.push(String(e)));
  p.on("request", (r) => out.requests.push(r.url()));
  p.on("dialog", (d) => { out.dialogs++; d.dismiss(); });
  // What stands on the canvases, to see that labels are whole and apart.
  await p.addInitScript(() => {
    window.labels = new Map();
    const c = CanvasRenderingContext2D.prototype, text = c.fillText, clear = c.clearRect;
    c.clearRect = function (...a) { window.labels.set(this.canvas, []); return clear.apply(this, a); };
    c.fillText = function (t, x, y, ...a) {
      const w = this.measureText(t).width;
      const left = x - (this.textAlign === "center" ? w / 2 : ["right", "end"].includes(this.textAlign) ? w : 0);
      (window.labels.get(this.canvas) || window.labels.set(this.canvas, []).get(this.canvas)).push({ t, left, right: left + w, y });
      return text.call(this, t, x, y, ...a);
    };
  });
  await p.goto("file://" + path);
  out.labels = await p.evaluate(() => [...window.labels.values()].flat().length);
  out.overlaps = await p.evaluate(() => [...window.labels.values()].flatMap((list) => list.filter((a) => a.left < 0 ||
    list.some((b) => b.t !== a.t && b.y === a.y && a.left < b.left && b.left < a.right)).map((a) => a.t)));
  const column = (n) => p.$$eval(`#classes tbody tr td:nth-child(${n})`, (l) => l.map((e) => e.textContent));
  out.facts = await p.$$eval("#facts dd", (l) => l.map((e) => e.textContent));
  out.run = await p.$$eval(".finding code, #errors code, tr.open code", (l) => l.filter((e) => getComputedStyle(e).display !== "block").length);
  out.findings = await p.$$eval("#findings h3", (l) => l.map((e) => e.textContent));
  out.calls = await column(1);
  await p.click("#classes th:nth-child(1) button");
  out.sorted = await column(1);
  out.aria = await p.getAttribute("#classes th:nth-child(1)", "aria-sort");
  await p.fill("#search", search);
  out.found = await p.$$eval("#classes .row", (l) => l.map((e) => e.textContent));
  if (out.found.length) {
    await p.focus("#classes .row");
    await p.keyboard.press("Enter");
    out.opened = await p.textContent("#classes tr.open pre");
  }
  out.ladder = await p.$$eval("#classes .ladder text", (l) => l.map((e) => e.textContent));
  out.charts = await p.$$eval("#charts .uplot", (l) => l.length);
  if (out.charts && await p.$(".heat")) {
    const chart = await p.$("#charts .u-over");
    await chart.scrollIntoViewIfNeeded();
    const over = await chart.boundingBox();
    const ink = () => p.$eval(".heat", (c) => c.toDataURL());
    const before = await ink();
    await p.mouse.move(over.x + over.width * 0.2, over.y + 30);
    await p.mouse.down();
    await p.mouse.move(over.x + over.width * 0.4, over.y + 30, { steps: 5 });
    await p.mouse.up();
    out.zoomed = before !== await ink();
    await p.click("#unzoom");
    await p.focus("#closer");
    await p.keyboard.press("Enter");
    out.closer = before !== await ink();
    await p.click("#unzoom");
    await p.focus("summary");
    await p.keyboard.press("Enter");
    out.table = await p.$$eval("#charts details[open] tbody tr", (l) => l.length);
    out.unzoomed = before === await ink();
  }
  out.unnamed = await p.$$eval("main [role=img]:not([aria-label]), main [role=region]:not([aria-label]), main button:empty", (l) => l.length);
  const ink = () => p.evaluate(() => getComputedStyle(document.body).color);
  const background = () => p.evaluate(() => getComputedStyle(document.body).backgroundColor);
  out.light = await background();
  await p.click("#theme");
  out.dark = await background();
  await p.emulateMedia({ media: "print" });
  out.printed = await ink();
  await p.emulateMedia({ media: "screen" });
  out.ink = await ink();
  out.bars = await p.$$eval("#conns rect.hbar, #conns rect.bad", (l) => l.length);
  out.idle = await p.$$eval("#conns rect.idle", (l) => l.length);
  out.conns = await p.$$eval("#conntable tbody tr", (l) => l.map((e) => e.textContent));
  out.connHint = await p.textContent("#connhint");
  if (out.conns.length) {
    await p.click("#conntable th:nth-child(4) button");
    out.connSorted = await p.$$eval("#conntable tbody tr", (l) => l.map((e) => e.textContent));
  }
  out.text = await p.evaluate(() => document.body.innerText);
  out.elements = await p.$$eval("img, iframe, object, link, audio, video, form", (l) => l.length);
  if (out.found.length) {
    await p.focus("#classes .row");
    await p.keyboard.press("Escape");
    out.closed = await p.evaluate(() => !document.querySelector("#classes tr.open") && document.activeElement.matches(".row"));
  }
  // In a narrow window, as that of a telephone, tables alone scroll to the side.
  out.wide = [];
  for (const again of [false, true]) {
    await p.setViewportSize({ width: 390, height: 800 });
    if (again) {
      const before = out.requests.length;
      await p.reload();
      out.requests.splice(before, 1); // the page itself
    }
    await p.$$eval("#classes .row", (l) => { if (l.length && !document.querySelector("#classes tr.open")) l[0].click(); });
    await p.$$eval("details", (l) => l.forEach((e) => { e.open = true; }));
    await p.waitForFunction(() => [...document.querySelectorAll("#charts .uplot")].every((e) => e.getBoundingClientRect().width <= innerWidth));
    out.wide.push(...await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth ? [] : ["page " + document.documentElement.scrollWidth]),
      ...await p.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => !e.parentElement.closest(".scroll, .uplot") && e.getBoundingClientRect().right > innerWidth + 1)
        .map((e) => e.tagName + " " + (e.id || e.className) + " " + Math.round(e.getBoundingClientRect().right))));
  }
  console.log(JSON.stringify(out));
  await b.close();
})().catch((e) => { console.error(e); process.exit(1); });
