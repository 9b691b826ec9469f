// Stock clients nobody here wrote, over every transport they have: directly, through nginx and through HAProxy.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { startHaproxy, startNginx } from './proxies.mjs';
import { runSuite, stepCount } from './suite.mjs';
import { login, publishTagged, startServer } from './setup.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge: JsonClient } = require('centrifuge');
const { Centrifuge: ProtobufClient } = require('centrifuge/build/protobuf');
const WebSocket = require('ws');
const EventSource = require('eventsource');

const ways = {};
let server;
before(async () => {
  server = await startServer();
  ways.direct = server;
  ways.nginx = await startNginx(server.port);
  ways.haproxy = await startHaproxy(server.port);
});
after(async () => {
  await ways.nginx?.close();
  await ways.haproxy?.close();
  await server?.close();
});

const endpoints = { websocket: '/connection/websocket', http_stream: '/connection/http_stream', sse: '/connection/sse' };
function clientOf(Client, base, transport) {
  const url = transport === 'websocket' ? base.replace(/^http/, 'ws') : base;
  return (token) => new Client([{ transport, endpoint: url + endpoints[transport] }], {
    token, websocket: WebSocket, eventsource: EventSource, fetch, readableStream: ReadableStream,
    emulationEndpoint: `${base}/emulation`, minReconnectDelay: 20, maxReconnectDelay: 200, timeout: 10000,
  });
}

let people = 0;
for (const way of ['direct', 'nginx', 'haproxy']) {
  for (const [encoding, Client] of [['json', JsonClient], ['protobuf', ProtobufClient]]) {
    for (const transport of Object.keys(endpoints)) {
      if (encoding === 'protobuf' && transport === 'sse') continue;  // SSE is text: the SDK has no Protobuf for it
      test(`centrifuge, ${encoding} over ${transport}, ${way}`, async () => {
        const [userA, userB] = [`interop-${++people}a`, `interop-${people}b`];
        const results = await runSuite({
          name: `${way}-${encoding}-${transport}`, make: clientOf(Client, ways[way].url, transport), binary: encoding === 'protobuf',
          userA, userB, tokenA: await login(server, userA), tokenB: await login(server, userB),
          publishTagged: (channel, pairs) => publishTagged(server, channel, pairs),
        });
        for (const { step, error } of results) assert.equal(error, null, `${step}: ${error}`);
        assert.equal(results.length, stepCount);
      });
    }
  }

  for (const [name, flags] of [['eventsource of npm', []], ["Node's own EventSource", ['--experimental-eventsource']]]) {
    test(`${name} gets the first event of an event stream, ${way}`, async () => {
      const token = await login(server, `events-${way}-${flags.length}`);
      const script = fileURLToPath(new URL('event_source.mjs', import.meta.url));
      const url = `${ways[way].url}/connection/uni_sse?cf_connect=${encodeURIComponent(JSON.stringify({ token }))}`;
      const output = await new Promise((resolve, reject) => {
        execFile(process.execPath, [...flags, script, '12', url], { timeout: 90000 }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
      });
      assert.deepEqual(JSON.parse(output), Array(12).fill('connect'));
    });
  }

  test(`python3-websockets, ${way}`, async () => {
    const token = await login(server, `python-${way}`);
    const script = fileURLToPath(new URL('python_client.py', import.meta.url));
    const url = `${ways[way].url.replace(/^http/, 'ws')}/connection/websocket`;
    const output = await new Promise((resolve, reject) => {
      execFile('/usr/bin/python3', [script, url, token, `chat:python-${way}`], { timeout: 60000 },
        (error, stdout, stderr) => (error ? reject(new Error(`${stdout}${stderr}`)) : resolve(stdout)));
    });
    assert.match(output, /ok/);
  });

  // One of the two SDKs is the peer: what `ws` publishes by hand, the SDK reads, and the other way round.
  test(`ws with either subprotocol and compression offered, ${way}`, async () => {
    const url = `${ways[way].url.replace(/^http/, 'ws')}/connection/websocket`;
    for (const [protocols, path] of [[[], ''], [['centrifuge-json'], ''], [['centrifuge-protobuf', 'centrifuge-json'], ''], [[], '?cf_protocol=json&cf_protocol_version=v2']]) {
      const socket = new WebSocket(url + path, protocols, { perMessageDeflate: true });
      await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
      const protobuf = protocols.includes('centrifuge-protobuf');
      assert.equal(socket.protocol, protocols[0] ?? '', 'subprotocol');
      const reply = new Promise((resolve) => socket.once('message', (data, isBinary) => resolve({ data, isBinary })));
      const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
      if (protobuf) {
        socket.send(Buffer.from([2, 0x08, 0x01]));  // a command with an id and no request: a bad request before connect
        assert.equal((await closed).code, 3501);
        continue;
      }
      const token = await login(server, `ws-${way}`);
      socket.send(JSON.stringify({ id: 1, connect: { token } }));
      const { data, isBinary } = await reply;
      assert.equal(isBinary, false);
      assert.ok(JSON.parse(data.toString().split('\n')[0]).connect.client);
      socket.close(1000);
      assert.equal((await closed).code, 1000);
    }
  });
}
