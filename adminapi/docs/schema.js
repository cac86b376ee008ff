// What a JSON Schema says, for people: types, limits, fields below fields.

import { h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { prose, spans } from "./prose.js";

let whole;

// The document whose references are followed.
export function refer(document) {
  whole = document;
}

export const resolved = (node) => (node.$ref ? node.$ref.slice(2).split("/").reduce((found, key) => found[key], whole) : node);

function typeOf(schema) {
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.contentSchema) return t("JSON text of {type}", { type: typeOf(schema.contentSchema) });
  if (schema.contentMediaType) return t("file");
  if (schema.anyOf) return [...new Set(schema.anyOf.map((each) => typeOf(resolved(each))))].join(` ${t("or")} `);
  if (schema.type === "array") return schema.items ? t("array of {type}", { type: typeOf(resolved(schema.items)) }) : "array";
  return [schema.type ?? t("any JSON")].flat().join(" | ");
}

const CHARACTERS = ["{least} to {most} characters", "at most {most} characters", "at least {least} characters"];
const ELEMENTS = ["{least} to {most} elements", "at most {most} elements", "at least {least} elements"];

function limitsOf(schema) {
  const said = [];
  const range = (least, most, [both, atMost, atLeast]) => {
    if (least !== undefined && most !== undefined) said.push(t(both, { least, most }));
    else if (most !== undefined) said.push(t(atMost, { most }));
    else if (least !== undefined && least !== 0) said.push(t(atLeast, { least }));
  };
  range(schema.minimum, schema.maximum, ["{least} to {most}", "at most {most}", "at least {least}"]);
  if (schema.maxLength === undefined && schema.minLength === 1) said.push(t("not empty"));
  else range(schema.minLength, schema.maxLength, CHARACTERS);
  range(schema.minItems, schema.maxItems, ELEMENTS);
  if (schema.default !== undefined) said.push(t("default {value}", { value: JSON.stringify(schema.default) }));
  return said.join(", ");
}

const kind = (schema) => [typeOf(schema), limitsOf(schema)].filter(Boolean).join(", ");

// What is worth a list of its own below a schema's line: the fields of objects, also inside arrays and alternatives.
function below(schema) {
  schema = resolved(schema);
  if (schema.anyOf) return schema.anyOf.flatMap(below);
  if (schema.contentSchema) return below(schema.contentSchema);
  if (schema.type === "array" && schema.prefixItems) {
    return [fields(schema.prefixItems.map((each, index) => line(String(index), each, true)))];
  }
  if (schema.type === "array" && schema.items) return below(schema.items);
  const named = Object.entries(schema.properties ?? {});
  return named.length ? [fields(named.map(([name, each]) => line(name, each, schema.required?.includes(name))))] : [];
}

export const fields = (lines) => h("ul.fields", lines);

export function line(name, schema, needed, about = schema.description) {
  return h(
    "li", h("code", name), " ", needed && [h("span.needed", { title: t("required") }, "*"), " "], h("small.muted", kind(schema)),
    about && [" ", spans(about)], below(schema),
  );
}

export function described(schema) {
  schema = resolved(schema);
  const alternatives = (schema.anyOf ?? []).map(resolved).filter((each) => each.description);
  return [
    h("p", h("small.muted", kind(schema))),
    schema.description ? prose(schema.description) : [],
    alternatives.flatMap((each) => prose(each.description)),
    below(schema),
  ];
}
