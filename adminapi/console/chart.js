// A chart of the last hour, or of as much of it as there is, as SVG. The law: the newest stands at the right edge; a gap in what was
// measured is a gap in the line; the scale starts at nought and ends at a round number, so two looks at it compare. Who cannot see it gets the
// same in words: now, lowest and highest.

import { fill, h, svg } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { hourMinute } from "./format.js";

const HOUR_MS = 3_600_000;
const GAP_MS = 20_000;
const LEAST_MS = 300_000;
const TICKS_MS = [60_000, 300_000, 900_000];
const HEIGHT = 132;
const ROOM = { top: 8, bottom: 18 };
const WORDS_EVERY_MS = 15_000;

// chart({ title, lines: [{ key, name, tone }], text, idle }): `text(value)` says a value with its unit; `tone` is "first" or "second";
// `idle`: 0 means that there was nothing to measure, which is a gap too.
// draw(samples) takes [{ at_ms, ... }], oldest first.
export function chart({ title, lines, text, least = 1, idle = false }) {
  const picture = svg("svg", { role: "img", "aria-label": title, height: HEIGHT });
  const values = lines.map(({ name, tone }) => ({ name, tone, value: h("strong.number", "–") }));
  const when = h("span.muted.number");
  let samples = [];
  let pointed = null;
  let worded = 0;

  const draw = (given = samples) => {
    samples = given;
    const width = picture.clientWidth;
    if (!width || !samples.length) return;
    const end = samples.at(-1).at_ms;
    const most = roundUp(Math.max(least, ...samples.flatMap((each) => lines.map(({ key }) => each[key] ?? 0))));
    const long = Math.min(Math.max(end - samples[0].at_ms, LEAST_MS), HOUR_MS);
    const x = (ms) => width * (1 - (end - ms) / long);
    const y = (value) => ROOM.top + (HEIGHT - ROOM.top - ROOM.bottom) * (1 - value / most);
    const at = pointed === null ? samples.at(-1) : nearest(samples, end - long * (1 - pointed / width));
    fill(
      picture,
      [0, most / 2, most].map((value) => svg("line.grid", { x1: 0, x2: width, y1: y(value), y2: y(value) })),
      ticks(end, long).map((ms) => svg("text", { x: x(ms), y: HEIGHT - 4, "text-anchor": "middle" }, hourMinute(ms))),
      svg("path.area", { d: area(samples, lines[0].key, x, y, idle) }),
      lines.map(({ key, tone }) => svg(`path.line.${tone}`, { d: path(samples, key, x, y, idle) })),
      svg("text.scale", { x: 2, y: y(most) + 12 }, text(most)),
      pointed !== null && svg("line.pointer", { x1: x(at.at_ms), x2: x(at.at_ms), y1: ROOM.top, y2: HEIGHT - ROOM.bottom }),
      lines.map(({ key, tone }) => (at[key] || !idle) && svg(`circle.${tone}`, { cx: Math.min(x(at.at_ms), width - 3), cy: y(at[key] ?? 0), r: 3 })),
    );
    values.forEach(({ value }, index) => (value.textContent = text(at[lines[index].key] ?? 0)));
    when.textContent = pointed === null ? "" : hourMinute(at.at_ms);
    if (Math.abs(end - worded) > WORDS_EVERY_MS) {
      worded = end;
      picture.setAttribute("aria-label", `${title}. ${lines.map((line) => inWords(samples, line, text)).join(" ")}`);
    }
  };

  const point = (place) => {
    pointed = place;
    draw();
  };
  picture.addEventListener("pointermove", (event) => point(event.offsetX));
  picture.addEventListener("pointerleave", () => point(null));
  new ResizeObserver(() => draw()).observe(picture);
  const legend = values.map(({ name, tone, value }) =>
    h("span.value", name && h("span.muted", h(`span.dot.${tone}`, { "aria-hidden": "true" }), name), value));
  const element = h("figure.card.chart", h("figcaption.row.apart", h("h2", title), when), h("div.row.values", legend), picture);
  return { element, draw };
}

function inWords(samples, { key, name }, text) {
  const all = samples.map((each) => each[key] ?? 0);
  const words = { now: text(all.at(-1)), low: text(Math.min(...all)), high: text(Math.max(...all)) };
  return (name ? `${name}: ` : "") + t("now {now}, in the last hour between {low} and {high}.", words);
}

// Parts of the line between gaps, as lists of points.
function runs(samples, key, x, y, idle) {
  const found = [];
  let before = -Infinity;
  for (const each of samples) {
    if (idle && !each[key]) continue;
    if (each.at_ms - before > GAP_MS) found.push([]);
    found.at(-1).push(`${x(each.at_ms).toFixed(1)},${y(each[key] ?? 0).toFixed(1)}`);
    before = each.at_ms;
  }
  return found;
}

const path = (...of) => runs(...of).map((run) => `M${run.join("L")}`).join("");

function area(samples, key, x, y, idle) {
  const foot = y(0).toFixed(1);
  const edge = (point) => point.split(",")[0];
  return runs(samples, key, x, y, idle).map((run) => `M${edge(run[0])},${foot}L${run.join("L")}L${edge(run.at(-1))},${foot}Z`).join("");
}

export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => value <= step * power * 1.0001) * power;
}

function ticks(end, long) {
  const found = [];
  const step = TICKS_MS.find((each) => long / each <= 6.1) ?? TICKS_MS.at(-1);
  for (let ms = Math.floor(end / step) * step; ms > end - long * 0.94; ms -= step) {
    if (ms < end - long * 0.06) found.push(ms);
  }
  return found;
}

function nearest(samples, ms) {
  return samples.reduce((best, each) => (Math.abs(each.at_ms - ms) < Math.abs(best.at_ms - ms) ? each : best));
}
