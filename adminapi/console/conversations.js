// The conversations of an app, found by name or id. The law: as with users: a list by pages, and one conversation's own page.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, get } from "./api.js";
import { ago, number } from "./format.js";
import { empty, heading, link, pages, refused, search, table, tagged } from "./pieces.js";

const LIMIT = 50;

export function show(main, { app, title, signal }) {
  let wanted = "";
  const trouble = h("div");
  const turner = pages(() => draw());
  const rows = table({
    caption: title, key: (row) => row.conversation,
    columns: [
      { head: t("Conversation"), cell: (row) => link(nameOf(row), "app", app, "conversations", row.conversation) },
      { head: t("Kind"), cell: (row) => tagged(t(row.kind)) },
      { head: t("Members"), tone: "number", cell: (row) => (row.members === undefined ? "–" : number(row.members)) },
      { head: t("Last message"), cell: (row) => ago(row.last_ms) },
      { head: t("Created"), cell: (row) => ago(row.created_ms) },
    ],
    nothing: empty(t("No conversation matches. The first message between two users makes one.")),
  });
  const draw = async () => {
    const text = wanted;
    try {
      const found = await get(at("apps", app, "conversations", { search: text, start: turner.start(), limit: LIMIT }), { signal });
      if (text !== wanted) return;
      rows.set(found.conversations);
      turner.set(found.next, found.total === undefined ? "" : t("{n} conversations", { n: number(found.total) }));
      fill(trouble);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error, draw));
    }
  };
  const find = search(t("Search by name or id"), "", (text) => {
    wanted = text;
    turner.first();
    draw();
  });
  main.append(heading(title), h("div.card.stack", h("div.row", find), trouble, rows.element, turner.element));
  draw();
}

// What people call it: its name, the two who talk, or its id.
export function nameOf(row) {
  return row.name || (row.users ?? []).join(", ") || row.conversation;
}
