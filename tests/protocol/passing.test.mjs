// What passes is not told by a code that is final: a stock SDK comes back by itself, or stays. docs/protocol.md, "Codes".
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const API_KEY = 'passing-api-key-0123456789';
const now = () => Math.floor(Date.now() / 1000);
let server;
const clients = [];
before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'authenticates: false', gateway: `  clients: { channels: 2 }
  api: { keys: [{ name: test, key: "${API_KEY}" }], revoke_services: [token] }` })
    .replace('broker:\n', 'broker:\n  sessions_per_user: 2\n')
    .replace('plugins:\n', `    - { name: quiet, allow_subscribe_for_client: true }
    - { name: kept, history_size: 10, history_ttl: 1m, allow_recovery: true }
plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}" } }
`) }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
});

const api = (method, params) => server.api(API_KEY, method, params);
function sdk(options) {
  const client = new Centrifuge(server.ws, { websocket: WebSocket, minReconnectDelay: 10, maxReconnectDelay: 50, ...options });
  client.log = [];
  for (const event of ['connecting', 'disconnected', 'error', 'subscribed', 'unsubscribed', 'publication']) client.on(event, (ctx) => client.log.push({ event, ...ctx }));
  clients.push(client);
  client.connect();
  return client;
}
async function connected(claims, options = {}) {
  const client = sdk({ token: token(claims), ...options });
  await client.ready(5000);
  return client;
}
const codes = (client) => client.log.filter((e) => e.event === 'error').map((e) => e.error.code);

test('a stale token at a subscription refresh costs an error, not the subscription', async () => {
  const client = await connected({ sub: 'stale' });
  const sub = client.newSubscription('quiet:stale', {
    token: token({ sub: 'stale', channel: 'quiet:stale', exp: now() + 2 }),
    getToken: async () => token({ sub: 'stale', channel: 'quiet:stale', exp: now() - 5 }),
  });
  const errors = [];
  sub.on('error', (ctx) => errors.push([ctx.type, ctx.error.code]));
  sub.subscribe();
  await eventually('the refresh', () => errors.length > 0);
  assert.deepEqual(errors, [['refresh', 110]]);
  assert.equal(sub.state, 'subscribed');
  client.disconnect();
});

for (const [what, claims] of Object.entries({ connection: { sub: 'kept', client: 'an-earlier-one' }, user: { sub: 'an-earlier-one' } })) {
  test(`a subscription token of an earlier ${what} is asked for anew`, async () => {
    const client = await connected({ sub: 'kept' });
    const channel = `quiet:${what}`;
    const sub = client.newSubscription(channel, { token: token({ ...claims, channel }), getToken: async () => token({ sub: 'kept', channel }), minResubscribeDelay: 10, maxResubscribeDelay: 50 });
    sub.subscribe();
    await sub.ready(5000);
    assert.equal(client.state, 'connected');
    client.disconnect();
  });
}

test('tokens of before a revocation, and those without iat, are asked for anew', async () => {
  await api('invalidate_user_tokens', { user: 'revoked', issued_before: now() });
  for (const old of [{ sub: 'revoked', iat: now() - 100 }, { sub: 'revoked' }]) {
    const client = sdk({ token: token(old), getToken: async () => token({ sub: 'revoked', iat: now() }) });
    await client.ready(5000);
    assert.deepEqual(codes(client), [109]);
    client.disconnect();
  }
});

test('a subscription over the limit comes in when another is given up', async () => {
  const client = await connected({ sub: 'many' });
  const subs = [1, 2, 3].map((i) => client.newSubscription(`quiet:${i}`, { minResubscribeDelay: 10, maxResubscribeDelay: 50 }));
  const errors = [];
  subs[2].on('error', (ctx) => errors.push(ctx.error.code));
  subs.forEach((sub) => sub.subscribe());
  await eventually('refused', () => errors.length > 0);
  assert.equal(errors[0], 106);
  subs[0].unsubscribe();
  await subs[2].ready(5000);
  client.disconnect();
});

test('a connection over the limit of its user comes in when another ends', async () => {
  const first = await connected({ sub: 'busy' });
  await connected({ sub: 'busy' });
  const third = sdk({ token: token({ sub: 'busy' }) });
  await eventually('refused', () => codes(third).includes(106));
  first.disconnect();
  await third.ready(5000);
});

