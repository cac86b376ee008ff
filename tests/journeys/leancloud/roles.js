// A manager may put members out and silence them, a member may not; nobody raises himself.
const { ConversationMemberRole, open, refused, run, say, settle, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');
  const talk = await tom.createConversation({ members: ['jerry', 'spike'], name: 'talk' });
  await Promise.all(['jerry', 'spike'].map((each) => until(each, 'invited')));
  const hers = await jerry.getConversation(talk.id);
  const his = await spike.getConversation(talk.id);

  say('jerry', 'refused', await refused(hers.muteMembers(['spike'])), await refused(hers.updateMemberRole('jerry', 'Manager')));
  await talk.updateMemberRole('jerry', ConversationMemberRole.MANAGER);
  say('jerry', 'muted', await hers.muteMembers(['spike']));
  await until('spike', 'muted');
  say('jerry', 'removed', await hers.remove(['spike']));
  await until('spike', 'kicked');
  await talk.updateMemberRole('jerry', ConversationMemberRole.MEMBER);
  say('jerry', 'refused', await refused(hers.muteMembers(['tom'])));
  say('spike', 'refused', await refused(his.updateMemberRole('spike', 'Manager')));
  await settle(tom, jerry, spike);
});
