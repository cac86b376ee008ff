// Signing in: by an operator's name and password, or by a key. The law: what is typed goes to the server once and is kept nowhere;
// the server's own words say why it was refused, and how long to wait.

import { fill, h } from "/-/look/dom.js";
import { languageSwitch, themeSwitch } from "/-/look/switches.js";
import { t } from "/-/look/words.js";
import { signIn, signInByKey } from "./api.js";

// `why`: a sentence on how the last session ended. `done()`: somebody is signed in.
export function signInForm(why, done) {
  const notice = h("p.notice.warn", { role: "alert", hidden: !why }, why);
  const name = h("input", { name: "name", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const key = h("input", { name: "key", type: "password", autocomplete: "off", required: true });

  const form = (way, label, ...fields) => {
    const button = h("button.primary", { type: "submit" }, label);
    const submit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await way();
        done();
      } catch (error) {
        for (const input of event.target.querySelectorAll("input[type=password]")) input.value = "";
        notice.className = "notice bad";
        notice.hidden = false;
        fill(notice, error.message);
        await pause(button, label, error.waitSeconds);
        event.target.querySelector("input[type=password]").focus();
      }
    };
    return h("form.stack", { onsubmit: submit }, fields, button);
  };

  return [
    h("a.skip", { href: "#main" }, t("To the content")),
    h(
      "main.door", { id: "main" },
      h(
        "div.card.stack",
        h("h1", h("span.mark", { "aria-hidden": "true" }), "Parley ", h("span.muted", t("console"))),
        notice,
        form(
          () => signIn(name.value, password.value), t("Sign in"),
          h("label.field", h("span", t("Name")), name), h("label.field", h("span", t("Password")), password),
        ),
        h(
          "details.stack", h("summary", t("With a key instead")),
          h("div.stack",
            h("p.muted.small", t("An app's master key shows that app alone; the operator's token shows all.")),
            form(() => signInByKey(key.value), t("Sign in with the key"), h("label.field", h("span", t("Key")), key))),
        ),
        h(
          "div.stack.tight.muted.small",
          h("p", h("code", "make run"), " ", t("prints an account in its terminal, at the first start with the demo app, in the line “console”.")),
          h("p", t("Others are made on the server:"), " ", h("code", "parley operator add NAME")),
        ),
      ),
      h("div.row.under", languageSwitch(), themeSwitch()),
    ),
  ];
}

// The button stays shut for as long as the server wants to hear nothing, and says so.
async function pause(button, label, seconds) {
  for (let left = seconds; left > 0; left--) {
    button.textContent = t("Wait {n} s", { n: left });
    await new Promise((go) => setTimeout(go, 1000));
  }
  button.textContent = label;
  button.disabled = false;
}
