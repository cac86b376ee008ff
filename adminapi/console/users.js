// The users of an app, found by name. The law: the list is the broker's, a page at a time; what is done to one is done on the
// user's own page.

import { h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, may } from "./api.js";
import { ask } from "./dialogs.js";
import { ago, counted } from "./format.js";
import { listing } from "./listing.js";
import { empty, heading, hrefOf, link, tagged } from "./pieces.js";

const LIMIT = 50;

export function show(main, { app, title, signal }) {
  const list = listing({
    caption: title, label: t("Search by id or name"), rows: "users", key: (row) => row.user, signal,
    path: (asked) => at("apps", app, "users", { ...asked, limit: LIMIT }), total: (n) => counted(n, "{n} user", "{n} users"),
    columns: [
      { head: t("User"), cell: (row) => [link(row.user, "app", app, "users", row.user), h("div.small.muted", called(row))] },
      { head: t("State"), cell: states },
      { head: t("Attributes"), cell: (row) => h("span.muted.cut", brief(row.attributes)) },
      { head: t("Created"), cell: (row) => ago(row.created_ms) },
    ],
    nothing: empty(t("No user matches. A user is there after the first login, or when your server makes one.")),
  });
  main.append(
    heading(title, may("admin") && h("button", { type: "button", onclick: () => create(app) }, t("New user"))), list.element,
  );
}

export const states = (row) => h(
  "span.row", row.online ? tagged(t("online"), "good") : tagged(t("offline")), row.banned && tagged(t("banned"), "bad"),
);

// What the user is called, by the attributes that are searched.
const called = ({ attributes: { nickname, name } }) => [nickname, name].filter((each) => typeof each === "string").join(", ");

function brief(attributes) {
  const { nickname, name, ...more } = attributes;
  return Object.keys(more).length ? JSON.stringify(more) : "";
}

async function create(app) {
  const made = await ask({
    title: t("New user"), action: t("Create"),
    fields: [
      { name: "user", label: t("Name"), needed: true, most: 128 },
      { name: "password", label: t("Password"), type: "password", most: 1024, hint: t("May be left empty: then the user logs in by a token of your server.") },
    ],
    run: async ({ user, password }) => {
      await call("PUT", at("apps", app, "users", user), { must_be_new: true, ...(password ? { password } : {}) });
      return user;
    },
  });
  if (made) location.hash = hrefOf("app", app, "users", made);
}
