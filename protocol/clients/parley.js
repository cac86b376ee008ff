/**
 * The JavaScript client of the native socket protocol `parley.v1`: one login kept alive over any number of connections. One
 * ES module without dependencies, for browsers and for Node from version 22; its words are those of the Trio client.
 *
 *     const client = await openClient("ws://127.0.0.1:7700", { app: "demo", user: "alice" });
 *     await client.send({ to: "bob", text: "hello" });
 *     for await (const { type, data } of client) console.log(type, data);
 *
 * The law: every wait has a deadline, every buffer a bound with a named fate, and the server's word is kept: after a close
 * code of 4000 to 4499 the client never comes back by itself, after any other loss it does, with full-jitter back-off or
 * after the time the server asked for. What is said is heard once: a message is either the answer to one's own `send` or
 * one `msg.new`, in the order of its conversation, whatever happened to the connection in between.
 *
 * Beside the server's pushes (`msg.new`, `msg.receipt`, `logout.kick`...) the iteration yields what happens here: `sync` (data
 * of its answer), `client.online`, `client.offline` (code, reason, retry_in in seconds; refused, the error code, if a login
 * was), `client.ended` (code, reason, refused likewise), `client.typing` (conv_id, client_id, typing), `client.gap` (conv_id,
 * after, upto: more was missed than CATCH_UP_MOST, `msg.history` has it), `client.dropped` (count: nobody took them in time).
 *
 * @typedef {{app: string, user: string, device?: string, token?: string, password?: string, platform?: string, tag?: string,
 *   ext?: object, sync?: boolean, waits?: Partial<typeof WAITS>}} Options
 *   `ext`: attributes of a user this login creates; `sync`: false leaves out the sync, and what was missed with it.
 * @typedef {{to?: string, conv_id?: string, text?: string, type?: number, url?: string, attr?: any, receipt?: boolean,
 *   client_msg_id?: string}} Message  And any other field of `msg.send`. `type` is -1, text, unless it is given.
 */

/** Deadlines, in seconds. `send`: with all its retries; `idle`: silence after which the server is asked whether it lives. */
export const WAITS = { connect: 10, request: 30, send: 120, idle: 75, probe: 10, backoffFirst: 0.5, backoffMost: 30 };

const SETTLE_SECONDS = 10; // a connection that lived so long was good: back-off starts over
const TYPING_SECONDS = 3; // said no more often
const TYPING = /^{"typing":(true|false)}$/; // the `attr` of a transient message that says so
const WINDOW = 64; // sends the server answers at a time; the next ones wait here
const OUTBOX_MOST = 1000; // sends without an answer; one more is refused at once
const REQUESTS_MOST = 256; // other requests, likewise
const UNREAD_MOST = 10_000; // pushes that nobody has taken; the oldest goes, and is counted in a `client.dropped`
const OWN_MOST = 2000; // of what was said here, known again when history brings it; the oldest is forgotten
const CATCH_UP_MOST = 1000; // messages of a conversation brought after a reconnect; those before them are a `client.gap`

const LOST = 1006, TOO_BIG = 1009, BAD_LOGIN = 4010; // close codes
const TOO_FAST = 4029, TOO_LARGE = 4030; // error codes
const LATER = new Set([4010, TOO_FAST, 5030, 5031, 5033, 5034]); // the same request may succeed later
const STALE = new Set([4004, 4005, TOO_LARGE]); // what a session token that has run out may cause
const isFinal = (code) => code === 1000 || (code >= 4000 && code < 4500);
const later = (seconds, act) => setTimeout(act, seconds * 1000);
const full = (what, most) => new RequestRefused(TOO_FAST, `${most} ${what} wait already.`);
const hex = (byte) => byte.toString(16).padStart(2, "0");
const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), hex).join("");
const raise = (map, key, value) => value > (map.get(key) ?? 0) && Boolean(map.set(key, value));
const delay = (data) => (data.retry_after_ms ?? 0) / 1000; // what the server asked for

