// The users of an app, found by name. The law: the list is the broker's, a page at a time; what is done to one is done on the
// user's own page.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, get, may } from "./api.js";
import { ask } from "./dialogs.js";
import { ago, number } from "./format.js";
import { empty, heading, hrefOf, link, pages, refused, search, table, tagged } from "./pieces.js";

const LIMIT = 50;

export function show(main, { app, title, signal }) {
  let wanted = "";
  const trouble = h("div");
  const turner = pages(() => draw());
  const rows = table({
    caption: title, key: (row) => row.user,
    columns: [
      { head: t("User"), cell: (row) => link(row.user, "app", app, "users", row.user) },
      { head: t("State"), cell: states },
      { head: t("Attributes"), cell: (row) => h("span.muted.cut", brief(row.attributes)) },
      { head: t("Created"), cell: (row) => ago(row.created_ms) },
    ],
    nothing: empty(t("No user matches. A user is there after the first login, or when your server makes one.")),
  });
  const draw = async () => {
    const text = wanted;
    try {
      const found = await get(at("apps", app, "users", { search: text, start: turner.start(), limit: LIMIT }), { signal });
      if (text !== wanted) return;
      rows.set(found.users);
      turner.set(found.next, found.total === undefined ? "" : t("{n} users", { n: number(found.total) }));
      fill(trouble);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error, draw));
    }
  };
  const find = search(t("Search by name"), "", (text) => {
    wanted = text;
    turner.first();
    draw();
  });
  main.append(
    heading(title, may("admin") && h("button", { type: "button", onclick: () => create(app) }, t("New user"))),
    h("div.card.stack", h("div.row", find), trouble, rows.element, turner.element),
  );
  draw();
}

export const states = (row) => h(
  "span.row", row.online ? tagged(t("online"), "good") : tagged(t("offline")), row.banned && tagged(t("banned"), "bad"),
);

function brief(attributes) {
  const text = JSON.stringify(attributes ?? {});
  return text === "{}" ? "" : text;
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
