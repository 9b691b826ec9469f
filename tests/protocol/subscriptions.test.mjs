// Tokens, server-side subscriptions, refresh and cache recovery as a stock SDK sees them. Source: client-protocol 1.7 to
// 1.9, 1.12, 1.13, 2.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge, UnauthorizedError } = require('centrifuge');
const WebSocket = require('ws');

const API_KEY = 'subscriptions-api-key-0123456789';
const seconds = (n) => Math.floor(Date.now() / 1000) + n;
let server;
const clients = [];
before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', gateway: `  clients: { expired_grace: 1s }
  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
    .replace('plugins:\n', `    - { name: closed, history_size: 10, history_ttl: 1m, allow_recovery: true }
    - { name: own, allow_user_limited_channels: true }
    - name: latest
      history_size: 1
      history_ttl: 10m
      force_recovery: true
      force_recovery_mode: cache
      allow_subscribe_for_client: true
plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
`) }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
});

const api = (method, params) => server.api(API_KEY, method, params);
async function connected(claims, options = {}) {
  const client = new Centrifuge(server.ws, { websocket: WebSocket, token: token(claims), minReconnectDelay: 10, maxReconnectDelay: 50, ...options });
  clients.push(client);
  client.log = [];
  for (const event of ['subscribed', 'unsubscribed', 'publication', 'disconnected', 'connecting'])
    client.on(event, (ctx) => client.log.push({ event, ...ctx }));
  client.connect();
  await client.ready(5000);
  return client;
}
const first = (client, event, channel) => eventually(`${event} ${channel ?? ''}`, () => client.log.find((e) => e.event === event && (!channel || e.channel === channel)));

test('a private channel opens to its token, and to no other', async () => {
  const client = await connected({ sub: 'alice' });
  const subscribe = async (channel, claims) => {
    const sub = client.newSubscription(channel, { token: token(claims) });
    const over = new Promise((resolve) => { sub.on('subscribed', (ctx) => resolve(['in', ctx.data ?? null])); sub.on('unsubscribed', (ctx) => resolve(['out', ctx.code])); });
    sub.subscribe();
    const how = await over;
    client.removeSubscription(sub);
    return how;
  };
  assert.deepEqual(await subscribe('$closed:a', { sub: 'alice', channel: '$closed:a', data: { welcome: true } }), ['in', { welcome: true }]);
  assert.deepEqual(await subscribe('closed:b', { sub: 'alice', channel: 'closed:b' }), ['in', null]);
  const bad = client.newSubscription('$closed:c', { token: 'nonsense' });
  const out = new Promise((resolve) => bad.on('unsubscribed', (ctx) => resolve(ctx.code)));
  bad.subscribe();
  assert.equal(await out, 103);
});

test('a subscription token of another channel ends the connection: 3500', async () => {
  const client = await connected({ sub: 'bob' });
  client.newSubscription('$closed:mine', { token: token({ sub: 'bob', channel: '$closed:other' }) }).subscribe();
  assert.equal((await first(client, 'disconnected')).code, 3500);
});

test('a user-limited channel is for the users it names', async () => {
  const client = await connected({ sub: '42' });
  const mine = client.newSubscription('own:room#41,42');
  mine.subscribe();
  await mine.ready(5000);
  const other = client.newSubscription('own:room#41');
  const out = new Promise((resolve) => other.on('unsubscribed', (ctx) => resolve(ctx.code)));
  other.subscribe();
  assert.equal(await out, 103);
});

test('server-side subscriptions of a token come with the connection, and are recovered', async () => {
  const client = await connected({ sub: 'dave', channels: ['closed:dave'] });
  assert.ok(await first(client, 'subscribed', 'closed:dave'));
  await api('publish', { channel: 'closed:dave', data: 1 });
  assert.equal((await first(client, 'publication', 'closed:dave')).data, 1);
  client.disconnect();
  for (const data of [2, 3]) await api('publish', { channel: 'closed:dave', data });
  client.connect();
  await eventually('what was missed', () => client.log.filter((e) => e.event === 'publication').length === 3);
  assert.deepEqual(client.log.filter((e) => e.event === 'publication').map((e) => e.data), [1, 2, 3]);
  assert.equal(client.log.filter((e) => e.event === 'subscribed').at(-1).recovered, true);
});

