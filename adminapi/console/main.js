// The shell: who is signed in, where one is, and the page that is shown. The law: the address says all of a page (#/app/demo/users/
// tom), so it can be kept, sent and gone back to; a page gets a signal that ends when it is left, and all it has begun ends with it.

import { fill, h } from "/-/look/dom.js";
import { languageSwitch, themeSwitch } from "/-/look/switches.js";
import { onLanguage, t } from "/-/look/words.js";
import "./chinese.js";
import "./chinese_server.js";
import "./chinese_settings.js";
import { account, at, get, onApps, onEnd, signOut } from "./api.js";
import * as announcements from "./announcements.js";
import * as app from "./app.js";
import * as apps from "./apps.js";
import * as audit from "./audit.js";
import * as conversation from "./conversation.js";
import * as conversations from "./conversations.js";
import { closeAll } from "./dialogs.js";
import * as health from "./health.js";
import * as overview from "./overview.js";
import { empty, heading, hrefOf, link, repeat, tell } from "./pieces.js";
import * as sessions from "./sessions.js";
import { signInForm } from "./signin.js";
import * as user from "./user.js";
import * as users from "./users.js";

// By the first word of an address that names no app, and by the third of one that does; `one`: a page of one of them.
const OF_ALL = { overview, health, apps: { ...apps, one: app }, audit };
const OF_APP = { sessions, users: { ...users, one: user }, conversations: { ...conversations, one: conversation }, announcements };
const NAVIGATION = { "Installation": ["overview", "health", "apps", "audit"], "App": ["sessions", "users", "conversations", "announcements"] };
const WHOLE = ["overview", "health", "audit"]; // what an app's own key does not see
const NAMES = {
  overview: "Overview", health: "Health", apps: "Apps", audit: "Audit log", sessions: "Sessions", users: "Users",
  conversations: "Conversations", announcements: "Announcements",
};
const TOOLS = { "/-/docs": "Documentation", "/-/translate": "Call translator", "/-/try": "Try it" };
const APPS_MS = 30_000;

const main = h("main", { id: "main", tabindex: -1 });
const navigation = h("nav", { id: "navigation" });
const told = h("div", { id: "told", role: "status", "aria-live": "polite" });
let page = new AbortController();
let session = new AbortController();
let known = [];
let chosen = "";

// { name, app, one, rest } of the address; `one`: what of a list it names.
function place() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  if (parts[0] === "app") return { name: parts[2] ?? "sessions", app: parts[1], one: parts[3], pages: OF_APP };
  return { name: parts[0] ?? (account.app ? "apps" : "overview"), app: "", one: parts[1], pages: OF_ALL };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function go() {
  page.abort();
  page = new AbortController();
  closeAll();
  if (!account.role) return;
  const { name, app: id, one, pages } = place();
  if (id) chosen = id;
  drawNavigation(name);
  navigation.classList.remove("open");
  document.getElementById("menu").setAttribute("aria-expanded", "false");
  fill(main);
  const found = Object.hasOwn(pages, name) && allowed(name) ? pages[name] : null;
  const shown = one !== undefined ? found?.one : found;
  document.title = `${one ?? t(NAMES[name] ?? "Not found")} · Parley`;
  if (shown) {
    shown.show(main, { app: id || one, one, signal: page.signal, title: t(NAMES[name]) });
  } else {
    main.append(heading(t("Not found")), empty(t("There is no such page."), link(t("To the beginning"))));
  }
  main.querySelector("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

const allowed = (name) => !account.app || !WHOLE.includes(name);

function drawNavigation(now) {
  const entry = (name) => h(
    "li", h("a", { href: name in OF_APP ? hrefOf("app", chosen, name) : hrefOf(name), "aria-current": name === now && "page" }, t(NAMES[name])),
  );
  navigation.setAttribute("aria-label", t("Pages of the console"));
  fill(navigation, Object.entries(NAVIGATION).map(([title, names]) => {
    const [about, id] = [title === "App", `group-${title}`];
    const head = h("p.group", { id }, t(title));
    if (about && !chosen) return h("section", head, h("p.group", t("There is no app yet.")));
    return h("section", head, about && picker(now), h("ul", { "aria-labelledby": id }, names.filter(allowed).map(entry)));
  }), tools(), signedIn());
}

function picker(now) {
  const change = (event) => (location.hash = hrefOf("app", event.target.value, now in OF_APP ? now : "sessions"));
  return h(
    "select", { "aria-label": t("App"), onchange: change },
    [...new Set([...known, chosen])].map((id) => h("option", { value: id, selected: id === chosen }, id)),
  );
}

// The other pages for browsers. Beside this one, for leaving it ends the session.
function tools() {
  const entry = ([path, name]) => h("li", h("a", { href: path, target: "_blank", rel: "noopener" }, t(name), h("span.unseen", t("in a new window"))));
  return h("section", h("p.group", { id: "group-tools" }, t("Tools")), h("ul", { "aria-labelledby": "group-tools" }, Object.entries(TOOLS).map(entry)));
}

function signedIn() {
  return h(
    "section.account.stack.tight",
    h("div.row.apart", h("span", account.name || t("Key")), h("span.tag", t(account.role))),
    h("div.row", languageSwitch(), themeSwitch()),
    h("button.small", { type: "button", onclick: signOut }, t("Sign out")),
  );
}

function drawShell() {
  const toggle = (event) => {
    const open = navigation.classList.toggle("open");
    event.target.setAttribute("aria-expanded", String(open));
  };
  const menu = h("button.small", { type: "button", id: "menu", "aria-controls": "navigation", "aria-expanded": "false", onclick: toggle }, t("Menu"));
  fill(
    document.body,
    h("a.skip", { href: "#main", onclick: skip }, t("To the content")),
    h("div.shell", h("header.side", h("div.brand.row.apart", h("strong", h("span.mark", { "aria-hidden": "true" }), "Parley"), menu), navigation), main),
    told,
  );
  go();
}

// The address is the place, so the link for skipping moves the focus itself.
function skip(event) {
  event.preventDefault();
  main.focus();
}

async function learnApps() {
  try {
    const found = (await get(at("apps"), { signal: session.signal })).apps.map((each) => each.id).sort();
    if (found.join() === known.join()) return;
    known = found;
    chosen ||= known[0] ?? "";
    drawNavigation(place().name);
  } catch (error) {
    if (!session.signal.aborted && !known.length) tell(error.message, "bad");
  }
}

function drawSignIn(why = "") {
  page.abort();
  session.abort();
  closeAll();
  document.title = `${t("Sign in")} · Parley`;
  fill(document.body, signInForm(why, begin));
  document.querySelector("input").focus();
}

function begin() {
  session = new AbortController();
  known = [];
  drawShell();
  repeat(APPS_MS, session.signal, learnApps);
}

onEnd(drawSignIn);
onApps(learnApps);
onLanguage(() => (account.role ? drawShell() : drawSignIn()));
addEventListener("hashchange", go);
drawSignIn();
