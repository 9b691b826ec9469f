// The server API of the real binary: with pycent, a back-end library nobody here wrote, and byte for byte with fetch;
// what it does is seen by stock SDK clients. The unit tests (gateway/api) have every error and limit.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { Device, register } from '../../client/demo/device.mjs';

const PASSWORD = 'a-long-enough-password';
const KEY = 'a-key-of-the-tests-0123456789';
const CHAT_KEY = 'another-key-9876543210';
const python = fileURLToPath(new URL('.venv/bin/python', import.meta.url));
const centClient = fileURLToPath(new URL('cent_client.py', import.meta.url));
const KEYS = `  api:
    keys:
      - { name: all, key: "${KEY}" }
      - { name: chat, key: "${CHAT_KEY}", namespaces: [chat] }`;

let server;
const all = [];
before(async () => { server = await new Server({ config: (o) => testConfig({ ...o, gateway: KEYS }) }).start(); });
after(async () => {
  all.forEach((d) => d.disconnect());
  await server.close();
});

async function person(user) {
  await register(server.url, user, PASSWORD);
  const device = new Device({ url: server.url, user, password: PASSWORD, name: 'phone', reconnectMs: 100 });
  await device.login();
  await device.connect();
  all.push(device);
  return device;
}
async function call(method, body, headers = { 'X-API-Key': KEY }) {
  const response = await fetch(`${server.url}/api${method ? `/${method}` : ''}`, {
    method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}
const result = async (method, body) => {
  const { status, text } = await call(method, body);
  assert.equal(status, 200, text);
  const answer = JSON.parse(text);
  assert.ok(answer.result, text);
  return answer.result;
};
const error = async (method, body) => JSON.parse((await call(method, body)).text).error;
async function subscribe(device, channel) {
  const subscription = device.client.newSubscription(channel);
  subscription.got = [];
  subscription.on('publication', (ctx) => subscription.got.push(ctx));
  subscription.subscribe();
  await subscription.ready(5000);
  return subscription;
}

test('a publication reaches the clients, without a publisher and with its tags', async () => {
  const subscription = await subscribe(await person('pub-a'), 'chat:one');
  const position = await result('publish', { channel: 'chat:one', data: { text: 'hi' }, tags: { lang: 'en' } });
  await eventually('it came', () => subscription.got.length === 1);
  assert.deepEqual(subscription.got[0].data, { text: 'hi' });
  assert.deepEqual(subscription.got[0].tags, { lang: 'en' });
  assert.equal(subscription.got[0].info, undefined);
  assert.equal(subscription.got[0].offset, position.offset);
});

test('a broadcast reaches each channel, and names those it does not', async () => {
  const device = await person('bro-a');
  const [one, two] = [await subscribe(device, 'chat:b1'), await subscribe(device, 'chat:b2')];
  const { responses } = await result('broadcast', { channels: ['chat:b1', 'nothing:x', 'chat:b2'], data: 7 });
  await eventually('both have it', () => one.got.length === 1 && two.got.length === 1);
  assert.equal(responses[0].result.offset, 1);
  assert.deepEqual(responses[1].error, { code: 102, message: 'unknown channel' });
});

test('the same idempotency key publishes once', async () => {
  const subscription = await subscribe(await person('ide-a'), 'chat:idem');
  const first = await result('publish', { channel: 'chat:idem', data: 1, idempotency_key: 'k' });
  assert.deepEqual(await result('publish', { channel: 'chat:idem', data: 2, idempotency_key: 'k' }), first);
  await result('publish', { channel: 'chat:idem', data: 3 });
  await eventually('the third came', () => subscription.got.length === 2);
  assert.deepEqual(subscription.got.map((ctx) => ctx.data), [1, 3]);
});

test('the server subscribes, publishes to and unsubscribes a session', async () => {
  const device = await person('sub-a');
  const events = [];
  device.client.on('subscribed', (ctx) => events.push(['subscribed', ctx.channel, ctx.data]));
  device.client.on('publication', (ctx) => events.push(['publication', ctx.channel, ctx.data]));
  device.client.on('unsubscribed', (ctx) => events.push(['unsubscribed', ctx.channel]));
  await result('subscribe', { user: 'sub-a', channel: 'chat:given', data: { hello: 1 }, info: { role: 'guest' } });
  await eventually('subscribed', () => events.some(([what]) => what === 'subscribed'));
  const { presence } = await result('presence', { channel: 'chat:given' });
  assert.deepEqual(Object.values(presence).map((c) => [c.user, c.chan_info]), [['sub-a', { role: 'guest' }]]);
  await result('publish', { channel: 'chat:given', data: 5 });
  await eventually('published', () => events.some(([what]) => what === 'publication'));
  await result('unsubscribe', { user: 'sub-a', channel: 'chat:given' });
  await eventually('unsubscribed', () => events.some(([what]) => what === 'unsubscribed'));
  assert.deepEqual(events.filter(([, channel]) => channel === 'chat:given'), [
    ['subscribed', 'chat:given', { hello: 1 }], ['publication', 'chat:given', 5], ['unsubscribed', 'chat:given']]);
});

test('disconnect closes all sessions but those of the whitelist', async () => {
  const device = await person('dis-a');
  const { connections } = await result('sessions', { user: 'dis-a' });
  const [client] = Object.keys(connections);
  await result('disconnect', { user: 'dis-a', whitelist: [client], disconnect: { code: 4500, reason: 'bye' } });
  assert.equal(Object.keys((await result('sessions', { user: 'dis-a' })).connections).length, 1);
  const gone = new Promise((resolve) => device.client.once('disconnected', resolve));
  await result('disconnect', { user: 'dis-a', disconnect: { code: 4500, reason: 'bye' } });
  assert.deepEqual(await gone, { code: 4500, reason: 'bye' });
  device.anomalies.length = 0;
});

test('a blocked user is closed and does not come back before the block is lifted', async () => {
  const device = await person('blo-a');
  const gone = new Promise((resolve) => device.client.once('disconnected', resolve));
  await result('block_user', { user: 'blo-a' });
  await gone;
  const rpc = await fetch(`${server.url}/rpc/echo`, { method: 'POST', headers: { Authorization: `Bearer ${device.tokens.access_token}` }, body: '1' });
  assert.equal(rpc.status, 403, 'over HTTP as well');
  device.anomalies.length = 0;
  const { statuses } = await result('user_status', { users: ['blo-a'] });
  assert.equal(statuses[0].blocked, true);
  assert.equal(statuses[0].connected, false);
  await result('unblock_user', { user: 'blo-a' });
  await person('blo-a');
  assert.equal((await result('user_status', { users: ['blo-a'] })).statuses[0].connected, true);
});

test('revoke closes the sessions of a login and refuses its token', async () => {
  const device = await person('rev-a');
  const gone = new Promise((resolve) => device.client.once('disconnected', resolve));
  await result('revoke', { user: 'rev-a' });
  await gone;
  device.anomalies.length = 0;
});

test('rpc answers as a plugin does', async () => {
  assert.deepEqual(await result('rpc', { method: 'echo', params: { x: 1 } }), { data: { x: 1 } });
  assert.equal((await error('rpc', { method: 'no.such' })).code, 104);
});

test('a key of a namespace, the wrong key, and what is no JSON', async () => {
  assert.equal((await call('publish', { channel: 'chat:k', data: 1 }, { 'X-API-Key': CHAT_KEY })).status, 200);
  assert.equal((await call('publish', { channel: 'plain:k', data: 1 }, { 'X-API-Key': CHAT_KEY })).status, 403);
  assert.equal((await call('info', {}, { 'X-API-Key': CHAT_KEY })).status, 403);
  assert.equal((await call('info', {}, { 'X-API-Key': 'x' })).status, 401);
  assert.equal((await call('info', {}, {})).status, 401);
  assert.equal((await call('info', {}, { Authorization: `apikey ${KEY}` })).status, 200);
  assert.equal((await call('publish', '{')).status, 400);
  assert.equal((await call('publish', { channel: 'nothing:x', data: 1 },
    { 'X-API-Key': KEY, 'X-Centrifugo-Error-Mode': 'transport' })).status, 404);
  assert.ok(!server.logText().includes(KEY) && !server.logText().includes(CHAT_KEY));
});

test('the older form: commands one after another', async () => {
  const lines = ['{"id":1,"method":"publish","params":{"channel":"chat:old","data":1}}', '{"id":2,"method":"no"}'];
  const replies = (await call('', lines.join('\n'))).text.split('\n').map((line) => JSON.parse(line));
  assert.equal(replies[0].result.offset, 1);
  assert.equal(replies[1].error.code, 104);
});

test('pycent works unchanged', async () => {
  assert.ok(existsSync(python), 'pycent is not installed: run packaging/deps.sh');
  const device = await person('cent-a');
  const gone = new Promise((resolve) => device.client.once('disconnected', resolve));
  const out = JSON.parse(await new Promise((resolve, reject) => {
    execFile(python, [centClient, `${server.url}/api`, KEY, 'cent-a'], (failed, stdout, stderr) =>
      (failed ? reject(new Error(stderr)) : resolve(stdout)));
  }));
  assert.equal(out.publish.offset, 1);
  assert.deepEqual(out.same_key, out.publish);
  assert.equal(out.broadcast.responses[0].result.offset, 2);
  assert.equal(out.broadcast.responses[1].error.code, 102);
  assert.deepEqual(out.history.publications.map((p) => p.data), [{ n: 1 }, { n: 3 }]);
  assert.deepEqual(out.history.publications[0].tags, { lang: 'en' });
  assert.deepEqual(out.since.publications.map((p) => p.offset), [2]);
  assert.equal(out.other_epoch.code, 112);
  assert.equal(out.unknown_channel.code, 102);
  assert.equal(out.not_available.code, 108);
  assert.equal(Object.values(out.presence.presence)[0].user, 'cent-a');
  assert.deepEqual(out.presence_stats, { num_clients: 1, num_users: 1 });
  assert.deepEqual(out.channels.channels, { 'chat:given': { num_clients: 1 } });
  assert.ok(out.info.nodes[0].num_clients >= 1 && out.info.nodes[0].num_channels >= 1);
  const [connection] = Object.values(out.connections.connections);
  assert.deepEqual([connection.user, connection.transport, connection.protocol], ['cent-a', 'websocket', 'json']);
  assert.deepEqual(out.status.statuses.map((s) => [s.user, s.online > 0]), [['cent-a', true], ['nobody', false]]);
  assert.equal(out.batch[0].offset, 1);
  assert.deepEqual(out.batch[1], { num_clients: 1, num_users: 1 });
  assert.deepEqual(out.removed.publications, []);
  assert.equal(out.removed.offset, 2);
  assert.equal(out.blocked.statuses[0].blocked, true);
  assert.equal(out.unauthorized, true);
  assert.equal((await gone).code, 4500);
  device.anomalies.length = 0;
});
