// What checks.py runs in a page; there stands what is checked and why.
() => {
  const flaws = [];
  const dialog = document.querySelector("dialog:modal");
  const root = dialog ?? document.body;
  const all = (selector) => [...root.querySelectorAll(selector)];
  const seen = (each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const line = (each) => each.outerHTML.replace(/\s+/g, " ").slice(0, 120);
  const say = (what, each) => flaws.push(each ? `${what}: ${line(each)}` : what);

  if (!document.documentElement.lang) say("no language");
  if (!document.title) say("no title");
  if (!dialog) {
    for (const only of ["main", "h1"]) {
      if (all(only).filter(seen).length !== 1) say(`${all(only).filter(seen).length} ${only}`);
    }
    let before = 0;
    for (const each of all("h1, h2, h3, h4, h5, h6").filter(seen)) {
      const level = Number(each.tagName[1]);
      if (level > before + 1) say(`heading ${level} after ${before}`, each);
      before = level;
    }
  }

  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) say(`id twice: ${id}`);
  const ROLES = "alert alertdialog application banner button cell checkbox columnheader combobox complementary contentinfo dialog " +
    "feed figure form grid gridcell group heading img link list listbox listitem log main math menu menubar menuitem meter " +
    "navigation none note option presentation progressbar radio radiogroup region row rowgroup rowheader search searchbox " +
    "separator slider spinbutton status switch tab table tablist tabpanel term text textbox timer toolbar tooltip tree treeitem";
  for (const each of all("[role]")) if (!ROLES.split(" ").includes(each.getAttribute("role"))) say("no such role", each);
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for", "aria-activedescendant"]) {
    for (const each of all(`[${name}]`)) {
      for (const id of each.getAttribute(name).split(/\s+/)) {
        if (!document.getElementById(id)) say(`${name} names nothing`, each);
      }
    }
  }

  const text = (each) => (each?.textContent ?? "").trim();
  const nameOf = (each) =>
    each.getAttribute("aria-label")?.trim() ||
    (each.getAttribute("aria-labelledby") ?? "").split(/\s+/).map((id) => text(id && document.getElementById(id))).join("") ||
    [...(each.labels ?? [])].map(text).join("") ||
    (each.matches("button, a, summary, [role=button], [role=tab], [role=link]") ? text(each) : "") ||
    each.getAttribute("alt") || each.getAttribute("title") || each.querySelector(":scope > title")?.textContent;
  const controls = all("button, input:not([type=hidden]), select, textarea, a[href], summary, [role=button], [role=tab]").filter(seen);
  for (const each of [...controls, ...all("dialog[open], [role=img], [role=region], nav ~ nav, table, [role=progressbar]").filter(seen)]) {
    const caption = each.tagName === "TABLE" ? text(each.caption) : "";
    if (!nameOf(each) && !caption) say("no name", each);
  }
  for (const each of all("img")) if (!each.hasAttribute("alt")) say("no alt", each);
  for (const each of all("svg").filter(seen)) {
    if (each.getAttribute("aria-hidden") !== "true" && !each.closest("[aria-hidden=true]") && each.getAttribute("role") !== "img") say("silent picture", each);
  }
  for (const each of all("[tabindex]")) if (Number(each.getAttribute("tabindex")) > 0) say("an order of its own", each);
  for (const each of controls) {
    const box = each.getBoundingClientRect();
    const inText = each.matches("a, summary") || each.matches("input[type=checkbox], input[type=radio]");
    if (!inText && (box.width < 24 || box.height < 24)) say(`${Math.round(box.width)} x ${Math.round(box.height)} to hit`, each);
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const ground = (each) => {
    const layers = [];
    for (let at = each; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    const canvasColour = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reduceRight((below, layer) => over(layer, below), canvasColour);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const judged = new Set();
  while (walker.nextNode()) {
    const each = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || judged.has(each) || !seen(each) || each.closest(":disabled, option, .unseen, title")) continue;
    judged.add(each);
    const style = getComputedStyle(each);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const back = ground(each);
    const colour = each instanceof SVGElement && style.fill !== "none" ? style.fill : style.color;
    const ratio = contrast(over(rgba(colour), back), back);
    if (ratio < needed) say(`contrast ${ratio.toFixed(2)}`, each);
  }
  for (const each of all("input:not([type=checkbox], [type=radio], [type=range], [type=file]), select, textarea").filter(seen)) {
    if (each.disabled) continue;
    const ratio = contrast(rgba(getComputedStyle(each).borderTopColor), ground(each.parentElement));
    if (ratio < 3) say(`edge ${ratio.toFixed(2)}`, each);
  }

  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    const widest = all("*").filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
    say(`${wide} px wider than the window`, widest.at(-1));
  }
  return flaws;
}
