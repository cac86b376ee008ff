// A list the server gives in pages: search, table, turning over. The law: what is shown is the answer to what is asked for now, an
// answer that comes late is dropped; a list that is followed (`everyMs`) asks again only while somebody looks.

import { fill, h } from "/-/look/dom.js";
import { get } from "./api.js";
import { pages, refused, repeat, search, table } from "./pieces.js";

// { title, label, caption, columns, key, nothing, path({ search, start }), rows, total(n), everyMs, signal }: `rows` is the answer's field
// (missing: the answer is the list), `label` what is searched for; `label` and `title` may be missing. Gives { element, refresh }.
export function listing({ title, label, caption, columns, key, nothing, path, rows, total, everyMs, signal }) {
  let wanted = "";
  const trouble = h("div");
  const turner = pages(() => refresh());
  const grid = table({ caption: caption ?? title, columns, key, nothing });
  const find = label && search(label, "", (text) => {
    wanted = text;
    turner.first();
    refresh();
  });
  const element = h(
    "section.card.stack", { "aria-busy": "true", "aria-label": caption ?? title },
    title && h("h2", title), find && h("div.row", find), trouble, grid.element, turner.element,
  );
  const draw = async () => {
    const [text, start] = [wanted, turner.start()];
    try {
      const found = await get(path({ search: text, start }), { signal });
      if (text !== wanted || start !== turner.start()) return;
      grid.set(rows ? found[rows] : found);
      turner.set(found.next, found.total === undefined || !total ? "" : total(found.total));
      fill(trouble);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error, () => refresh()));
    }
    element.removeAttribute("aria-busy");
  };
  const refresh = everyMs ? repeat(everyMs, signal, draw) : draw;
  if (!everyMs) draw();
  return { element, refresh };
}
