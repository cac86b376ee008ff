// Asking `/-/api`: one call, one stream, and who is asking. The law: the session's token lives in this module's variable and
// nowhere else, goes out in the Authorization header alone, and is forgotten when the server says 401 or the page is closed;
// so no other site can use it. What is refused is thrown as a Failure with the server's own words.

import { t } from "/-/look/words.js";

const API = "/-/api";
const RANKS = { viewer: 1, support: 2, admin: 3 };
const BACKOFF_MS = { first: 500, most: 30_000 };

let token = "";
let ended = () => {};
let moved = () => {};

// Who is signed in; `role` is "" when nobody is. `app`: the only one a key is for.
export const account = { name: "", role: "", app: null };

// Whether the account's role is at least this one.
export const may = (role) => (RANKS[account.role] ?? 0) >= RANKS[role];

// Called with a sentence when the session has ended, "" when the viewer ended it.
export function onEnd(listener) {
  ended = listener;
}

// Called when a page has made an app.
export function onApps(listener) {
  moved = listener;
}

export const appsChanged = () => moved();

export class Failure extends Error {
  constructor(status, reason, message, waitSeconds = 0) {
    super(message);
    Object.assign(this, { status, reason, waitSeconds });
  }
}

// at("apps", app, "users", { search: "x" }) is "/apps/demo/users?search=x". Query values that are "", null or undefined are left out.
export function at(...parts) {
  const last = parts.at(-1);
  const query = typeof last === "object" ? Object.entries(parts.pop()).filter(([, value]) => (value ?? "") !== "") : [];
  return "/" + parts.map(encodeURIComponent).join("/") + (query.length ? `?${new URLSearchParams(query)}` : "");
}

export async function call(method, path, body, { signal } = {}) {
  const answer = await asked(method, path, body, signal);
  return answer.status === 204 ? {} : answer.json();
}

export const get = (path, options) => call("GET", path, undefined, options);

// The answer as a file's bytes, for a download.
export async function bytes(path) {
  return (await asked("GET", path)).blob();
}

async function asked(method, path, body, signal, bearer = token) {
  const headers = bearer ? { Authorization: `Bearer ${bearer}` } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(API + path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit", cache: "no-store", redirect: "error",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, "unreachable", t("The server cannot be reached. Is Parley running, and the network there?"));
  }
  if (answer.ok) return answer;
  const failure = await refusal(answer);
  if (answer.status === 401 && bearer === token && token) end(t("Your session has ended: {why} Please sign in again.", { why: failure.message }));
  throw failure;
}

async function refusal(answer) {
  let said = {};
  try {
    said = (await answer.json()).error;
  } catch { /* a proxy's page, perhaps */ }
  const message = explained(said) || t("The server answered {status}.", { status: answer.status });
  return new Failure(answer.status, said?.reason ?? "", message, Number(answer.headers.get("Retry-After") ?? 0));
}

// The server's sentence is English and names what it is about; where the viewer reads another language, the reason stands before
// it in that one.
export function explained({ reason = "", message = "" } = {}) {
  const why = t(reason);
  return why === reason ? message : t("{why}: {message}", { why, message });
}

export async function signIn(name, password) {
  const answer = await asked("POST", "/sign-in", { name, password }, undefined, "");
  const given = await answer.json();
  token = given.token;
  become(given);
}

// By an app's master key or the operator's token, which are bearers themselves.
export async function signInByKey(key) {
  const found = await (await asked("GET", "/me", undefined, undefined, key)).json();
  token = key;
  become(found);
}

function become({ name, role, app }) {
  Object.assign(account, { name, role, app });
}

export async function signOut() {
  try {
    await call("POST", "/sign-out", {});
  } catch { /* it is forgotten here all the same, and ends by itself there */ }
  end("");
}

function end(why) {
  if (!token) return;
  token = "";
  become({ name: "", role: "", app: null });
  ended(why);
}

// Reads lines of JSON at `path()` for as long as `signal` lets it, and begins again when the stream breaks, later each time (full jitter, so
// that many consoles do not come back at once). `onState(live, why, again)`: why it is not live, and a function that tries now.
// `silentMs`: without a line for so long the stream counts as broken; 0: it may be silent.
export async function follow(path, { signal, onLine, onState, silentMs = 0 }) {
  for (let failures = 0; !signal.aborted; ) {
    let why = t("The stream has ended.");
    try {
      for await (const line of lines(path(), signal, silentMs, () => onState(true))) {
        failures = 0;
        onLine(line);
      }
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      why = error.message;
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
        onState(false, why);
        return;
      }
    }
    if (signal.aborted) return;
    const delay = Math.random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** ++failures);
    await new Promise((go) => {
      const timer = setTimeout(go, delay);
      signal.addEventListener("abort", go, { once: true });
      onState(false, why, () => {
        clearTimeout(timer);
        go();
      });
    });
  }
}

async function* lines(path, signal, silentMs, onOpen) {
  const quiet = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    if (silentMs) timer = setTimeout(() => quiet.abort(), silentMs);
  };
  try {
    heard();
    const answer = await asked("GET", path, undefined, AbortSignal.any([signal, quiet.signal]));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    onOpen();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const part of parts) if (part.trim()) yield JSON.parse(part);
    }
  } catch (error) {
    if (quiet.signal.aborted) throw new Failure(0, "silent", t("Nothing was heard for {n} s.", { n: silentMs / 1000 }));
    throw error;
  } finally {
    clearTimeout(timer);
    quiet.abort();
  }
}
