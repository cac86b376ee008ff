// A manager may put members out and silence them, a member may not; nobody raises himself.
const { ConversationMemberRole, arrived, open, refused, run, say, settle, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');
  const talk = await tom.createConversation({ members: ['jerry', 'spike'], name: 'talk' });
  await arrived('jerry', 'spike');
  const hers = await jerry.getConversation(talk.id);
  const his = await spike.getConversation(talk.id);

  const raised = await refused(hers.updateMemberRole('jerry', 'Manager'));
  say('jerry', 'refused', await refused(hers.muteMembers(['spike'])), raised);
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
