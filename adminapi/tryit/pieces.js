// What a window is made of. The law: pieces show what they are given and call what they are given; they know no socket.

import { h, svg } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { final, tryingAgain, why } from "./why.js";

const CLIP = "M8 12.5l5.6-5.6a2.5 2.5 0 0 1 3.6 3.6l-7.4 7.4a4.3 4.3 0 0 1-6.1-6.1l7.5-7.5";
const LINES = { fill: "none", stroke: "currentColor", "stroke-width": "1.8", "aria-hidden": "true" };

// Where one writes: `text`, as it stands; `said`, `typed` and `picked` are called with a text, nothing, and a file.
export function composer(to, text, { said, typed, picked }) {
  const words = t("Message to {user}", { user: to });
  const field = { type: "text", value: text, maxlength: "1000", autocomplete: "off", "aria-label": words, placeholder: words };
  const input = h("input", { ...field, oninput: typed, onpaste: ({ clipboardData }) => [...clipboardData.files].forEach(picked) });
  const take = () => {
    for (const file of picker.files) picked(file);
    picker.value = "";
  };
  const picker = h("input", { type: "file", multiple: true, hidden: true, "aria-label": t("File"), onchange: take });
  const submit = (event) => {
    event.preventDefault();
    const written = input.value.trim();
    input.value = "";
    if (written) said(written);
  };
  const clip = svg("svg", { viewBox: "0 0 24 24", width: "20", height: "20", ...LINES }, svg("path", { d: CLIP }));
  const label = t("Send a file or a picture");
  const pick = h("button.pick", { type: "button", "aria-label": label, title: label, onclick: () => picker.click() }, clip);
  return h("form.say", { onsubmit: submit }, pick, input, h("button.primary", t("Send")), picker);
}

// In the place of the composer, where there is no session any more and none comes by itself.
export function ending(lost, kick, { again, close }) {
  return h(
    "div.end",
    h("div.notice.bad", { role: "alert" }, h("p", why(lost, kick)), h("p.small", final(lost))),
    h(
      "div.row",
      h("button.primary", { type: "button", onclick: again }, t("Log in here again")),
      h("button", { type: "button", onclick: close }, t("Close this window")),
    ),
  );
}

// The head of a window. `state` is connecting, online, offline (`lost`: why; `retryAt`: when it is tried again) or ended, `entered`:
// after it was online.
export function heading({ id, title, state, lost, retryAt, entered, unread, present, other, device }) {
  const [mood, word] = {
    connecting: [".", t("connecting…")],
    online: [".good", t("online")],
    offline: [".warn", t("not connected")],
    ended: [".bad", entered ? t("logged out") : t("not logged in")],
  }[state];
  const there = present ? t("{user} is online", { user: other }) : t("{user} is offline", { user: other });
  const where = t("device “{device}”", { device });
  return [
    h(
      "div.row.apart",
      h("h2", { id }, title),
      h(
        "div.row",
        unread > 0 && state !== "ended" && h("span.tag.warn.unread", t("{n} unread", { n: unread })),
        h(mood === "." ? "span.tag" : `span.tag${mood}`, { role: "status" }, word),
      ),
    ),
    h("p.small.muted", state === "online" ? `${there} · ${where}` : where),
    state === "offline" && h("div.notice.warn.small", h("p", { role: "status" }, why(lost)), h("p", { role: "timer" }, tryingAgain(retryAt))),
  ];
}
