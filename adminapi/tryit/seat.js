// One window of the page: a user logged in on a device, in a conversation with another. The law: it holds nothing the server
// would not tell again; whatever happens, it says so in the window, with the server's own code and word.

import * as deeds from "./deeds.js";
import { lastThat, patiently } from "./asking.js";
import { literal } from "./code.js";
import { RECALLED, line, stands } from "./message.js";
import { composer, ending, heading } from "./pieces.js";
import { sampleOf } from "./sample.js";
import { fill, h } from "/-/look/dom.js";
import { t } from "/-/look/words.js";
import { tryingAgain } from "./why.js";

const TYPING_MS = 6000;
const TICK_MS = 1000;
const NEAR = 80;
const ANNOUNCED_MOST = 20;
const STATES = { "client.online": "online", "client.offline": "offline", "client.ended": "ended" };

export class Seat {
  conv_id = "";
  unread = 0;
  over = null; // why there is no session and none will come by itself
  #client = null;
  #state = "connecting";
  #entered = false; // the login has succeeded
  #settled = null; // is told once it has come to something
  #lost = null; // why there is no connection
  #retryAt = 0;
  #ticking = 0;
  #rows = []; // messages as the server has them, oldest first; ours on their way at the end
  #more = false;
  #present = false;
  #typingUntil = 0;
  #delivered = 0;
  #read = 0;
  #unreads = new Map();
  #kick = null;
  #announced = []; // words of the system: what was said to those who were there, and is kept nowhere
  #trouble = "";
  #answered = () => {}; // by what the code panel is told

  // `desk`: url, admin, app, panel, and what it does with windows; `login`: user, device, and a token or password, if need be.
  constructor(desk, login, other, nth = 1) {
    Object.assign(this, { desk, login, other, nth, user: login.user });
    this.id = `seat-${login.user}-${nth}`;
    const front = () => desk.front(this);
    this.element = h("section.card.seat", { "aria-labelledby": this.id, onpointerdown: front, onfocusin: front });
    this.draw();
  }

  get title() {
    return this.nth === 1 ? this.user : t("{user}, window {n}", { user: this.user, n: this.nth });
  }

  get front() {
    return this.element.classList.contains("front");
  }

  async logIn() {
    await this.enter();
    await this.open();
  }

