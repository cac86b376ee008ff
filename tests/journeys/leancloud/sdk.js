// What the scenarios share: clients of the published SDK, and a record of all they are told.
//
// The law: one line a thing, printed as it happens: a JSON array of who, what, and the details. Nothing is waited for
// without a deadline, and nothing is slept for. The counterpart, which reads the lines, is node.py.
//
// node SCENARIO.js URL APP_ID binary|base64 [MORE...], with the SDK on NODE_PATH.
'use strict';

const net = require('net');
const readline = require('readline');
const sdk = require('leancloud-realtime');
const { version } = require('leancloud-realtime/package.json');

const { Realtime, Event, Message, BinaryMessage, TextMessage, RecalledMessage } = sdk;
const [url, appId, framing, ...more] = process.argv.slice(2);
const DEADLINE_MS = 8000;
const TIMING = new Set([Event.RETRY, Event.SCHEDULE]); // how often depends on the machine

const lines = [];
const waiting = new Set();

function say(who, what, ...details) {
  const line = [who, what, ...details.map(plain)];
  lines.push({ line, taken: false });
  console.log(JSON.stringify(line));
  for (const look of [...waiting]) look();
}

// What can be compared: a conversation by its name, a message by who says what.
function plain(value) {
  if (value instanceof Message) return `${value.from}: ${words(value)}`;
  if (value instanceof Date) return 'a date';
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value.send === 'function') return value.name || value.id.split(':')[0];
  if (value && value.memberId) return `${value.memberId} is ${value.role}`;
  if (value && typeof value.toJSON === 'function') return value.toJSON();
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, plain(v)]));
  }
  return value;
}

function words(message) {
  if (message instanceof BinaryMessage) return `bytes ${Buffer.from(message.buffer).toString('hex')}`;
  return message instanceof RecalledMessage ? '(recalled)' : message.text || '(unreadable)';
}

// The details of the next `what` of `who` that passes `test`, each line being taken once.
function until(who, what, test = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(look);
      reject(new Error(`${who} has waited ${DEADLINE_MS} ms for ${what}`));
    }, DEADLINE_MS);
    function look() {
      const found = lines.find(({ line, taken }) => !taken && line[0] === who && line[1] === what && test(...line.slice(2)));
      if (!found) return;
      found.taken = true;
      waiting.delete(look);
      clearTimeout(timer);
      resolve(found.line.slice(2));
    }
    waiting.add(look);
    look();
  });
}

// New conversations are fetched by the SDK before it tells of them; what comes meanwhile may overtake.
async function arrived(...clients) {
  for (const who of clients) for (const what of ['invited', 'membersjoined']) await until(who, what);
}

function realtime(options = {}) {
  // Given the sockets, `server` is where nobody listens: they must do without the vendor's REST API. Given that API, its
  // router says where the sockets are.
  const servers = url.startsWith('http') ? { server: url } : { RTMServers: url, server: 'http://127.0.0.1:1' };
  return new Realtime({ appId, appKey: 'master', ...servers, noBinary: framing === 'base64', ...options });
}

// A way to the broker that can be cut, as networks are, and is there again at once.
async function detour() {
  const there = new URL(url);
  const ends = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(there.port, there.hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      ends.add(one);
      one.on('error', () => {}).on('close', () => ends.delete(one) && other.destroy()).pipe(other);
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `ws://127.0.0.1:${server.address().port}`, cut: () => [...ends].forEach((end) => end.destroy()) };
}

let shared; // 5.x allows one Realtime of an app in a process, so that its clients share a connection; 4.x gets one each

async function open(id, options = {}, connection = {}) {
  if (!version.startsWith('4.')) shared = shared || realtime();
  const client = await (shared || realtime(connection)).createIMClient(id, options);
  listen(client, id);
  say(id, 'opened');
  return client;
}

function listen(emitter, who, events = Object.values(Event)) {
  for (const event of new Set(events)) if (!TIMING.has(event)) emitter.on(event, (...told) => say(who, event, ...told));
}

// Of a conversation's own events: that it was received, and read.
function watch(conversation, who) {
  listen(conversation, who, [Event.LAST_DELIVERED_AT_UPDATE, Event.LAST_READ_AT_UPDATE]);
}

const delivered = (message) => message.status === sdk.MessageStatus.DELIVERED;

// What was told to a client before its answer came has been dispatched, so that the end of its record is the end.
async function settle(...clients) {
  for (const client of clients) for (let n = 0; n < 2; n += 1) await client.ping([client.id]);
}

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code || error.message;
  }
  return 'not refused';
}

const text = (words) => new TextMessage(words);

// Off the network and back, as a telephone goes: 5.x only, whose clients share a connection.
const leave = () => shared.pause();
const comeBack = () => shared.resume();

// Whoever runs this lets it go on, by a line of text.
const input = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const told = async () => (await input.next()).value;

function run(scenario) {
  scenario(...more).then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}

module.exports = {
  ...sdk, arrived, comeBack, delivered, detour, leave, open, refused, run, say, settle, text, told, until, watch,
};
