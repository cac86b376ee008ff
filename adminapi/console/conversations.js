// The conversations of an app, found by name or id. The law: as with users: a list by pages, and one conversation's own page.

import { t } from "/-/look/words.js";
import { at } from "./api.js";
import { ago, number } from "./format.js";
import { listing } from "./listing.js";
import { empty, heading, link, tagged } from "./pieces.js";

const LIMIT = 50;

export function show(main, { app, title, signal }) {
  const list = listing({
    caption: title, label: t("Search by name or id"), rows: "conversations", key: (row) => row.conversation, signal,
    path: (asked) => at("apps", app, "conversations", { ...asked, limit: LIMIT }),
    total: (n) => t("{n} conversations", { n: number(n) }), columns: columns(app),
    nothing: empty(t("No conversation matches. The first message between two users makes one.")),
  });
  main.append(heading(title), list.element);
}

export const columns = (app) => [
  { head: t("Conversation"), cell: (row) => link(nameOf(row), "app", app, "conversations", row.conversation) },
  { head: t("Kind"), cell: (row) => tagged(t(row.kind)) },
  { head: t("Members"), tone: "number", cell: (row) => (row.members === undefined ? "–" : number(row.members)) },
  { head: t("Last message"), cell: (row) => ago(row.last_ms) },
];

// What people call it: its name, the two who talk, or its id.
export function nameOf(row) {
  return row.name || (row.users ?? []).join(", ") || row.conversation;
}
