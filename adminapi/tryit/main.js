// The try-it page: who logs in where, and the windows they get. The law: it holds no key; what it needs it is told by
// /-/try/where or by its visitor, and what a visitor gives goes to the sockets alone.

import "./words.js";
import { CodePanel } from "./code.js";
import { Seat } from "./seat.js";
import { fill, h } from "/-/look/dom.js";
import { languageSwitch, themeSwitch } from "/-/look/switches.js";
import { onLanguage, t } from "/-/look/words.js";

const DEVICE = "window";
const AWAY_MS = 1500;

class Desk {
  panel = new CodePanel(location.origin);
  seats = [];
  row = h("div.seats");
  #next = new Map();

  constructor(url, app) {
    Object.assign(this, { url, app, admin: location.origin });
    this.element = h("div.desk", this.row, this.panel.element);
  }

  add(login, other, after = null) {
    const nth = (this.#next.get(login.user) ?? 0) + 1;
    this.#next.set(login.user, nth);
    const seat = new Seat(this, { device: DEVICE, ...login }, other, nth);
    this.seats.splice(after ? this.seats.indexOf(after) + 1 : this.seats.length, 0, seat);
    if (after) after.element.after(seat.element);
    else this.row.append(seat.element);
    return seat;
  }

  // The same account once more: the window that is there is logged out, and stays to be seen.
  again(seat) {
    for (const each of this.seats.filter(({ user, over }) => user === seat.user && over)) this.close(each);
    const newcomer = this.add(seat.login, seat.other, seat);
    this.front(newcomer);
    newcomer.element.scrollIntoView({ block: "nearest" });
    newcomer.logIn();
  }

  close(seat) {
    seat.close();
    this.seats.splice(this.seats.indexOf(seat), 1);
    if (!this.seats.some(({ user }) => user === seat.user)) this.add(seat.login, seat.other).logIn();
  }

  front(seat) {
    for (const each of this.seats) each.element.classList.toggle("front", each === seat);
    seat.comeForward();
  }

  draw() {
    for (const seat of this.seats) seat.draw();
    this.panel.draw();
  }
}

const main = h("main", { id: "main" });
let desk = null;
let place = null;
let draw = () => {};

function frame() {
  document.title = t("Try Parley");
  const sessions = desk ? `/-/console/#/app/${encodeURIComponent(desk.app)}/sessions` : "/-/console/";
  // Beside this page, for leaving it logs everybody out.
  const link = (href, text) => h("a", { href, target: "_blank", rel: "noopener" }, text, h("span.unseen", ` ${t("in a new window")}`));
  const links = h(
    "nav", { "aria-label": t("Pages") },
    link(sessions, t("Console")), link("/-/docs", t("APIs")), link("/-/translate", t("Call translator")), link("/-/parley.js", "parley.js"),
  );
  fill(
    document.body,
    h("a.skip", { href: "#main" }, t("To the windows")),
    h("header.top", h("h1", t("Try Parley")), links, languageSwitch(), themeSwitch()),
    main,
  );
}

async function begin(app, first, second) {
  desk?.seats.forEach((seat) => seat.close());
  desk = new Desk(place.socket, app);
  frame();
  draw = () => {
    const words = t(
      "Two users of the app “{app}” on real sockets of this broker, {socket}. Say something; then log one of them in once more.",
      { app, socket: place.socket },
    );
    const other = h("button.quiet.small", { type: "button", onclick: () => ask() }, t("Other users, or another app"));
    fill(main, h("p.lead.muted", words, " ", other), desk.element);
    desk.draw();
  };
  draw();
  const seats = [desk.add(first, second.user), desk.add(second, first.user)];
  desk.front(seats[0]);
  // A conversation wants both to be there.
  await Promise.all(seats.map((seat) => seat.enter()));
  await Promise.all(seats.map((seat) => seat.open()));
}

function field(label, attributes, hint) {
  const input = h("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", ...attributes });
  return { input, element: h("label.field", h("span", label), input, hint && h("small", hint)) };
}

const elements = (fields) => Object.values(fields).map(({ element }) => element);

// Who logs in, and by what.
function ask() {
  desk?.seats.forEach((seat) => seat.close());
  desk = null;
  draw = ask;
  const app = field(t("App"), { required: true, value: place.apps[0] ?? "" }, t("Its id, as in the settings or from parley app list."));
  const people = [t("First user"), t("Second user")].map((label) => ({
    label,
    user: field(t("User id"), { required: true, maxlength: "128" }),
    token: field(t("Token"), {}, t("As parley token prints it; not needed where the app asks for none.")),
    password: field(t("or password"), { type: "password", autocomplete: "off" }),
  }));
  const start = (event) => {
    event.preventDefault();
    const [first, second] = people.map(({ user, token, password }) => ({
      user: user.input.value.trim(),
      token: token.input.value.trim() || undefined,
      password: password.input.value || undefined,
    }));
    if (first.user !== second.user) return begin(app.input.value.trim(), first, second);
    people[1].user.input.setCustomValidity(t("Two different users, please."));
    people[1].user.input.reportValidity();
  };
  people[1].user.input.addEventListener("input", (event) => event.target.setCustomValidity(""));
  fill(
    main,
    h("form.card.stack.sign", { onsubmit: start },
      h("h2", t("Who is talking?")),
      h("p.muted", t("Two users of an app of yours. What you give here goes to the sockets and nowhere else.")),
      app.element,
      h("div.pair", people.map(({ label, ...fields }) => h("fieldset.stack.tight", h("legend", label), elements(fields)))),
      h("div.row", h("button.primary", t("Log both in")))),
  );
}

async function find() {
  for (;;) {
    try {
      const found = await (await fetch("/-/try/where", { cache: "no-store" })).json();
      if (found.apps) return found;
    } catch { /* asked again */ }
    draw = () => fill(main, h("p.notice.warn", { role: "status" }, t("The broker is away; trying again…")));
    draw();
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  }
}

frame();
onLanguage(() => {
  frame();
  draw();
});
place = await find();
if (place.apps.length) await begin(place.apps.includes("demo") ? "demo" : place.apps[0], { user: "alice" }, { user: "bob" });
else ask();
