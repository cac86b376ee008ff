// Whoever was away is told how much is unread, of what and by whom, and that he was mentioned; reading ends it.
const { arrived, open, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const aside = await tom.createConversation({ members: ['jerry'], name: 'aside', unique: false });
  await arrived('jerry');
  await jerry.close();

  for (const words of ['one', 'two']) await talk.send(text(words));
  await talk.send(text('three').setMentionList(['jerry']));
  await aside.send(text('psst'));

  const back = await open('jerry');
  await until('jerry', 'unreadmessagescountupdate');
  for (const id of [talk.id, aside.id]) {
    const hers = await back.getConversation(id);
    say('jerry', 'unread', hers, hers.unreadMessagesCount, hers.unreadMessagesMentioned, hers.lastMessage);
  }
  const hers = await back.getConversation(talk.id);
  say('jerry', 'history', await hers.queryMessages({ limit: 10 }));
  await hers.read();
  await until('jerry', 'unreadmessagescountupdate');
  say('jerry', 'unread', hers, hers.unreadMessagesCount, hers.unreadMessagesMentioned);
  await settle(back);
  await back.close();

  const third = await open('jerry');
  await until('jerry', 'unreadmessagescountupdate');
  const left = await third.getConversation(aside.id);
  say('jerry', 'unread', left, left.unreadMessagesCount);
  await settle(third, tom);
});
