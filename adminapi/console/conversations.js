// The conversations of an app, found by name or id. The law: as with users: a list by pages, and one conversation's own page.

import { h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at } from "./api.js";
import { ago, counted, number, spoken } from "./format.js";
import { listing } from "./listing.js";
import { empty, heading, link, tagged } from "./pieces.js";

const LIMIT = 50;

export function show(main, { app, title, signal }) {
  const list = listing({
    caption: title, label: t("Search by name, id, owner or member"), rows: "conversations", key: (row) => row.conversation, signal,
    path: (asked) => at("apps", app, "conversations", { ...asked, limit: LIMIT }),
    total: (n) => counted(n, "{n} conversation", "{n} conversations"), columns: columns(app),
    nothing: empty(t("No conversation matches. The first message between two users makes one.")),
  });
  main.append(heading(title), list.element);
}

export const columns = (app) => [
  { head: t("Conversation"), cell: (row) => link(nameOf(row), "app", app, "conversations", row.conversation) },
  { head: t("Kind"), cell: (row) => tagged(t(row.kind)) },
  { head: t("Members"), tone: "number", cell: (row) => number(row.members) },
  { head: t("Messages"), tone: "number", cell: (row) => number(Math.max(row.last_seq - row.first_seq + 1, 0)) },
  { head: t("Last message"), cell: last },
];

function last({ last_message, said_ms }) {
  return [ago(said_ms), last_message && h("div.small.muted.cut", `${last_message.sender}: ${spoken(last_message.body)}`)];
}

// What people call it: its name, or who began it, or its id.
export function nameOf({ name, creator, conversation }) {
  return name || (creator ? t("begun by {user}", { user: creator }) : conversation);
}
