// The curl line of an operation, made of its examples. The law: it can be pasted as it stands; what only the viewer knows is
// his own, where he has typed it, else a variable of the shell.

import { resolved } from "./schema.js";

const APP = "$APP_ID";
const KEY = "$MASTER_KEY";

// A word of the shell, in which what stands for the viewer's own stays a variable.
function quoted(text) {
  const parts = text.split(/(\$APP_ID|\$MASTER_KEY)/);
  if (parts.length === 1) return `'${text.replaceAll("'", "'\\''")}'`;
  return `"${parts.map((part, at) => (at % 2 ? part : part.replace(/[\\"$`]/g, "\\$&"))).join("")}"`;
}

function proof(name, scheme, app, key) {
  if (scheme.type === "apiKey") return `-H ${quoted(`${scheme.name}: ${name.endsWith(".id") ? app : key}`)}`;
  if (scheme.scheme === "basic") return `-u ${quoted(`${app}:${key}`)}`;
  return `-H ${quoted(`Authorization: Bearer ${key}`)}`;
}

// `mine`: {app, key}, either may be "".
export function curl(path, method, operation, schemes, mine) {
  const app = mine.app || APP;
  const key = mine.key || KEY;
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    const media = parameter.content?.["application/json"];
    const example = media ? JSON.stringify(media.example) : parameter.example;
    if (example === undefined) continue;
    const own = parameter.name === "app" || parameter.name === "app_id";
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, own ? app : encodeURIComponent(example));
    if (parameter.in === "query") query.append(parameter.name, example);
  }
  const url = location.origin + path + `${query}`.replace(/^(?=.)/, "?");
  const parts = [`curl -X ${method.toUpperCase()} ${quoted(url)}`];
  for (const name of Object.keys(operation.security[0] ?? {})) parts.push(proof(name, resolved(schemes[name]), app, key));
  const content = operation.requestBody?.content ?? {};
  if (content["application/json"]) {
    parts.push("-H 'Content-Type: application/json'");
    parts.push(`-d ${quoted(JSON.stringify(content["application/json"].example))}`);
  }
  for (const field of Object.keys(content["multipart/form-data"]?.schema.properties ?? {})) parts.push(`-F ${field}=@FILE`);
  return parts.join(" \\\n  ");
}
