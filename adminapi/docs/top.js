// The head of the pages for developers: where one can go, language and theme. The law: it is drawn anew when the language
// changes, and the page that is open is marked.

import { h, fill } from "/-/look/dom.js";
import { languageSwitch, themeSwitch } from "/-/look/switches.js";
import { learn, onLanguage, t, translate } from "/-/look/words.js";

learn({
  "Skip to the content": "跳到正文",
  Pages: "页面",
  Documentation: "接口文档",
  "Call translator": "调用翻译",
  "Try it": "试用聊天",
  Console: "控制台",
});

const PLACES = {
  "/-/docs": "Documentation",
  "/-/translate": "Call translator",
  "/-/try": "Try it",
  "/-/console": "Console",
};

// Fills <header id="top">, and everything marked with data-t; `drawn` is called then and after each change of language.
export function top(here, drawn) {
  const place = document.getElementById("top");
  const skip = h("a.skip", { href: "#main" });
  place.before(skip);
  const draw = () => {
    skip.textContent = t("Skip to the content");
    fill(
      place,
      h("strong.brand", "Parley"),
      h("nav.row.grow", { "aria-label": t("Pages") }, Object.entries(PLACES).map(([path, name]) =>
        h("a", { href: path, "aria-current": path === here && "page" }, t(name)))),
      h("div.row", languageSwitch(), themeSwitch()),
    );
    translate();
    document.title = `${t(PLACES[here])} · Parley`;
    drawn();
  };
  onLanguage(draw);
  draw();
}
