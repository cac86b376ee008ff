// A thin broker on Node's `ws`; the other side and the frames are described in __init__.py.
"use strict";

const { WebSocketServer } = require("ws");
const { version } = require("ws/package.json");

const [token] = process.argv.slice(2);
const [KICKED, BAD_LOGIN] = [4001, 4010];
const users = new Map();
const hearers = new Map();

function leave(socket) {
  if (users.get(socket.user) === socket) users.delete(socket.user);
  const there = hearers.get(socket.place);
  if (there === undefined) return;
  there.delete(socket);
  if (there.size === 0) hearers.delete(socket.place);
}

function login(socket, said) {
  if (said.token !== token) return socket.close(BAD_LOGIN);
  const before = users.get(said.login);
  if (before !== undefined) {
    leave(before);
    before.send(JSON.stringify({ kicked: said.login }));
    before.close(KICKED);
  }
  socket.user = said.login;
  socket.place = said.hear;
  users.set(socket.user, socket);
  if (socket.place) {
    if (!hearers.has(socket.place)) hearers.set(socket.place, new Set());
    hearers.get(socket.place).add(socket);
  }
  socket.send(JSON.stringify({ welcome: said.login }));
}

function pass(socket, said) {
  socket.send(JSON.stringify({ ack: said.id }));
  const push = JSON.stringify({ from: socket.user, to: said.to, text: said.text });
  for (const each of hearers.get(said.to) ?? []) each.send(push);
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false, backlog: 4096 });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const said = JSON.parse(data);
    if (socket.user === undefined) login(socket, said);
    else pass(socket, said);
  });
  socket.on("close", () => leave(socket));
  socket.on("error", () => {});
});
server.on("listening", () => console.log(`listening ${server.address().port} ws ${version}`));
