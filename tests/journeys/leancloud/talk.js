// Two who talk, a third who is brought in, goes and is put out; what was said is read back, page by page too.
const { MessageStatus, arrived, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');

  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk', color: 'red' });
  say('tom', 'created', talk.name, talk.get('color'), talk.creator, [...talk.members].sort());
  await arrived('jerry');

  const sent = await talk.send(text('hello jerry'));
  say('tom', 'sent', typeof sent.id, sent.timestamp, sent.status === MessageStatus.SENT);
  await until('jerry', 'message');
  const hers = await jerry.getConversation(talk.id);
  say('jerry', 'got', hers.name, hers.get('color'), hers.creator, [...hers.members].sort());
  await hers.send(text('hi tom'));
  await until('tom', 'message');

  say('tom', 'added', await talk.add(['spike']));
  await until('spike', 'invited');
  await until('jerry', 'membersjoined', ({ members }) => members.includes('spike'));
  const his = await spike.getConversation(talk.id);
  await his.send(text('woof'));
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'message')));
  say('tom', 'count', await talk.count());
  await his.quit();
  await until('tom', 'membersleft');
  say('spike', 'refused', await refused(his.send(text('still here'))));
  await his.join();
  await until('tom', 'membersjoined', ({ members }) => members.includes('spike'));
  say('tom', 'removed', await talk.remove(['spike']));
  await until('spike', 'kicked');

  say('tom', 'history', await talk.queryMessages({ limit: 10 }));
  const pages = hers.createMessagesIterator({ limit: 2 });
  for (let page = await pages.next(); page.value.length; page = await pages.next()) say('jerry', 'page', page.value);
  const found = await jerry.getQuery().containsMembers(['tom']).equalTo('color', 'red').find();
  say('jerry', 'found', found);

  await settle(tom, jerry, spike);
  await tom.close();
  await jerry.close();
  say('jerry', 'closed');
});
