// A back end that stalls, lies, redirects, answers 10 MB, dies and comes back: the server takes no harm, clients are told
// error 100, and everything works again afterwards. Source: reliability A2 (SSRF via callbacks), client-protocol 3.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { BackEnd, nasty } from './back_end.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

let server, back, trap, keys, secure, secure2;
const clients = [];
const answers = { '/connect': (body) => ({ result: { user: body.data?.user ?? 'someone' } }), '/rpc': () => ({ result: { data: 'fine' } }) };
const bomb = gzipSync(Buffer.alloc(64 << 20), { level: 9 });  // 64 KiB that would be 64 MiB

function certificates(dir) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const ca = (name) => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  ca('ca');
  for (const name of ['server', 'client']) {
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:back.test',
      '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', `${name}.pem`);
  }
}
const listening = (s) => new Promise((resolve) => s.listen(0, '127.0.0.1', () => resolve(s.address().port)));

before(async () => {
  keys = mkdtempSync(join(tmpdir(), 'lcg-keys-'));
  certificates(keys);
  const read = (name) => readFileSync(join(keys, name));
  const answer = (request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify({ result: { data: { version: request.httpVersion, name: request.socket.getPeerCertificate?.()?.subject?.CN ?? null } } })));
  };
  const options = { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: true };
  secure2 = createSecureServer({ ...options, allowHTTP1: false }, answer);
  secure = createTlsServer(options, answer);
  const ports = [await listening(secure2), await listening(secure)];
  trap = await new BackEnd().start();
  back = await new BackEnd(answers).start();
  const tls = `ca: "${keys}/ca.pem"`, mine = `cert: "${keys}/client.pem", key: "${keys}/client.key"`;
  server = await new Server({
    config: (o) => testConfig({ ...o, uaaEntry: 'authenticates: false' }).concat(`  - name: http_callback
    instances: per_lane
    config:
      backends:
        - { name: connect, endpoint: "${back.url}/connect", timeout: 400ms, breaker: { failures: 0 } }
        - { name: rpc, endpoint: "${back.url}/rpc", timeout: 400ms, breaker: { failures: 0 } }
        - { name: broken, endpoint: "${back.url}/rpc", timeout: 400ms, breaker: { failures: 3, open_for: 300ms } }
        - { name: metadata, endpoint: "http://169.254.169.254/latest/" }
        - { name: self, endpoint: "http://127.0.0.1:${o.port}/health" }
        - { name: denied, endpoint: "${trap.url}/denied" }
        - { name: h2, endpoint: "https://127.0.0.1:${ports[0]}/", tls: { ${tls}, ${mine}, server_name: back.test } }
        - { name: h1, endpoint: "https://127.0.0.1:${ports[1]}/", tls: { ${tls}, ${mine}, server_name: back.test } }
        - { name: noname, endpoint: "https://127.0.0.1:${ports[1]}/", tls: { ${tls}, ${mine} } }
        - { name: noca, endpoint: "https://127.0.0.1:${ports[1]}/", tls: { ${mine}, server_name: back.test } }
        - { name: nocert, endpoint: "https://127.0.0.1:${ports[1]}/", tls: { ${tls}, server_name: back.test } }
      addresses: { deny: ["127.0.0.1:${trap.port}"] }
      connect: connect
      rpc:
        without_namespace: rpc
        namespaces: [${['broken', 'metadata', 'self', 'denied', 'h2', 'h1', 'noname', 'noca', 'nocert'].map((n) => `{ name: ${n}, backend: ${n} }`)}]
`),
  }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  await back?.stop();
  await trap?.stop();
  for (const s of [secure, secure2]) s?.close();
  secure?.closeAllConnections();
  if (keys) rmSync(keys, { recursive: true });
});

async function connected(options = {}) {
  const c = new Centrifuge(server.ws, { websocket: WebSocket, data: { user: 'ann' }, minReconnectDelay: 20, maxReconnectDelay: 50, ...options });
  clients.push(c);
  c.connect();
  await c.ready(10000);
  return c;
}
const memoryKb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
const temporary = (e) => e.code === 100 && e.temporary === true;

const cases = {
  ...Object.fromEntries(Object.entries(nasty).filter(([name]) => name !== 'status')),
  gzipBomb: (body, request, response) => { response.writeHead(200, { 'Content-Encoding': 'gzip' }); response.end(bomb); },
  wrongTypes: () => ({ result: [] }),
  wrongError: () => ({ error: { code: 'seven' } }),
  status204: nasty.status(204), status201: nasty.status(201), status500: nasty.status(500),
};
for (const [name, answer] of Object.entries(cases)) {
  test(`${name}: error 100, and the next answer counts`, async () => {
    const c = await connected();
    answers['/rpc'] = answer;
    await assert.rejects(c.rpc('x', {}), temporary);
    answers['/rpc'] = () => ({ result: { data: 'fine' } });
    assert.equal((await c.rpc('x', {})).data, 'fine');
  });
  test(`${name} at connect: nobody is let in, and the client comes in later`, async () => {
    const asked = back.of('/connect').length;
    answers['/connect'] = answer;
    const c = new Centrifuge(server.ws, { websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 50 });
    clients.push(c);
    const errors = [];
    c.on('error', (ctx) => errors.push(ctx));
    c.connect();
    await eventually('refused', () => errors.length > 0);
    assert.ok(back.of('/connect').length > asked);
    assert.notEqual(c.state, 'connected');
    answers['/connect'] = () => ({ result: { user: 'ann' } });
    await c.ready(10000);
  });
}

