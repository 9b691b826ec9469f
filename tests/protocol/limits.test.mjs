// Whoever keeps each documented limit is served: the limits that share a frame, multiplied with each other, over every
// transport and with the stock SDK; and what is over a limit of a command gets an answer, not a close. Source:
// docs/protocol.md, "Limits", and docs/chat.md, "Sending".
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { RawClient, frame } from '../support/raw_client.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge: JsonClient } = require('centrifuge');
const { Centrifuge: ProtobufClient } = require('centrifuge/build/protobuf');
const WebSocket = require('ws');
const EventSource = require('eventsource');

const TOKEN_BYTES = 8192, NAME_BYTES = 255, BODY_BYTES = 64 * 1024;
const MANY = 2000;   // gateway.clients.channels of the server
const API_KEY = 'limits-api-key-0123456789';
let server;
const clients = [];
before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', gateway: `  clients: { channels: ${MANY} }
  transports: { http_stream: true, sse: true, uni_sse: true }
  websocket: { compression: true }
  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
    .replace('plugins:\n', `    - { name: closed }
    - { name: kept, history_size: 100, history_ttl: 10m, force_recovery: true, allow_subscribe_for_client: true, recovery_bytes: 4MiB }
plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
`) }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
});

// A token of so many bytes, or up to two fewer: base64 has its steps. No two are alike, as signatures are not: a batch of
// tokens does not compress as a bomb does.
function tokenOf(claims, bytes) {
  const padding = randomBytes(bytes).toString('base64url');
  const room = Math.floor((bytes - token({ ...claims, pad: '' }).length) * 3 / 4);
  for (let pad = room + 2; ; pad--) {
    const made = token({ ...claims, pad: padding.slice(0, pad) });
    if (made.length <= bytes) return assert.ok(made.length > bytes - 3), made;
  }
}
const nameOf = (i, bytes) => `$closed:${String(i).padStart(bytes - 8, 'n')}`;

function clientOf(Client, transport, user, options = {}) {
  const endpoint = transport === 'websocket' ? server.ws : `${server.url}/connection/${transport}`;
  const client = new Client([{ transport, endpoint }], {
    token: token({ sub: user }), websocket: WebSocket, eventsource: EventSource, fetch, readableStream: ReadableStream,
    emulationEndpoint: `${server.url}/emulation`, minReconnectDelay: 20, maxReconnectDelay: 200, timeout: 60000, ...options,
  });
  clients.push(client);
  client.lost = [];
  for (const event of ['disconnected', 'connecting']) client.on(event, (ctx) => client.lost.push(`${event} ${ctx.code}`));
  return client;
}

// The SDK connects with all its subscriptions made: connect and subscribe commands leave in one frame.
for (const [what, Client, transport, count, bytes, name] of [
  ['2,000 channels', JsonClient, 'websocket', MANY, 0, 20],
  ['2,000 channels, Protobuf', ProtobufClient, 'websocket', MANY, 0, 20],
  ['2,000 channels over HTTP', JsonClient, 'http_stream', MANY, 0, 20],
  ['600 channels with the longest names', JsonClient, 'websocket', 600, 0, NAME_BYTES],
  ['120 channels with tokens of 620 bytes', JsonClient, 'websocket', 120, 620, 40],
  ['128 channels with the longest names and tokens', JsonClient, 'websocket', 128, TOKEN_BYTES, NAME_BYTES],
  ['the same, Protobuf', ProtobufClient, 'websocket', 128, TOKEN_BYTES, NAME_BYTES],
  ['the same over HTTP', JsonClient, 'http_stream', 128, TOKEN_BYTES, NAME_BYTES],
  ['the same over SSE', JsonClient, 'sse', 128, TOKEN_BYTES, NAME_BYTES],
  ['2,000 with tokens of 1,000 bytes', JsonClient, 'websocket', MANY, 1000, NAME_BYTES],
]) {
  test(`an SDK's first batch is served: ${what}`, { timeout: 100000 }, async () => {
    const user = `batch-${clients.length}`;
    const client = clientOf(Client, transport, user);
    const refused = [];
    let subscribed = 0;
    for (let i = 0; i < count; ++i) {
      const channel = bytes === 0 ? `plain:${String(i).padStart(name - 6, 'n')}` : nameOf(i, name);
      const sub = client.newSubscription(channel, bytes === 0 ? {} : { token: tokenOf({ sub: user, channel }, bytes) });
      sub.on('subscribed', () => ++subscribed);
      sub.on('error', (ctx) => refused.push(ctx.error));
      sub.on('unsubscribed', (ctx) => refused.push(ctx));
      sub.subscribe();
    }
    client.connect();
    await eventually('all are subscribed', () => subscribed === count || refused.length || client.lost.length > 1, 90000);
    assert.deepEqual([subscribed, refused, client.lost], [count, [], ['connecting 0']]);
    client.disconnect();
  });
}

