// Shows /-/openapi.json to people. The law: text only ever becomes text nodes, so nothing in the document can become markup;
// what the viewer types of his app fills the examples in and stays in this page's memory.

import "./chinese.js";
import { copier, fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { curl } from "./curl.js";
import { prose, spans } from "./prose.js";
import { described, fields, line, refer, resolved } from "./schema.js";
import { top } from "./top.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const at = (id) => document.getElementById(id);
let whole; // the document

const mine = () => ({ app: at("app").value.trim(), key: at("key").value.trim() });

// Error bodies are the schemas that have names; where errors have the status of the success, the body is one or the other.
function parted(schemas) {
  const all = schemas.flatMap((schema) => (schema.anyOf?.some((each) => each.$ref) ? schema.anyOf : [schema]));
  return [all.filter((schema) => schema.$ref), all.filter((schema) => !schema.$ref)];
}

// The example, filled in with what is typed as long as the endpoint is open.
function request(path, method, operation) {
  const said = (own) => curl(path, method, operation, whole.components.securitySchemes, own);
  const pre = h("pre", said(mine()));
  const copy = copier(() => pre.textContent, pre);
  copy.setAttribute("aria-label", `${t("Copy the request")}: ${operation.summary}`);
  const place = h("div.line.request", pre, h("div.acts", copy));
  place.fillIn = () => (pre.textContent = said(mine()));
  if (operation.tags[0] === "files") return [place];
  const translate = (event) => {
    const own = { app: mine().app, key: "" }; // the key stays here
    event.currentTarget.href = `/-/translate#line=${encodeURIComponent(said(own))}`;
  };
  const link = h("a", { href: "/-/translate", onclick: translate, onfocus: translate, onpointerenter: translate }, t("Translate this call"));
  return [place, h("p", link)];
}

function inside(path, method, operation) {
  const refusals = [];
  const parameters = operation.parameters.map((each) => {
    const schema = each.schema ?? { contentSchema: each.content["application/json"].schema };
    return line(`${each.in} ${each.name}`, schema, each.required, each.description);
  });
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => [
    h("h3", t("Body, {type}", { type })), described(media.schema),
  ]);
  const answers = Object.entries(operation.responses).map(([status, response]) => {
    const { description, content = {} } = resolved(response);
    const [refused, answers] = parted(Object.values(content).map((media) => media.schema));
    for (const each of refused) refusals.push(h("h3", status), described(each));
    return response.$ref ? null : [h("h3", `${status} ${description}`), answers.map(described)];
  });
  return h(
    "div.inside",
    prose(operation.description ?? ""), h("h3", t("Request")), request(path, method, operation),
    parameters.length > 0 && fields(parameters), bodies, answers,
    refusals.length > 0 && h("details", h("summary", t("Refusals")), refusals),
  );
}

function endpoint(path, method, operation) {
  const made = h(
    "details.endpoint", { id: operation.operationId },
    h("summary", h(`span.method.${method}`, method.toUpperCase()), h("code", path), h("span.says", spans(operation.summary))),
  );
  made.addEventListener("toggle", () => {
    if (made.open && made.childElementCount === 1) made.append(inside(path, method, operation));
  });
  made.words = `${method} ${path} ${operation.summary} ${operation.description ?? ""}`.toLowerCase();
  return made;
}

function section(tag) {
  const operations = Object.entries(whole.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag.name)).map((method) => endpoint(path, method, item[method])));
  return h(
    "section", { "aria-labelledby": tag.name },
    h("h2", { id: tag.name }, tag["x-displayName"]),
    h("details", h("summary", t("How its document is read")), prose(tag.description)),
    operations,
  );
}

function search() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const each of document.querySelectorAll("section")) {
    let any = false;
    for (const endpoint of each.querySelectorAll("details.endpoint")) {
      endpoint.hidden = !words.every((word) => endpoint.words.includes(word));
      any ||= !endpoint.hidden;
      count += !endpoint.hidden;
    }
    each.hidden = !any;
  }
  at("count").textContent = count ? t("{n} endpoints", { n: count }) : t("Nothing is called so. Fewer words find more.");
}

function follow() {
  const target = at(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
  target?.scrollIntoView();
}

// Everything but what is typed; what was open stays open.
function draw() {
  at("search").setAttribute("aria-label", t("Search the endpoints"));
  at("dialects").setAttribute("aria-label", t("Dialects"));
  if (!whole) return;
  const open = [...document.querySelectorAll(".endpoint[open]")].map((each) => each.id);
  at("introduction").textContent = whole.info.description;
  at("version").textContent = whole.info.version;
  fill(at("dialects"), whole.tags.map((tag) => h("a", { href: `#${tag.name}` }, tag["x-displayName"])));
  fill(at("sections"), whole.tags.map(section));
  for (const id of open) at(id).open = true;
  search();
}

at("search").addEventListener("input", search);
for (const id of ["app", "key"]) {
  at(id).addEventListener("input", () => document.querySelectorAll(".request").forEach((each) => each.fillIn()));
}
addEventListener("hashchange", follow);
top("/-/docs", draw);
try {
  const answer = await fetch("/-/openapi.json");
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  whole = await answer.json();
  delete at("introduction").dataset.t;
  refer(whole);
  draw();
  follow();
} catch (error) {
  at("introduction").textContent = t("The description could not be loaded: {why}", { why: error.message });
}