class Failure extends Error {
  constructor(text, fields) {
    super(text);
    Object.assign(this, fields, { name: new.target.name });
  }
}

/** The server said no, and nothing was done. `code`, `text`; `data` may hold `retry_after_ms`. */
export class RequestRefused extends Failure {
  constructor(code, text, data = {}) {
    super(`${text} (code ${code})`, { code, text, data });
  }
}

/** The connection went before the answer came: nobody knows whether it was done. A `send` asks again by itself. */
export class ConnectionLost extends Failure {}
/** No answer within the deadline: nobody knows whether it was done. */
export class TooSlow extends Failure {}
/** The session is over for good: `code` is the close code, `reason` its word. */
export class SessionEnded extends Failure {
  constructor({ code, reason, refused }) {
    super(`The session has ended: ${reason} (close code ${code}).`, { code, reason, refused });
  }
}

/** A promise that is settled once, by us or by the clock, and stands in `all` until then. */
class Waiting {
  constructor(what, seconds, all, more) {
    this.promise = new Promise((resolve, reject) => {
      const settle = (act) => (value) => (clearTimeout(timer), all.delete(this), act(value));
      Object.assign(this, more, { succeed: settle(resolve), fail: settle(reject) });
    });
    all.add(this);
    const timer = later(seconds, () => this.fail(new TooSlow(`${what} had no answer within ${seconds} s.`)));
  }
}

/** Log in and keep the session. RequestRefused; ConnectionLost when nobody is there, or lets us in within `waits.connect`.
 * @type {(url: string, options: Options) => Promise<Client>} */
export const openClient = (url, options) => new Client(url, options)._first();

/** One login. `openClient` waits for it; who makes one himself hears of the first login, too, what comes of it and when. */
export class Client {
  online = false;
  /** @type {SessionEnded | null} */ ended = null; // why it is over, once it is
  sessionToken = ""; // proves this user while the session lasts: at the next login, and where files are uploaded
  #url; #login; #sync; #waits; // as they were given
  #socket; #finish = () => {}; // the connection there is, and what ends it
  #hurry = () => {}; // ends the wait for the next one
  #reached = false; #refused = null; #lost = null; #retryIn = 0; #number = 0; #typed = 0;
  #unread = []; #dropped = 0; #heard = () => {}; // what a `for await` takes
  #waiting = new Set(); // requests that wait for a connection
  #pending = new Set(); // those that wait for an answer
  #outbox = new Set(); // sends without an outcome, oldest first
  #pause = null; // the timer behind which the outbox goes on
  #own = new Set(); // client_msg_id of what was said here
  #cursor = ""; #fresh = true; // nothing was known before, so nothing can have been missed
  #caught = false; // the server has told on this connection what was missed
  #seen = new Map(); // conversation -> seq up to which everything was heard
  #behind = new Map(); // conversation -> seq up to which history has to be asked for

  /** @param {string} url @param {Options} options */
  constructor(url, { app, user, device = "", token, password, platform, tag, ext, sync = true, waits = {} }) {
    Object.assign(this, { app, user, device });
    this.#url = url;
    this.#login = { app_id: app, client_id: user, device_id: device, token, password, platform, tag, ext };
    this.#sync = sync;
    this.#waits = { ...WAITS, ...waits };
    this.#run();
  }

