// Who is blocked is out and cannot be brought back until he is unblocked; he and the others are told.
const { arrived, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');
  const talk = await tom.createConversation({ members: ['jerry', 'spike'], name: 'talk' });
  await arrived('jerry', 'spike');
  const his = await spike.getConversation(talk.id);

  say('tom', 'done', await talk.blockMembers(['spike']));
  await until('spike', 'blocked');
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'membersblocked')));
  say('tom', 'blocked', await talk.queryBlockedMembers(), [...talk.members].sort());
  say('spike', 'refused', await refused(his.send(text('let me in'))));
  say('tom', 'done', await talk.add(['spike']));
  say('jerry', 'members', [...(await jerry.getConversation(talk.id, true)).members].sort());
  say('tom', 'done', await talk.unblockMembers(['spike']));
  await until('spike', 'unblocked');
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'membersunblocked')));
  say('tom', 'blocked', await talk.queryBlockedMembers(), [...talk.members].sort());
  say('tom', 'done', await talk.add(['spike']));
  await until('spike', 'invited');
  await his.send(text('here I am'));
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'message')));
  await settle(tom, jerry, spike);
});
