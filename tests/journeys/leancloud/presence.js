// Who is online can be asked; who has left is not.
const { open, run, say } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  say('tom', 'online', (await tom.ping(['jerry', 'tom', 'nobody'])).sort());
  await jerry.close();
  say('tom', 'online', (await tom.ping(['jerry', 'tom', 'nobody'])).sort());
});
