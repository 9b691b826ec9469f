// A payload is never a reason to lose the connection, by no transport: what is wrong inside a field is refused alone (107),
// a connect's data is the application's, and the reply's data is the back end's.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { BackEnd } from '../callbacks/back_end.mjs';
import { SECRET, token } from '../protocol/jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const { Centrifuge: Protobuf } = require('centrifuge/build/protobuf');
const WebSocket = require('ws');
const EventSource = require('eventsource');

const API_KEY = 'payloads-api-key-0123456789';
const TRANSPORTS = '  transports: { http_stream: true, sse: true, uni_websocket: true, uni_http_stream: true, uni_sse: true }\n';
const API = `  api: { keys: [{ name: test, key: "${API_KEY}" }] }\n`;
const CUT = '{"text":"cut \\ud83d"}';
const WRONG = [CUT, '"\\ude00"', '{"\\udc00":1}', `${'['.repeat(70)}${']'.repeat(70)}`, '"a\tb"', '{"a":}', 'nul'];

let chat, plain, backend;                        // with the chat plugins; with tokens and callbacks alone
const asked = [], told = { data: {} };           // of connect
const clients = [];
before(async () => {
  backend = await new BackEnd({ '/connect': (q) => { asked.push(q); return { result: { user: 'somebody', ...told } }; } }).start();
  chat = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', gateway: TRANSPORTS + API })
    .replace('plugins:\n', `plugins:\n  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }\n`) }).start();
  plain = await new Server({ config: (o) => testConfig({ ...o, gateway: TRANSPORTS })
    .replace(/plugins:\n[\s\S]*/, `plugins:
  - { name: storage_rocksdb, instances: per_lane, config: { path: "${o.dir}/store" } }
  - name: http_callback
    instances: per_lane
    config: { backends: [{ name: connect, endpoint: "${backend.url}/connect" }], connect: connect }
`).replace(/.*provider: dialog.*\n/, '') }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await chat?.close();
  await plain?.close();
  await backend?.stop();
});

const commandsOf = (value) => [
  `"publish":{"channel":"plain:x","data":${value}}`, `"rpc":{"method":"echo","data":${value}}`,
  `"rpc":{"method":"message.send","data":{"dialog":"d","body":${value}}}`, `"subscribe":{"channel":"plain:${Math.random()}","data":${value}}`];

// One frame: a good command, a wrong one, a good one, for every wrong value; all three are answered.
async function checkCommands(send, answer) {
  let id = 10;
  for (const value of WRONG)
    for (const command of commandsOf(value)) {
      const first = ++id, wrong = ++id, last = ++id;
      await send(`{"id":${first},"rpc":{"method":"echo","data":1}}\n{"id":${wrong},${command}}\n{"id":${last},"rpc":{"method":"echo","data":2}}`);
      assert.equal((await answer(first)).rpc?.data, 1, command);
      const refused = await answer(wrong);
      assert.equal(refused.error?.code, 107, `${command}: ${JSON.stringify(refused)}`);
      assert.equal((await answer(last)).rpc?.data, 2, command);
    }
}

test('JSON over a WebSocket', async () => {
  const raw = new RawClient(chat.port);
  await raw.login(token({ sub: 'ann' }), { device: 'raw' });
  await checkCommands((text) => raw.send(text), (id) => raw.answer(id));
  assert.equal(raw.closeCode, null);
  raw.end();
});

