// A temporary conversation: as any other, but over after a time.
const { arrived, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const temporary = await tom.createTemporaryConversation({ members: ['jerry'], ttl: 3600 });
  const left = temporary.expiredAt - Date.now();
  say('tom', 'created', temporary, 3590e3 < left && left <= 3600e3, temporary.expired);
  await arrived('jerry');
  await temporary.send(text('for your eyes only'));
  await until('jerry', 'message');
  const hers = await jerry.getConversation(temporary.id);
  say('jerry', 'until', Math.abs(hers.expiredAt - temporary.expiredAt) < 60e3);
  await hers.send(text('burnt'));
  await until('tom', 'message');
  say('jerry', 'history', await hers.queryMessages({ limit: 10 }));
  const same = await tom.createTemporaryConversation({ members: ['jerry'] });
  say('tom', 'same', same.id === temporary.id);
  say('tom', 'found', await tom.getQuery().find(), await tom.getQuery().containsMembers(['tom', 'jerry']).find());
  const brief = await tom.createTemporaryConversation({ members: ['spike'], ttl: 1 });
  await new Promise((over) => setTimeout(over, brief.expiredAt - Date.now() + 1));
  say('tom', 'over', brief.expired, await refused(brief.send(text('too late'))));
  const again = await tom.createTemporaryConversation({ members: ['spike'], ttl: 60 });
  say('tom', 'anew', again.id !== brief.id, again.expired);
  await settle(tom, jerry);
});
