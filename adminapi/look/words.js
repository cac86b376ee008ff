// The languages of the pages. The law: the English text itself is the key, so a page reads as what it shows and a word that
// has no translation is shown in English, never as a code. Which language: the viewer's choice, kept in this browser; else
// what the browser asks for.

const dictionaries = { zh: new Map() };
const listeners = new Set();
let chosen = kept("language") ?? (navigator.languages?.find((each) => /^(zh|en)/i.test(each)) ?? "en").slice(0, 2).toLowerCase();
document.documentElement.lang = tag();

export const LANGUAGES = { en: "English", zh: "中文" };

// Adds a page's words: learn({"Sign in": "登录"}).
export function learn(chinese) {
  for (const [english, word] of Object.entries(chinese)) dictionaries.zh.set(english, word);
}

// The text in the language now, with {name} replaced: t("{n} sessions", {n: 5}).
export function t(english, values = {}) {
  const text = dictionaries[chosen]?.get(english) ?? english;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

export const language = () => chosen;

// For Intl and the lang attribute.
export function tag() {
  return chosen === "zh" ? "zh-CN" : "en";
}

export function speak(code) {
  chosen = code;
  keep("language", code);
  document.documentElement.lang = tag();
  for (const listener of listeners) listener();
}

// Called when the language has changed: what is on the page has to be drawn again.
export function onLanguage(listener) {
  listeners.add(listener);
}

// Fixed markup: <h1 data-t>Text</h1> is put into the language; data-t="placeholder" means that attribute.
export function translate(root = document) {
  for (const each of root.querySelectorAll("[data-t]")) {
    const attribute = each.dataset.t;
    const text = attribute ? each.getAttribute(attribute) : each.textContent;
    each.dataset.english ??= text;
    if (attribute) each.setAttribute(attribute, t(each.dataset.english));
    else each.textContent = t(each.dataset.english);
  }
}

// What a viewer prefers, nothing else, outlives the page. A browser that keeps nothing is no error.
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`parley.${name}`);
    else localStorage.setItem(`parley.${name}`, value);
  } catch { /* it is asked again next time */ }
}

export function kept(name) {
  try {
    return localStorage.getItem(`parley.${name}`);
  } catch {
    return null;
  }
}
