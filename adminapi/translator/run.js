// Running the line that stands in the page. The law: the viewer's key goes to this server, in the header that proves him, and
// nowhere else; the line's own keys are not used.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";

export function runner(line, mine, post) {
  const answer = h("div.answer.stack.tight", { role: "status" });
  const run = async () => {
    const { app, key } = mine();
    if (!app || !key) return fill(answer, h("p.notice.warn", t("Type your app's id and your key above first.")));
    fill(answer, h("p.muted", t("Running…")));
    try {
      const path = `/-/api/apps/${encodeURIComponent(app)}/run`;
      fill(answer, outcome(await post(path, { line: line.value }, { Authorization: `Bearer ${key}` })));
    } catch (error) {
      fill(answer, h("p.notice.bad", error.message));
    }
  };
  return h(
    "section.card.stack.tight", { "aria-labelledby": "run" },
    h("h2", { id: "run" }, t("Run it")),
    h("p.small.muted", t("It is run by this server, with your own right and for your app. Keys in the line are not looked at.")),
    h("p", h("button.primary", { type: "button", onclick: run }, t("Run"))),
    answer,
  );
}

function outcome(found) {
  const good = found.status < 400;
  return [
    h("p", h(good ? "span.tag.good" : "span.tag.bad", t("Status {status}", { status: found.status }))),
    found.headers.length > 0 && h("table.headers", h("caption.unseen", t("Headers")), h("tbody", found.headers.map(([name, value]) =>
      h("tr", h("th", { scope: "row" }, name), h("td", value))))),
    found.body ? h("pre", { "aria-label": t("Body"), tabindex: "0", role: "region" }, pretty(found.body)) : h("p.small.muted", t("There is no body.")),
    !found.whole && h("p.small.muted", t("Only the beginning is shown.")),
  ];
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
