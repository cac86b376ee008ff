// A conversation's name and attributes are changed, also one by its path, and the others are told; notifications are muted.
const { arrived, open, run, say, settle, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk', attr: { color: 'red', size: 1 } });
  await arrived('jerry');

  talk.name = 'renamed';
  talk.set('attr.color', 'blue');
  await talk.save();
  await until('jerry', 'conversationinfoupdated');
  const hers = await jerry.getConversation(talk.id);
  say('jerry', 'sees', hers.name, hers.get('attr'));
  const fresh = await jerry.getConversation(talk.id, true);
  say('jerry', 'fetched', fresh.name, fresh.get('attr'));

  await talk.mute();
  say('jerry', 'fetched', (await hers.fetch()).mutedMembers);
  await talk.unmute();
  say('jerry', 'fetched', (await hers.fetch()).mutedMembers);
  await settle(tom, jerry);
});
