// Roles are read over REST, and read again when they change: by members, and by nobody else.
const { ConversationMemberRole, arrived, open, refused, run, say, settle, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const hers = await jerry.getConversation(talk.id);

  say('tom', 'roles', await talk.getAllMemberInfo());
  await talk.updateMemberRole('jerry', ConversationMemberRole.MANAGER);
  await until('jerry', 'memberinfoupdated');
  say('jerry', 'roles', await hers.getAllMemberInfo());
  say('tom', 'roles', await talk.getAllMemberInfo({ noCache: true }));

  await talk.add(['spike']);
  await until('spike', 'invited');
  await until('jerry', 'membersjoined');
  const his = await spike.getConversation(talk.id);
  say('spike', 'roles', await his.getAllMemberInfo());
  await talk.updateMemberRole('jerry', ConversationMemberRole.MEMBER);
  for (const who of ['jerry', 'spike']) await until(who, 'memberinfoupdated');
  say('spike', 'roles', await his.getAllMemberInfo());
  await talk.remove(['spike']);
  await until('spike', 'kicked');
  say('spike', 'refused', await refused(his.getAllMemberInfo({ noCache: true })));
  await settle(tom, jerry, spike);
});
