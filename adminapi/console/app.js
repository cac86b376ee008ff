// One app: its switches and limits with what each means, and new keys. The law: only what was changed is sent; what differs from the
// default says so; the words that explain a switch are the server's own.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, get, may } from "./api.js";
import { ask, control, labelled, valueOf } from "./dialogs.js";
import { KEYS, showKeys } from "./apps.js";
import { card, heading, link, load, refused, tagged, tell } from "./pieces.js";

const OVERLAPS = { 86400: "24 hours", 3600: "1 hour", 604800: "7 days", 0: "None: they end at once" };
const ABOUT = {
  key: "Given to the app's own servers; proves a caller in the APIs that know one key.",
  master_key: "Opens every management call of this app, and this console for it.",
  secret: "Signs the tokens by which the app's users log in.",
};

export function show(main, { one: app, signal }) {
  const state = h("div.row");
  const settings = h("div");
  main.append(
    h("p.way", link(t("Apps"), "apps")), heading(app, state, link(t("Sessions"), "app", app, "sessions")),
    card(t("Keys"), keys(app)), card(t("Switches and limits"), settings),
  );
  const draw = () => load(settings, signal, async (options) => [await get(at("apps", app), options), await get(at("app-settings"), options)], ([found, known]) => {
    fill(state, found.disabled ? tagged(t("disabled"), "warn") : tagged(t("in service"), "good"));
    return form(app, found, known.settings ?? known, draw);
  });
  draw();
}

function keys(app) {
  const rotate = async (which) => {
    let given;
    const done = await ask({
      title: t("A new {which} for {app}?", { which, app }), action: t("Make a new one"), danger: true,
      text: t("The old one goes on working for a while, so that your servers can change over; then it ends."),
      fields: [{ name: "overlap", label: t("The old one is good for another"), options: Object.fromEntries(Object.entries(OVERLAPS).map(([key, text]) => [key, t(text)])), value: "86400" }],
      run: async ({ overlap }) => {
        given = await call("POST", at("apps", app, "keys"), { which, overlap_s: Number(overlap) });
      },
    });
    if (done) await showKeys(t("The new {which} of {app}", { which, app }), given.app ?? given);
  };
  return h("dl.keys", KEYS.map((which) => [
    h("dt.mono", which),
    h("dd.row.apart", h("span.grow", t(ABOUT[which])),
      may("admin") && h("button.small", { type: "button", onclick: () => rotate(which), "aria-label": t("New {which}", { which }) }, t("Make a new one"))),
  ]));
}

function form(app, found, known, draw) {
  const inputs = new Map();
  const trouble = h("div");
  const save = h("button.primary", { type: "submit", disabled: true }, t("Save"));
  const changed = () => {
    const values = [...inputs].filter(([name, input]) => input.checkValidity() && valueOf(input) !== found.settings[name]);
    return Object.fromEntries(values.map(([name, input]) => [name, valueOf(input)]));
  };
  const field = (setting) => {
    const value = found.settings[setting.name] ?? setting.default;
    const input = control({ ...kindOf(setting), value });
    input.disabled = !may("admin");
    input.addEventListener("input", () => (save.disabled = Object.keys(changed()).length === 0));
    inputs.set(setting.name, input);
    const differs = value !== setting.default && h("small.tag.warn", t("default: {value}", { value: setting.default === "" ? "–" : String(setting.default) }));
    const made = labelled({ ...kindOf(setting), label: setting.name, hint: plain(setting.text) }, input);
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
  return h("form.stack", { onsubmit: submit }, h("div.settings", known.map(field)), trouble, may("admin") && h("div.row.ends.sticky", save));
}

// What a setting's type is called to what control shows it.
function kindOf({ type, among, default: usual }) {
  if (among) return { options: Object.fromEntries(among.map((each) => [each, each || t("each protocol's own rule")])) };
  if (type === "boolean" || typeof usual === "boolean") return { type: "boolean" };
  if (type === "integer" || typeof usual === "number") return { type: "number", least: 0 };
  return { type: "text" };
}

const plain = (text = "") => text.replaceAll("`", "").replace(/\s+/g, " ");
