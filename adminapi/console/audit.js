// The audit log: who did what, newest first. The law: it is read, never written, from here; the chain that proves it whole is
// checked by `parley audit verify` on the server.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, get } from "./api.js";
import { moment } from "./format.js";
import { empty, heading, refused, search, table } from "./pieces.js";

const LIMIT = 100;

// The log's own names stand beside their translation, as that is what a search of its files goes by.
function what({ commands, method, path }) {
  const names = commands.map((name) => t(name)).join(t(", "));
  const raw = commands.join(", ");
  return [h("strong", names), h("div.mono.small.muted", { lang: "en" }, names !== raw && h("div", raw), `${method} ${path}`)];
}

export function show(main, { title, signal }) {
  const wanted = { app: "", user: "" };
  let lines = [];
  let next = null;
  const trouble = h("div");
  const older = h("button.small", { type: "button", hidden: true, onclick: () => draw(next) }, t("Older lines"));
  const rows = table({
    caption: title, key: (row) => String(row.n),
    columns: [
      { head: t("Time"), cell: (row) => moment(Date.parse(row.time)) },
      { head: t("Who"), cell: (row) => [row.operator || row.user || h("span", { lang: "en" }, row.proof), h("div.muted.small", row.from)] },
      { head: t("App"), cell: (row) => row.app || "–" },
      { head: t("What"), cell: what },
      { head: t("Outcome"), cell: ({ outcome }) => h(/^(2\d\d|done)$/.test(outcome) ? "span.tag.good" : "span.tag.warn", { title: outcome }, t(outcome)) },
    ],
    nothing: empty(t("No line matches. Every change that is made through an API or the command line leaves one.")),
  });
  const draw = async (before) => {
    const asked = { ...wanted };
    try {
      const found = await get(at("audit", { ...asked, before, limit: LIMIT }), { signal });
      if (asked.app !== wanted.app || asked.user !== wanted.user) return;
      lines = before ? [...lines, ...found.lines] : found.lines;
      next = found.next ?? null;
      rows.set(lines);
      older.hidden = next === null;
      fill(trouble);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error, () => draw(before)));
    }
  };
  const by = (name, label) => search(label, "", (text) => {
    wanted[name] = text;
    draw();
  });
  main.append(
    heading(title),
    h("div.card.stack", h("div.row", by("app", t("Only this app")), by("user", t("Only this user"))), trouble, rows.element, h("div.row.centre", older)),
  );
  draw();
}