test('a connect, all subscriptions and a message of the largest size share a frame, compressed or not', { timeout: 60000 }, async () => {
  for (const perMessageDeflate of [false, true]) {
    const socket = new WebSocket(server.ws, { perMessageDeflate });
    clients.push({ disconnect: () => socket.close() });
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    const lines = [{ id: 1, connect: { token: tokenOf({ sub: 'one-frame' }, TOKEN_BYTES), data: 'd'.repeat(BODY_BYTES - 100) } }];
    for (let i = 0; i < 128; ++i) lines.push({ id: lines.length + 1, subscribe: { channel: nameOf(i, NAME_BYTES), token: tokenOf({ sub: 'one-frame', channel: nameOf(i, NAME_BYTES) }, TOKEN_BYTES), recover: true, epoch: 'some-epoch', offset: 2 ** 40 } });
    lines.push({ id: lines.length + 1, publish: { channel: 'plain:a', data: 'd'.repeat(BODY_BYTES - 2) } });
    const answers = new Map();
    let code = null;
    socket.on('message', (data) => data.toString().split('\n').forEach((line) => { const m = JSON.parse(line); if (m.id) answers.set(m.id, m); }));
    socket.on('close', (how) => { code = how; });
    socket.send(lines.map((l) => JSON.stringify(l)).join('\n'), { compress: true });
    await eventually('all are answered', () => code !== null || answers.size === lines.length, 50000);
    assert.equal(code, null);
    assert.deepEqual([...answers.values()].filter((m) => m.error), []);
    socket.close();
  }
});

async function chatter(Client, transport = 'websocket') {
  const user = `chat-${clients.length}`;
  const client = clientOf(Client, transport, user);
  client.encode = Client === ProtobufClient ? (text) => new TextEncoder().encode(text) : (text) => JSON.parse(text);
  client.connect();
  await client.ready(20000);
  client.dialog = `d-${user}`;
  await client.rpc('dialog.create', client.encode(JSON.stringify({ id: client.dialog })));
  return client;
}
const refusal = (call) => call.then(() => null, (error) => [error.code, error.message]);
const bodies = {   // JSON texts of so many bytes
  plain: (bytes) => `"${'x'.repeat(bytes - 2)}"`,
  escaped: (bytes) => `"${'\\u0001'.repeat(Math.floor((bytes - 2) / 6)).padEnd(bytes - 2, 'x')}"`,
  quotes: (bytes) => `"${'\\"'.repeat(Math.floor((bytes - 2) / 2)).padEnd(bytes - 2, 'x')}"`,
};

for (const [encoding, Client, transport] of [['JSON', JsonClient, 'websocket'], ['Protobuf', ProtobufClient, 'websocket'], ['JSON over HTTP', JsonClient, 'http_stream']]) {
  test(`a body of 64 KiB is sent and a larger one answered with 1009, ${encoding}`, { timeout: 60000 }, async () => {
    const client = await chatter(Client, transport);
    const raw = (text) => (Client === ProtobufClient ? new TextEncoder().encode(text) : JSON.parse(text));
    const send = (body) => client.rpc('message.send', raw(`{"dialog":"${client.dialog}","body":${body}}`));
    const publish = (body) => client.publish(`dialog:${client.dialog}`, raw(body));
    for (const make of Object.values(bodies)) {
      // The SDK's own JSON writes the control character as it came: the bytes are the same on both sides.
      assert.equal(await refusal(send(make(BODY_BYTES))), null);
      assert.equal(await refusal(publish(make(BODY_BYTES))), null);
    }
    for (const bytes of [BODY_BYTES + 1, BODY_BYTES * 2, 500_000]) {
      assert.deepEqual(await refusal(send(bodies.plain(bytes))), [1009, `max_bytes:${BODY_BYTES}`]);
      assert.deepEqual(await refusal(publish(bodies.plain(bytes))), [1009, `max_bytes:${BODY_BYTES}`]);
    }
    assert.equal(await refusal(send('"still here"')), null);
    assert.deepEqual(client.lost, ['connecting 0']);
  });
}

