// One client that stays until it is put out; then it can ask nothing more, and does not come back by itself.
//
// The line it waits for says what is going to happen: `put out`, or `leave` to close by itself.
const { open, refused, run, say, settle, told, until } = require('./sdk');

run(async (id, tag) => {
  const client = await open(id, tag ? { tag } : {});
  if ((await told()) === 'leave') {
    await settle(client);
    say(id, 'online', await client.ping([id]));
    await client.close();
  } else {
    await Promise.race([until(id, 'conflict'), until(id, 'close')]);
    say(id, 'refused', (await refused(client.ping([id]))) !== 'not refused');
  }
});