  /** Ask, and get the `data` of the answer. RequestRefused, ConnectionLost, SessionEnded, TooSlow. */
  async request(type, data = {}) {
    const until = Date.now() + this.#waits.request * 1000;
    if (this.#waiting.size + this.#pending.size >= REQUESTS_MOST + WINDOW) throw full("requests", REQUESTS_MOST);
    await this.#whenOnline(type, this.#waits.request);
    return this.#ask(type, data, (until - Date.now()) / 1000).promise;
  }

  /** Send a request whose answer nobody waits for (`msg.ack`, `msg.read`). False: nothing was sent. */
  tell(type, data = {}) {
    if (this.online) this.#write({ type, data });
    return this.online;
  }

  /**
   * Say something to a user or in a conversation; answered once it is durable. A lost connection and refusals of the moment
   * are tried again under the same `client_msg_id`: there is never a second message. RequestRefused, SessionEnded, TooSlow.
   * @type {(message: Message) => Promise<{msg_id: string, conv_id: string, seq: number, time: number}>}
   */
  async send(message) {
    if (this.ended) throw this.ended;
    if (this.#outbox.size >= OUTBOX_MOST) throw full("messages", OUTBOX_MOST);
    const data = { type: -1, client_msg_id: randomId(), ...message };
    JSON.stringify(data); // what cannot be written fails here
    if (this.#own.add(data.client_msg_id).size > OWN_MOST) this.#own.delete(this.#own.values().next().value);
    const letter = new Waiting("The message", this.#waits.send, this.#outbox, { data, asked: false });
    this.#pump();
    letter.promise.catch(() => this.#own.delete(data.client_msg_id)); // if it was taken after all, it is news
    return letter.promise;
  }

  /** Let the others know that one is typing, or has stopped; they get `client.typing`, nobody keeps it. */
  typing({ to, conv_id }, typing = true) {
    if (typing && Date.now() < this.#typed + TYPING_SECONDS * 1000) return false;
    this.#typed = typing ? Date.now() : 0;
    return this.tell("msg.send", { to, conv_id, type: 1, transient: true, no_sync: 0, attr: { typing } });
  }

  /** End the session from this side. What waits for an answer gets SessionEnded. */
  close() {
    this.#end({ code: 1000, reason: "closed by us" });
    this.#finish(1000, "closed by us");
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      if (this.#dropped) yield { type: "client.dropped", data: { count: this.#dropped - (this.#dropped = 0) } };
      else if (this.#unread.length) yield this.#unread.shift();
      else if (this.ended) return;
      else await new Promise((resolve) => (this.#heard = resolve));
    }
  }

  async _first() {
    try {
      await this.#whenOnline("The login", this.#waits.connect);
      return this;
    } catch (error) {
      const { code, reason } = this.#lost ?? { code: LOST, reason: error.message };
      this.close();
      throw this.#refused ?? new ConnectionLost(`Could not log in at ${this.#url}: ${reason}`, { code });
    }
  }

  async #run() {
    const hurry = () => this.#hurry(); // the network is back: no need to wait
    globalThis.addEventListener?.("online", hurry);
    for (let attempt = 0; !this.ended; ) {
      const began = Date.now();
      this.#retryIn = 0;
      const lost = (this.#lost = await this.#live().catch(({ message: reason }) => ({ code: LOST, reason })));
      if (Date.now() - began > SETTLE_SECONDS * 1000) attempt = 0;
      const nobodyThere = lost.code === LOST && !this.#reached && !this.#refused; // a wrong address, most likely
      if (isFinal(lost.code) || nobodyThere) this.#end(lost);
      if (this.ended) break;
      const { backoffFirst, backoffMost } = this.#waits;
      const wait = this.#retryIn || Math.random() * Math.min(backoffMost, backoffFirst * 2 ** Math.min(attempt++, 16));
      this.#emit("client.offline", { ...lost, retry_in: wait });
      await new Promise((resolve) => later(wait, (this.#hurry = resolve)));
    }
    globalThis.removeEventListener?.("online", hurry);
  }

  /** One connection from opening to end: its close code, LOST if there was none, a word, and why the login was refused. */
  #live() {
    return new Promise((resolve) => {
      const socket = (this.#socket = new WebSocket(this.#url, "parley.v1"));
      let timer = later(this.#waits.connect, () => this.#finish(LOST, "the server did not answer in time"));
      let heard = Date.now();
      this.#finish = (code, reason, refused) => {
        clearTimeout(timer);
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close(1000);
        this.#finish = () => {};
        this.#lose(code, reason);
        resolve({ code, reason, ...(refused && { refused }) });
      };
      const watch = () => {
        const { idle, probe } = this.#waits;
        const silent = (Date.now() - heard) / 1000;
        if (silent >= idle + probe) return this.#finish(LOST, "the server fell silent");
        if (silent >= idle) this.tell("ping");
        timer = later(silent >= idle ? probe : idle - silent, watch);
      };
      const login = { ...this.#login, session_token: this.sessionToken || undefined };
      socket.onopen = () => this.#write({ type: "login", data: login });
      socket.onclose = ({ code, reason }) => {
        if (code === TOO_BIG && !this.online) return this.#turnedAway({ code: TOO_LARGE, msg: "The login is too large." });
        this.#finish(code, reason || "the server is gone");
      };
      socket.onmessage = ({ data: text }) => {
        const frame = JSON.parse(text);
        heard = Date.now();
        if (this.online) return this.#take(frame);
        if (frame.type !== "login.success") return frame.code && this.#turnedAway(frame);
        clearTimeout(timer);
        this.#enter(frame.data);
        watch();
      };
    });
  }

  #turnedAway({ code, msg, data = {} }) {
    this.#refused = new RequestRefused(code, msg, data);
    this.#retryIn = delay(data);
    const stale = this.sessionToken && STALE.has(code);
    if (stale) [this.sessionToken, this.#retryIn] = ["", 0.001]; // at once, without it
    this.#finish(stale || LATER.has(code) ? LOST : BAD_LOGIN, msg, code);
  }

  #enter({ session_token }) {
    this.sessionToken = session_token;
    this.#refused = null;
    this.#caught = !this.#sync;
    this.online = this.#reached = true;
    for (const request of this.#waiting) request.succeed();
    this.#emit("client.online", {});
    // What could not be asked for is asked for on the next connection.
    if (this.#sync) this.#catchUp().catch((error) => this.#finish(LOST, error.message));
    this.#pump();
  }

  #take({ type, id, code, msg, data }) {
    if (id !== undefined) {
      const request = [...this.#pending].find((each) => each.id === id);
      if (code) request?.fail(new RequestRefused(code, msg, data));
      else request?.succeed(data ?? {});
    } else if (type === "ping") {
      this.tell("ping");
    } else if (type === "msg.new" && data.seq) {
      if (this.#passed(data.conv_id, data.seq)) this.#emit(type, data);
    } else if (type === "msg.new" && TYPING.test(data.attr)) {
      const { conv_id, from_client, attr } = data;
      this.#emit("client.typing", { conv_id, client_id: `${from_client}`, typing: attr.includes("true") });
    } else if (!code && !type.endsWith(".success")) {
      if (type === "going.away") this.#retryIn = delay(data);
      this.#emit(type, data);
    }
  }

  /** A message is here, from elsewhere or from us. False: it was heard before, or history brings it, in its order. */
  #passed(conv_id, seq) {
    const map = this.#behind.has(conv_id) || !(this.#caught || this.#fresh) ? this.#behind : this.#seen;
    return raise(map, conv_id, seq) && map === this.#seen;
  }

  /** Ask what changed while we were away, and hear what was said. What a lost connection leaves is done on the next one. */
  async #catchUp() {
    for (let more = true; more; ) {
      const state = await this.#patiently("sync", this.#cursor ? { cursor: this.#cursor } : {});
      const { conversations = [], left = [], patches = [], reset } = state;
      if (reset) this.#fresh = (this.#seen.clear(), this.#behind.clear(), true);
      for (const { conv_id, last_seq, read_seq } of conversations) {
        const seen = this.#seen.get(conv_id) ?? (this.#fresh ? last_seq : read_seq);
        this.#seen.set(conv_id, this.#fresh ? Math.max(seen, last_seq) : seen);
        if (!this.#fresh && last_seq > seen) raise(this.#behind, conv_id, last_seq);
      }
      for (const conv_id of left) this.#seen.delete(conv_id), this.#behind.delete(conv_id);
      ({ cursor: this.#cursor = "", more = false } = state);
      this.#emit("sync", state);
      for (const patch of patches) this.#emit(`msg.${patch.kind}`, patch);
    }
    [this.#fresh, this.#caught] = [false, true];
    for (const conv_id of this.#behind.keys()) await this.#readOn(conv_id);
  }

  async #readOn(conv_id) {
    let seen = this.#seen.get(conv_id) ?? this.#behind.get(conv_id) - 1;
    for (let upto; seen < (upto = this.#behind.get(conv_id)); this.#seen.set(conv_id, seen)) {
      if (upto - seen > CATCH_UP_MOST) {
        this.#emit("client.gap", { conv_id, after: seen, upto: upto - CATCH_UP_MOST });
        seen = upto - CATCH_UP_MOST;
      }
      const { messages, more } = await this.#patiently("msg.history", { conv_id, after: seen, limit: 100 });
      for (const message of messages ?? []) {
        const own = message.from_client === this.user && this.#own.has(message.client_msg_id);
        if (message.seq > seen && message.msg_status === 1 && !own) this.#emit("msg.new", message);
        this.#seen.set(conv_id, (seen = Math.max(seen, message.seq)));
      }
      if (!more) seen = Math.max(seen, upto); // a seq that is not there is not for us
    }
    this.#behind.delete(conv_id);
  }

  /** A request that a refusal of the moment only delays; nothing, if it is refused for good. */
  async #patiently(type, data) {
    for (;;) {
      const answer = await this.request(type, data).catch((error) => error);
      if (!(answer instanceof Error)) return answer;
      if (!(answer instanceof RequestRefused)) throw answer;
      if (!LATER.has(answer.code)) return {};
      await new Promise((resolve) => later(delay(answer.data) || 1, resolve));
    }
  }

  #pump() {
    if (!this.online || this.#pause) return;
    for (const letter of [...this.#outbox].slice(0, WINDOW)) if (!letter.asked) this.#deliver(letter);
  }

  async #deliver(letter) {
    letter.asked = true;
    try {
      const answer = await this.#ask("msg.send", letter.data, this.#waits.request).promise;
      if (answer.seq) this.#passed(answer.conv_id, answer.seq);
      letter.succeed(answer);
    } catch (error) {
      letter.asked = false;
      const refused = error instanceof RequestRefused;
      if (refused ? !LATER.has(error.code) : error instanceof SessionEnded) letter.fail(error);
      else if (refused) this.#pause ??= later(delay(error.data) || 0.5, () => ((this.#pause = null), this.#pump()));
    }
    this.#pump();
  }

  #ask(type, data, seconds) {
    const id = ++this.#number;
    const request = new Waiting(type, seconds, this.#pending, { id, type });
    request.size = this.#write({ type, id, data });
    return request;
  }

  /** The connection has ended: each request gets its outcome. The largest one is to blame for TOO_BIG. */
  #lose(code, reason) {
    this.online = false;
    const requests = [...this.#pending];
    const largest = Math.max(...requests.map(({ size }) => size));
    for (const { type, size, fail } of requests) {
      if (isFinal(code)) fail(new SessionEnded({ code, reason }));
      else if (code === TOO_BIG && size === largest) fail(new RequestRefused(TOO_LARGE, `${size} bytes are too many.`));
      else fail(new ConnectionLost(`The connection was lost during ${type}: ${reason} (close code ${code}).`, { code }));
    }
  }

  #end(lost) {
    if (this.ended) return;
    this.ended = new SessionEnded(lost);
    for (const waiting of [...this.#waiting, ...this.#outbox]) waiting.fail(this.ended);
    this.#hurry();
    this.#emit("client.ended", lost);
  }

  async #whenOnline(type, seconds) {
    if (!this.online && !this.ended) await new Waiting(type, seconds, this.#waiting).promise;
    if (this.ended) throw this.ended;
  }

  /** How many bytes the frame has. */
  #write(frame) {
    const text = JSON.stringify(frame);
    this.#socket.send(text);
    return new TextEncoder().encode(text).length;
  }

  #emit(type, data) {
    if (this.#unread.push({ type, data }) > UNREAD_MOST) this.#unread.shift(), (this.#dropped += 1);
    this.#heard();
  }
}
