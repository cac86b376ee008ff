// What the pages are made of: heading, notices, loading, tables that refresh in place, search and turning over. The law: a table
// keeps a row's element for as long as the row is the same, so what has the focus keeps it while numbers move around it; every
// list says when it is empty and what to do then.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";

const TOAST_MS = 6000;
const TYPING_MS = 200;

export function heading(title, ...more) {
  return h("header.heading.row.apart", h("h1", { tabindex: -1 }, title), more.length > 0 && h("div.row", more));
}

// A word on what was done; screen readers hear it.
export function tell(text, tone = "good") {
  const toast = h(`p.notice.${tone}`, text);
  document.getElementById("told").append(toast);
  setTimeout(() => toast.remove(), TOAST_MS);
}

export const link = (text, ...parts) => h("a", { href: hrefOf(...parts) }, text);

export const hrefOf = (...parts) => "#/" + parts.map(encodeURIComponent).join("/");

export const empty = (text, ...more) => h("div.empty.stack.tight", h("p", text), more);

export const tagged = (text, tone) => h(tone ? `span.tag.${tone}` : "span.tag", text);

export const card = (title, ...content) => h("section.card.stack", h("h2", title), content);

export function refused(error, again) {
  return h(
    "div.notice.bad.row.apart", { role: "alert" }, h("p", error.message),
    again && h("button.small", { type: "button", onclick: again }, t("Try again")),
  );
}

// Fills `place` with what `draw` makes of what `ask(options)` gave; meanwhile and on refusal it says so. Resolves when it is there.
export async function load(place, signal, ask, draw) {
  place.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => fill(place, h("p.muted", { role: "status" }, t("Loading…"))), 150);
  try {
    const found = await ask({ signal });
    clearTimeout(waiting);
    if (!signal.aborted) fill(place, draw(found));
  } catch (error) {
    clearTimeout(waiting);
    if (!signal.aborted) fill(place, refused(error, () => load(place, signal, ask, draw)));
  }
  place.removeAttribute("aria-busy");
}

// Calls `act` now and every `ms` after it has ended, until `signal` ends; not while nobody looks at the page. Gives a function
// that calls it at once.
export function repeat(ms, signal, act) {
  let timer;
  const turn = async () => {
    clearTimeout(timer);
    if (!document.hidden) await act();
    if (signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(turn, ms);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  turn();
  return turn;
}

// columns: { head, cell(row), tone }, key(row) -> text. `set(rows)` brings the table to these rows.
export function table({ caption, columns, key, nothing }) {
  const body = h("tbody", { role: "rowgroup" });
  const head = h("tr", { role: "row" }, columns.map(({ head, tone }) =>
    h(tone ? `th.${tone}` : "th", { role: "columnheader", scope: "col" }, head || h("span.unseen", t("Actions")))));
  const grid = h("table.rows", { role: "table", hidden: true }, h("caption.unseen", caption), h("thead", { role: "rowgroup" }, head), body);
  const none = h("div", { hidden: true }, nothing);
  let shown = new Map();
  let waiting;
  const line = (row) => h("tr", { role: "row" }, columns.map(({ head, cell, tone }) =>
    h(tone ? `td.${tone}` : "td", { role: "cell", "data-label": head }, h("div", cell(row)))));
  const set = (rows) => {
    waiting = rows;
    const dialog = document.querySelector("dialog[open]");
    // What is asked about stays until it is answered: the focus comes back to it, and goes on from there if it goes.
    if (dialog && grid.isConnected && !dialog.contains(grid)) {
      return dialog.addEventListener("close", () => waiting === rows && set(rows), { once: true });
    }
    const next = new Map();
    for (const row of rows) {
      const [name, made] = [key(row), line(row)];
      next.set(name, exchanged(shown.get(name), made));
    }
    const gone = [...shown].filter(([name]) => !next.has(name)).map(([, element]) => element);
    const lost = gone.find((element) => element.contains(document.activeElement));
    const place = lost ? [...body.children].filter((each) => each === lost || !gone.includes(each)).indexOf(lost) : -1;
    for (const element of gone) element.remove();
    let at = body.firstElementChild;
    for (const element of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else body.insertBefore(element, at);
    }
    shown = next;
    grid.hidden = rows.length === 0;
    none.hidden = rows.length > 0;
    if (lost) heir(body, place).focus();
  };
  return { element: h("div", grid, none), set };
}

// Where the focus goes when its row has gone: the row that stands there now, the last one, or the page's head.
function heir(body, place) {
  const row = body.children[Math.min(place, body.childElementCount - 1)];
  return row?.querySelector("a, button") ?? document.querySelector("h1");
}

// A row's old element where it looks like the new one; else the new one in its place, with the focus where it was.
function exchanged(old, made) {
  if (!old) return made;
  if (old.isEqualNode(made)) return old;
  const focusable = (row) => [...row.querySelectorAll("a, button, select, input")];
  const place = focusable(old).indexOf(document.activeElement);
  old.replaceWith(made);
  focusable(made)[place]?.focus();
  return made;
}

export function search(label, value, onChange) {
  let timer;
  const input = h("input", { type: "search", value, placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(input.value.trim()), TYPING_MS);
  });
  return h("search.grow", input);
}

// Turning pages where the server gives the `next` place to start from.
export function pages(onTurn) {
  let before = [];
  let start = "";
  let after = null;
  const back = h("button.small", { type: "button", disabled: true, hidden: true }, t("Previous"));
  const on = h("button.small", { type: "button", disabled: true, hidden: true }, t("Next"));
  const words = h("span.muted.number", { role: "status" });
  const turned = (place) => {
    start = place;
    back.disabled = before.length === 0;
    onTurn();
  };
  back.addEventListener("click", () => turned(before.pop()));
  on.addEventListener("click", () => {
    before.push(start);
    turned(after);
  });
  const element = h("nav.row.apart", { "aria-label": t("Pages"), hidden: true }, words, h("div.row", back, on));
  return {
    element,
    start: () => start,
    first: () => {
      before = [];
      start = "";
      back.disabled = true;
    },
    set: (next, text) => {
      after = next ?? null;
      on.disabled = after === null;
      back.hidden = on.hidden = back.disabled && on.disabled;
      element.hidden = back.hidden && !text;
      if (words.textContent !== text) words.textContent = text;
    },
  };
}

// Whether a stream is live, why not, and a button to try at once: { element, onState } for `follow`.
export function liveness() {
  const state = h("span.tag", t("connecting"));
  const reason = h("span.small.muted");
  const again = h("button.small", { type: "button", hidden: true }, t("Try now"));
  const onState = (live, why = "", now = null) => {
    state.className = live ? "tag good" : "tag warn";
    const word = live ? t("live") : t("not live");
    if (state.textContent !== word) state.textContent = word;
    reason.textContent = live ? "" : why;
    again.hidden = live || !now;
    again.onclick = now;
  };
  return { element: h("div.row", reason, h("span", { role: "status" }, state), again), onState };
}

// Offers bytes as a file.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = h("a", { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