  // Until the login has succeeded, was refused, or is put off; what comes after that is heard.
  async enter() {
    const { url, app, panel } = this.desk;
    this.over = this.#kick = null;
    this.#entered = false;
    this.conv_id = "";
    this.#become("connecting");
    this.#answered = panel.show({
      title: () => (this.nth === 1 ? t("{user} logs in", this) : t("{user} logs in once more, on the same device", this)),
      deeds: [deeds.logIn, deeds.listen, deeds.openConversation],
      lines: this.#loginLines(),
    });
    this.#client = deeds.logIn(url, { app, ...this.login });
    deeds.listen(this.#client, (type, data) => this.#hear(type, data));
    await new Promise((resolve) => (this.#settled = resolve));
  }

  // The conversation with the other, and what was said there. That there is none is shown, and no end of the session.
  async open() {
    if (this.#state !== "online") return;
    try {
      const found = await patiently(() => deeds.openConversation(this.#client, this.other));
      this.#answered(found);
      this.conv_id = found.conv_id;
      this.unread = this.#unreads.get(found.conv_id) ?? 0;
      this.#more = found.more;
      this.#trouble = "";
      this.#rows = [...found.messages, ...this.#rows.filter((said) => !said.seq)];
      this.draw();
      if (this.front) this.comeForward(); // now, and not over the code of what is done next
      await this.#lookAround();
    } catch (error) {
      if (this.over) return;
      this.#answered({ error: error.message });
      this.#trouble = error.message;
      this.#drawThread();
    }
  }

  close() {
    this.#client?.close();
    this.element.remove();
  }

  // Becoming the window one looks at: what is unread is read.
  comeForward() {
    if (!this.unread || this.#state !== "online") return;
    this.#readAll((seq) =>
      this.#show("{user} reads up to here", [deeds.markRead], `await markRead(client, ${literal(this.conv_id)}, ${seq});`),
    );
  }

  // What no push tells who was away: whether the other is there, and what he has read.
  async #lookAround() {
    this.#present = await patiently(() => deeds.watchPresence(this.#client, this.other));
    this.#drawHead();
    await this.#lookWhatIsRead();
  }

  // Who has read a message has read those before it.
  async #lookWhatIsRead() {
    const { conv_id } = this;
    const unsure = this.#rows.filter((said) => this.#isMine(said) && said.seq > this.#read && stands(said));
    const last = await lastThat(unsure, async ({ msg_id }) => {
      const { read } = await patiently(() => deeds.askReaders(this.#client, conv_id, msg_id));
      return read.includes(this.other);
    });
    if (last && conv_id === this.conv_id) this.#read = Math.max(this.#read, last.seq);
    this.#drawStates();
  }

  #hear(type, data) {
    if (type.startsWith("client.") && type !== "client.typing") return this.#hearClient(type, data);
    if (type === "logout.kick") this.#kick = data;
    if (type === "sync") return this.#hearSync(data);
    if (type === "msg.new" && !this.conv_id) return this.open();
    if (type === "system.new") this.#hearSystem(data);
    if (type === "presence.changed") this.#hearPresence(data);
    if (data.conv_id === this.conv_id) this.#hearHere(type, data);
    this.#drawHead();
  }

  #hearPresence({ changes }) {
    const change = changes.findLast((each) => each.client_id === this.other);
    if (change) this.#present = change.online;
  }

  #hearSystem({ content }) {
    const text = typeof content === "string" ? content : (content?.text ?? JSON.stringify(content));
    this.#announced = [...this.#announced, { text, after: this.#rows.findLast((said) => said.seq)?.seq ?? 0 }].slice(-ANNOUNCED_MOST);
    this.#drawThread();
  }

  #hearHere(type, data) {
    if (type === "msg.new") {
      this.#add(data);
      if (!this.#isMine(data)) this.#hearFromOther(data);
    } else if (type === "client.typing" && data.client_id === this.other) {
      this.#typingUntil = data.typing ? Date.now() + TYPING_MS : 0;
      setTimeout(() => this.#drawTyping(), TYPING_MS + 50);
    } else if (type === "msg.receipt" && data.client_id === this.other) {
      this.#delivered = Math.max(this.#delivered, data.delivered_seq);
      this.#read = Math.max(this.#read, data.read_seq);
      this.#drawStates();
    } else if (type === "conv.read") {
      this.unread = data.unread;
    } else if (type === "msg.recalled" || type === "msg.edited") {
      const said = this.#rows.find((each) => each.seq === data.seq);
      const { text, url, attr } = data;
      if (said) Object.assign(said, type === "msg.recalled" ? { msg_status: RECALLED } : { text, url, attr });
      this.#drawThread();
    }
    this.#drawTyping();
  }

  #hearFromOther({ conv_id, seq }) {
    this.#typingUntil = 0;
    this.unread += 1;
    this.#client.tell("msg.ack", { conv_id, seq });
    if (this.front && document.hasFocus()) this.#readAll();
  }

  #hearClient(type, data) {
    const state = STATES[type];
    if (!state) return;
    this.#lost = data;
    this.#retryAt = Date.now() + data.retry_in * 1000;
    if (state === "ended") this.over = data;
    if (state === "online") this.#entered = true;
    else if (!this.#entered) this.#answered({ [type]: data });
    this.#become(state);
    if (this.#settled) this.#settled = this.#settled();
    else if (state === "online") (this.conv_id ? this.#lookAround() : this.open()).catch(() => {}); // lost again: asked again
  }

  #hearSync({ conversations, reset }) {
    for (const { conv_id, unread } of conversations) this.#unreads.set(conv_id, unread);
    if (reset && this.conv_id) this.open();
  }

  // Who is writing goes on writing while the connection comes and goes.
  #become(state) {
    const turned = (state === "ended") !== (this.#state === "ended");
    this.#state = state;
    if (turned) return this.draw();
    this.#drawHead();
    this.#drawThread();
  }

  #isMine(said) {
    return String(said.from_client) === this.user;
  }

  #add(said) {
    if (said.seq && this.#rows.some((each) => each.seq === said.seq)) return;
    this.#rows.push(said);
    this.#sort();
  }

  // By seq; what is on its way comes last.
  #sort() {
    this.#rows.sort((one, other) => (one.seq || Infinity) - (other.seq || Infinity) || 0);
    this.#drawThread();
  }

  async #readAll(shown = () => () => {}) {
    const last = this.#rows.findLast((said) => said.seq && !this.#isMine(said));
    if (!last) return;
    this.unread = 0;
    this.#drawHead();
    shown(last.seq)(await deeds.markRead(this.#client, this.conv_id, last.seq).catch((error) => ({ error: error.message })));
  }

  async #say(text) {
    if (!this.#client) return;
    const said = { from_client: this.user, type: -1, text, state: "Sending…" };
    const call = `await say(client, ${literal(this.other)}, ${literal(text)});`;
    const answered = this.#show("{user} says something", [deeds.say], call);
    await this.#deliver(said, answered, () => deeds.say(this.#client, this.other, text));
  }

  async #sendFile(file) {
    const { admin } = this.desk;
    if (!this.#client) return;
    const said = { from_client: this.user, type: -6, text: file.name, state: "Sending…" };
    const { lines, functions } = sampleOf(file);
    const call = `await sendFile(client, ${literal(this.other)}, file, ${literal(admin)});`;
    const answered = this.#show("{user} sends a file", [deeds.sendFile, ...functions], ...lines, call);
    await this.#deliver(said, answered, async () => {
      const sent = await deeds.sendFile(this.#client, this.other, file, admin);
      const { messages } = await deeds.readEarlier(this.#client, this.conv_id, sent.seq + 1);
      Object.assign(said, messages.at(-1));
      return sent;
    });
  }

  async #deliver(said, answered, send) {
    this.#add(said);
    this.#thread.scrollTop = this.#thread.scrollHeight;
    try {
      const answer = await send();
      Object.assign(said, { msg_id: answer.msg_id, seq: answer.seq, ctime: answer.time, state: "Sent" });
      answered(answer);
    } catch (error) {
      said.state = t("Not sent: {why}", { why: error.message });
      answered({ error: error.message });
    }
    this.#sort();
  }

  async #readEarlier() {
    const before = this.#rows.find((said) => said.seq).seq;
    const call = `await readEarlier(client, ${literal(this.conv_id)}, ${before});`;
    const answered = this.#show("{user} reads what was said before", [deeds.readEarlier], call);
    const page = await deeds.readEarlier(this.#client, this.conv_id, before);
    answered(page);
    this.#more = page.more;
    const height = this.#thread.scrollHeight;
    this.#rows.unshift(...page.messages);
    this.#drawThread();
    this.#thread.scrollTop = this.#thread.scrollHeight - height;
    if (!this.#read) await this.#lookWhatIsRead();
  }

  #show(title, functions, ...calls) {
    const login = { app: this.desk.app, ...this.login, device: "elsewhere", ...this.#proof() };
    const lines = [`const client = await openClient(${literal(this.desk.url)}, ${literal(login)});`, ...calls];
    return this.desk.panel.show({ title: () => t(title, this), deeds: functions, lines });
  }

  #loginLines() {
    const login = `${literal(this.desk.url)}, ${literal({ app: this.desk.app, ...this.login, ...this.#proof() })}`;
    const open = (name) => `await openConversation(${name}, ${literal(this.other)});`;
    const call = (name) => [`const ${name} = logIn(${login});`, `listen(${name}, console.log);`, open(name)];
    return this.nth === 1 ? call("client") : [...call("replaced"), "", ...call("client")];
  }

  #proof() {
    return { token: this.login.token && "your token", password: this.login.password && "your password" };
  }

  // What follows draws.

  draw() {
    const text = this.#input?.value ?? "";
    this.element.classList.toggle("over", this.#state === "ended");
    fill(
      this.element,
      h("header"),
      h("ol.thread", { role: "log", tabindex: "0", "aria-label": t("Conversation with {user}", { user: this.other }) }),
      h("p.typing.small.muted", { role: "status" }),
      this.#foot(text),
    );
    this.#drawHead();
    this.#drawThread(true);
    this.#drawTyping();
  }

  get #thread() {
    return this.element.querySelector(".thread");
  }

  get #input() {
    return this.element.querySelector("input[type=text]");
  }

  #drawHead() {
    const { id, title, unread, other, login } = this;
    const known = { state: this.#state, entered: this.#entered, lost: this.#lost, retryAt: this.#retryAt, present: this.#present };
    fill(this.element.querySelector("header"), heading({ id, title, unread, other, device: login.device, ...known }));
    this.#tick();
  }

  // How long it is until the next attempt, while there is one to come.
  #tick() {
    clearTimeout(this.#ticking);
    const timer = this.element.querySelector("[role=timer]");
    if (!timer) return;
    timer.textContent = tryingAgain(this.#retryAt);
    this.#ticking = setTimeout(() => this.#tick(), TICK_MS);
  }

  #drawThread(fresh = false) {
    const place = this.#thread;
    const end = fresh || place.scrollHeight - place.scrollTop - place.clientHeight < NEAR;
    const earlier = h("button.quiet.small", { type: "button", onclick: () => this.#readEarlier() }, t("Earlier messages"));
    const rows = this.#rows.map((said) => [line({ ...said, state: this.#stateOf(said) }, this.#isMine(said)), this.#announcedAt(said.seq)]);
    const why = t("The conversation cannot be opened: {why}", { why: this.#trouble });
    const trouble = this.#trouble && h("li.aside.notice.warn", why);
    fill(place, this.#more && this.#state === "online" && h("li.aside", earlier), this.#announcedAt(0), rows, trouble);
    if (!end) return;
    place.scrollTop = place.scrollHeight;
    for (const image of place.querySelectorAll("img")) image.onload = () => (place.scrollTop = place.scrollHeight);
  }

  #announcedAt(seq) {
    const here = this.#announced.filter(({ after }) => after === seq);
    return here.map(({ text }) => h("li.aside.small.muted", t("The system says: {text}", { text })));
  }

  #drawStates() {
    const states = this.#rows.filter((said) => this.#isMine(said)).map((said) => t(this.#stateOf(said)));
    this.#thread.querySelectorAll(".state").forEach((each, at) => (each.textContent = states[at]));
  }

  #stateOf(said) {
    if (!said.seq) return said.state;
    return said.seq <= this.#read ? "Read" : said.seq <= this.#delivered ? "Delivered" : "Sent";
  }

  #drawTyping() {
    const typing = Date.now() < this.#typingUntil ? t("{user} is typing…", { user: this.other }) : "";
    this.element.querySelector(".typing").textContent = typing;
  }

  #foot(text) {
    if (this.#state === "ended") {
      return ending(this.over, this.#kick, { again: () => this.logIn(), close: () => this.desk.close(this) });
    }
    const acts = { said: (words) => this.#say(words), typed: () => this.#typed(), picked: (file) => this.#sendFile(file) };
    const again = { type: "button", onclick: () => this.desk.again(this) };
    return h(
      "div.stack.tight",
      composer(this.other, text, acts),
      h("button.small.again", again, t("Log in once more as {user}", this)),
    );
  }

  #typed() {
    if (!this.#client || !deeds.typing(this.#client, this.other)) return;
    this.#show("{user} is typing", [deeds.typing], `typing(client, ${literal(this.other)});`);
  }
}
