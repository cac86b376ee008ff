// A word to everybody of an app who is online, and how far it has come. The law: it is asked for once more before it goes out, for it cannot be
// taken back; the bars follow the broker until all were gone through.

import { h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, may } from "./api.js";
import { ask } from "./dialogs.js";
import { ago, number, spoken } from "./format.js";
import { listing } from "./listing.js";
import { empty, heading, tagged, tell } from "./pieces.js";

const REFRESH_MS = 2000;

export function show(main, { app, title, signal }) {
  const list = listing({
    caption: title, key: (row) => row.announcement, signal, everyMs: REFRESH_MS,
    path: () => at("apps", app, "announcements"),
    columns: [
      { head: t("Announcement"), cell: (row) => h("span.said", spoken(row.content)) },
      { head: t("Sent"), cell: (row) => ago(row.at_ms) },
      { head: t("Reached"), cell: progress },
      { head: t("State"), cell: (row) => (row.done ? tagged(t("done"), "good") : tagged(t("under way"), "warn")) },
    ],
    nothing: empty(t("Nothing was announced since the broker began. What you announce is pushed to every session that is online, and not kept for who comes later.")),
  });
  main.append(heading(title), ...(may("support") ? [form(app, list.refresh)] : []), list.element);
}

function progress({ reached, total }) {
  const share = total ? Math.min(reached / total, 1) : 1;
  const words = t("{reached} of {total}", { reached: number(reached), total: number(total) });
  return h("span.progress", h("progress", { max: 1, value: share, "aria-label": words }), h("span.number.small", words));
}

function form(app, done) {
  const text = h("textarea", { required: true, rows: 3 });
  const submit = async (event) => {
    event.preventDefault();
    const sent = await ask({
      title: t("Announce to everybody of {app}?", { app }), action: t("Announce"),
      text: t("It goes to all who are online and cannot be taken back: “{text}”", { text: text.value }),
      run: () => call("POST", at("apps", app, "announcements"), { content: { text: text.value } }),
    });
    if (!sent) return;
    text.value = "";
    tell(t("It is on its way."));
    done();
  };
  return h(
    "form.card.stack", { onsubmit: submit },
    h("label.field", h("span", t("What everybody of {app} who is online should read", { app })), text),
    h("div.row.ends", h("button.primary", { type: "submit" }, t("Announce"))),
  );
}
