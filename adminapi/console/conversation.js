// One conversation: what is said in it, as it is said, and who is in it. The law: the newest message stands at the end and the list
// follows it only for a reader who is at the end; a recalled message keeps its place and says that it was recalled.

import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { at, call, explained, follow, get, may } from "./api.js";
import { ask } from "./dialogs.js";
import { clock, moment, pretty, size, spoken } from "./format.js";
import { nameOf } from "./conversations.js";
import { members } from "./members.js";
import { card, empty, heading, link, liveness, load, refused, search, tagged, tell } from "./pieces.js";

const LIMIT = 50;
const KEPT = 1000;
const NEAR_PX = 60;
const TEXT = -1; // what the native protocol calls a plain text

export function show(main, { app, signal, one: conversation }) {
  const path = (...more) => at("apps", app, "conversations", conversation, ...more);
  const head = h("div");
  const title = heading(conversation);
  main.append(h("p.way", link(t("Conversations"), "app", app, "conversations")), title, head);
  load(head, signal, (options) => get(path(), options), (found) => {
    fill(title.querySelector("h1"), nameOf(found));
    return facts(found);
  });
  const talk = history(app, conversation, path, signal);
  main.append(h("div.talk", talk, members(app, path, signal)));
}

function facts(found) {
  return h(
    "div.row.facts", tagged(t(found.kind)), h("span.mono.small.muted", found.conversation),
    found.owner && h("span.small.muted", t("owner {user}", { user: found.owner })),
    h("span.small.muted", t("created"), " ", moment(found.created_ms)),
    Object.keys(found.attributes ?? {}).length > 0 && h("details.small", h("summary", t("Attributes")), h("pre", pretty(found.attributes))),
  );
}

function history(app, conversation, path, signal) {
  const lines = h("ol.messages", { "aria-label": t("Messages") });
  const box = h("div.history", { tabindex: 0, hidden: true, role: "region", "aria-label": t("Messages") }, lines);
  const live = liveness();
  const earlier = h("button.small", { type: "button", hidden: true, onclick: () => more() }, t("Earlier messages"));
  const none = h("div", { hidden: true }, empty(t("Nothing was said here yet, or nothing that matches.")));
  const trouble = h("div");
  let wanted = "";
  let next = null;
  let newest = 0;

  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
  const line = (message) => messageLine(message, () => recall(path, message));
  const put = (message) => {
    const old = [...lines.children].find((each) => each.dataset.id === message.message);
    if (old) return old.replaceWith(line(message));
    if (wanted || message.seq <= newest) return;
    newest = message.seq;
    lines.append(line(message));
    if (lines.childElementCount > KEPT) lines.firstChild.remove();
  };
  const more = async (begin = false) => {
    const text = wanted;
    try {
      const found = await get(path("messages", { search: text, before: begin ? "" : next, limit: LIMIT }), { signal });
      if (text !== wanted) return;
      const height = box.scrollHeight;
      if (begin) fill(lines);
      lines.prepend(...found.messages.map(line));
      newest = Math.max(newest, found.messages.at(-1)?.seq ?? 0);
      next = found.next;
      earlier.hidden = next === null;
      earlier.textContent = text ? t("Search earlier messages") : t("Earlier messages");
      box.hidden = !(none.hidden = lines.childElementCount > 0);
      box.scrollTop = begin ? box.scrollHeight : box.scrollTop + box.scrollHeight - height;
      fill(trouble);
    } catch (error) {
      if (!signal.aborted) fill(trouble, refused(error, () => more(begin)));
    }
  };
  const onLine = ({ messages = [], fault, reason }) => {
    live.onState(!fault, explained({ reason, message: fault }));
    const followed = atEnd();
    for (const each of messages) put(each);
    box.hidden = !(none.hidden = lines.childElementCount > 0);
    if (followed) box.scrollTop = box.scrollHeight;
  };
  const find = search(t("Search what was said"), "", (text) => {
    wanted = text;
    more(true);
  });
  more(true).then(() => follow(() => path("tail", { after: newest }), { signal, onLine, onState: live.onState }));
  return h(
    "section.card.stack", h("div.row.apart", h("h2", t("Messages")), live.element), h("div.row", find), trouble,
    h("div.row.centre", earlier), none, box, may("support") && systemForm(app, conversation),
  );
}

function messageLine(message, onRecall) {
  const gone = message.status !== "normal";
  const text = gone ? h("em.muted", t(message.status)) : h("span.said", fileOf(message.body) ?? spoken(message.body));
  const marks = [message.edited_ms && t("edited"), message.type !== TEXT && t("type {n}", { n: message.type })].filter(Boolean).join(", ");
  return h(
    "li", { "data-id": message.message },
    h("div.row.apart", h("strong", message.sender), h("span.small.muted", marks && `${marks} `, clock(message.time_ms))),
    h("div.row.apart.top", text, !gone && may("support") && h("button.small.quiet", { type: "button", onclick: onRecall }, t("Recall"))),
  );
}

// Of a picture or another file, a link to it.
function fileOf({ url, attr, text }) {
  if (typeof url !== "string" || !/^https?:/.test(url) || !URL.canParse(url)) return null;
  const name = typeof attr?.name === "string" && attr.name ? attr.name : url;
  const bytes = Number.isInteger(attr?.size) && ` (${size(attr.size)})`;
  return [text && `${spoken(text)} `, h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, name), bytes];
}

async function recall(path, message) {
  const done = await ask({
    title: t("Recall this message?"), action: t("Recall"), danger: true,
    text: t("It disappears for everybody in the conversation and does not come back: “{text}”", { text: spoken(message.body).slice(0, 200) }),
    run: () => call("POST", path("messages", message.message, "recall")),
  });
  if (!done) return;
  const shown = [...document.querySelectorAll(".messages li")].find((each) => each.dataset.id === message.message);
  shown?.replaceWith(messageLine({ ...message, status: "recalled" }));
  tell(t("The message was recalled."));
}

function systemForm(app, conversation) {
  const text = h("input", { "aria-label": t("A word of the system to those who are online"), placeholder: t("A word of the system to those who are online"), required: true });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await call("POST", at("apps", app, "system"), { content: { text: text.value }, conversation });
      text.value = "";
      tell(t("Sent to the members who are online."));
    } catch (error) {
      tell(error.message, "bad");
    }
  };
  return h("form.row", { onsubmit: submit }, h("div.grow", text), h("button", { type: "submit" }, t("Send as system")));
}
