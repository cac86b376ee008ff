// The call translator. The law: the page knows no dialect; what a line is and how others say it is the server's answer
// (/-/api/translate). What the viewer types of his app stays in this page's memory and goes nowhere but into a run of his own.

import "./chinese.js";
import { top } from "/-/docs/top.js";
import { fill, h } from "/-/look/dom.js";
import { t, tag } from "/-/look/words.js";
import { EXAMPLES } from "./examples.js";
import { shown } from "./result.js";
import { runner } from "./run.js";

const at = (id) => document.getElementById(id);
const line = at("line");
let last; // the translation that is shown, to be drawn again
let asked = 0;

export const mine = () => ({ app: at("app").value.trim(), key: at("key").value.trim(), show: at("show").checked });

// A line with the viewer's app filled in; the key too, where he wants to see it. Both stand in double quotes there.
export function filled(text) {
  const { app, key, show } = mine();
  const known = { APP_ID: app, MASTER_KEY: show ? key : "" };
  return text.replace(/\$(APP_ID|MASTER_KEY)\b/g, (all, name) => known[name].replace(/[\\"$`]/g, "\\$&") || all);
}

// An answer's JSON, or an Error with a sentence in the viewer's language.
export async function post(path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": tag(), ...headers },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new Error(t("The server does not answer: {why}", { why: error.message }));
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error?.message ?? `${answer.status}`);
  return found;
}

async function translateLine() {
  const text = line.value.trim();
  const number = ++asked;
  last = undefined;
  if (!text) return fill(at("result"));
  fill(at("status"), h("p.muted", t("Translating…")));
  try {
    const found = await post("/-/api/translate", { line: text });
    if (number !== asked) return;
    last = found;
    line.removeAttribute("aria-invalid");
    fill(at("status"));
    draw();
  } catch (error) {
    if (number !== asked) return;
    line.setAttribute("aria-invalid", "true");
    fill(at("status"), h("p.notice.bad", error.message));
    fill(at("result"));
  }
}

function draw() {
  if (last) fill(at("result"), shown(last, filled, use), runner(line, mine, post));
}

function use(text) {
  line.value = text;
  line.focus();
  scrollTo({ top: 0 });
  translateLine();
}

function examples() {
  at("examples").setAttribute("aria-label", t("Examples"));
  fill(at("examples"), EXAMPLES.map(([dialect, name, text]) =>
    h("button.small", { type: "button", onclick: () => use(text) }, h("span.muted", dialect), " ", t(name))));
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  translateLine();
});
line.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) translateLine();
});
line.addEventListener("paste", () => setTimeout(translateLine));
for (const id of ["app", "key", "show"]) at(id).addEventListener("input", draw);

function follow() {
  const given = new URLSearchParams(location.hash.slice(1)).get("line");
  if (given) use(given);
}

top("/-/translate", () => {
  examples();
  if (last) translateLine(); // the server's sentences too are in the language
});
addEventListener("hashchange", follow);
follow();
