// The apps of the installation. The law: keys are shown once, in the answer to the call that made them, and never again.

import { h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { account, appsChanged, at, call, get, may } from "./api.js";
import { ask, reveal } from "./dialogs.js";
import { empty, heading, hrefOf, link, load, table, tagged } from "./pieces.js";

// Apps are made and changed by operators, not by a key of one.
export const mayChange = () => may("admin") && !account.app;

export function show(main, { title, signal }) {
  const list = h("div");
  const draw = () => load(list, signal, (options) => get(at("apps"), options), (found) => {
    const rows = table({
      caption: title, key: (row) => row.id,
      columns: [
        { head: t("App"), cell: (row) => [link(row.id, "apps", row.id), row.fixed && h("div.small.muted", t("in the settings file"))] },
        { head: t("State"), cell: (row) => (row.disabled ? tagged(t("disabled"), "warn") : tagged(t("in service"), "good")) },
        { head: t("Login"), cell: (row) => (row.settings.token_required ? t("by token or password") : tagged(t("by name alone"), "warn")) },
        { head: t("Version"), tone: "number", cell: (row) => row.rev },
        { head: "", tone: "acts", cell: (row) => link(t("Sessions"), "app", row.id, "sessions") },
      ],
      nothing: empty(t("There is no app yet. Make the first one: your clients log in to it with the keys you get.")),
    });
    rows.set(found.apps);
    return rows.element;
  });
  main.append(
    heading(title, mayChange() && h("button.primary", { type: "button", onclick: () => create() }, t("New app"))),
    h("div.card", list),
  );
  draw();
}

async function create() {
  let made;
  const done = await ask({
    title: t("New app"), action: t("Create"),
    text: t("An app is a tenant: its users, conversations and messages are seen by no other."),
    fields: [{ name: "id", label: t("Id"), needed: true, most: 64, hint: t("Letters, digits, dots, underscores and hyphens. It cannot be changed later.") }],
    run: async ({ id }) => {
      made = await call("POST", at("apps"), { id });
      return id;
    },
  });
  if (!done) return;
  await showKeys(t("The keys of {app}", { app: done }), made.keys);
  appsChanged();
  location.hash = hrefOf("apps", done);
}

export function showKeys(title, secrets) {
  return reveal({ title, secrets, text: t("They are shown this once. Keep them where your servers read them; nobody can look them up here.") });
}
