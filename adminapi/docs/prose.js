// Texts of the document as elements: paragraphs, lists, `code`.

import { h } from "/-/look/dom.js";

// `code` in a text.
export const spans = (text) => text.split(/`([^`]*)`/).map((part, index) => (index % 2 ? h("code", part) : part));

// Paragraphs and lists of "* ", as docstrings have them.
export function prose(text) {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const [before, ...items] = block.split(/^\* /m);
    const found = before.trim() ? [h("p", spans(before))] : [];
    if (items.length) found.push(h("ul", items.map((item) => h("li", spans(item)))));
    return found;
  });
}