test('of two live clients of one device one is in, and the other comes in when it leaves', async () => {
  const one = await connected({ sub: 'twin' }, { data: { device: 'tab' } });
  const two = await connected({ sub: 'twin' }, { data: { device: 'tab' } });
  await eventually('one of them waits', () => [one, two].some((c) => codes(c).includes(111)), 30000);
  assert.ok([one, two].every((c) => c.state !== 'disconnected'));
  const holder = await eventually('the other is in', () => [one, two].find((c) => c.state === 'connected'));
  holder.disconnect();
  await (holder === one ? two : one).ready(30000);
});

test('a client whose old connections hang comes in each time it connects', async () => {
  const hanging = [];
  for (let i = 0; i < 8; ++i) {
    const client = new RawClient(server.port);
    assert.ok((await client.login(token({ sub: 'hung' }), { device: 'phone' })).connect, `connect ${i}`);
    client.socket.pause();
    hanging.push(client);
  }
  hanging.forEach((client) => client.end());
});

test('a connect that was long on its way does not end the newer connection of the device', async () => {
  const late = new RawClient(server.port), live = new RawClient(server.port);
  await late.upgrade();
  await live.upgrade();
  const connect = { id: 1, connect: { token: token({ sub: 'slow' }), data: { device: 'phone' } } };
  assert.ok((await live.send(connect).answer(1)).connect);
  late.send(connect);
  assert.equal(await late.closed(), 3011);
  assert.equal((await live.send({ id: 2, subscribe: { channel: 'quiet:slow' } }).answer(2)).error, undefined);
  live.end();
});

test('where the namespace has neither, a server-side subscription has no position', async () => {
  const client = new RawClient(server.port);
  await client.upgrade();
  const { connect } = await client.send({ id: 1, connect: { token: token({ sub: 'plain', channels: ['quiet:p', 'kept:p'] }) } }).answer(1);
  assert.deepEqual([connect.subs['quiet:p'].positioned, connect.subs['quiet:p'].recoverable], [undefined, undefined]);
  assert.deepEqual([connect.subs['kept:p'].positioned, connect.subs['kept:p'].recoverable], [true, true]);
  client.end();
});

test('a refresh of the info is seen in presence, and in what is published', async () => {
  const reader = await connected({ sub: 'reader' });
  const client = await connected({ sub: 'vain', info: { name: 'old' } });
  const [here, there] = [client, reader].map((c) => c.newSubscription('chat:vain'));
  const seen = [];
  there.on('leave', (ctx) => seen.push(ctx.info.connInfo));
  there.on('publication', (ctx) => seen.push(ctx.info.connInfo));
  here.subscribe();
  there.subscribe();
  await Promise.all([here.ready(5000), there.ready(5000)]);
  await api('refresh', { user: 'vain', info: { name: 'new' } });
  await eventually('presence tells it', async () => Object.values((await api('presence', { channel: 'chat:vain' })).presence).some((p) => p.conn_info?.name === 'new'));
  await here.publish(1);
  client.disconnect();
  await eventually('the leave', () => seen.length === 2);
  assert.deepEqual(seen, [{ name: 'new' }, { name: 'new' }]);
});

test('a refresh that is not needed any more is no fault', async () => {
  const client = await connected({ sub: 'put-off', exp: now() + 2 }, { getToken: async () => token({ sub: 'put-off' }) });
  const raw = new RawClient(server.port);
  await raw.upgrade();
  assert.ok((await raw.send({ id: 1, connect: { token: token({ sub: 'put-off', exp: now() + 100 }) } }).answer(1)).connect.expires);
  await api('refresh', { user: 'put-off' });
  assert.deepEqual((await raw.send({ id: 2, refresh: { token: token({ sub: 'put-off' }) } }).answer(2)).refresh, {});
  raw.end();
  client.disconnect();
});

test('the Python SDK', async () => {
  const here = (name) => fileURLToPath(new URL(name, import.meta.url));
  await api('invalidate_user_tokens', { user: 'py-revoked', issued_before: now() });
  const tokens = Object.fromEntries(['stale', 'many', 'busy', 'twin'].map((name) => [name, token({ sub: `py-${name}` })]));
  const channel = 'quiet:stale-py';
  Object.assign(tokens, {
    stale_sub: token({ sub: 'py-stale', channel, exp: now() + 4 }),
    stale_refresh: token({ sub: 'py-stale', channel, exp: now() - 5 }),
    revoked: token({ sub: 'py-revoked' }),
    revoked_next: token({ sub: 'py-revoked', iat: now() }),
  });
  const { code, out } = await new Promise((resolve) => {
    execFile(here('../replay/.venv/bin/python3'), [here('passing.py'), server.ws, JSON.stringify(tokens)], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, out: stdout + stderr }));
  });
  assert.equal(code, 0, out);
  assert.match(out, /ok/);
});
