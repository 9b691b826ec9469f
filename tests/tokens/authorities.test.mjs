// Several authorities say who a client is: the plugins token, uaa and http_callback. The user 42 of each is a person of
// his own, and a configuration in which two of them were one is refused.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { BackEnd } from '../callbacks/back_end.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const SECRET = 'the-secret-of-the-back-end-0123456789';
const API_KEY = 'authorities-api-key-0123456789';
const PASSWORD = 'correct horse';
const base64url = (value) => Buffer.from(value).toString('base64url');
function token(claims) {
  const text = `${base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }))}.${base64url(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 600, ...claims }))}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

// `entries`: what each plugin's entry says of its users.
const withThree = ({ token: t = '', uaa: u = '', callback: c = '' }) => (o) => testConfig({ ...o, uaaEntry: u, gateway: `  api: { revoke_services: [uaa, token], keys: [{ name: test, key: "${API_KEY}" }] }` })
  .replace('plugins:\n', '    - { name: own, allow_user_limited_channels: true, allow_publish_for_subscriber: true }\nplugins:\n')
  .replace('  - { name: uaa,', `  - { name: token, instances: per_lane, ${t && `${t}, `}config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
  - { name: uaa,`)
  .concat(`  - { name: http_callback, instances: per_lane, ${c && `${c}, `}config: { backends: [{ name: main, endpoint: "${back.url}/lcg" }], connect: main, rpc: { namespaces: [{ name: back, backend: main }] } } }\n`);

let back, server;
const clients = [];
before(async () => {
  back = await new BackEnd({
    '/lcg': (body) => (body.method ? { result: { data: { user: body.user } } } : { result: { user: body.data?.user ?? '' } }),
  }).start();
  server = await new Server({ config: withThree({ uaa: 'user_prefix: u@', callback: 'user_prefix: shop@' }) }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  await back?.stop();
});

// A client that is connected, or why it is not.
async function connect(options) {
  const c = new Centrifuge(server.ws, { websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 100, ...options });
  clients.push(c);
  c.on('error', () => {});
  c.call = async (method, data) => (await c.rpc(method, data)).data;
  c.outcome = new Promise((resolve) => c.on('connected', () => resolve(c)).on('disconnected', (ctx) => resolve(ctx)));
  c.connect();
  return c.outcome;
}
const post = async (path, body) => (await fetch(`${server.url}${path}`, { method: 'POST', body: new URLSearchParams(body) })).json();
async function registered(username) {
  await post('/oauth/register', { username, password: PASSWORD });
  const tokens = await post('/oauth/token', { grant_type: 'password', username, password: PASSWORD });
  return connect({ token: tokens.access_token });
}
async function api(method, params) {
  const response = await fetch(`${server.url}/api/${method}`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify(params) });
  return response.json();
}
async function subscribed(c, channel) {
  const sub = c.newSubscription(channel);
  const result = new Promise((resolve) => sub.on('subscribed', () => resolve('in')).on('unsubscribed', (ctx) => resolve(ctx.code)));
  sub.subscribe();
  return result;
}

test('who registers the name of a back end\'s user is another person', async () => {
  const victim = await connect({ token: token({ sub: '42' }) });
  const { dialog } = await victim.call('dialog.create', { kind: 'group', title: 'secret' });
  await victim.call('message.send', { dialog, body: { text: 'secret' } });

  const stranger = await registered('42');

  await assert.rejects(stranger.call('dialog.pull', { dialog, from: 1, limit: 10 }), { code: 103 });
  assert.deepEqual((await stranger.call('dialog.list', {})).dialogs, []);
  await eventually('the victim has the dialog', async () => (await victim.call('dialog.list', {})).dialogs.length === 1);
});

test('neither is the one of whom the connect callback says so', async () => {
  await Promise.all([connect({ token: token({ sub: '43' }) }), registered('43'), connect({ data: { user: '43' } })]);

  const { result } = await api('user_status', { users: ['43', 'u@43', 'shop@43'] });

  assert.deepEqual(result.statuses.map((s) => [s.user, s.connected]), [['43', true], ['u@43', true], ['shop@43', true]]);
});

test('personal channels are told apart', async () => {
  const mine = await connect({ token: token({ sub: '44' }) });
  const other = await registered('44');

  assert.equal(await subscribed(mine, 'own:#44'), 'in');
  assert.equal(await subscribed(other, 'own:#u@44'), 'in');
  assert.equal(await subscribed(other, 'own:#44'), 103);
  assert.equal(await subscribed(mine, 'own:#u@44'), 103);
});

test('profiles are told apart', async () => {
  const mine = await connect({ token: token({ sub: '45' }) });
  const other = await registered('45');
  await mine.call('user.put', { name: 'Back End' });
  await other.call('user.put', { name: 'Stranger' });

  assert.equal((await other.call('user.get', { user: '45' })).name, 'Back End');
  assert.equal((await mine.call('user.get', { user: 'u@45' })).name, 'Stranger');
});

test('no authority names a user of another', async () => {
  for (const sub of ['u@42', 'shop@42', 'u@'])
    assert.equal((await connect({ token: token({ sub }) })).code, 3507, sub);
  for (const username of ['u@42', 'shop@42', '#42', 'a/b', 'u@'])
    assert.equal((await post('/oauth/register', { username, password: PASSWORD })).error, 'invalid_request', username);
  const odd = await connect({ data: { user: 'u@42' } });  // the back end's own user of that name
  assert.equal((await odd.rpc('back:who', {})).data.user, 'shop@u@42');
});

test('ids that mean something elsewhere stay the ids of one person', async () => {
  for (const sub of ['#42', 'a/b', '@7', 'a,b', 'own:#42', '42@u'])
    assert.ok(await connect({ token: token({ sub }) }) instanceof Centrifuge, sub);
  for (const sub of ['a\nb', 'a\u0000b', '\u007f'])
    assert.equal((await connect({ token: token({ sub }) })).code, 3507, JSON.stringify(sub));
});

test('a token refreshes its own user alone', async () => {
  let next = token({ sub: '46' });
  const c = await connect({ token: token({ sub: '46', exp: Math.floor(Date.now() / 1000) + 2 }), getToken: async () => next });
  next = (await post('/oauth/register', { username: '46', password: PASSWORD }), await post('/oauth/token', { grant_type: 'password', username: '46', password: PASSWORD })).access_token;
  const over = await new Promise((resolve) => c.on('disconnected', resolve));
  assert.equal(over.code, 3500);
});

test('the back end is told whole ids, by callbacks and by the server API', async () => {
  const c = await registered('47');
  assert.equal((await c.rpc('back:who', {})).data.user, 'u@47');

  const bad = await api('revoke', { user: 'u@no such name' });
  assert.equal(bad.error, undefined, 'the plugin without a prefix has all other ids');
  const gone = new Promise((resolve) => c.on('disconnected', resolve));
  assert.equal((await api('disconnect', { user: 'u@47' })).error, undefined);
  assert.equal((await gone).code, 3503);
});

test('lcgctl shows and takes whole ids', async () => {
  await registered('48');
  const { stdout } = await server.ctl('sessions', 'u@48');
  assert.match(stdout, /u@48/);
  assert.equal((await server.ctl('token', 'create', 'u@48')).code, 0);
  const refused = await server.ctl('token', 'create', '48');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /user ids of uaa begin with u@/);
});

const REFUSED = [
  ['two plugins without a prefix', { callback: 'authenticates: false' }, /lcg\.yaml:\d+:\d+: plugins\.2\.user_prefix: 'token' and 'uaa' could give two people the same user id/],
  ['the same prefix twice', { token: 'user_prefix: x@', uaa: 'user_prefix: x@', callback: 'authenticates: false' }, /plugins\.2\.user_prefix: 'token' and 'uaa'.*x@/],
  ['a callback beside', { token: 'user_prefix: x@' }, /plugins\.\d+\.user_prefix: 'uaa' and 'http_callback'/],
  ['a prefix without its end', { token: 'user_prefix: x', uaa: 'user_prefix: u@', callback: 'authenticates: false' }, /plugins\.1\.user_prefix: must be/],
  ['a prefix of a plugin that lets nobody in', { uaa: 'user_prefix: u@', callback: 'authenticates: false, user_prefix: y@' }, /plugins\.\d+\.user_prefix: 'http_callback' lets nobody in/],
];
for (const [name, entries, says] of REFUSED) {
  test(`refused by lcgctl check and at the start: ${name}`, async () => {
    const bad = new Server({ config: withThree(entries) });
    await assert.rejects(bad.start(), says);
    const checked = await server.ctl('check', bad.configPath);
    assert.equal(checked.code, 78);
    assert.match(checked.stderr, says);
    rmSync(bad.dir, { recursive: true, force: true });
  });
}

const TAKEN = [
  ['one plugin that lets people in', { token: 'authenticates: false', callback: 'authenticates: false' }],
  ['one without a prefix', { token: 'user_prefix: t@', callback: 'user_prefix: h@' }],
  ['all with one', { token: 'user_prefix: t@', uaa: 'user_prefix: u@', callback: 'user_prefix: tt@' }],
];
for (const [name, entries] of TAKEN) {
  test(`taken by lcgctl check: ${name}`, async () => {
    const path = join(server.dir, 'good.yaml');
    writeFileSync(path, withThree(entries)({ port: 8000, dir: server.dir }), { mode: 0o600 });
    assert.deepEqual([(await server.ctl('check', path)).code, (await server.ctl('check', path)).stderr], [0, '']);
  });
}
