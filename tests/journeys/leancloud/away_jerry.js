// The one who goes off the network and comes back, twice: told each time what happened since, and nothing twice.
const { arrived, comeBack, leave, open, run, say, settle, told, until } = require('./sdk');

run(async () => {
  const jerry = await open('jerry');
  await arrived('jerry');
  await arrived('jerry');
  const [talk] = await jerry.getQuery().equalTo('name', 'talk').find();
  say('jerry', 'knows', talk);

  for (const expected of [
    ['invited', 'kicked', 'conversationinfoupdated', 'membersjoined', 'membersjoined', 'membersmuted', 'memberinfoupdated'],
    ['membersleft'],
  ]) {
    await told();
    leave();
    await until('jerry', 'offline');
    say('jerry', 'away');
    await told();
    comeBack();
    await until('jerry', 'reconnect');
    for (const what of expected) await until('jerry', what);
    await talk.getAllMemberInfo({ noCache: true }); // by the same way as what was missed, and after it
    say('jerry', 'members', [...talk.members].sort());
    await settle(jerry);
    say('jerry', 'back');
  }
});
