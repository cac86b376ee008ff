// A chat room: whoever is in it hears what is said there, and nobody is told who comes and goes.
const { MessagePriority, open, refused, run, say, settle, text, until } = require('./sdk');

run(async () => {
  const tom = await open('tom');
  const jerry = await open('jerry');
  const spike = await open('spike');
  const room = await tom.createChatRoom({ name: 'room' });
  say('tom', 'created', room.transient, room.name);

  const hers = await jerry.getConversation(room.id);
  say('jerry', 'found', hers.transient, await refused(hers.send(text('from outside'))));
  await hers.join();
  say('tom', 'count', await room.count());
  await room.send(text('welcome'), { priority: MessagePriority.HIGH });
  await until('jerry', 'message');
  await hers.send(text('thanks'));
  await until('tom', 'message');
  await hers.quit();
  await room.send(text('gone already?'));
  say('tom', 'count', await room.count());
  say('tom', 'history', await room.queryMessages({ limit: 10 }));
  say('spike', 'found', await spike.getChatRoomQuery().equalTo('name', 'room').find());
  await settle(tom, jerry, spike);
});
