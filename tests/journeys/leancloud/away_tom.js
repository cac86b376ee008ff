// The one who does things while the other is away: brings in and puts out, renames, silences, gives a role.
const { ConversationMemberRole, open, run, say, settle, told } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  await told();
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk', color: 'red' });
  const second = await tom.createConversation({ members: ['jerry', 'spike'], name: 'second' });
  say('tom', 'invited all');

  await told();
  await tom.createConversation({ members: ['jerry'], name: 'new', unique: false });
  await talk.add(['spike']);
  await second.remove(['jerry']);
  talk.name = 'renamed';
  await talk.save();
  await talk.muteMembers(['spike']);
  await talk.updateMemberRole('jerry', ConversationMemberRole.MANAGER);
  say('tom', 'done');

  await told();
  await talk.remove(['spike']);
  say('tom', 'done');
  await settle(tom);
});
