// Shows /-/openapi.json to people. Text only ever becomes text nodes, so nothing in the document can become markup.

const METHODS = ["get", "post", "put", "patch", "delete"];
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

let document_;
const resolved = (node) =>
  node.$ref ? node.$ref.slice(2).split("/").reduce((found, key) => found[key], document_) : node;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// `code` in a text.
const spans = (text) =>
  text.split(/`([^`]*)`/).map((part, index) => (index % 2 ? element("code", {}, part) : part));

// Paragraphs and lists of "* ", as docstrings have them.
function prose(text) {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const [before, ...items] = block.split(/^\* /m);
    const found = before.trim() ? [element("p", {}, ...spans(before))] : [];
    if (items.length) found.push(element("ul", {}, ...items.map((item) => element("li", {}, ...spans(item)))));
    return found;
  });
}

function typeOf(schema) {
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.contentSchema) return `JSON text of ${typeOf(schema.contentSchema)}`;
  if (schema.contentMediaType) return "file";
  if (schema.anyOf) return [...new Set(schema.anyOf.map((each) => typeOf(resolved(each))))].join(" or ");
  if (schema.type === "array") return schema.items ? `array of ${typeOf(resolved(schema.items))}` : "array";
  return [schema.type ?? "any JSON"].flat().join(" | ");
}

function limitsOf(schema) {
  const said = [];
  const range = (least, most, what) => {
    if (least !== undefined && most !== undefined) said.push(`${least} to ${most}${what}`);
    else if (most !== undefined) said.push(`at most ${most}${what}`);
    else if (least !== undefined && least !== 0) said.push(`at least ${least}${what}`);
  };
  range(schema.minimum, schema.maximum, "");
  if (schema.maxLength === undefined && schema.minLength === 1) said.push("not empty");
  else range(schema.minLength, schema.maxLength, " characters");
  range(schema.minItems, schema.maxItems, " elements");
  if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.join(", ");
}

// What is worth a list of its own below a schema's line: the fields of objects, also inside arrays and alternatives.
function below(schema) {
  schema = resolved(schema);
  if (schema.anyOf) return schema.anyOf.flatMap(below);
  if (schema.contentSchema) return below(schema.contentSchema);
  if (schema.type === "array" && schema.prefixItems) {
    return [list(schema.prefixItems.map((each, index) => line(String(index), each, true)))];
  }
  if (schema.type === "array" && schema.items) return below(schema.items);
  const fields = Object.entries(schema.properties ?? {});
  if (!fields.length) return [];
  return [list(fields.map(([name, each]) => line(name, each, schema.required?.includes(name))))];
}

const list = (lines) => element("ul", { class: "fields" }, ...lines);

function line(name, schema, needed, about = schema.description) {
  const limits = limitsOf(schema);
  return element(
    "li", {},
    element("code", needed ? { class: "needed" } : {}, name), " ",
    element("small", {}, typeOf(schema) + (limits ? `, ${limits}` : "")),
    ...(about ? [" ", ...spans(about)] : []),
    ...below(schema),
  );
}

function shown(schema) {
  schema = resolved(schema);
  const limits = limitsOf(schema);
  return [
    element("div", {}, element("small", {}, typeOf(schema) + (limits ? `, ${limits}` : ""))),
    ...(schema.description ? prose(schema.description) : []),
    ...(schema.anyOf ?? []).map(resolved).filter((each) => each.description).flatMap((each) => prose(each.description)),
    ...below(schema),
  ];
}

const variable = (header) => "$" + header.toUpperCase().replace(/\W+/g, "_");

function proofOf(scheme) {
  if (scheme.type === "apiKey") return `-H "${scheme.name}: ${variable(scheme.name)}"`;
  if (scheme.scheme === "basic") return '-u "$APP_ID:$MASTER_KEY"';
  return '-H "Authorization: Bearer $TOKEN"';
}

function curl(path, method, operation) {
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    const media = parameter.content?.["application/json"];
    const example = media ? JSON.stringify(media.example) : parameter.example;
    if (example === undefined) continue;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(example));
    if (parameter.in === "query") query.append(parameter.name, example);
  }
  const url = location.origin + path + `${query}`.replace(/^(?=.)/, "?");
  const schemes = Object.keys(operation.security[0] ?? {}).map((name) => document_.components.securitySchemes[name]);
  const parts = [`curl -X ${method.toUpperCase()} ${quoted(url)}`, ...schemes.map(proofOf)];
  const content = operation.requestBody?.content ?? {};
  if (content["application/json"]) {
    parts.push("-H 'Content-Type: application/json'");
    parts.push(`-d ${quoted(JSON.stringify(content["application/json"].example))}`);
  }
  for (const field of Object.keys(content["multipart/form-data"]?.schema.properties ?? {})) parts.push(`-F ${field}=@FILE`);
  return parts.join(" \\\n  ");
}

// Error bodies are the schemas that have names; where errors have the status of the success, the body is one or the other.
function parted(schemas) {
  const all = schemas.flatMap((schema) => (schema.anyOf?.some((each) => each.$ref) ? schema.anyOf : [schema]));
  return [all.filter((schema) => schema.$ref), all.filter((schema) => !schema.$ref)];
}

function inside(path, method, operation) {
  const text = curl(path, method, operation);
  const copy = element("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(copy.previousSibling); // no clipboard without https: at least it is selected
    }
  });
  const found = element("div", { class: "inside" }, ...prose(operation.description ?? ""));
  found.append(element("h3", {}, "Request"), element("div", { class: "curl" }, element("pre", {}, text), copy));
  const parameters = operation.parameters.map((each) => {
    const schema = each.schema ?? { contentSchema: each.content["application/json"].schema };
    return line(`${each.in} ${each.name}`, schema, each.required, each.description);
  });
  if (parameters.length) found.append(list(parameters));
  for (const [type, media] of Object.entries(operation.requestBody?.content ?? {})) {
    found.append(element("h3", {}, `Body, ${type}`), ...shown(media.schema));
  }
  const refusals = [];
  for (const [status, response] of Object.entries(operation.responses)) {
    const { description, content = {} } = resolved(response);
    const schemas = Object.values(content).map((media) => media.schema);
    const [refused, answers] = parted(schemas);
    if (!response.$ref) found.append(element("h3", {}, `${status} ${description}`), ...answers.flatMap(shown));
    for (const each of refused) refusals.push(element("h3", {}, status), ...shown(each));
  }
  if (refusals.length) found.append(element("details", {}, element("summary", {}, "Refusals"), ...refusals));
  return found;
}

function endpoint(path, method, operation) {
  const made = element(
    "details", { class: "endpoint", id: operation.operationId },
    element(
      "summary", {},
      element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("code", {}, path),
      element("span", { class: "says" }, ...spans(operation.summary)),
    ),
  );
  made.addEventListener("toggle", () => {
    if (made.open && made.childElementCount === 1) made.append(inside(path, method, operation));
  });
  made.words = `${method} ${path} ${operation.summary} ${operation.description ?? ""}`.toLowerCase();
  return made;
}

function section(tag) {
  const made = element("section", {}, element("h2", { id: tag.name }, tag["x-displayName"]));
  const readings = element("details", {}, element("summary", {}, "How its document is read"));
  readings.append(...prose(tag.description));
  made.append(readings);
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS) {
      if (item[method]?.tags.includes(tag.name)) made.append(endpoint(path, method, item[method]));
    }
  }
  return made;
}

function search() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
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
  document.getElementById("count").textContent = `${count} endpoints`;
}

function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
  target?.scrollIntoView();
}

const introduction = document.getElementById("introduction");
try {
  const answer = await fetch("/-/openapi.json");
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  document_ = await answer.json();
  introduction.textContent = document_.info.description;
  document.getElementById("version").textContent = document_.info.version;
  for (const tag of document_.tags) {
    document.getElementById("dialects").append(element("a", { href: `#${tag.name}` }, tag["x-displayName"]));
    document.getElementById("main").append(section(tag));
  }
  document.getElementById("search").addEventListener("input", search);
  addEventListener("hashchange", follow);
  search();
  follow();
} catch (error) {
  introduction.textContent = `The description could not be loaded: ${error.message}`;
}