for (const code of [301, 302, 303, 307, 308]) {
  test(`a redirect with ${code} is not followed`, async () => {
    const c = await connected();
    for (const target of [`${trap.url}/trap`, 'http://169.254.169.254/latest/meta-data/', 'file:///etc/passwd']) {
      answers['/rpc'] = nasty.status(code, { Location: target });
      await assert.rejects(c.rpc('x', {}), temporary);
    }
    answers['/rpc'] = () => ({ result: { data: 'fine' } });
    assert.equal(trap.connections, 0);
  });
}

test('huge answers and bombs leave nothing in memory', async () => {
  const c = await connected();
  for (const answer of [nasty.tenMegabytes, nasty.tenMegabytesChunked, cases.gzipBomb]) {
    answers['/rpc'] = answer;
    await assert.rejects(c.rpc('x', {}), temporary);
    const before = memoryKb();
    for (let i = 0; i < 20; i++) await assert.rejects(c.rpc('x', {}), temporary);
    assert.ok(memoryKb() - before < 20_000, `${memoryKb() - before} KiB more`);
  }
  answers['/rpc'] = () => ({ result: { data: 'fine' } });
});

test('a stalling back end holds up nobody else', async () => {
  const [a, b] = [await connected(), await connected()];
  answers['/rpc'] = (body) => (body.data.stall ? undefined : { result: { data: 'fine' } });
  const stalled = assert.rejects(a.rpc('x', { stall: 1 }), temporary);
  assert.equal((await b.rpc('x', {})).data, 'fine');
  await stalled;
});

test('an rpc whose connection dies is not sent again', async () => {
  const c = await connected();
  answers['/rpc'] = () => ({ result: { data: 'fine' } });
  await c.rpc('warm', {});
  const before = back.of('/rpc').length;
  answers['/rpc'] = nasty.resets;
  await assert.rejects(c.rpc('once', {}), temporary);
  assert.equal(back.of('/rpc').slice(before).filter((a) => a.body.method === 'once').length, 1);
  answers['/rpc'] = () => ({ result: { data: 'fine' } });
});

test('a back end that went away and came back is used again', async () => {
  const c = await connected();
  assert.equal((await c.rpc('x', {})).data, 'fine');
  await back.stop();
  await assert.rejects(c.rpc('x', {}), temporary);
  await back.start();
  assert.equal((await c.rpc('x', {})).data, 'fine');
});

test('the circuit breaker spares a broken back end and notices when it is well', async () => {
  const c = await connected();
  answers['/rpc'] = nasty.status(503);
  // Each lane counts for itself; the client stays on one.
  for (let i = 0; i < 3; i++) await assert.rejects(c.rpc('broken:x', {}), temporary);
  const before = back.of('/rpc').length;
  for (let i = 0; i < 5; i++) await assert.rejects(c.rpc('broken:x', {}), temporary);
  assert.ok(back.of('/rpc').length <= before + 1);
  answers['/rpc'] = () => ({ result: { data: 'well' } });
  await eventually('closed again', () => c.rpc('broken:x', {}).then((a) => a.data === 'well', () => false));
});

test('metadata, listeners of the server and denied addresses are not called', async () => {
  const c = await connected();
  for (const [name, why] of [['metadata', '169.254.169.254:80 is not allowed'], ['self', 'a listener of this server'], ['denied', `127.0.0.1:${trap.port} is not allowed`]]) {
    await assert.rejects(c.rpc(`${name}:x`, {}), temporary);
    await eventually(`the log says why: ${why}`, () => server.logText().includes(why));
  }
  assert.equal(trap.connections, 0);
});

test('TLS: HTTP/2 and HTTP/1.1, a client certificate, a name that is not the address', async () => {
  const c = await connected();
  assert.deepEqual((await c.rpc('h2:x', {})).data, { version: '2.0', name: 'client' });
  assert.deepEqual((await c.rpc('h1:x', {})).data, { version: '1.1', name: 'client' });
});

test('TLS: a wrong name, an unknown authority and a missing certificate are refused', async () => {
  const c = await connected();
  for (const name of ['noname', 'noca', 'nocert']) await assert.rejects(c.rpc(`${name}:x`, {}), temporary);
});

test('what clients and back ends sent is in no log', () => {
  assert.doesNotMatch(server.logText(), /mallory|xxxxxxxx/);
});
