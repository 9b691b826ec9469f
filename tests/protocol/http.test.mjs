// What stands between a client and the protocol, on raw sockets: requests as other HTTP software writes them, the end of a
// WebSocket, windows of compression, and how an event stream begins. Source: RFC 9112, 9110, 6455, 7692.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { RawClient, frame } from '../support/raw_client.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const WebSocket = require('ws');

let server;
before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', gateway: `  transports: { sse: true, uni_sse: true }
  allowed_hosts: ["chat.example.com"]
  websocket: { compression: true, compression_min_size: 16 }` })
    .replace('plugins:\n', `plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
`) }).start();
});
after(() => server?.close());

const ask = async (request) => {
  const client = new RawClient(server.port);
  const { status, text } = await client.http(request);
  client.end();
  return [status, text];
};
const statusOf = async (request) => (await ask(request))[0];

test('a target in absolute form is served, and its host is the one that counts', async () => {
  const get = (target, host) => statusOf(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(await get('http://chat.example.com/connection/websocket', 'chat.example.com'), 426);
  assert.equal(await get(`http://127.0.0.1:${server.port}/health`, 'ignored.example'), 200);
  assert.equal(await get('HTTP://chat.example.com?x=1', 'chat.example.com'), 404);
  assert.equal(await get('http://evil.example/connection/websocket', 'chat.example.com'), 421);
  assert.equal(await get('http://chat.example.com/connection/websocket', 'evil.example'), 426);
  assert.equal(await get('http:///health', 'chat.example.com'), 400);
  const client = new RawClient(server.port);
  client.raw = true;
  const { text } = await client.http('GET http://chat.example.com/connection/websocket?cf_protocol_version=v2 HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\n'
    + 'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 101 /);
  client.end();
});

test('empty lines before a request are skipped, also between two', async () => {
  assert.equal(await statusOf('\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'), 200);
  assert.equal(await statusOf('\r\n\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'), 200);
  const client = new RawClient(server.port);
  client.raw = true;
  client.write('POST /connection/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}\r\n');
  client.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await client.until(() => client.ended);
  assert.deepEqual([...client.received.toString('latin1').matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]), ['404', '200']);
});

test('a later minor version is answered as HTTP/1.1, another major one with 505', async () => {
  const [status, text] = await ask('GET /health HTTP/1.2\r\nHost: localhost\r\n\r\n');
  assert.equal(status, 200);
  assert.match(text, /^HTTP\/1\.1 200 .*Connection: keep-alive/s);
  for (const version of ['HTTP/2.0', 'HTTP/3.1', 'HTTP/0.9']) assert.equal(await statusOf(`GET /health ${version}\r\nHost: localhost\r\n\r\n`), 505, version);
});

test('a subprotocol is answered as it was offered, or not at all', async () => {
  const answered = async (offer) => {
    const client = new RawClient(server.port);
    const { status, text } = await client.upgrade({ headers: { 'Sec-WebSocket-Protocol': offer } });
    client.end();
    assert.equal(status, 101);
    return /Sec-WebSocket-Protocol: (.*)/.exec(text)?.[1].trim() ?? null;
  };
  assert.equal(await answered('centrifuge-json'), 'centrifuge-json');
  assert.equal(await answered('Centrifuge-Protobuf'), null);
  assert.equal(await answered('CENTRIFUGE-JSON, centrifuge-protobuf'), 'centrifuge-protobuf');
});

for (const serverMaxWindowBits of [9, 10, 11, 12, 15]) {
  test(`a client with a window of ${serverMaxWindowBits} bits reads what it is sent`, async () => {
    const socket = new WebSocket(server.ws, { perMessageDeflate: { serverMaxWindowBits } });
    await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
    assert.match(socket.extensions, /permessage-deflate/);
    const answers = new Map(), pushes = [];
    socket.on('message', (data) => data.toString().split('\n').forEach((line) => { const m = JSON.parse(line); m.id ? answers.set(m.id, m) : pushes.push(m); }));
    // Repeats farther apart than the smallest window.
    const text = Array.from({ length: 400 }, (_, i) => `${i * 7919}${i % 40 === 0 ? 'the same words again '.repeat(30) : ''}`).join(',');
    socket.send([{ id: 1, connect: { token: token({ sub: 'window' }) } }, { id: 2, rpc: { method: 'echo', data: text } },
      { id: 3, subscribe: { channel: 'plain:w' } }, { id: 4, publish: { channel: 'plain:w', data: text } }].map((c) => JSON.stringify(c)).join('\n'));
    await eventually('the publication', () => pushes.find((p) => p.push?.pub));
    assert.equal(answers.get(2).rpc.data, text);
    assert.equal(pushes.find((p) => p.push?.pub).push.pub.data, text);
    socket.close();
  });
}

test('a client that closes, sends no more and reads on gets every answer and the close frame', async () => {
  for (const bytes of [10, 60_000]) {   // the second: more than the kernel and half of our queue take
    const client = new RawClient(server.port);
    client.socket.destroy();
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    client.socket = socket;
    client.ended = false;
    let ended = false;
    socket.on('data', (data) => { client.received = Buffer.concat([client.received, data]); });
    socket.on('end', () => { ended = true; });
    await client.upgrade();
    client.raw = true;
    socket.pause();
    socket.write(frame(JSON.stringify({ id: 1, connect: { token: token({ sub: 'closer' }) } })));
    for (let i = 2; i <= 51; i++) socket.write(frame(JSON.stringify({ id: i, rpc: { method: 'echo', data: 'a'.repeat(bytes) } })));
    socket.end(frame(Buffer.from([0x03, 0xe8]), { opcode: 8 }));
    await new Promise((resolve) => socket.once('finish', resolve));
    socket.resume();
    await eventually('the end', () => ended);
    const all = client.received.toString('latin1');
    const ids = [...all.matchAll(/"id":(\d+)/g)].map((m) => Number(m[1]));
    assert.deepEqual(ids, Array.from({ length: 51 }, (_, i) => i + 1));
    assert.equal(client.received.subarray(-4).toString('hex'), '880203e8');
    socket.destroy();
  }
});

test('an event stream begins with a comment line', async () => {
  const client = new RawClient(server.port);
  client.raw = true;
  client.write(`GET /connection/uni_sse?cf_connect=${encodeURIComponent(JSON.stringify({ token: token({ sub: 'sse' }) }))} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await client.until(() => client.received.includes('data: '));
  assert.match(client.received.toString('latin1'), /\r\n\r\n2\r\n:\n\r\n[0-9a-f]+\r\ndata: \{/);
  client.end();
});