// Reads an HTTP-streaming or SSE response; commands go by POST /emulation.
async function emulated(path, messagesOf) {
  const messages = [];
  const stop = await messagesOf(`${chat.url}${path}`, JSON.stringify({ id: 1, connect: { token: token({ sub: 'ann' }) } }), messages);
  const answer = (id) => eventually(`answer ${id}`, () => messages.find((m) => m.id === id));
  const { session, node } = (await answer(1)).connect;
  const send = async (data) => assert.equal((await fetch(`${chat.url}/emulation`, { method: 'POST', body: JSON.stringify({ session, node, data }) })).status, 204);
  await checkCommands(send, answer);
  assert.equal(messages.find((m) => m.push?.disconnect), undefined);
  stop();
}
test('JSON over HTTP-streaming', () => emulated('/connection/http_stream', async (url, body, messages) => {
  const stop = new AbortController();
  const response = await fetch(url, { method: 'POST', body, signal: stop.signal });
  (async () => {
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) if (end > 0) messages.push(JSON.parse(text.slice(0, end)));
    }
  })().catch(() => {});
  return () => stop.abort();
}));
test('JSON over SSE', () => emulated('/connection/sse', async (url, body, messages) => {
  const source = new EventSource(`${url}?cf_connect=${encodeURIComponent(body)}`);
  source.onmessage = (event) => event.data.split('\n').forEach((line) => messages.push(JSON.parse(line)));
  return () => source.close();
}));

test('Protobuf: bytes that are no text go through, or are refused by who wants JSON', async () => {
  const client = new Protobuf(chat.ws, { websocket: WebSocket, token: token({ sub: 'ann' }), data: new Uint8Array([255, 0, 128]) });
  clients.push(client);
  const ends = [];
  client.on('disconnected', (ctx) => ends.push(ctx));
  client.connect();
  await client.ready(5000);
  const bytes = new TextEncoder().encode(CUT);
  await client.publish('plain:bytes', bytes);
  await client.publish('plain:bytes', new Uint8Array([255]));
  const { dialog } = JSON.parse(new TextDecoder().decode((await client.rpc('dialog.create', new TextEncoder().encode('{"id":"pb"}'))).data));
  const send = new TextEncoder().encode(`{"dialog":"${dialog}","body":${CUT}}`);
  await assert.rejects(client.rpc('message.send', send), (e) => e.code === 107);
  await assert.rejects(client.publish(`dialog:${dialog}`, bytes), (e) => e.code === 107);
  const page = JSON.parse(new TextDecoder().decode((await client.rpc('dialog.history', new TextEncoder().encode('{"dialog":"pb"}'))).data));
  assert.equal(page.entries.length, 1, 'nothing of it is in the log');
  assert.deepEqual(ends, []);
});

test('bytes that one publishes end no JSON connection, but a subscription', async () => {
  const reader = new Centrifuge(chat.ws, { websocket: WebSocket, token: token({ sub: 'reader' }) });
  const writer = new Protobuf(chat.ws, { websocket: WebSocket, token: token({ sub: 'writer' }) });
  clients.push(reader, writer);
  reader.connect();
  writer.connect();
  const sub = reader.newSubscription('plain:mixed');
  const ended = new Promise((resolve) => sub.once('unsubscribed', resolve));
  sub.subscribe();
  await sub.ready(5000);
  await writer.ready(5000);
  await writer.publish('plain:mixed', new Uint8Array([255, 0, 128]));
  assert.deepEqual(await ended, { channel: 'plain:mixed', code: 2000, reason: 'inappropriate protocol' });
  assert.equal((await reader.rpc('echo', 'alive')).data, 'alive');
});

test('HTTP: one request, one command of a batch', async () => {
  const bearer = { Authorization: `Bearer ${token({ sub: 'ann' })}` };
  const rpc = await fetch(`${chat.url}/rpc/echo`, { method: 'POST', headers: bearer, body: CUT });
  assert.equal(rpc.status, 400);
  assert.match((await rpc.json()).error.message, /surrogate/);
  const api = async (path, body) => {
    const response = await fetch(`${chat.url}/api${path}`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body });
    return { status: response.status, text: await response.text() };
  };
  const publish = (data) => `{"channel":"plain:api","data":${data}}`;
  for (const value of WRONG) {
    const one = await api('/publish', publish(value));
    assert.equal(JSON.parse(one.text).error.code, 107, value);
    const { replies } = JSON.parse((await api('/batch', `{"commands":[{"publish":${publish(1)}},{"publish":${publish(value)}},{"publish":${publish(2)}}]}`)).text);
    assert.deepEqual(replies.map((r) => r.error?.code ?? 0), [0, 107, 0], value);
    const lines = (await api('', `{"id":1,"method":"publish","params":${publish(1)}}\n{"id":2,"method":"publish","params":${publish(value)}}\n{"id":3,"method":"publish","params":${publish(2)}}`)).text;
    assert.deepEqual(lines.trim().split('\n').map((l) => JSON.parse(l).error?.code ?? 0), [0, 107, 0], value);
  }
});

