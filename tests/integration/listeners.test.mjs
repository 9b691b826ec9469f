// Listeners of every kind on the real server: TLS with its reload, PROXY protocol, and the internal one.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, eventually, freePort, testConfig } from '../support/server.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const API_KEY = 'listeners-api-key-0123456789';
const ports = {};
let server, dir;

function makeCertificate(name) {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
    '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`,
    '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'certificate.pem')], { stdio: 'ignore' });
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lcg-listeners-'));
  makeCertificate('first.example');
  for (const name of ['tls', 'proxied', 'internal']) ports[name] = await freePort();
  server = await new Server({
    config: (options) => testConfig({
      ...options, gateway: `  tls: { certificates: [{ certificate: "${dir}/certificate.pem", key: "${dir}/key.pem" }] }
  proxies: { trusted: ["127.0.0.0/8"] }
  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
      .replace(/listen: \[(.*)\]/, `listen: [$1, { address: "127.0.0.1:${ports.tls}", tls: true },
           { address: "127.0.0.1:${ports.proxied}", proxy_protocol: true },
           { address: "127.0.0.1:${ports.internal}", internal: true }]`),
  }).start();
});
after(async () => {
  await server?.close();
  rmSync(dir, { recursive: true, force: true });
});

const presented = (options = {}) => new Promise((resolve, reject) => {
  const socket = tls.connect({ port: ports.tls, host: '127.0.0.1', rejectUnauthorized: false, servername: 'first.example', ...options }, () => {
    resolve({ name: socket.getPeerCertificate().subject.CN, protocol: socket.getProtocol(), alpn: socket.alpnProtocol });
    socket.destroy();
  });
  socket.once('error', reject);
});

test('a stock SDK connects over TLS', async () => {
  class Trusting extends WebSocket {
    constructor(url, protocols) { super(url, protocols, { rejectUnauthorized: false }); }
  }
  const client = new Centrifuge(`wss://127.0.0.1:${ports.tls}/connection/websocket`, { websocket: Trusting, token: 'no token' });
  const codes = [];
  client.on('disconnected', (context) => codes.push(context.code));
  client.connect();
  assert.equal(await eventually('the verdict on the token', () => codes[0]), 3500);
});

test('TLS 1.2 and 1.3 are spoken, older versions are not, and no protocol but http/1.1', async () => {
  assert.equal((await presented()).protocol, 'TLSv1.3');
  assert.equal((await presented({ maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
  await assert.rejects(presented({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  assert.equal((await presented({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1');
  await assert.rejects(presented({ ALPNProtocols: ['h2'] }));
});

test('a session is resumed, on whichever lane the client comes back to', async () => {
  const visit = (options) => new Promise((resolve, reject) => {
    let session, reused;
    const socket = tls.connect({ port: ports.tls, host: '127.0.0.1', rejectUnauthorized: false, servername: 'first.example', ...options });
    socket.on('session', (data) => { session = data; });
    socket.once('secureConnect', () => {
      reused = socket.isSessionReused();
      socket.write('GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });
    socket.on('data', () => {});
    socket.once('close', () => resolve({ session, reused }));
    socket.once('error', reject);
  });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    let { session, reused } = await visit({ maxVersion });
    assert.equal(reused, false);
    for (let i = 0; i < 6; i++) {
      const again = await visit({ maxVersion, session });
      assert.equal(again.reused, true, maxVersion);
      session = again.session ?? session;
    }
  }
});

test('SIGHUP takes the new certificate; a bad one leaves the old and says why', async () => {
  makeCertificate('second.example');
  server.process.kill('SIGHUP');
  await eventually('the new certificate', async () => (await presented()).name === 'second.example');

  writeFileSync(join(dir, 'certificate.pem'), 'no certificate');
  server.process.kill('SIGHUP');
  await eventually('the reason in the log', () => server.logText().includes('certificates refused'));
  assert.equal((await presented()).name, 'second.example');
});

test('the server API and the metrics are on the internal listener alone', async () => {
  const internal = `http://127.0.0.1:${ports.internal}`;
  const info = (base) => fetch(`${base}/api/info`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: '{}' });
  assert.equal((await info(server.url)).status, 404);
  assert.equal((await fetch(`${server.url}/metrics`)).status, 404);
  assert.equal((await info(internal)).status, 200);
  assert.equal((await fetch(`${internal}/metrics`)).status, 200);
  assert.equal((await fetch(`${internal}/health`)).status, 200);
  const asPage = (host) => new Promise((done, failed) => httpGet(`${internal}/metrics`, { headers: { host } },
    (answer) => { answer.resume(); done(answer.statusCode); }).on('error', failed));
  assert.equal(await asPage('rebound.example'), 404, 'a page whose name was turned to point here');
  assert.equal(await asPage(`localhost:${ports.internal}`), 200);
  assert.equal((await fetch(`${internal}/rpc/echo`, { method: 'POST' })).status, 404);
  assert.equal((await fetch(`${internal}/connection/websocket`)).status, 404);
});

const ask = (port, bytes) => new Promise((resolve) => {
  let text = '';
  const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
  socket.on('data', (data) => { text += data; });
  socket.on('error', () => {});
  socket.on('close', () => resolve(text));
});

test('a PROXY header is required where it is configured', async () => {
  const request = 'GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  assert.match(await ask(ports.proxied, `PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n${request}`), /^HTTP\/1.1 200/);
  assert.equal(await ask(ports.proxied, request), '');
});
