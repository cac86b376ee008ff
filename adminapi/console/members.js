// The members of a conversation, and what may be done to one: mute, let speak, keep out. The law: as the broker has them; after
// each act they are asked for again.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { call, get, may } from "./api.js";
import { ask } from "./dialogs.js";
import { clock, number } from "./format.js";
import { empty, link, pages, refused, table, tagged, tell } from "./pieces.js";

const LIMIT = 100;
const MUTES = { 600: "10 minutes", 3600: "1 hour", 86400: "1 day", 0: "Until unmuted" };

export function members(app, conversation, path, signal) {
  const trouble = h("div");
  const turner = pages(() => draw());
  const draw = async () => {
    try {
      const found = await get(path("members", { start: turner.start(), limit: LIMIT }), { signal });
      rows.set(found.members);
      turner.set(found.next, found.total === undefined ? "" : t("{n} members", { n: number(found.total) }));
      fill(trouble);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error, draw));
    }
  };
  const acts = (row) => may("support") && [
    muted(row)
      ? h("button.small.quiet", { type: "button", onclick: () => unmute(path, row.user, draw) }, t("Unmute"))
      : h("button.small.quiet", { type: "button", onclick: () => mute(path, row.user, draw) }, t("Mute")),
    h("button.small.danger", { type: "button", onclick: () => block(path, row.user, draw) }, t("Block")),
  ];
  const rows = table({
    caption: t("Members"), key: (row) => row.user,
    columns: [
      { head: t("User"), cell: (row) => [link(row.user, "app", app, "users", row.user), " ", states(row)] },
      { head: "", tone: "acts", cell: acts },
    ],
    nothing: empty(t("Nobody is a member.")),
  });
  draw();
  return h("section.card.stack", h("h2", t("Members")), trouble, rows.element, turner.element);
}

const muted = (row) => row.muted === true || row.muted_until_ms > Date.now() || row.muted_until_ms === 0;

function states(row) {
  return [
    row.role && row.role !== "member" && tagged(t(row.role)),
    muted(row) && h("span.tag.warn", t("muted"), row.muted_until_ms > 0 && [" ", t("until"), " ", clock(row.muted_until_ms)]),
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
