// Put out of a conversation that this client has never seen: it asks for it by its id, to say out of which.
const { open, run, settle, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk', color: 'red' });
  const jerry = await open('jerry');
  await talk.remove(['jerry']);
  await until('jerry', 'kicked');
  await settle(tom, jerry);
});
