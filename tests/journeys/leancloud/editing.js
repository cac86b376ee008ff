// What was said is changed and taken back: whoever is there is told, history shows it, and only its author may.
const { arrived, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const first = await talk.send(text('helo'));
  await until('jerry', 'message');
  const second = await talk.send(text('oops'));
  await until('jerry', 'message');

  const edited = await talk.update(first, text('hello'));
  say('tom', 'edited', edited, edited.id === first.id);
  await until('jerry', 'messageupdate');
  const recalled = await talk.recall(second);
  say('tom', 'recalled', recalled, recalled.id === second.id);
  await until('jerry', 'messagerecall');

  const hers = await jerry.getConversation(talk.id);
  say('jerry', 'refused', await refused(hers.update(first, text('mine'))), await refused(hers.recall(first)));
  say('tom', 'refused', await refused(talk.update(second, text('back again'))));
  say('jerry', 'history', await hers.queryMessages({ limit: 10 }));
  await settle(tom, jerry);
});
