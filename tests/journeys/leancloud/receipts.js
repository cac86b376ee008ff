// Whoever asks for receipts hears that the message arrived and was read; later, when that was can be asked for.
const { arrived, delivered, open, run, say, settle, text, until, watch } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  watch(talk, 'tom');

  const sent = await talk.send(text('are you there?'), { receipt: true });
  await until('jerry', 'message');
  await until('tom', 'lastdeliveredatupdate');
  say('tom', 'delivered', delivered(sent), talk.lastDeliveredAt >= sent.timestamp);
  const hers = await jerry.getConversation(talk.id);
  say('jerry', 'unread', hers.unreadMessagesCount);
  await hers.read();
  await until('tom', 'lastreadatupdate');
  say('jerry', 'unread', hers.unreadMessagesCount);
  say('tom', 'read', talk.lastReadAt >= sent.timestamp);

  await tom.close();
  const again = await open('tom');
  const same = await again.getConversation(talk.id);
  await same.fetchReceiptTimestamps();
  say('tom', 'fetched', same.lastDeliveredAt >= sent.timestamp, same.lastReadAt >= sent.timestamp);
  await settle(again, jerry);
});
