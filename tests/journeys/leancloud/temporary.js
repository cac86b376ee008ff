// A temporary conversation: as any other, but over after a time.
const { arrived, open, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const temporary = await tom.createTemporaryConversation({ members: ['jerry'], ttl: 3600 });
  say('tom', 'created', temporary, temporary.expiredAt > new Date(), temporary.expired);
  await arrived('jerry');
  await temporary.send(text('for your eyes only'));
  await until('jerry', 'message');
  const hers = await jerry.getConversation(temporary.id);
  await hers.send(text('burnt'));
  await until('tom', 'message');
  say('jerry', 'history', await hers.queryMessages({ limit: 10 }));
  const same = await tom.createTemporaryConversation({ members: ['jerry'] });
  say('tom', 'same', same.id === temporary.id);
  await settle(tom, jerry);
});
