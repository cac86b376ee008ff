// A thin broker on socket.io, by its own means: the token in the handshake, rooms, acknowledgements. WebSocket only.
"use strict";

const { createServer } = require("http");
const { Server } = require("socket.io");
const { version } = require("socket.io/package.json");

const [token] = process.argv.slice(2);
const users = new Map();
const http = createServer();
const server = new Server(http, {
  transports: ["websocket"], perMessageDeflate: false, serveClient: false, pingInterval: 3_600_000,
});

server.use((socket, next) => {
  const { token: shown, login, hear } = socket.handshake.auth;
  if (shown !== token) return next(new Error("bad login"));
  socket.data = { user: login, place: hear };
  next();
});

server.on("connection", (socket) => {
  const { user, place } = socket.data;
  const before = users.get(user);
  if (before !== undefined) {
    before.emit("kicked", user);
    before.disconnect(true);
  }
  users.set(user, socket);
  if (place) socket.join(place);
  socket.emit("welcome", user);
  socket.on("send", (said, acknowledge) => {
    acknowledge(said.id);
    server.to(said.to).emit("message", { from: user, to: said.to, text: said.text });
  });
  socket.on("disconnect", () => {
    if (users.get(user) === socket) users.delete(user);
  });
});

http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`listening ${http.address().port} socket.io ${version}`);
});
