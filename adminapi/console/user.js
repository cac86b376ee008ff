// One user: what is known of them, where they are, whom they know, and what may be done. The law: what cannot be undone asks for
// the user's name typed out.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, bytes, call, get, may } from "./api.js";
import { ask } from "./dialogs.js";
import { moment, pretty } from "./format.js";
import { columns as conversationColumns } from "./conversations.js";
import { listing } from "./listing.js";
import { card, empty, heading, hrefOf, link, load, save, tell } from "./pieces.js";
import { columns, kick } from "./sessions.js";
import { states } from "./users.js";

const REFRESH_MS = 3000;
const LIMIT = 50;

export function show(main, { app, signal, one: user }) {
  const path = (...more) => at("apps", app, "users", user, ...more);
  const acts = h("div.row");
  const about = h("div");
  const draw = () => load(about, signal, (options) => get(path(), options), (found) => {
    fill(acts, buttons(app, found, path, draw));
    return facts(found);
  });
  const friends = h("div");
  const live = listing({
    title: t("Sessions"), rows: "sessions", key: (row) => row.session, signal, everyMs: REFRESH_MS,
    path: () => at("apps", app, "sessions", { user }), columns: columns(app, () => live.refresh()).slice(1),
    nothing: empty(t("Not logged in just now.")),
  });
  const conversations = listing({
    title: t("Conversations"), rows: "conversations", key: (row) => row.conversation, signal, columns: conversationColumns(app),
    path: ({ start }) => path("conversations", { start, limit: LIMIT }), nothing: empty(t("In no conversation yet.")),
  });
  main.append(
    h("p.way", link(t("Users"), "app", app, "users")), heading(user, acts),
    h("div.halves", card(t("Profile"), about), card(t("Friends"), friends)), live.element, conversations.element,
  );
  draw();
  load(friends, signal, (options) => get(path("friends"), options), (found) => friendsOf(app, found.friends));
}

function facts(found) {
  return h("div.stack.tight", states(found), h(
    "dl", h("dt", t("Created")), h("dd", moment(found.created_ms)), h("dt", t("Changed")), h("dd", moment(found.updated_ms)),
    Object.entries(found.attributes ?? {}).map(([name, value]) => [h("dt.mono", name), h("dd", pretty(value))]),
  ));
}

function friendsOf(app, friends) {
  if (!friends.length) return empty(t("No friends yet."));
  return h("ul.names", friends.map((each) => h("li", link(each.user, "app", app, "users", each.user))));
}

function buttons(app, found, path, draw) {
  const { user } = found;
  const button = (role, style, text, onclick) => may(role) && h(style, { type: "button", onclick }, text);
  return [
    button("admin", "button", t("Export"), () => exported(path, user)),
    button("support", "button", t("Kick"), () => kick(app, user, null, draw)),
    found.banned
      ? button("support", "button", t("Lift the ban"), () => act("unban", path, draw, t("{user} may log in again.", { user })))
      : button("support", "button.danger", t("Ban"), () => ban(user, path, draw)),
    button("admin", "button.danger", t("Delete"), () => remove(app, user, path)),
  ];
}

async function act(what, path, draw, words) {
  try {
    await call("POST", path(what));
    tell(words);
    draw();
  } catch (error) {
    tell(error.message, "bad");
  }
}

async function ban(user, path, draw) {
  const done = await ask({
    title: t("Ban {user}?", { user }), action: t("Ban"), danger: true,
    text: t("All sessions end, and nobody logs in by this name until the ban is lifted. What was said stays."),
    run: () => call("POST", path("ban")),
  });
  if (!done) return;
  tell(t("{user} is banned.", { user }));
  draw();
}

async function remove(app, user, path) {
  const done = await ask({
    title: t("Delete {user} for good?", { user }), action: t("Delete"), danger: true,
    text: t("Profile, friends and memberships go and do not come back. What the user said stays in its conversations."),
    fields: [{ name: "name", label: t("Type {text} to confirm", { text: user }), must: user }],
    run: () => call("DELETE", path()),
  });
  if (!done) return;
  tell(t("{user} is deleted.", { user }));
  location.hash = hrefOf("app", app, "users");
}

async function exported(path, user) {
  try {
    save(await bytes(path("export")), `${user.replace(/[^\w.-]+/g, "_")}.jsonl`);
    tell(t("The export of {user} is on its way to your downloads.", { user }));
  } catch (error) {
    tell(error.message, "bad");
  }
}
