// Tokens of a foreign back end against the real server: signed by node's crypto, published by a real HTTP server, used by
// the stock SDK. Source: client-protocol 1.7, 1.12, 1.13.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const ISSUER = 'https://back.example';
const SECRET = 'the-secret-of-the-back-end-0123456789';
const API_KEY = 'tokens-api-key-0123456789';
const now = () => Math.floor(Date.now() / 1000);

// --- the back end ----------------------------------------------------------------------------------
const base64url = (value) => Buffer.from(value).toString('base64url');
function token(header, claims, signer) {
  const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify({ iss: ISSUER, iat: now(), exp: now() + 600, ...claims }))}`;
  return `${text}.${base64url(signer(text))}`;
}
const hs256 = (claims, secret = SECRET) => token({ alg: 'HS256', typ: 'JWT' }, claims, (text) => createHmac('sha256', secret).update(text).digest());

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rs256 = (claims) => token({ alg: 'RS256' }, claims, (text) => createSign('sha256').update(text).sign(rsa.privateKey));
function ecKey(kid) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
    token: (claims) => token({ alg: 'ES256', kid }, claims, (text) => sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
}
function edKey(kid) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid },
    token: (claims) => token({ alg: 'EdDSA', kid }, claims, (text) => sign(null, Buffer.from(text), privateKey)),
  };
}

const first = ecKey('first'), second = edKey('second'), nobody = ecKey('nobody');
let published = [first.jwk], requests = 0;
const keys = createServer((_, response) => {
  ++requests;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ keys: published }));
});

// --- the server and its clients ----------------------------------------------------------------------
let server;
const clients = [];
before(async () => {
  await new Promise((resolve) => keys.listen(0, '127.0.0.1', resolve));
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).replace(/\n/g, '\\n');
  server = await new Server({
    config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', gateway: `  api: { revoke_services: [token], keys: [{ name: test, key: "${API_KEY}" }] }` })
      .replace('plugins:\n', '    - { name: closed }\nplugins:\n')
      .replace('  - { name: uaa,', `  - name: token
    instances: per_lane
    config:
      hmac_secret_key: "${SECRET}"
      rsa_public_key: "${pem}"
      issuer: ${ISSUER}
      defer_unknown: true
      jwks: { url: "http://127.0.0.1:${keys.address().port}/", min_interval: 1s }
  - { name: uaa,`),
  }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  keys.close();
});

function client(options) {
  const c = new Centrifuge(server.ws, { websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 200, ...options });
  c.log = [];
  for (const event of ['connected', 'disconnected', 'connecting']) c.on(event, (ctx) => c.log.push({ event, ...ctx }));
  c.on('error', () => {});
  clients.push(c);
  c.connect();
  return c;
}
const seen = (c, event, code) => eventually(`${event} ${code ?? ''} of ${JSON.stringify(c.log)}`, () => c.log.find((e) => e.event === event && (code === undefined || e.code === code)));
const connected = (c) => seen(c, 'connected');
const api = (method, params) => server.api(API_KEY, method, params);

// --- connections ---------------------------------------------------------------------------------------
for (const [name, make] of [['HS256', hs256], ['RS256', rs256], ['a published ES256 key', first.token]]) {
  test(`a token of ${name} connects`, async () => {
    await connected(client({ token: make({ sub: 'ann' }) }));
  });
}

test('the claims channels subscribe', async () => {
  const c = client({ token: hs256({ sub: 'ann', channels: ['closed:a'] }) });
  const channels = [];
  c.on('subscribed', (ctx) => channels.push(ctx.channel));
  await connected(c);
  await eventually('closed:a', () => channels.includes('closed:a'));
});

test('a key that is published later is found by its first token', async () => {
  published = [first.jwk, second.jwk];
  await connected(client({ getToken: async () => second.token({ sub: 'ann' }) }));
});

test('a flood of unknown kids makes a request a second at most', async () => {
  const before = requests, since = Date.now();
  await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const socket = new WebSocket(server.ws);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const over = new Promise((resolve) => socket.once('message', resolve).once('close', resolve));
    socket.send(JSON.stringify({ id: 1, connect: { token: ecKey(`unknown-${i}`).token({ sub: 'eve' }) } }));
    await over;
    socket.terminate();
  }));
  assert.ok(requests - before <= 1 + Math.ceil((Date.now() - since) / 1000), `${requests - before} requests`);
});

test('forged, foreign and unsigned tokens stop the client', async () => {
  for (const bad of [hs256({ sub: 'ann' }, 'another-secret-of-somebody-0123456789'), token({ alg: 'none' }, { sub: 'ann' }, () => ''), hs256({ sub: 'ann', channel: 'closed:a' })])
    await seen(client({ token: bad }), 'disconnected', 3500);
});

test('an expired token makes the SDK fetch another', async () => {
  let calls = 0;
  const c = client({ token: hs256({ sub: 'ann', exp: now() - 1 }), getToken: async () => { ++calls; return hs256({ sub: 'ann' }); } });
  await connected(c);
  assert.equal(calls, 1);
});

test('the tokens of uaa work beside', async () => {
  const post = (path, body) => fetch(`${server.url}${path}`, { method: 'POST', body: new URLSearchParams(body) });
  await post('/oauth/register', { username: 'bob', password: 'correct horse' });
  const tokens = await (await post('/oauth/token', { grant_type: 'password', username: 'bob', password: 'correct horse' })).json();
  await connected(client({ token: tokens.access_token }));
});

// --- subscriptions ---------------------------------------------------------------------------------------
async function subscribe(options, channel = 'closed:a') {
  const c = client({ token: hs256({ sub: 'ann' }) });
  await connected(c);
  const sub = c.newSubscription(channel, typeof options === 'function' ? { getToken: async () => options(c) } : options);
  const result = new Promise((resolve) => sub.on('subscribed', (ctx) => resolve({ ...ctx, sub, client: c })).on('unsubscribed', (ctx) => resolve({ ...ctx, sub, client: c })));
  c.on('disconnected', (ctx) => sub.emit('unsubscribed', ctx));
  sub.on('error', () => {});
  sub.subscribe();
  return result;
}

test('a subscription token opens a closed channel and carries its data', async () => {
  const result = await subscribe({ token: hs256({ sub: 'ann', channel: 'closed:a', data: { d: 1 } }) });
  assert.deepEqual(result.data, { d: 1 });
});

test('without a token it stays closed', async () => {
  assert.equal((await subscribe({})).code, 103);
});

test('a token of another channel closes for good', async () => {
  assert.equal((await subscribe({ token: hs256({ sub: 'ann', channel: 'closed:b' }) })).code, 3500);
});

test('a bad subscription token is denied', async () => {
  assert.equal((await subscribe({ token: nobody.token({ sub: 'ann', iss: 'https://other.example', channel: 'closed:a' }) })).code, 103);
});

// --- revocations -------------------------------------------------------------------------------------------
test('a revoked token is refused and its session is closed', async () => {
  const revoked = hs256({ sub: 'ann', jti: 'stolen' });
  const c = client({ token: revoked });
  await connected(c);

  await api('revoke_token', { uid: 'stolen' });

  await seen(c, 'disconnected', 3500);
  await seen(client({ token: revoked }), 'disconnected', 3500);
});

test('a user whose tokens are revoked comes back with a new one', async () => {
  const old = hs256({ sub: 'carl', iat: now() - 10 });
  const c = client({ token: old, getToken: async () => hs256({ sub: 'carl' }) });
  await connected(c);

  await api('invalidate_user_tokens', { user: 'carl' });

  await seen(c, 'connecting', 3014);
  await eventually('a second connection', () => c.log.filter((e) => e.event === 'connected').length === 2);
  const again = client({ token: old, getToken: async () => hs256({ sub: 'carl' }) });
  await connected(again);
});

test('a revoked subscription token ends the subscription', async () => {
  let made = 0;
  const result = await subscribe(() => hs256({ sub: 'ann', channel: 'closed:a', jti: `sub-${++made}` }));
  const codes = [];
  result.sub.on('subscribing', (ctx) => codes.push(ctx.code));

  await api('revoke_token', { uid: 'sub-1', channel: 'closed:a' });

  await eventually('subscribing anew', () => codes.includes(2502));
  await eventually('with a new token', () => result.sub.state === 'subscribed' && made === 2);
});

test('a revocation outlives kill -9', async () => {
  const revoked = hs256({ sub: 'dora', jti: 'before-the-crash' });
  await api('revoke_token', { uid: 'before-the-crash' });
  await server.kill9();
  await server.start();
  await seen(client({ token: revoked }), 'disconnected', 3500);
});

test('no token is in the log', () => {
  assert.ok(!server.logText().includes('eyJ'));
});