// What an application may have as its connect's data.
const DATA = ['"hi"', '[1,2]', '7', 'null', '{"device":5}', '{"device":{"os":"x"}}', '{"epoch":"abc"}', '{"device":"camera","epoch":3}', CUT];
for (const where of ['chat', 'plain'])
  test(`a connect's data is the application's: ${where}`, async () => {
    for (const data of DATA) {
      const raw = new RawClient((where === 'chat' ? chat : plain).port);
      await raw.upgrade();
      raw.send(`{"id":1,"connect":{${where === 'chat' ? `"token":"${token({ sub: 'ann' })}",` : ''}"data":${data}}}`);
      const answer = await raw.answer(1);
      assert.ok(answer.connect, `${data}: ${JSON.stringify(answer)}`);
      raw.end();
    }
  });

test('the back end sees it as it is written, and bytes as bytes', async () => {
  const raw = new RawClient(plain.port);
  await raw.upgrade();
  asked.length = 0;
  raw.send('{"id":1,"connect":{"data":{"device":"camera", "n":1.50}}}');
  await raw.answer(1);
  assert.deepEqual(asked[0].data, { device: 'camera', n: 1.5 });
  raw.end();
  const client = new Protobuf(plain.ws, { websocket: WebSocket, data: new Uint8Array([255, 0, 128]) });
  clients.push(client);
  client.connect();
  await client.ready(5000);
  assert.equal(asked[1].b64data, '/wCA');
});

test('where no chat is configured the reply has exactly what the back end says', async () => {
  for (const data of ['hi', [1, 2], 7, { device: 'camera', epoch: 'stone age' }, { a: { b: [] } }]) {
    told.data = data;
    const raw = new RawClient(plain.port);
    const answer = await raw.upgrade().then(() => { raw.send('{"id":1,"connect":{"data":{"device":"phone","epoch":1}}}'); return raw.answer(1); });
    assert.deepEqual(answer.connect.data, data);
    raw.end();
  }
  delete told.data;
  const raw = new RawClient(plain.port);
  await raw.upgrade();
  raw.send('{"id":1,"connect":{"data":{"device":"phone"}}}');
  assert.equal('data' in (await raw.answer(1)).connect, false);
  raw.end();
});

test('and what it says in bytes comes to a Protobuf client as bytes', async () => {
  told.b64data = Buffer.from([255, 0, 128]).toString('base64');
  const client = new Protobuf(plain.ws, { websocket: WebSocket });
  clients.push(client);
  const connected = new Promise((resolve) => client.once('connected', resolve));
  client.connect();
  assert.deepEqual([...(await connected).data], [255, 0, 128]);
  delete told.b64data;
});

test('the older form names a device where the chat is, and is answered in data', async () => {
  const raw = new RawClient(chat.port);
  const answer = await raw.login(token({ sub: 'old' }), { device: 'phone' });
  assert.deepEqual(answer.connect.data, { device: 'phone', epoch: 1 });
  raw.end();
});

test('3501 is for what is no frame', async () => {
  for (const text of ['{"id":2,"rpc":{"data":"a}}', '{"id":2,"rpc":{"data":[1}}', 'x', '{"id":2,"fly":{}}']) {
    const raw = new RawClient(chat.port);
    await raw.login(token({ sub: 'ann' }), {});
    raw.send(text);
    assert.equal(await raw.closed(), 3501, text);
  }
});
