// The transports that stock SDKs do not reach, or not alone: unidirectional streams, /emulation between lanes, CORS,
// compression, the tooling mode. Source: client-protocol 1.1, 1.14.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');
const EventSource = require('eventsource');

const API_KEY = 'transports-api-key-0123456789', ORIGIN = 'https://chat.example.com';
let server;
before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', lanes: 4, gateway: `  ping: { interval: 1s, pong_timeout: 500ms }
  allowed_origins: ["${ORIGIN}"]
  transports: { http_stream: true, sse: true, uni_websocket: true, uni_http_stream: true, uni_sse: true }
  websocket: { compression: true }
  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
    .replace('plugins:\n', `    - { name: news, allow_subscribe_for_client: true, history_size: 10, history_ttl: 1m, force_recovery: true }
plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
`) }).start();
});
after(() => server?.close());

async function api(method, params) {
  const response = await fetch(`${server.url}/api/${method}`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify(params) });
  const answer = await response.json();
  assert.equal(answer.error, undefined, `${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}
const connectRequest = (user, channel) => JSON.stringify({ token: token({ sub: user }), subs: { [channel]: {} } });

// What a unidirectional client sees: connect, a publication, pings, and the disconnect that ends it.
async function checkUnidirectional(pushes, user, channel, { pings = true } = {}) {
  await eventually('the connect push', () => pushes.find((p) => p.connect));
  assert.equal(pushes.indexOf(pushes.find((p) => p.connect)), 0, 'connect is the first push');
  assert.ok(pushes[0].connect.client);
  assert.ok(pushes[0].connect.subs[channel], 'subscribed');
  await api('publish', { channel, data: { hello: user } });
  const push = await eventually('the publication', () => pushes.find((p) => p.pub));
  assert.equal(push.channel, channel);
  assert.deepEqual(push.pub.data, { hello: user });
  if (pings) await eventually('a ping', () => pushes.some((p) => Object.keys(p).length === 0));
  await api('disconnect', { user, disconnect: { code: 4500, reason: 'enough' } });
}

test('unidirectional SSE', async () => {
  const pushes = [];
  const source = new EventSource(`${server.url}/connection/uni_sse?cf_connect=${encodeURIComponent(connectRequest('uni-sse', 'news:sse'))}`);
  source.onmessage = (event) => pushes.push(JSON.parse(event.data));
  await checkUnidirectional(pushes, 'uni-sse', 'news:sse');
  const end = await eventually('the disconnect push', () => pushes.find((p) => p.disconnect));
  assert.equal(end.disconnect.code, 4500);
  source.close();
});

test('unidirectional HTTP-streaming', async () => {
  const response = await fetch(`${server.url}/connection/uni_http_stream`, { method: 'POST', body: connectRequest('uni-http', 'news:http') });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  const pushes = [];
  const read = (async () => {
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) if (end > 0) pushes.push(JSON.parse(text.slice(0, end)));
    }
  })();
  await checkUnidirectional(pushes, 'uni-http', 'news:http');
  await read;  // the stream ends with the disconnect
  assert.equal(pushes.at(-1).disconnect.code, 4500);
});

test('unidirectional WebSocket: pinged by the WebSocket layer, closed by a close frame', async () => {
  const socket = new WebSocket(`${server.ws.replace('websocket', 'uni_websocket')}`);
  const pushes = [];
  let pings = 0;
  socket.on('message', (data) => data.toString().split('\n').forEach((line) => pushes.push(JSON.parse(line))));
  socket.on('ping', () => pings++);
  const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(connectRequest('uni-ws', 'news:ws'));
  await eventually('a ping frame', () => pings > 0);
  await checkUnidirectional(pushes, 'uni-ws', 'news:ws', { pings: false });
  assert.equal(await closed, 4500);
});

test('a unidirectional client whose token is bad is told so and closed', async () => {
  const socket = new WebSocket(`${server.ws.replace('websocket', 'uni_websocket')}`);
  const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ token: 'no token' }));
  assert.equal(await closed, 3500);
});

test('/emulation finds the session on whatever lane the request arrives', async () => {
  const clients = [];
  for (let i = 0; i < 12; i++) {  // 4 lanes: sessions and requests are spread over them by the kernel
    const client = new Centrifuge([{ transport: 'http_stream', endpoint: `${server.url}/connection/http_stream` }],
      { token: token({ sub: `emulated-${i}` }), fetch, readableStream: ReadableStream, emulationEndpoint: `${server.url}/emulation` });
    client.connect();
    await client.ready(10000);
    clients.push(client);
  }
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(clients.map((c, i) => c.rpc('echo', { i, round })));
    assert.deepEqual(answers.map((a) => a.data), clients.map((_, i) => ({ i, round })));
  }
  clients.forEach((c) => c.disconnect());
});

test('/emulation refuses what is wrong', async () => {
  const emulate = async (body, options = {}) => (await fetch(`${server.url}/emulation`, { method: 'POST', body, ...options })).status;
  const connect = await fetch(`${server.url}/connection/http_stream`, { method: 'POST', body: JSON.stringify({ id: 1, connect: { token: token({ sub: 'e' }) } }) });
  const reader = connect.body.getReader();
  const { session, node } = JSON.parse(new TextDecoder().decode((await reader.read()).value).split('\n')[0]).connect;
  assert.ok(session.length >= 22 && node.length > 0);
  assert.equal(await emulate(JSON.stringify({ session, node, data: '{"id":2,"rpc":{"method":"echo","data":1}}' })), 204);
  assert.equal(await emulate(JSON.stringify({ session: 'guessed', node, data: '{}' })), 204);
  assert.equal(await emulate(JSON.stringify({ session, node: 'nowhere', data: '{}' })), 404);
  assert.equal(await emulate('no json'), 400);
  assert.equal(await emulate(JSON.stringify({ session, node, data: 'x'.repeat(3 << 20) })), 413);
  assert.equal((await fetch(`${server.url}/emulation`)).status, 405);
  await reader.cancel();
});

test('CORS: an allowed origin is reflected with credentials, another is refused', async () => {
  for (const path of ['/connection/http_stream', '/connection/sse', '/emulation']) {
    const ask = (origin) => fetch(server.url + path, { method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' } });
    const good = await ask(ORIGIN);
    assert.equal(good.status, 204, path);
    assert.equal(good.headers.get('access-control-allow-origin'), ORIGIN);
    assert.equal(good.headers.get('access-control-allow-credentials'), 'true');
    assert.match(good.headers.get('access-control-allow-methods'), /POST/);
    assert.equal((await ask('https://evil.example.com')).headers.get('access-control-allow-origin'), null, path);
  }
  const evil = await fetch(`${server.url}/connection/http_stream`, { method: 'POST', headers: { Origin: 'https://evil.example.com' }, body: '{}' });
  assert.equal(evil.status, 403);
});

test('/connection/init answers {}', async () => {
  assert.equal(await (await fetch(`${server.url}/connection/init`)).text(), '{}');
});

test('compression: negotiated, both ways, and a long publication is smaller on the wire', async () => {
  const size = async (perMessageDeflate) => {
    const socket = new WebSocket(server.ws, { perMessageDeflate });
    await new Promise((resolve) => socket.once('open', resolve));
    assert.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate);
    const messages = [];
    socket.on('message', (data) => data.toString().split('\n').forEach((line) => messages.push(JSON.parse(line))));
    socket.send(JSON.stringify({ id: 1, connect: { token: token({ sub: `z-${perMessageDeflate}` }) } }));
    socket.send(JSON.stringify({ id: 2, subscribe: { channel: 'news:z' } }), { compress: true });
    await eventually('subscribed', () => messages.some((m) => m.id === 2));
    const before = socket._socket.bytesRead;
    const data = { text: 'the same words again and again, '.repeat(500) };
    await api('publish', { channel: 'news:z', data });
    const got = await eventually('the publication', () => messages.find((m) => m.push?.pub));
    assert.deepEqual(got.push.pub.data, data);
    const bytes = socket._socket.bytesRead - before;
    socket.send(JSON.stringify({ id: 3, rpc: { method: 'echo', data } }), { compress: true });
    assert.deepEqual((await eventually('the echo', () => messages.find((m) => m.id === 3))).rpc.data, data);
    socket.close();
    return bytes;
  };
  const [plain, packed] = [await size(false), await size(true)];
  assert.ok(packed * 10 < plain, `${packed} of ${plain} bytes`);
});

test('tooling mode: pings of the WebSocket layer in place of the protocol', async () => {
  const socket = new WebSocket(`${server.ws}?cf_ws_frame_ping_pong=true`);
  let pings = 0;
  socket.on('ping', () => pings++);
  const messages = [];
  socket.on('message', (data) => data.toString().split('\n').forEach((line) => messages.push(JSON.parse(line))));
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ id: 1, connect: { token: token({ sub: 'tool' }) } }));
  await eventually('a ping frame', () => pings >= 2);
  const { connect } = messages.find((m) => m.id === 1);
  assert.equal(connect.ping, undefined);
  assert.equal(connect.pong, undefined);
  assert.ok(messages.every((m) => Object.keys(m).length > 0), 'no ping of the protocol');
  socket.close();
});
