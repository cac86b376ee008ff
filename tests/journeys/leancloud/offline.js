// A client that wants its offline messages pushed gets them behind its login, once, and what is said then as it is said.
const { arrived, delivered, open, run, settle, text, until, watch } = require('./sdk');

const PUSHED = { pushOfflineMessages: true };

run(async () => {
  const tom = await open('tom');
  const first = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const aside = await tom.createConversation({ members: ['jerry'], name: 'aside', unique: false });
  await arrived('jerry');
  await first.close();
  watch(talk, 'tom');

  for (const words of ['one', 'two']) await talk.send(text(words));
  await aside.send(text('psst'));
  await talk.send(text('three'));

  const second = await open('jerry', {}, PUSHED);
  for (const words of ['one', 'two', 'psst', 'three']) await until('jerry', 'message', (said) => said === `tom: ${words}`);
  const four = await talk.send(text('four'), { receipt: true });
  await until('jerry', 'message', (said) => said === 'tom: four');
  while (!delivered(four)) await until('tom', 'lastdeliveredatupdate');
  await second.close();

  const third = await open('jerry', {}, PUSHED);
  await settle(third, tom);
});
