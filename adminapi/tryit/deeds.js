// What the page does on the sockets, one function a deed. The law: the page shows these very lines, so each says all there is
// to say, with what it is given, and knows nothing of the page.

import { Client } from "/-/parley.js";

export function logIn(url, login) {
  return new Client(url, login); // what comes of it is heard by who listens
}

export async function listen(client, tell) {
  for await (const { type, data } of client) tell(type, data);
}

export async function openConversation(client, to) {
  const { conv_id } = await client.request("conv.create", { conv_type: 1, to_client_ids: [to] });
  const { messages, more } = await client.request("msg.history", { conv_id, limit: 20 });
  return { conv_id, messages, more };
}

export async function readEarlier(client, conv_id, before) {
  return await client.request("msg.history", { conv_id, before, limit: 20 });
}

export async function say(client, to, text) {
  return await client.send({ to, text, receipt: true });
}

export async function sendFile(client, to, file, admin) {
  const form = new FormData();
  form.append("file", file);
  const headers = { "app-id": client.app, Authorization: `Bearer ${client.sessionToken}` };
  const answer = await fetch(`${admin}/im/file/upload`, { method: "POST", headers, body: form });
  const { code, message, data: url } = await answer.json();
  if (code) throw new Error(message);
  const type = file.type.startsWith("image/") ? -2 : -6;
  return await client.send({ to, type, url, attr: { name: file.name, size: file.size }, receipt: true });
}

export function typing(client, to) {
  return client.typing({ to });
}

export async function markRead(client, conv_id, seq) {
  return await client.request("msg.read", { conv_id, seq });
}

export async function askReaders(client, conv_id, msg_id) {
  return await client.request("msg.readers", { conv_id, msg_id });
}

export async function watchPresence(client, user) {
  const { online } = await client.request("presence.subscribe", { client_ids: [user] });
  return online.includes(user);
}
