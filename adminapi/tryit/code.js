// The panel that shows the code of the last thing done. The law: what is shown is the source of the function that ran, with the
// values it ran with, and runs as it stands wherever this host can be reached, in a module or in the browser's own console; only
// a token or a password is left out, and a file has one of its kind in its place.

import { copier, fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";

const EARLIER_MOST = 6;
const LIBRARY = /\b(Client|openClient)\(/g; // what of parley.js is called

export class CodePanel {
  #done = []; // newest first
  #shown = 0;

  constructor(admin) {
    this.admin = admin;
    this.element = h("section.card.code", { "aria-labelledby": "code" });
    this.draw();
  }

  // What was done: `title()` in the language now; `deeds`, the functions; `lines`, how they were called; `answer`, what came
  // back, or nothing yet. Answers a function that takes the answer once it is there.
  show({ title, deeds, lines }) {
    const entry = { title, source: this.#source(deeds, lines), answer: undefined };
    this.#done = [entry, ...this.#done].slice(0, EARLIER_MOST);
    this.#shown = 0;
    this.draw();
    return (answer) => {
      entry.answer = answer;
      this.draw();
    };
  }

  draw() {
    const entry = this.#done[this.#shown];
    const code = h("code", entry?.source ?? "");
    const shown = h("pre", { tabindex: "0", "aria-label": t("Code") }, code);
    fill(
      this.element,
      h("div.row.apart", h("h2", { id: "code" }, t("The code that did it")), entry && copier(() => entry.source, code)),
      h("p.what", { role: "status" }, entry ? entry.title() : t("Do something: the code of it appears here.")),
      entry && shown,
      entry && h("p.small.muted", t("It runs as it stands: in this page's developer console (F12), or in a module of your own page.")),
      entry?.answer !== undefined && [
        h("h3", t("What came back")),
        h("pre.answer", { tabindex: "0", "aria-label": t("What came back") }, h("code", JSON.stringify(entry.answer, null, 2))),
      ],
      this.#done.length > 1 && [
        h("h3", t("Before that")),
        h("ul.before", this.#done.map((each, at) => at !== this.#shown && h("li", this.#turner(each, at)))),
      ],
    );
  }

  #turner(entry, at) {
    return h("button.quiet.small", { type: "button", onclick: () => this.#turn(at) }, entry.title());
  }

  #turn(at) {
    this.#shown = at;
    this.draw();
    this.element.querySelector("pre").focus();
  }

  #source(deeds, lines) {
    const body = [lines.join("\n"), ...deeds.map(String)].join("\n\n");
    const names = new Set([...body.matchAll(LIBRARY)].map(([, name]) => name));
    return `const { ${[...names].join(", ")} } = await import("${this.admin}/-/parley.js");\n\n${body}`;
  }
}

// A value as one would write it in JavaScript.
export function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, each]) => each !== undefined && each !== "");
  return `{ ${fields.map(([key, each]) => `${key}: ${literal(each)}`).join(", ")} }`;
}
