// Durable events: with a server that is killed and a back end that is not there. Source: docs/callbacks.md, "Events".
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { Device, register } from '../../client/demo/device.mjs';
import { BackEnd, nasty } from './back_end.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const PASSWORD = 'a-long-enough-password';
let server, back;
const open = new Set();

// Everything the back end was sent, and what it took.
const seen = { byId: new Map(), order: [], conflicts: [] };
function take(body) {
  for (const event of body.events) {
    const text = JSON.stringify(event), before = seen.byId.get(event.id);
    if (before === undefined) { seen.byId.set(event.id, text); seen.order.push(event); }
    else if (before !== text) seen.conflicts.push([before, text]);
  }
  return {};
}
const answers = { '/events': take, '/connect': (body) => ({ result: { user: body.data?.user ?? 'somebody' } }) };
const of = (key) => seen.order.filter((e) => e.key === key);
const types = (key) => of(key).map((e) => e.type);

before(async () => {
  back = await new BackEnd(answers).start();
  server = await new Server({
    config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@' }).replace('{ name: dialog, instances: per_lane }', '{ name: dialog, instances: per_lane, config: { events: true } }')
      .concat(`  - name: http_callback
    instances: per_lane
    config:
      backends: [{ name: main, endpoint: "${back.url}/events" }, { name: connect, endpoint: "${back.url}/connect" }]
      connect: connect
      events: { backend: main, timeout: 500ms, retry_min: 20ms, retry_max: 100ms, rest: 500ms }
`),
  }).start();
});
after(async () => {
  for (const c of open) c.disconnect();
  await server?.close();
  await back?.stop();
});

function client(user) {
  const c = new Centrifuge(server.ws, { websocket: WebSocket, data: { user }, minReconnectDelay: 20, maxReconnectDelay: 100 });
  open.add(c);
  c.connect();
  return c;
}
async function connected(user) {
  const c = client(user);
  await c.ready(10000);
  return c;
}
async function subscribed(c, channel) {
  const sub = c.newSubscription(channel);
  sub.subscribe();
  await sub.ready(10000);
  return sub;
}
const until = (what, check) => eventually(what, check, 30000);

test('a visit: connect, occupied, subscribe, unsubscribe, vacated, disconnect', async () => {
  const c = await connected('visitor');
  const sub = await subscribed(c, 'plain:visit');
  sub.unsubscribe();
  await until('vacated', () => types('plain:visit').includes('vacated'));
  c.disconnect();
  await until('disconnect', () => types('visitor').includes('disconnect'));
  assert.deepEqual(types('plain:visit'), ['occupied', 'subscribe', 'unsubscribe', 'vacated']);
  assert.deepEqual(types('visitor'), ['connect', 'disconnect']);
  const [connect, disconnect] = of('visitor');
  assert.equal(connect.transport, 'websocket');
  assert.equal(connect.client, disconnect.client);
  assert.equal(of('plain:visit')[1].client, connect.client);
});

test('what is connected when the server is killed is told to have gone', async () => {
  const c = await connected('victim');
  await subscribed(c, 'plain:victims');
  await until('told', () => types('plain:victims').length === 2 && types('victim').length === 1);
  const id = of('victim')[0].client;
  await server.kill9();
  c.disconnect();
  await server.start();
  await until('ended', () => types('victim').includes('disconnect') && types('plain:victims').includes('vacated'));
  const end = of('victim').find((e) => e.type === 'disconnect');
  assert.deepEqual([end.code, end.reason, end.client], [3000, 'server restarted', id]);
  assert.deepEqual(types('plain:victims'), ['occupied', 'subscribe', 'unsubscribe', 'vacated']);
});

test('an absent back end misses nothing, not even of a server that was killed meanwhile', async () => {
  answers['/events'] = nasty.status(503);
  const users = Array.from({ length: 20 }, (_, i) => `absent${i}`);
  for (const user of users) await subscribed(await connected(user), 'plain:crowd');
  await server.kill9();
  await server.start();
  await Promise.all([...open].filter((c) => c.state !== 'disconnected').map((c) => c.ready(20000)));
  for (const c of open) c.disconnect();
  open.clear();
  const late = await connected('absent-late');
  late.disconnect();
  answers['/events'] = take;
  await until('everybody', () => users.every((u) => types(u).filter((t) => t === 'disconnect').length >= 2) && types('absent-late').length === 2);
  for (const user of users) {
    // Before the kill, and after it: each beginning has its end before the next beginning.
    assert.deepEqual(types(user).slice(0, 4), ['connect', 'disconnect', 'connect', 'disconnect'], user);
    assert.equal(of(user)[1].reason, 'server restarted');
    const came = of('plain:crowd').filter((e) => e.user === user);
    assert.deepEqual(came.map((e) => e.type).slice(0, 2), ['subscribe', 'unsubscribe'], user);
  }
  assert.deepEqual(seen.conflicts, []);
});

async function device(user) {
  await register(server.url, user, PASSWORD);
  const d = new Device({ url: server.url, user, password: PASSWORD, name: 'phone', reconnectMs: 50 });
  await d.login();
  await d.connect();
  open.add({ disconnect: () => d.disconnect() });
  return d;
}
// Sends until the server says it is committed; the same number again is the same message.
async function send(d, dialog, cseq, body) {
  let seq;
  await until(`message ${cseq}`, async () => {
    try { seq = (await d.client.rpc('message.send', { dialog, cseq, body })).data.seq; return true; } catch { return false; }
  });
  return seq;
}
const entries = (dialog) => of(`dialog:${dialog}`).map((e) => e.data);

test('every committed message is told, in order, through kills and absences', async () => {
  const d = await device('author');
  await d.client.rpc('dialog.create', { id: 'story', members: ['u@author'] });
  let last = 0;
  for (let i = 1; i <= 40; i++) {
    if (i === 10) answers['/events'] = nasty.stalls;
    if (i === 15) answers['/events'] = nasty.diesInTheBody;
    if (i === 18) { await server.kill9(); await server.start(); }
    if (i === 25) answers['/events'] = take;
    if (i === 30) { await server.kill9(); await server.start(); }
    last = await send(d, 'story', i, { n: i });
  }
  await until('all of it', () => entries('story').length >= last);
  assert.deepEqual(entries('story').map((e) => e.seq), Array.from({ length: last }, (_, i) => i + 1));
  const told = of('dialog:story').filter((e) => e.type === 'message').map((e) => e.data.body.n);
  assert.deepEqual(told, Array.from({ length: 40 }, (_, i) => i + 1));
  assert.deepEqual(seen.conflicts, []);
});

test('a dialog that rested is told of again', async () => {
  const d = await device('sleeper');
  await d.client.rpc('dialog.create', { id: 'nap', members: ['u@sleeper'] });
  await send(d, 'nap', 1, 'a');
  await until('told', () => entries('nap').length === 2);
  // Rest comes by itself; whether it has come yet or not, the next one is told.
  for (let i = 2; i <= 4; i++) {
    await send(d, 'nap', i, 'b');
    await until('told', () => entries('nap').length === i + 1);
  }
});

test('a server that stops in good order leaves nothing to make up for', async () => {
  const c = await connected('tidy');
  const id = await until('told', () => of('tidy')[0]?.client);
  await server.stop();
  c.disconnect();
  await server.start();
  await until('ended', () => types('tidy').includes('disconnect'));
  const end = of('tidy').find((e) => e.type === 'disconnect' && e.client === id);
  assert.notEqual(end.reason, 'server restarted');
});
