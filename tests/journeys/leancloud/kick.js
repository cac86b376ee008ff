// One of two clients is put out by the back office; the other goes on, also where both share a connection.
const { arrived, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await jerry.createConversation({ members: ['tom'], name: 'talk' });
  await arrived('tom');
  const his = await tom.getConversation(talk.id);
  say('tom', 'ready');

  await until('tom', 'close');
  say('tom', 'refused', (await refused(his.send(text('wait')))) !== 'not refused');
  await talk.send(text('tom?'));
  say('jerry', 'online', await jerry.ping(['tom', 'jerry']));
  await settle(jerry);
});
