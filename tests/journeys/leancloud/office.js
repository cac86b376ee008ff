// A back office with the vendor's storage SDK as it is, and a client of the realtime SDK who is told of it.
'use strict';

const AV = require('leancloud-storage');
const { TextMessage, appId, open, refused, run, say, settle, text, until } = require('./sdk');

const call = (method, path, data, query) => AV.request({ version: '1.2', method, path, data, query });
const payload = (said) => JSON.stringify(text(said).getPayload());
const words = (rows) => rows.map((row) => [row.from, row.data, row.bin]);

run(async (server, key, master) => {
  AV.init({ appId, appKey: key, masterKey: master, serverURL: server });
  AV.Cloud.useMasterKey();
  const tom = await open('tom');

  const talk = new AV.Conversation('talk');
  talk.addMember('tom').addMember('ann').set('color', 'red');
  await talk.save();
  await until('tom', 'invited');
  await talk.send('ann', new TextMessage('hello'));
  await until('tom', 'message');
  talk.set('name', 'chat').increment('visits', 2).addUnique('tags', 'a').unset('color');
  await talk.save(null, { fetchWhenSave: true });
  say('office', 'changed', talk.getName(), talk.get('visits'), talk.get('tags'), talk.get('color'), talk.getMembers());
  await talk.fetch();
  say('office', 'said', talk.getLastMessageAt());
  const query = new AV.Query('_Conversation').containsAll('m', ['tom', 'ann']).descending('createdAt').addDescending('name');
  const [found] = await query.select('name').find();
  say('office', 'found', found.get('name'), found.get('m'), await query.count());

  const news = new AV.Conversation('news', { isSystem: true });
  await news.save();
  await news.broadcast('anchor', new TextMessage('to all'));
  await until('tom', 'message');
  await news.send('anchor', new TextMessage('to tom'), { toClients: ['tom'] });
  await until('tom', 'message');
  await news.send('anchor', new TextMessage('to ann'), { toClients: ['ann'] });
  const path = `/rtm/service-conversations/${news.id}`;
  await call('POST', `${path}/broadcasts`, { from_client: 'anchor', message: 'to subscribers, of whom there are none' });
  const conversation = await tom.getConversation(news.id);
  const read = async () => (await conversation.queryMessages()).map((message) => message.text || message.content);
  say('tom', 'reads', conversation.system, conversation.name, await read());
  say('tom', 'refused', await refused(conversation.send(text('me too'))));

  await call('POST', `${path}/subscribers`, { client_id: 'tom' });
  await until('tom', 'invited');
  const told = await call('POST', `${path}/broadcasts`, { from_client: 'anchor', message: payload('to mine') });
  await until('tom', 'message');
  const times = { from_client: 'anchor', timestamp: told.timestamp };
  await call('PUT', `${path}/messages/${told['msg-id']}`, { ...times, message: payload('to you') });
  await until('tom', 'messageupdate');
  say('tom', 'reads', conversation.system, conversation.name, await read());
  const [subscriber] = await call('GET', `${path}/subscribers`);
  say('office', 'subscribers', subscriber.subscriber, await call('GET', `${path}/subscribers/count`));
  const [service] = await call('GET', '/rtm/clients/tom/service-conversations');
  say('office', 'subscribed', service.conv_id === news.id, service.timestamp === subscriber.timestamp);
  await conversation.quit();
  say('office', 'subscribers', await call('GET', `${path}/subscribers`));

  const broadcasts = await call('GET', '/rtm/broadcasts', null, { conv_id: news.id });
  say('office', 'broadcasts', words(broadcasts));
  await call('DELETE', `/rtm/broadcasts/${broadcasts[0]['msg-id']}`);
  say('office', 'broadcasts', await call('GET', '/rtm/broadcasts', null, { conv_id: news.id }));
  say('office', 'of ann', words(await call('GET', '/rtm/clients/ann/messages', null, { limit: 5 })));
  say('office', 'online', await call('POST', '/rtm/clients/check-online', { client_ids: ['tom', 'ann'] }));
  say('office', 'stats', await call('GET', '/rtm/stats'));
  const where = JSON.stringify({ objectId: { $in: [talk.id, news.id] } });
  const all = await call('GET', '/rtm/all-conversations', null, { where });
  say('office', 'all', all.results.map((row) => [row.name, Boolean(row.sys)]));

  await talk.destroy();
  say('office', 'gone', await refused(new AV.Query('_Conversation').get(talk.id)));
  await settle(tom);
});
