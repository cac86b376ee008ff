// Questions before something happens, by <dialog>. The law: what is done cannot be undone, so each says whom it concerns and
// what follows; it is done inside the dialog, which stays open with the server's words where it is refused; Escape and Cancel
// do nothing.

import { copier, fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";

let numbers = 0;

// ask({ title, text, fields, action, danger, run }): `fields` are { name, label, type, value, hint, must, options, needed }; `run`
// gets their values by name. Resolves to what `run` gave, or undefined if it was left.
export function ask({ title, text, fields = [], action, danger = false, run }) {
  return opened(title, (dialog, done) => {
    const wrong = h("p.notice.bad", { role: "alert", hidden: true });
    const go = h(danger ? "button.danger" : "button.primary", { type: "submit" }, action);
    const inputs = fields.map((field) => [field, control(field)]);
    const submit = async (event) => {
      event.preventDefault();
      const odd = inputs.find(([field, input]) => field.must !== undefined && input.value !== field.must);
      if (odd) return say(wrong, t("Type {text} exactly to go on.", { text: odd[0].must }));
      go.disabled = true;
      try {
        done(await run(Object.fromEntries(inputs.map(([field, input]) => [field.name, valueOf(input)]))));
      } catch (error) {
        go.disabled = false;
        say(wrong, error.message);
      }
    };
    return h(
      "form.stack", { onsubmit: submit },
      text && h("p", text),
      inputs.map(([field, input]) => labelled(field, input)),
      wrong,
      h("div.row.ends", h("button", { type: "button", onclick: () => dialog.close() }, t("Cancel")), go),
    );
  });
}

// Shows what will not be shown again, each with a button that copies it.
export function reveal({ title, text, secrets }) {
  return opened(title, (dialog) => [
    h("p", text),
    h("dl.secrets", Object.entries(secrets).map(([name, value]) => {
      const shown = h("code", value);
      return [h("dt", name), h("dd.row.apart", shown, copier(() => value, shown))];
    })),
    h("div.row.ends", h("button.primary", { type: "button", onclick: () => dialog.close() }, t("I have kept them"))),
  ]);
}

// A dialog to look at; `draw(body, signal)` fills it, and `signal` ends when it is closed.
export function show(title, draw) {
  return opened(title, (dialog) => {
    const life = new AbortController();
    dialog.addEventListener("close", () => life.abort());
    const body = h("div.stack");
    draw(body, life.signal, () => dialog.close());
    return [body, h("div.row.ends", h("button", { type: "button", onclick: () => dialog.close() }, t("Close")))];
  });
}

function opened(title, make) {
  return new Promise((resolve) => {
    let result;
    const id = `dialog-${++numbers}`;
    const dialog = h("dialog", { "aria-labelledby": id });
    const done = (value) => {
      result = value ?? true;
      dialog.close();
    };
    dialog.append(h("div.stack", h("h2", { id }, title), make(dialog, done)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

function say(place, text) {
  place.hidden = false;
  fill(place, text);
}

export function control({ type = "text", value = "", options, needed = false, most, least, rows }) {
  if (options) {
    return h("select", Object.entries(options).map(([key, text]) => h("option", { value: key, selected: key === String(value) }, text)));
  }
  if (type === "boolean") return h("input", { type: "checkbox", checked: value === true });
  if (type === "long") return h("textarea", { value, required: needed, maxlength: most, rows });
  const limits = type === "number" ? { min: least ?? undefined, max: most ?? undefined, step: 1 } : { maxlength: most };
  return h("input", { type, value, required: needed, autocomplete: "off", spellcheck: "false", ...limits });
}

export function valueOf(input) {
  if (input.type === "checkbox") return input.checked;
  return input.type === "number" ? input.valueAsNumber : input.value;
}

export function labelled({ type, label, hint }, input) {
  const note = hint && h("small", { id: `hint-${++numbers}` }, hint);
  if (note) input.setAttribute("aria-describedby", note.id);
  if (type === "boolean") return h("div.field", h("label.check", input, h("span", label)), note);
  return h("div.field", h("label", h("span", label), input), note);
}
