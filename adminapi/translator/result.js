// What a translation says: what the call is, the commands it becomes, how the other dialects say it. The law: a line is only
// called the same where the server found no difference, and every difference is shown with both values.

import { copier, h } from "/-/look/dom.js";
import { spans } from "/-/docs/prose.js";
import { t } from "/-/look/words.js";

export function shown(found, filled, use) {
  return [what(found), commands(found), others(found, filled, use)];
}

const method = (endpoint) => {
  const [verb, path] = endpoint.split(" ");
  return [h(`span.method.${verb.toLowerCase()}`, verb), " ", h("code", path)];
};

function what(found) {
  return h(
    "section.card.stack.tight", { "aria-labelledby": "what" },
    h("h2", { id: "what" }, t("What it is")),
    h("p.what", h("span.tag", found.title), " ", method(found.endpoint)),
    h("p", spans(found.summary)),
    h("p.small.muted", found.app ? t("For the app {app}.", { app: found.app }) : t("The line names no app."), " ",
      h("a", { href: `/-/docs#${found.operation}` }, t("In the documentation"))),
    h("h3", t("What proves its caller")),
    found.proofs.length ? h("ul.ways.small", found.proofs.map(way)) : h("p.small", t("Nobody has to prove anything.")),
  );
}

function way(together) {
  const parts = together.map((each) => [
    h("code", each.name), each.given && [" ", h("span.tag.good", t("in the line"))], each.about && h("span.muted", " ", spans(each.about)),
  ]);
  return h("li", parts.flatMap((part, at) => (at ? [" + ", part] : [part])));
}

function commands(found) {
  return h(
    "section.card.stack.tight", { "aria-labelledby": "becomes" },
    h("h2", { id: "becomes" }, t("What it becomes here")),
    found.refused && h("p.notice.bad", t("The dialect would refuse it: {why}", { why: found.refused })),
    found.note && h("p", found.note),
    found.commands.map((each) =>
      h("div", h("p", h("strong", each.text), " ", h("code.muted", each.command)), h("dl.fields", each.fields.map((field) => [
        h("dt", field.name), h("dd", said(field.value)),
      ])))),
    found.commands.length > 0 && h("p.small.muted",
      t(found.changes ? "It changes something, or tells somebody something." : "It only reads.")),
  );
}

function said(value) {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value.join(", ");
  return JSON.stringify(value);
}

function others(found, filled, use) {
  if (!found.commands.length) return null;
  return h(
    "section.stack.tight", { "aria-labelledby": "same" },
    h("h2", { id: "same" }, t("The same in the other dialects")),
    h("div.others", found.others.filter((each) => each.lines.length).map((each) => other(each, filled, use))),
    none(found.others.filter((each) => !each.lines.length)),
  );
}

// Those that have no such call, with the reason.
function none(found) {
  if (!found.length) return null;
  return h("div.card.stack.tight", h("h3", t("No such call")), h("dl.none.small", found.map((each) => [
    h("dt", { "data-none": each.dialect }, each.title), h("dd", each.note),
  ])));
}

function verdict(found) {
  if (found.lines.some((line) => line.near)) return ["warn", "the nearest"];
  return found.note || found.lines.some((line) => line.differences.length) ? ["warn", "the same, but"] : ["good", "the same"];
}

function other(found, filled, use) {
  const [colour, word] = verdict(found);
  return h(
    "article.card", { "data-dialect": found.dialect },
    h("div.row.apart", h("h3", found.title), h(`span.tag.${colour}`, t(word))),
    found.lines.map((line) => say(line, found.title, filled, use)),
    found.note && h("p.small", found.note),
  );
}

function say(line, title, filled, use) {
  const text = filled(line.curl);
  const pre = h("pre", text);
  const copy = copier(() => text, pre);
  copy.setAttribute("aria-label", `${t("Copy the line")}: ${title}`);
  return h(
    "div.stack.tight",
    h("p.small", method(line.endpoint), h("span.muted", " ", spans(line.summary))),
    h("div.line", pre, h("div.acts", copy)),
    line.note && h("p.small.notice.warn", line.note),
    line.differences.length > 0 && [h("p.small", t("What becomes different:")), h("ul.change", line.differences.map(difference))],
    h("p", h("button.small.quiet", { type: "button", onclick: () => use(line.curl), "aria-label": `${t("Translate this")}: ${title}` }, t("Translate this"))),
  );
}

function difference(found) {
  const values = { name: found.name, was: said(found.was), now: said(found.now) };
  if (found.was === null) return h("li", t("new: {name}: {now}", values));
  if (found.now === null) return h("li", t("lost: {name}: {was}", values));
  return h("li", t("{name}: was {was}, becomes {now}", values));
}
