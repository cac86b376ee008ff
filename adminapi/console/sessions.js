// Who is logged in to an app just now. The law: the list follows the broker while it is looked at, row by row, so nothing jumps
// away under a finger; one session shows what it waits for; a kick ends it with a word the user reads.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, get, may } from "./api.js";
import { ask, show as showDialog } from "./dialogs.js";
import { counted, lasting, number, size, span } from "./format.js";
import { listing } from "./listing.js";
import { empty, heading, link, refused, repeat, tagged, tell } from "./pieces.js";

const REFRESH_MS = 3000;
const DETAIL_MS = 2000;
const LIMIT = 100;

export function show(main, { app, title, signal }) {
  const list = listing({
    caption: title, label: t("Search by user, device or address"), rows: "sessions", key: (row) => row.session, signal,
    path: (asked) => at("apps", app, "sessions", { ...asked, limit: LIMIT }), everyMs: REFRESH_MS,
    total: (n) => counted(n, "{n} session", "{n} sessions"), columns: columns(app, () => list.refresh()),
    nothing: empty(t("Nobody is logged in, or nobody who matches. Whoever logs in shows up here within seconds.")),
  });
  main.append(heading(title), list.element);
}

export function columns(app, refresh) {
  const acts = (row) => [
    h("button.small.quiet", { type: "button", onclick: () => detail(app, row) }, t("Details")),
    may("support") && h("button.small.danger", { type: "button", onclick: () => kick(app, row.user, row, refresh) }, t("Kick")),
  ];
  return [
    { head: t("User"), cell: (row) => link(row.user, "app", app, "users", row.user) },
    { head: t("Device"), cell: (row) => [row.device || h("span.muted", "–"), row.platform && h("span.muted", ` ${row.platform}`)] },
    { head: t("Protocol"), cell: (row) => row.wire },
    { head: t("Address"), cell: (row) => h("span.mono", row.address || "–") },
    { head: t("Logged in for"), cell: (row) => [lasting(row.since_ms), row.replaced && [" ", tagged(t("replaced another"), "warn")]] },
    { head: t("Waiting"), tone: "number", cell: (row) => (row.outbox_bytes ? size(row.outbox_bytes) : "–") },
    { head: "", tone: "acts", cell: acts },
  ];
}

// `row`: the session it was asked at, if it was one.
export async function kick(app, user, row, done) {
  const device = row?.device;
  const which = { one: t("Only on this device ({device})", { device }), all: t("On all devices") };
  const kicked = await ask({
    title: t("Kick {user}?", { user }),
    text: t("The session ends at once and its token is worth nothing any more; the user may log in again."),
    action: t("Kick"), danger: true,
    fields: [
      ...(device ? [{ name: "which", label: t("Which sessions"), options: which }] : []),
      { name: "reason", label: t("Reason"), hint: t("Shown to the user."), most: 256 },
    ],
    run: (values) => call("POST", at("apps", app, "users", user, "kick"), {
      ...(values.which === "one" ? { device } : {}), ...(values.reason ? { reason: values.reason } : {}),
    }),
  });
  if (!kicked) return;
  tell(t("{user} was kicked.", { user }));
  done?.();
}

function detail(app, row) {
  showDialog(t("Session of {user}", { user: row.user }), (body, signal) => {
    repeat(DETAIL_MS, signal, async () => {
      try {
        const found = await get(at("apps", app, "sessions", row.session), { signal });
        fill(body, waits(found), facts(found));
      } catch (error) {
        if (!signal.aborted) fill(body, refused(error));
      }
    });
  });
}

const WAITING = {
  login: "The answer to its login is awaited.",
  journal: "It is not read: the journal is behind.",
  pace: "It is not read: it sends more than it may.",
  store: "A request waits for old rows from the store.",
  password: "A request waits for a password to be compared.",
  scan: "A request waits for a search to end.",
};

// What stands between its requests and their answers, in sentences.
function waits(found) {
  const said = (found.paused ?? []).map((why) => t(WAITING[why] ?? why));
  if (found.stopped) said.push(`${t(WAITING[found.stopped.why] ?? found.stopped.why)} (${found.stopped.command}, ${span(found.stopped.since_ms)})`);
  if (found.held) said.push(t("{n} answers are held until they are on disk.", { n: number(found.held) }));
  if (found.blocked_ms >= 0) said.push(t("Its peer has taken nothing for {time}.", { time: span(found.blocked_ms) }));
  return said.length
    ? h("div.notice.warn", said.map((text) => h("p", text)))
    : h("p.notice.good", t("It waits for nothing."));
}

const lasted = (ms) => (ms < 0 ? "–" : span(ms));

const FACTS = () => [
  [t("User"), ({ user, device }) => [user, device && h("span.muted", ` ${device}`)]],
  [t("Logged in for"), ({ login_ms }) => lasted(login_ms)],
  [t("Connection"), ({ state, door, wire }) => [state, door, wire].filter(Boolean).join(", ")],
  [t("Address"), ({ peer, address }) => [h("span.mono", peer), address && address !== peer && h("span.muted", ` (${address})`)]],
  [t("Last heard of"), ({ heard_ms }) => [lasted(heard_ms)]],
  [t("Asked for a sign of life"), ({ probe_ms }) => lasted(probe_ms)],
  [t("Waiting to be taken"), ({ outbox_bytes, outbox_frames }) => t("{size} in {n} frames", { size: size(outbox_bytes), n: number(outbox_frames) })],
  [t("Requests waiting"), ({ queued }) => number(queued)],
  [t("Answers held"), ({ held, commit }) => (held ? t("{n}, for commit {commit}", { n: number(held), commit }) : number(0))],
  [t("Also carries"), ({ seats }) => (seats.length ? h("span.mono", seats.join(" ")) : "–")],
  [t("Session"), ({ session }) => h("span.mono", session)],
];

const facts = (found) => h("dl", FACTS().map(([name, value]) => [h("dt", name), h("dd", value(found))]));
