// Every error and disconnect code of the protocol reaches a stock SDK, and it reacts as the protocol says: it comes back,
// or it stops. First every code as told by the back end or the operator, then those that the server finds by itself.
// Source: client-protocol 1.7, 1.8, 1.10, 1.11.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { BackEnd } from '../callbacks/back_end.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const API_KEY = 'codes-api-key-0123456789';
const ERRORS = { 100: true, 101: false, 102: false, 103: false, 104: false, 105: false, 106: false, 107: false, 108: false, 109: false, 110: true, 111: true, 112: false, 113: true };
const DISCONNECTS = [3001, 3004, 3005, 3006, 3008, 3009, 3010, 3011, 3012, 3013, 3014, 3500, 3501, 3502, 3503, 3504, 3505, 3506, 3507, 3508, 3509];
const comesBack = (code) => !((code >= 3500 && code < 4000) || (code >= 4500 && code < 5000));

let server, backend;
const clients = [];
const told = { connect: null, subscribe: null, rpc: null };  // what the back end answers next
before(async () => {
  backend = await new BackEnd({
    '/connect': (q) => told.connect ?? { result: { user: q.data?.user ?? 'somebody' } },
    '/subscribe': () => told.subscribe ?? { result: {} },
    '/rpc': (q) => (q.method === 'back:error' ? { error: { code: q.data.code, message: 'told so', temporary: ERRORS[q.data.code] } } : { result: { data: q.data } }),
  }).start();
  server = await new Server({ config }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  await backend?.stop();
});

function config(options) {
  return testConfig({ ...options, uaaEntry: 'authenticates: false', gateway: `  ping: { interval: 1s, pong_timeout: 400ms }
  clients: { stale_timeout: 1s, expired_grace: 0s, channels: 4 }
  api: { keys: [{ name: codes, key: "${API_KEY}" }] }` })
    .replace('plugins:\n', `    - { name: asked, subscribe_proxy_enabled: true, subscribe_proxy_name: subscribe }
    - { name: quiet, allow_subscribe_for_client: true }
    - { name: kept, allow_subscribe_for_client: true, history_size: 2, history_ttl: 10m, allow_recovery: true, force_positioning: true, allow_history_for_client: true }
    - { name: open, allow_subscribe_for_client: true, allow_publish_for_client: true, publication_data_format: binary }
plugins:
  - name: token
    instances: per_lane
    config: { hmac_secret_key: "${SECRET}", defer_unknown: true }
  - name: http_callback
    user_prefix: back@
    instances: per_lane
    config:
      backends:
        - { name: connect, endpoint: "${backend.url}/connect" }
        - { name: subscribe, endpoint: "${backend.url}/subscribe" }
        - { name: rpc, endpoint: "${backend.url}/rpc" }
      connect: connect
      rpc: { namespaces: [{ name: back, backend: rpc }] }
`);
}

const api = (method, params) => server.api(API_KEY, method, params);

function sdk(options) {
  const client = new Centrifuge(server.ws, { websocket: WebSocket, minReconnectDelay: 10, maxReconnectDelay: 50, timeout: 3000, ...options });
  clients.push(client);
  return client;
}
async function connected(claims = {}, options = {}) {
  const client = sdk({ token: token({ sub: 'alice', ...claims }), ...options });
  client.connect();
  await client.ready(5000);
  return client;
}
// What the SDK makes of the end of its connection: {code, state: 'connecting' | 'disconnected'}.
const nextEnd = (client) => new Promise((resolve) => {
  client.once('connecting', (ctx) => resolve({ code: ctx.code, state: 'connecting' }));
  client.once('disconnected', (ctx) => resolve({ code: ctx.code, state: 'disconnected' }));
});

for (const code of DISCONNECTS) {
  test(`disconnect ${code}: the SDK ${comesBack(code) ? 'comes back' : 'stops'}`, async () => {
    const user = `user-${code}`;
    const client = await connected({ sub: user });
    const end = nextEnd(client);
    await api('disconnect', { user, disconnect: { code, reason: 'told so' } });
    assert.deepEqual(await end, { code, state: comesBack(code) ? 'connecting' : 'disconnected' });
    if (comesBack(code)) await client.ready(5000);
    client.disconnect();
  });
}

for (const [text, temporary] of Object.entries(ERRORS)) {
  const code = Number(text);
  test(`error ${code} of a command is told with its code and flag`, async () => {
    const client = await connected({ sub: `rpc-${code}` });
    await assert.rejects(client.rpc('back:error', { code }), (e) => e.code === code && Boolean(e.temporary) === temporary);
    client.disconnect();
  });

  test(`error ${code} of a subscribe: the SDK ${temporary ? 'tries again' : 'stays unsubscribed'}`, async () => {
    const client = await connected({ sub: `sub-${code}` });
    const sub = client.newSubscription(`asked:${code}`, { minResubscribeDelay: 10, maxResubscribeDelay: 50 });
    const errors = [];
    sub.on('error', (ctx) => errors.push(ctx.error.code));
    const unsubscribed = new Promise((resolve) => sub.on('unsubscribed', (ctx) => resolve(ctx.code)));
    told.subscribe = { error: { code, message: 'told so', temporary } };
    sub.subscribe();
    if (temporary) {
      await eventually('it was refused', () => errors.includes(code));
      told.subscribe = null;
      await sub.ready(5000);
    } else {
      assert.equal(await unsubscribed, code === 109 ? 1 : code);  // 109 asks for a token, and this one has none to get
      told.subscribe = null;
    }
    client.disconnect();
  });

  const again = temporary || code === 109;
  test(`error ${code} of a connect: the SDK ${again ? 'tries again' : 'stops'}`, async () => {
    const client = sdk({ data: { user: `con-${code}` } });
    const errors = [];
    client.on('error', (ctx) => errors.push(ctx.error.code));
    const stopped = new Promise((resolve) => client.on('disconnected', (ctx) => resolve(ctx.code)));
    told.connect = { error: { code, message: 'told so', temporary } };
    client.connect();
    if (again) {
      await eventually('it was refused', () => errors.length > 0);
      told.connect = null;
      if (code !== 109) await client.ready(5000);  // 109 asks for a token, and this one has none to get
    } else {
      assert.equal(await stopped, code);
      told.connect = null;
    }
    client.disconnect();
  });
}

// ---- what the server finds by itself

test('102, 103, 105, 106, 107, 108, 112 of subscribe, publish, presence and history', async () => {
  const client = new RawClient(server.port);
  await client.upgrade();
  let id = 0;
  const ask = (command) => client.send({ id: ++id, ...command }).answer(id);
  await ask({ connect: { token: token({ sub: 'raw' }) } });
  const code = async (command) => (await ask(command)).error?.code;
  assert.equal(await code({ subscribe: { channel: 'nowhere:1' } }), 102);
  assert.equal(await code({ subscribe: { channel: '$quiet:1' } }), 103);
  assert.equal(await code({ publish: { channel: 'quiet:1', data: 1 } }), 103);
  assert.equal(await code({ subscribe: { channel: 'quiet:1' } }), undefined);
  assert.equal(await code({ subscribe: { channel: 'quiet:1' } }), 105);
  assert.equal(await code({ subscribe: { channel: `quiet:${'x'.repeat(300)}` } }), 107);
  assert.equal(await code({ subscribe: { channel: 'quiet:map', type: 1 } }), 108);
  assert.equal(await code({ subscribe: { channel: 'quiet:poll', type: 4 } }), 108);
  assert.equal(await code({ presence: { channel: 'quiet:1' } }), 108);
  assert.equal(await code({ history: { channel: 'quiet:1', limit: 1 } }), 108);
  assert.equal(await code({ history: { channel: 'kept:1', limit: 1, since: { offset: 1, epoch: 'other' } } }), 112);
  assert.equal(await code({ subscribe: { channel: 'kept:9', recover: true, offset: 5, epoch: 'other', recoverable: true, flag: 2 } }), 112);
  for (let i = 2; i <= 4; i++) assert.equal(await code({ subscribe: { channel: `quiet:${i}` } }), undefined);
  assert.equal(await code({ subscribe: { channel: 'quiet:5' } }), 106);
  assert.equal(await code({ rpc: { method: 'no.such.method' } }), 104);
  client.end();
});

test('109 of an expired token of a connect: the SDK asks for a new one', async () => {
  let asked = 0;
  const client = sdk({
    token: token({ sub: 'late', exp: 1000 }),
    getToken: async () => { asked++; return token({ sub: 'late' }); },
  });
  client.connect();
  await client.ready(5000);
  assert.equal(asked, 1);
  client.disconnect();
});

test('109 of an expired token of a subscription: the SDK asks for a new one', async () => {
  const client = await connected({ sub: 'late-sub' });
  let asked = 0;
  const sub = client.newSubscription('$quiet:late', {
    token: token({ sub: 'late-sub', channel: '$quiet:late', exp: 1000 }), minResubscribeDelay: 10, maxResubscribeDelay: 50,
    getToken: async () => { asked++; return token({ sub: 'late-sub', channel: '$quiet:late' }); },
  });
  sub.subscribe();
  await sub.ready(5000);
  assert.equal(asked, 1);
  client.disconnect();
});

test('111: more commands at once than a connection may send', async () => {
  const client = await connected({ sub: 'eager' }, { timeout: 60000 });  // however slow the machine is
  const all = await Promise.allSettled(Array.from({ length: 1500 }, () => client.rpc('back:echo', 1)));
  const refused = all.filter((r) => r.status === 'rejected');
  assert.ok(refused.length > 0);
  assert.ok(refused.every((r) => r.reason.code === 111 || r.reason.code === 2), JSON.stringify(refused[0].reason));
  client.disconnect();
});

test('3500: a forged token stops the SDK', async () => {
  const client = sdk({ token: token({ sub: 'forged' }, 'another-secret-0123456789abcdef0123') });
  const end = new Promise((resolve) => client.on('disconnected', (ctx) => resolve(ctx.code)));
  client.connect();
  assert.equal(await end, 3500);
});

test('3501, 3000, 3508: what a client of no SDK does', async () => {
  const close = async (...frames) => {
    const client = new RawClient(server.port);
    await client.upgrade();
    frames.forEach((f) => client.send(f));
    const code = await client.closed();
    client.end();
    return code;
  };
  const connect = { id: 1, connect: { token: token({ sub: 'raw2' }) } };
  assert.equal(await close('no json'), 3501);
  assert.equal(await close({ id: 1, subscribe: { channel: 'quiet:1' } }), 3501);
  assert.equal(await close(connect, { id: 2, connect: {} }), 3501);
  assert.equal(await close(connect, { id: 2, subscribe: { channel: '' } }), 3501);
  assert.equal(await close(connect, { send: { data: 1 } }), 3508);
  assert.equal(await close(), 3000);
});

test('3012: a client that does not answer pings', async () => {
  const client = new RawClient(server.port);
  await client.upgrade();
  client.send({ id: 1, connect: { token: token({ sub: 'mute' }) } });
  assert.equal(await client.closed(), 3012);
  client.end();
});

test('3005: credentials that end and are not renewed', async () => {
  const client = new RawClient(server.port);
  await client.upgrade();
  const now = Math.floor(Date.now() / 1000);
  client.send({ id: 1, connect: { token: token({ sub: 'brief', exp: now + 2 }) } });
  const answer = await client.answer(1);
  assert.equal(answer.connect.expires, true);
  let answered = 0;
  await client.until(() => {
    for (const pings = client.messages.filter((m) => Object.keys(m).length === 0).length; answered < pings; answered++) client.send('{}');
    return client.closeCode !== null;
  });
  assert.equal(client.closeCode, 3005);
  client.end();
});

test('unsubscribed by the server: 2000, and the SDK stays out', async () => {
  const client = await connected({ sub: 'thrown-out' });
  const sub = client.newSubscription('quiet:out');
  sub.subscribe();
  await sub.ready(5000);
  const out = new Promise((resolve) => sub.once('unsubscribed', (ctx) => resolve(ctx.code)));
  await api('unsubscribe', { user: 'thrown-out', channel: 'quiet:out' });
  assert.equal(await out, 2000);
  client.disconnect();
});

test('3001: a server that stops tells its clients to go elsewhere', async () => {
  const client = await connected({ sub: 'last' });
  const end = nextEnd(client);
  const stopping = server.stop();
  assert.deepEqual(await end, { code: 3001, state: 'connecting' });
  client.disconnect();
  assert.equal((await stopping).code, 0);
  await server.start();
});
