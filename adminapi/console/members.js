// The members of a conversation, and what may be done to one: mute, let speak, keep out. The law: as the broker has them; after
// each act they are asked for again.

import { h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { call, may } from "./api.js";
import { ask } from "./dialogs.js";
import { clock, counted } from "./format.js";
import { listing } from "./listing.js";
import { empty, link, tagged, tell } from "./pieces.js";

const LIMIT = 100;
const MUTES = { 600: "10 minutes", 3600: "1 hour", 86400: "1 day", 0: "Until unmuted" };

export function members(app, path, signal) {
  const list = listing({
    title: t("Members"), rows: "members", key: (row) => row.user, signal,
    path: ({ start }) => path("members", { start, limit: LIMIT }), total: (n) => counted(n, "{n} member", "{n} members"),
    columns: [
      { head: t("User"), cell: (row) => [link(row.user, "app", app, "users", row.user), " ", states(row)] },
      { head: "", tone: "acts", cell: (row) => may("support") && acts(row.user, muted(row), path, list.refresh) },
    ],
    nothing: empty(t("Nobody is a member.")),
  });
  if (may("support")) {
    list.element.append(h("div.row.ends", h("button.small.quiet", { type: "button", onclick: () => unblock(path) }, t("Lift a block"))));
  }
  return list.element;
}

function acts(user, silent, path, done) {
  return [
    silent
      ? h("button.small.quiet", { type: "button", onclick: () => unmute(path, user, done) }, t("Unmute"))
      : h("button.small.quiet", { type: "button", onclick: () => mute(path, user, done) }, t("Mute")),
    h("button.small.danger", { type: "button", onclick: () => block(path, user, done) }, t("Block")),
  ];
}

const FOREVER_MS = 366 * 86_400_000;

const muted = (row) => row.muted_until_ms > Date.now();

function states(row) {
  return [
    row.role !== "member" && tagged(t(row.role)), row.online && tagged(t("online"), "good"),
    muted(row) && h("span.tag.warn", t("muted"), row.muted_until_ms < Date.now() + FOREVER_MS && [" ", t("until"), " ", clock(row.muted_until_ms)]),
  ];
}

async function mute(path, user, done) {
  const muted = await ask({
    title: t("Mute {user}?", { user }), action: t("Mute"), danger: true,
    text: t("The member reads on and cannot speak in this conversation."),
    fields: [{ name: "seconds", label: t("For how long"), options: Object.fromEntries(Object.entries(MUTES).map(([key, text]) => [key, t(text)])), value: "600" }],
    run: ({ seconds }) => call("POST", path("members", user, "mute"), { seconds: Number(seconds) }),
  });
  if (!muted) return;
  tell(t("{user} is muted.", { user }));
  done();
}

async function unmute(path, user, done) {
  try {
    await call("POST", path("members", user, "unmute"));
    tell(t("{user} may speak again.", { user }));
    done();
  } catch (error) {
    tell(error.message, "bad");
  }
}

async function block(path, user, done) {
  const blocked = await ask({
    title: t("Keep {user} out?", { user }), action: t("Block"), danger: true,
    text: t("The user is no member any more and cannot come back until the block is lifted."),
    run: () => call("POST", path("members", user, "block")),
  });
  if (!blocked) return;
  tell(t("{user} is blocked.", { user }));
  done();
}

// Who is kept out is no member and in no list, so the name is asked for.
async function unblock(path) {
  const lifted = await ask({
    title: t("Lift a block"), action: t("Lift the block"), text: t("The user may become a member again."),
    fields: [{ name: "user", label: t("User"), needed: true, most: 128 }],
    run: async ({ user }) => {
      await call("POST", path("members", user, "unblock"));
      return user;
    },
  });
  if (lifted) tell(t("{user} may come back.", { user: lifted }));
}