test('the server subscribes and unsubscribes a user while connected', async () => {
  const [one, two] = [await connected({ sub: 'erin' }), await connected({ sub: 'erin' })];
  await api('subscribe', { user: 'erin', channel: 'closed:erin', data: { from: 'server' } });
  assert.deepEqual((await first(one, 'subscribed', 'closed:erin')).data, { from: 'server' });
  await first(two, 'subscribed', 'closed:erin');
  await api('publish', { channel: 'closed:erin', data: 'hello' });
  assert.equal((await first(one, 'publication')).data, 'hello');
  assert.equal((await first(two, 'publication')).data, 'hello');
  await api('unsubscribe', { user: 'erin', channel: 'closed:erin' });
  await first(one, 'unsubscribed', 'closed:erin');
  await first(two, 'unsubscribed', 'closed:erin');
});

test('a connection whose token ends is refreshed by its SDK and lives on', async () => {
  let asked = 0;
  const client = await connected({ sub: 'frank', exp: seconds(2) },
    { getToken: async () => { asked++; return token({ sub: 'frank', exp: seconds(600) }); } });
  await eventually('a refresh', () => asked === 1, 10000);
  assert.equal((await client.rpc('echo', 1)).data, 1);
  assert.equal(client.log.filter((e) => e.event === 'connecting').length, 1);
});

test('the back end refreshes a connection, or ends it', async () => {
  const client = await connected({ sub: 'grace' });
  await api('refresh', { user: 'grace', expire_at: seconds(3600) });
  assert.equal((await client.rpc('echo', 1)).data, 1);
  await api('refresh', { user: 'grace', expired: true });
  await eventually('closed with 3005', () => client.log.some((e) => e.event === 'connecting' && e.code === 3005));
});

test('a subscription whose token ends is refreshed, and without a new one it ends', async () => {
  const client = await connected({ sub: 'heidi' });
  let asked = 0;
  const kept = client.newSubscription('$closed:kept', { token: token({ sub: 'heidi', channel: '$closed:kept', exp: seconds(2) }),
    getToken: async () => { asked++; return token({ sub: 'heidi', channel: '$closed:kept', exp: seconds(600) }); } });
  const codes = [];
  kept.on('subscribing', (ctx) => codes.push(ctx.code));
  kept.subscribe();
  await kept.ready(5000);
  await eventually('a refresh', () => asked === 1, 10000);
  const lost = client.newSubscription('$closed:lost', { token: token({ sub: 'heidi', channel: '$closed:lost', exp: seconds(2) }),
    getToken: async () => { throw new UnauthorizedError('no more'); } });
  const out = new Promise((resolve) => lost.on('unsubscribed', (ctx) => resolve(ctx.code)));
  lost.subscribe();
  await out;
  assert.deepEqual(codes, [0], 'the one that was refreshed never left');
});

test('cache recovery brings the latest publication', async () => {
  await api('publish', { channel: 'latest:price', data: { price: 1 } });
  await api('publish', { channel: 'latest:price', data: { price: 2 } });
  const client = await connected({ sub: 'ivan' });
  const sub = client.newSubscription('latest:price');
  const got = [];
  sub.on('publication', (ctx) => got.push(ctx.data.price));
  sub.subscribe();
  await sub.ready(5000);
  client.disconnect();
  for (const price of [3, 4, 5]) await api('publish', { channel: 'latest:price', data: { price } });
  client.connect();
  await eventually('the latest', () => got.includes(5));
  assert.equal(got.includes(3) || got.includes(4), false);
});

test('a publication with a key or a version is taken once', async () => {
  const one = await api('publish', { channel: 'closed:once', data: 1, idempotency_key: 'k' });
  const again = await api('publish', { channel: 'closed:once', data: 1, idempotency_key: 'k' });
  assert.deepEqual(again, one);
  await api('publish', { channel: 'closed:once', data: 'new', version: 10 });
  await api('publish', { channel: 'closed:once', data: 'old', version: 9 });
  const { publications } = await api('history', { channel: 'closed:once', limit: 10 });
  assert.deepEqual(publications.map((p) => p.data), [1, 'new']);
});
