// Whoever lost his connection says his will to those who are there, and hears when he is back what was changed meanwhile.
const { arrived, detour, open, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const way = await detour();
  const tom = await open('tom');
  const jerry = await open('jerry', {}, { RTMServers: way.url });
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const first = await talk.send(text('helo'));
  await until('jerry', 'message');
  const second = await talk.send(text('oops'));
  await until('jerry', 'message');
  const hers = await jerry.getConversation(talk.id);
  await hers.send(text('not this one'), { will: true });
  const left = await hers.send(text('I was cut off'), { will: true });
  say('jerry', 'left', left);
  way.cut();
  await until('tom', 'message', (said) => said === 'jerry: I was cut off');

  await talk.update(first, text('hello'));
  await talk.recall(second);
  await until('jerry', 'messagerecall');
  await until('jerry', 'messageupdate');
  say('jerry', 'history', await hers.queryMessages({ limit: 10 }));
  await settle(tom, jerry);
});
