// Making elements. The law: what is given as text becomes a text node or an attribute's value, never markup, and no
// attribute is a script; so nothing a user wrote can run, whoever shows it.

import { learn, t } from "./words.js";

learn({
  Copy: "复制",
  Copied: "已复制",
});

const SVG = "http://www.w3.org/2000/svg";

// h("button.quiet", {type: "button", onclick: f, disabled: true}, "Text", other, [more]). A name may carry classes. Of the
// properties: on... is a listener, `value` is set as property, true an empty attribute; false, null and undefined are left out.
// Children likewise: null, undefined and false are nothing.
export function h(name, ...rest) {
  return filled((tag) => document.createElement(tag), name, rest);
}

export function svg(name, ...rest) {
  return filled((tag) => document.createElementNS(SVG, tag), name, rest);
}

function filled(make, name, rest) {
  const [tag, ...classes] = name.split(".");
  const made = make(tag);
  if (classes.length) made.classList.add(...classes);
  if (plain(rest[0])) {
    for (const [key, value] of Object.entries(rest.shift())) put(made, key, value);
  }
  made.append(...rest.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Node);

function put(made, key, value) {
  if (key.startsWith("on")) {
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
  } else if (value === false || value === null || value === undefined) {
    return;
  } else if (key === "value" && "value" in made) {
    made.value = value;
  } else {
    made.setAttribute(key, value === true ? "" : value);
  }
}

// All that is in an element, exchanged.
export function fill(place, ...children) {
  place.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return place;
}

// A button that copies what `text()` gives; says so, and where there is no clipboard (no https) selects `shown` instead.
export function copier(text, shown) {
  const button = h("button.small", { type: "button" }, t("Copy"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = t("Copied");
      setTimeout(() => (button.textContent = t("Copy")), 2000);
    } catch {
      getSelection().selectAllChildren(shown);
    }
  });
  return button;
}