test('the same over POST /rpc', async () => {
  const post = async (method, body) => {
    const response = await fetch(`${server.url}/rpc/${method}`, { method: 'POST', headers: { Authorization: `Bearer ${token({ sub: 'poster' })}` }, body });
    return [response.status, (await response.json()).error?.code ?? null];
  };
  assert.deepEqual(await post('dialog.create', '{"id":"posted"}'), [200, null]);
  for (const make of Object.values(bodies)) assert.deepEqual(await post('message.send', `{"dialog":"posted","body":${make(BODY_BYTES)}}`), [200, null]);
  for (const bytes of [BODY_BYTES + 1, 500_000]) assert.deepEqual(await post('message.send', `{"dialog":"posted","body":${bodies.plain(bytes)}}`), [400, 1009]);
});

test('a publication over message_size is refused alone, with the number', async () => {
  const client = clientOf(JsonClient, 'websocket', 'publisher');
  client.connect();
  await client.ready(20000);
  // Compressed messages may inflate to ten times message_size, and so may a publication where compression is on.
  assert.equal(await refusal(client.publish('plain:a', 'x'.repeat(600_000))), null);
  const [code, message] = await refusal(client.publish('plain:a', 'x'.repeat(700_000)));
  assert.equal(code, 107);
  assert.match(message, /over 655360 bytes \(gateway\.websocket\.message_size\)/);
  assert.deepEqual(client.lost, ['connecting 0']);
});

test('a message may come in as many fragments as it has bytes', async () => {
  const client = new RawClient(server.port);
  await client.upgrade();
  const text = JSON.stringify({ id: 1, connect: { token: token({ sub: 'fragments' }), data: 'd'.repeat(70_000) } });
  const pieces = [];
  for (let at = 0; at < text.length; at += 64) pieces.push(frame(text.slice(at, at + 64), { opcode: at === 0 ? 1 : 0, fin: at + 64 >= text.length }));
  client.write(Buffer.concat(pieces));
  assert.ok((await client.answer(1)).connect);
  const small = JSON.stringify({ id: 2, rpc: { method: 'echo', data: 'e'.repeat(2000) } });
  client.write(Buffer.concat([...small].map((c, i) => frame(c, { opcode: i === 0 ? 1 : 0, fin: i === small.length - 1 }))));
  assert.ok((await client.answer(2)).rpc);
  client.end();
});

test('a token of the largest size fits into the URL of an event stream', async () => {
  const pushes = [];
  const connect = JSON.stringify({ token: tokenOf({ sub: 'in-the-url' }, TOKEN_BYTES), subs: { 'plain:a': {} } });
  const source = new EventSource(`${server.url}/connection/uni_sse?cf_connect=${encodeURIComponent(connect)}`);
  source.onmessage = (event) => pushes.push(JSON.parse(event.data));
  await eventually('the connect push', () => pushes.find((p) => p.connect));
  source.close();
});

// What was missed while away, told by the SDK.
async function missed(channel, publish, { count, user = 'away' }) {
  const client = clientOf(JsonClient, 'websocket', user);
  const sub = client.newSubscription(channel);
  const contexts = [];
  let got = 0;
  sub.on('subscribed', (ctx) => contexts.push(ctx));
  sub.on('publication', () => ++got);
  sub.subscribe();
  client.connect();
  await eventually('subscribed', () => contexts.length === 1);
  client.disconnect();
  for (let i = 0; i < count; ++i) await publish(i);
  client.connect();
  await eventually('subscribed again', () => contexts.length === 2);
  client.disconnect();
  return [contexts[1].recovered, got];
}

test('recovery_bytes of a namespace is what one recovery gives', { timeout: 60000 }, async () => {
  const publish = (channel) => (i) => fetch(`${server.url}/api/publish`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify({ channel, data: String(i).padEnd(60_000, '.') }) });
  assert.deepEqual(await missed('kept:a', publish('kept:a'), { count: 30 }), [true, 30]);
  assert.deepEqual(await missed('chat:a', publish('chat:a'), { count: 30 }), [false, 0]);   // 1 MiB
});

test('a thousand entries of a dialog are recovered', { timeout: 90000 }, async () => {
  const writer = await chatter(JsonClient);
  await writer.rpc('dialog.add', { dialog: writer.dialog, users: ['reader'] });
  const channel = `dialog:${writer.dialog}`;
  const batch = (from) => Promise.all(Array.from({ length: 50 }, (_, i) => writer.publish(channel, { n: from + i })));
  assert.deepEqual(await missed(channel, (i) => batch(i * 50), { count: 20, user: 'reader' }), [true, 1000]);
});
