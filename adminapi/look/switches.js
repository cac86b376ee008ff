// The two choices every page offers: language and theme. The law: "as the system has it" is the start, and a choice is kept
// in this browser alone.

import { h } from "./dom.js";
import { LANGUAGES, keep, kept, language, learn, speak, t } from "./words.js";

learn({
  Language: "语言",
  Theme: "主题",
  Auto: "自动",
  Light: "浅色",
  Dark: "深色",
});

const THEMES = { "": "Auto", light: "Light", dark: "Dark" };

wear(kept("theme") ?? "");

function wear(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

export function languageSwitch() {
  return h(
    "select.small", { "aria-label": t("Language"), onchange: (event) => speak(event.target.value) },
    Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, selected: code === language(), lang: code }, name)),
  );
}

export function themeSwitch() {
  const change = (event) => {
    wear(event.target.value);
    keep("theme", event.target.value || null);
  };
  const now = document.documentElement.dataset.theme ?? "";
  return h(
    "select.small", { "aria-label": t("Theme"), onchange: change },
    Object.entries(THEMES).map(([code, name]) => h("option", { value: code, selected: code === now }, t(name))),
  );
}
