// One message as a line of a conversation. The law: what somebody wrote is text, a picture is one of this host's own files, and
// a link leads to the web: nothing else becomes anything.

import { h } from "/-/look/dom.js";
import { t, tag } from "/-/look/words.js";

const NORMAL = 1; // msg_status, which a push has none of
export const RECALLED = 3;
const IMAGE = -2;
const UNITS = ["B", "KB", "MB", "GB"];

// `said`: as the server has it (msg.new), with `state` (a word) where it is our own.
export function line(said, own) {
  const when = said.ctime ? new Date(said.ctime) : new Date();
  const time = new Intl.DateTimeFormat(tag(), { hour: "2-digit", minute: "2-digit" }).format(when);
  return h(
    own ? "li.own" : "li", { "data-seq": said.seq || null },
    h("div.bubble", h("span.unseen", `${said.from_client}: `), content(said)),
    h("p.small.muted", h("time", { datetime: when.toISOString() }, time), own && [" · ", h("span.state", t(said.state ?? "Sent"))]),
  );
}

// Neither deleted nor taken back.
export const stands = ({ msg_status = NORMAL }) => msg_status === NORMAL;

function content(said) {
  if (said.msg_status === RECALLED) return h("em.muted", t("taken back"));
  const url = safe(parsed(said.url));
  const { name = "", size = 0 } = parsed(said.attr) ?? {};
  if (!url) return said.text ?? "";
  if (said.type === IMAGE && url.origin === location.origin) return h("img", { src: url.href, alt: name || t("Image") });
  return h("a", { href: url.href, download: name || true }, `${name || url.href}${size ? ` (${bytes(size)})` : ""}`);
}

// Of a push, whose `attr` and `url` are JSON in a text.
function parsed(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

function safe(text) {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : null;
  return url && ["http:", "https:"].includes(url.protocol) ? url : null;
}

function bytes(size) {
  const step = Math.min(Math.floor(Math.log(size) / Math.log(1024)), UNITS.length - 1);
  return `${new Intl.NumberFormat(tag(), { maximumFractionDigits: 1 }).format(size / 1024 ** step)} ${UNITS[step]}`;
}
