// Numbers, sizes and times as people read them, in the viewer's language. The law: a time shows how long ago it was and says
// the exact moment in its title; whoever looks at a page for an hour sees ages grow.

import { h } from "/-/look/dom.js";
import { t, tag } from "/-/look/words.js";

const TICK_MS = 5000;

export const number = (value, digits = 0) => new Intl.NumberFormat(tag(), { maximumFractionDigits: digits }).format(value);

// How many there are, in words that fit one and many.
export const counted = (n, one, many) => t(n === 1 ? one : many, { n: number(n) });

// What is small is shown with more digits.
export const fine = (value) => number(value, value < 1 ? 2 : value < 100 ? 1 : 0);

export const milliseconds = (value) => `${fine(value)} ms`;

export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes > 0 ? Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1) : 0;
  return `${fine(bytes / 1024 ** power)} ${units[power]}`;
}

// A span of time, as one says it.
export function span(ms) {
  const seconds = Math.max(ms, 0) / 1000;
  if (seconds < 60) return t("{n} s", { n: number(seconds) });
  if (seconds < 7200) return t("{n} min", { n: number(Math.floor(seconds / 60)) });
  if (seconds < 172_800) return t("{n} h", { n: number(Math.floor(seconds / 3600)) });
  return t("{n} days", { n: number(Math.floor(seconds / 86_400)) });
}

const exact = (ms) => new Intl.DateTimeFormat(tag(), { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }).format(ms);

// How long ago; kept true while it is shown.
export const ago = (ms) => since(ms, "{time} ago");

// How long already.
export const lasting = (ms) => since(ms, "{time}");

function since(ms, words) {
  if (!ms) return h("span.muted", "–");
  const shown = { datetime: new Date(ms).toISOString(), title: exact(ms), "data-since": ms, "data-words": words };
  return h("time", shown, t(words, { time: span(Date.now() - ms) }));
}

// The moment itself.
export function moment(ms) {
  if (!ms) return h("span.muted", "–");
  return h("time.number", { datetime: new Date(ms).toISOString() }, exact(ms));
}

// Hours, minutes and seconds, for what was just now.
export function clock(ms) {
  const text = new Intl.DateTimeFormat(tag(), { timeStyle: "medium", hourCycle: "h23" }).format(ms);
  return h("time.number", { datetime: new Date(ms).toISOString(), title: exact(ms) }, text);
}

export const hourMinute = (ms) => new Intl.DateTimeFormat(tag(), { timeStyle: "short", hourCycle: "h23" }).format(ms);

setInterval(() => {
  for (const each of document.querySelectorAll("time[data-since]")) {
    each.textContent = t(each.dataset.words, { time: span(Date.now() - Number(each.dataset.since)) });
  }
}, TICK_MS);

// JSON as a reader wants it: a text as itself, the rest indented.
export const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

// What was said in a message, in one line, whatever its body is; of a file its name.
export function spoken(content) {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  const { text, url, attr, ...more } = content;
  if (typeof url === "string") return [typeof text === "string" ? text : "", attr?.name ?? url].filter(Boolean).join(" ");
  if (attr !== undefined) more.attr = attr;
  return [typeof text === "string" ? text : "", Object.keys(more).length ? JSON.stringify(more) : ""].filter(Boolean).join(" ");
}
