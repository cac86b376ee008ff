// One app: its switches and limits with what each means, and new keys. The law: only what was changed is sent; what differs from the
// default says so; the words that explain a switch are the server's own, or their translation.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, get } from "./api.js";
import { ask, control, labelled, valueOf } from "./dialogs.js";
import { mayChange, showKeys } from "./apps.js";
import { card, heading, link, load, refused, tagged, tell } from "./pieces.js";

const OVERLAPS = { 86400: "24 hours", 3600: "1 hour", 604800: "7 days", 0: "None: they end at once" };
const KEYS = {
  key: "Given to the app's own servers; proves a caller in the APIs that know one key.",
  master_key: "Opens every management call of this app, and this console for it.",
  secret: "Signs the tokens by which the app's users log in.",
};

export function show(main, { one: app, signal }) {
  const state = h("div.row");
  const [settings, secrets] = [h("div"), h("div")];
  main.append(
    h("p.way", link(t("Apps"), "apps")), heading(app, state, link(t("Sessions"), "app", app, "sessions")),
    card(t("Keys"), secrets), card(t("Switches and limits"), settings),
  );
  const draw = () => load(settings, signal, async (options) => [await get(at("apps", app), options), await get(at("app-settings"), options)], ([found, known]) => {
    fill(secrets, keys(app, mayChange() && !found.fixed));
    fill(state, found.disabled ? tagged(t("disabled"), "warn") : tagged(t("in service"), "good"));
    return form(app, found, known, draw);
  });
  draw();
}

function keys(app, changeable) {
  const rotate = async (which) => {
    let given;
    const done = await ask({
      title: t("A new {which} for {app}?", { which, app }), action: t("Make a new one"), danger: true,
      text: t("The old one goes on working for a while, so that your servers can change over; then it ends."),
      fields: [{ name: "overlap", label: t("The old one is good for another"), options: Object.fromEntries(Object.entries(OVERLAPS).map(([key, text]) => [key, t(text)])), value: "86400" }],
      run: async ({ overlap }) => {
        ({ keys: given } = await call("POST", at("apps", app, "keys"), { which, overlap_s: Number(overlap) }));
      },
    });
    if (done) await showKeys(t("The new {which} of {app}", { which, app }), given);
  };
  return h("dl.keys", Object.entries(KEYS).map(([which, about]) => [
    h("dt.mono", which),
    h("dd.row.apart", h("span.grow", t(about)),
      changeable && h("button.small", { type: "button", onclick: () => rotate(which) }, t("New {which}", { which }))),
  ]));
}

function form(app, found, known, draw) {
  const inputs = new Map();
  const changeable = mayChange() && !found.fixed;
  const trouble = h("div");
  const save = h("button.primary", { type: "submit", disabled: true }, t("Save"));
  const changed = () => {
    const values = [...inputs].filter(([name, input]) => input.checkValidity() && valueOf(input) !== found.settings[name]);
    return Object.fromEntries(values.map(([name, input]) => [name, valueOf(input)]));
  };
  const field = (setting) => {
    const value = found.settings[setting.name] ?? setting.default;
    const input = control({ ...kindOf(setting), value });
    input.disabled = !changeable;
    input.addEventListener("input", () => (save.disabled = Object.keys(changed()).length === 0));
    inputs.set(setting.name, input);
    const differs = value !== setting.default && h("small.tag.warn", t("default: {value}", { value: setting.default === "" ? "–" : String(setting.default) }));
    const made = labelled({ ...kindOf(setting), label: setting.name, hint: t(plain(setting.text)) }, input);
    if (differs) made.append(differs);
    return made;
  };
  const submit = async (event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      await call("PATCH", at("apps", app), { settings: changed() });
      tell(t("Saved; it holds from now on."));
      draw();
    } catch (error) {
      save.disabled = false;
      fill(trouble, refused(error));
    }
  };
  return h("form.stack", { onsubmit: submit },
    found.fixed && h("p.notice", t("This app stands in the settings file: change it there and reload the broker.")), h("div.settings", known.map(field)), trouble, changeable && h("div.row.ends.sticky", save));
}

// What control shows a setting of this type.
function kindOf({ type, choices, least, most }) {
  if (choices) return { options: Object.fromEntries(choices.map((each) => [each, each || t("each protocol's own rule")])) };
  return type === "boolean" ? { type } : { type: "number", least, most, needed: true };
}

// Without the marks of the source: quotes of code, and which row of a document says so.
const plain = (text) => text.replaceAll("`", "").replace(/ \((?:(?:[A-Z]{2}-\d+|DESIGN \d+)(?:, )?)+\)/g, "");
