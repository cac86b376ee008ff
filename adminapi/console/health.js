// Whether all is well, and what to do where it is not. The law: what is wrong stands first and says what to do; the sentences
// are the server's, who sends words and values apart so that they can be said in the viewer's language.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, get } from "./api.js";
import { moment, number, size, span } from "./format.js";
import { card, empty, heading, refused, repeat, table, tagged } from "./pieces.js";

const REFRESH_MS = 5000;

export function show(main, { title, signal }) {
  const trouble = h("div");
  const summary = h("div");
  const checks = h("ul.checks");
  const store = h("div");
  const journal = h("div");
  const quarantine = table({
    caption: t("Quarantine"), key: (row) => `${row.target}/${row.table}/${row.key}`,
    columns: [
      { head: t("Store"), cell: (row) => row.target },
      { head: t("Table"), cell: (row) => row.table },
      { head: t("Key"), cell: (row) => h("span.mono.small", row.key) },
      { head: t("Error"), cell: (row) => row.error },
      { head: t("Since"), cell: (row) => moment(row.at_ms) },
    ],
    nothing: empty(t("Empty: no store has refused a row.")),
  });
  let before = "";
  main.append(
    heading(title), trouble, summary, card(t("Checks"), checks),
    h("div.halves", card(t("Store"), store), card(t("Journal"), journal)), card(t("Quarantine"), quarantine.element),
  );
  repeat(REFRESH_MS, signal, async () => {
    try {
      const found = await get(at("health"), { signal });
      fill(trouble);
      const now = JSON.stringify(found.checks);
      if (now !== before) {
        before = now;
        const bad = found.checks.filter((each) => !each.ok);
        fill(summary, bad.length
          ? h("p.notice.bad", { role: "alert" }, t("Checks that fail: {n}. What to do stands beside each.", { n: bad.length }))
          : h("p.notice.good", t("All checks pass.")));
        fill(checks, [...bad, ...found.checks.filter((each) => each.ok)].map(line));
      }
      fill(store, found.store?.targets.map(facts) ?? away());
      fill(journal, found.journal ? facts(found.journal) : away());
      quarantine.set(found.quarantine ?? []);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error));
    }
  });
}

function line({ name, ok, words, advice_words, values }) {
  return h(
    "li.row.top", ok ? tagged(t("good"), "good") : tagged(t("bad"), "bad"),
    h("div.grow", h("strong", t(name)), " ", h("span", t(words, values)), !ok && advice_words && h("p.advice", t(advice_words, values))),
  );
}

// What the figures are called.
const NAMES = {
  target: () => t("store"),
  applied: () => t("newest commit in it"),
  behind: () => t("commits it lacks"),
  oldest_unapplied_ms: () => t("the oldest of them waits"),
  accepted: () => t("newest commit decided"),
  durable: () => t("newest commit on the disk"),
  bytes: () => t("size"),
  takes: () => t("takes new ones"),
};

const away = () => h("p.muted", t("The broker is away."));

function facts(found) {
  return h("dl", Object.entries(found).map(([name, value]) => [h("dt", NAMES[name]?.() ?? name), h("dd.number", saying(name, value))]));
}

function saying(name, value) {
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (typeof value !== "number") return value;
  if (name.endsWith("bytes")) return size(value);
  return name.endsWith("_ms") ? span(value) : number(value);
}
