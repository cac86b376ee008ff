// Who is silenced cannot speak until he may again; he and the others are told.
const { arrived, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');
  const talk = await tom.createConversation({ members: ['jerry', 'spike'], name: 'talk' });
  await arrived('jerry', 'spike');
  const his = await spike.getConversation(talk.id);

  say('tom', 'done', await talk.muteMembers(['spike', 'nobody']));
  await until('spike', 'muted');
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'membersmuted')));
  say('tom', 'silenced', await talk.queryMutedMembers());
  say('spike', 'refused', await refused(his.send(text('mmf'))));
  say('tom', 'done', await talk.unmuteMembers(['spike']));
  await until('spike', 'unmuted');
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'membersunmuted')));
  await his.send(text('free'));
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'message')));
  say('tom', 'silenced', await talk.queryMutedMembers());
  await settle(tom, jerry, spike);
});
