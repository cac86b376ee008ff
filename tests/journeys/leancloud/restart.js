// The broker goes away under a sender and comes back: both clients come back too, and all that was acknowledged is there.
const { arrived, open, run, say, settle, text, until } = require('./sdk');

const SPOKEN = 40; // acknowledged messages before the broker may go away

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const talk = await tom.createConversation({ members: ['jerry'], name: 'talk' });
  await arrived('jerry');
  const gone = until('tom', 'disconnect').then(() => 'gone');

  const acknowledged = [];
  for (let n = 0; ; n += 1) {
    const answer = await Promise.race([talk.send(text(`before ${n}`)), gone]).catch(() => gone);
    if ((await answer) === 'gone') break;
    acknowledged.push(answer.id);
    if (acknowledged.length === SPOKEN) say('tom', 'speaking');
  }
  await Promise.all(['tom', 'jerry'].map((each) => until(each, 'reconnect')));

  await talk.send(text('after'));
  await until('jerry', 'message', (message) => message === 'tom: after');
  const hers = await jerry.getConversation(talk.id);
  await hers.send(text('welcome back'));
  await until('tom', 'message', (message) => message === 'jerry: welcome back');

  const history = [];
  const pages = hers.createMessagesIterator({ limit: 100 });
  for (let page = await pages.next(); page.value.length; page = await pages.next()) history.unshift(...page.value);
  const ids = history.map((message) => message.id);
  say('jerry', 'lost', acknowledged.filter((id) => !ids.includes(id)));
  say('jerry', 'twice', ids.filter((id, at) => ids.indexOf(id) !== at));
  say('jerry', 'unasked', ids.length - acknowledged.length - 2);
  say('jerry', 'history', history);
  await settle(tom, jerry);
});
