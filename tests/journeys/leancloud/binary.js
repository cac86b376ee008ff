// Bytes come through as they are: pushed, in history, as the last message, and after an edit.
//
// Both SDKs hand the bytes of an edit that is pushed to a parser that knows only ArrayBuffers, so that the listener sees a
// message it cannot read; history says what it is.
const { BinaryMessage, arrived, open, run, say, settle, until } = require('./sdk');

const bytes = (...each) => new BinaryMessage(Uint8Array.from(each).buffer);

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const sent = await talk.send(bytes(0, 255, 128, 10));
  await until('jerry', 'message');
  const every = await talk.send(bytes(...Array(256).keys()));
  await until('jerry', 'message', (message) => message.length > 500);
  await talk.update(sent, bytes(1, 0, 1));
  await until('jerry', 'messageupdate');
  const hers = await jerry.getConversation(talk.id);
  say('jerry', 'history', await hers.queryMessages({ limit: 10 }));
  const [found] = await jerry.getQuery().equalTo('objectId', talk.id).withLastMessagesRefreshed(true).find();
  say('jerry', 'last', found.lastMessage, found.lastMessage.id === every.id);
  await settle(tom, jerry);
});
