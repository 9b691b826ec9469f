// Exactly once as a newcomer would write it: the stock SDK, a device that is named once, and no epoch anywhere. The answer
// to a send is lost, the connection breaks, the server restarts, and the same number is sent again.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Server, eventually } from '../support/server.mjs';
import { post, register } from '../../client/demo/device.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');
const PASSWORD = 'a-long-enough-password';

let server, token;
const clients = [];
before(async () => {
  server = await new Server().start();
  await register(server.url, 'ann', PASSWORD);
  token = (await post(`${server.url}/oauth/token`, { grant_type: 'password', username: 'ann', password: PASSWORD })).access_token;
});
after(async () => { clients.forEach((c) => c.disconnect()); await server?.close(); });

function client(options) {
  const made = new Centrifuge(server.ws, { websocket: WebSocket, token, minReconnectDelay: 20, maxReconnectDelay: 100, ...options });
  made.connects = [];
  made.on('connected', (ctx) => made.connects.push(ctx.data));
  clients.push(made);
  made.connect();
  return made;
}
const rpc = async (c, method, args = {}) => { await c.ready(20000); return (await c.rpc(method, args)).data; };
const dialogOf = async (c, id) => (await rpc(c, 'dialog.create', { id })).dialog;
const entries = async (c, dialog) => (await rpc(c, 'dialog.history', { dialog, from: 1 })).entries.filter((e) => e.kind === 'msg');
// As a network does it: nobody says goodbye, and the SDK comes back.
async function breakConnection(c) {
  const before = c.connects.length;
  c._transport._transport.terminate();
  await eventually('connected again', () => c.connects.length > before);
}
async function restart(all, how) {
  const before = all.map((c) => c.connects.length);
  await server[how]();
  await server.start();
  for (const [i, c] of all.entries()) await eventually('connected again', () => c.connects.length > before[i]);
}

// Each form of naming a device, and none of them says an epoch.
const FORMS = {
  header: { headers: { 'lcg-device': 'by-header' } },
  'header in another case': { headers: { 'LCG-Device': 'by-Header' } },
  'HTTP header': { websocket: class extends WebSocket { constructor(url, protocols) { super(url, protocols, { headers: { 'LCG-Device': 'by-http' } }); } } },
  data: { data: { device: 'by-data' } },
};
test('a device that says no epoch: the same number after a reconnect and restarts is stored once', async () => {
  const all = [];
  for (const [form, options] of Object.entries(FORMS)) {
    const c = client(options);
    const dialog = await dialogOf(c, `once-${form.replaceAll(' ', '-')}`);
    const first = await rpc(c, 'message.send', { dialog, cseq: 1, body: 'one' });
    const device = await rpc(c, 'message.device');
    assert.match(device.device, /^by-/, form);
    all.push({ form, c, dialog, first, device });
  }
  const again = async ({ form, c, dialog, first }) =>
    assert.deepEqual(await rpc(c, 'message.send', { dialog, cseq: 1, body: 'one' }), first, form);
  for (const one of all) { await breakConnection(one.c); await again(one); }
  for (const how of ['stop', 'kill9']) {
    await restart(all.map(({ c }) => c), how);
    for (const one of all) await again(one);
  }
  for (const { form, c, dialog, device } of all) {
    assert.equal((await rpc(c, 'message.send', { dialog, cseq: 2, body: 'two' })).cseq, 2, form);
    assert.deepEqual(await rpc(c, 'message.device'), device, form);
    assert.deepEqual((await entries(c, dialog)).map((e) => e.body), ['one', 'two'], form);
    c.disconnect();
  }
});

test('a device starts over by saying epoch 0, once, and goes on with what it was told', async () => {
  let c = client({ headers: { 'lcg-device': 'reborn' } });
  const dialog = await dialogOf(c, 'reborn');
  await rpc(c, 'message.send', { dialog, cseq: 1, body: 'before' });
  const { epoch } = await rpc(c, 'message.device');
  c.disconnect();

  c = client({ headers: { 'lcg-device': 'reborn', 'lcg-epoch': '0' } });
  const issued = await rpc(c, 'message.device');
  assert.equal(issued.epoch, epoch + 1);
  c.setHeaders({ 'lcg-device': 'reborn', 'lcg-epoch': String(issued.epoch) });
  await rpc(c, 'message.send', { dialog, cseq: 1, body: 'after' });
  await breakConnection(c);
  assert.deepEqual(await rpc(c, 'message.device'), issued);
  await rpc(c, 'message.send', { dialog, cseq: 1, body: 'after' });
  assert.deepEqual((await entries(c, dialog)).map((e) => e.body), ['before', 'after']);
  c.disconnect();
});

test('one that lost its epoch and counts on is told, and nothing is there twice', async () => {
  let c = client({ headers: { 'lcg-device': 'counter' } });
  const dialog = await dialogOf(c, 'counter');
  for (const cseq of [1, 2]) await rpc(c, 'message.send', { dialog, cseq, body: cseq });
  c.disconnect();
  c = client({ headers: { 'lcg-device': 'counter', 'lcg-epoch': '77' } });  // what some other server issued
  await c.ready(20000);
  await assert.rejects(c.rpc('message.send', { dialog, cseq: 3, body: 3 }), (e) => e.code === 1002 && e.message === 'stale_epoch:2');
  assert.equal((await entries(c, dialog)).length, 2);
  c.disconnect();
});

test('a connection without a device cannot number, and its messages begin at 1', async () => {
  const a = client({}), b = client({});
  const dialog = await dialogOf(a, 'nameless');
  await b.ready(20000);
  await assert.rejects(a.rpc('message.send', { dialog, cseq: 1, body: 'x' }), (e) => e.code === 107 && /lcg-device/.test(e.message));
  await rpc(a, 'message.send', { dialog, body: 'a1' });
  await rpc(b, 'message.send', { dialog, body: 'b1' });
  const sub = a.newSubscription(`dialog:${dialog}`);
  sub.subscribe();
  await sub.ready(20000);
  await sub.publish('a2');
  const got = (await entries(a, dialog)).map(({ body, cseq, cprev }) => ({ body, cseq, cprev }));
  assert.deepEqual(got, [{ body: 'a1', cseq: 1, cprev: 0 }, { body: 'b1', cseq: 1, cprev: 0 }, { body: 'a2', cseq: 2, cprev: 2 }]);
  assert.deepEqual(await rpc(a, 'message.device'), { device: null });
  assert.deepEqual([a.connects, b.connects], [[undefined], [undefined]], 'nothing was asked in data, nothing is answered there');
});

test('what names no device closes nothing', async () => {
  for (const headers of [{ 'lcg-device': '' }, { 'lcg-device': 'x'.repeat(65) }, { 'lcg-device': 'a\u202eb' }, { 'lcg-device': 'a', 'lcg-epoch': 'abc' }]) {
    const c = client({ headers });
    assert.deepEqual(await rpc(c, 'message.device'), { device: null }, JSON.stringify(headers));
    c.disconnect();
  }
});

test('the answer to a send is lost, and the SDK asks again on another connection', async () => {
  const c = client({ headers: { 'lcg-device': 'lossy' } });
  const dialog = await dialogOf(c, 'lossy');
  for (let cseq = 1; cseq <= 20; cseq++) {
    const lost = c.rpc('message.send', { dialog, cseq, body: cseq }).catch(() => null);
    if (cseq % 3 === 0) await breakConnection(c);  // whether it was stored is not known
    await lost;
    await rpc(c, 'message.send', { dialog, cseq, body: cseq });
  }
  assert.deepEqual((await entries(c, dialog)).map((e) => e.body), Array.from({ length: 20 }, (_, i) => i + 1));
  c.disconnect();
});

// docs/chat.md, "Devices": the sample, as it is there.
test('the sample of the docs sends each message once over a restart, and over a reload of the page', async () => {
  const page = readFileSync(new URL('../../docs/chat.md', import.meta.url), 'utf8');
  const code = /## Devices[\s\S]*?```js\n([\s\S]*?)```/.exec(page)[1];
  const localStorage = {};
  const open = () => {
    const run = new Function('Centrifuge', 'url', 'getToken', 'localStorage', 'setTimeout', `${code}\nreturn { client, send, flush, saved };`);
    const timer = (wake, ms) => setTimeout(wake, ms).unref();  // those of a page that was closed do not go on
    class Sdk extends Centrifuge { constructor(url, options) { super(url, { ...options, websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 100 }); } }
    const made = run(Sdk, server.ws, async () => token, localStorage, timer);
    made.client.connects = [];
    made.client.on('connected', (ctx) => made.client.connects.push(ctx));
    made.client.connect();
    clients.push(made.client);
    return made;
  };
  let app = open();
  const dialog = await dialogOf(app.client, 'sample');
  await app.send(dialog, 'm1');
  app.send(dialog, 'm2').catch(() => {});
  await restart([app.client], 'kill9');
  await app.send(dialog, 'm3');
  app.send(dialog, 'm4').catch(() => {});
  app.client.disconnect();  // the page is closed
  app = open();
  await app.flush();
  await app.send(dialog, 'm5');
  assert.deepEqual((await entries(app.client, dialog)).map((e) => e.body), ['m1', 'm2', 'm3', 'm4', 'm5']);
  app.client.disconnect();
});

test('the Python SDK, in JSON and in Protobuf', async () => {
  const here = (name) => fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(here('.venv/bin/python3'), [here('python_device.py'), server.ws, token], { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { err += d; });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  await Promise.race([eventually('the first messages are sent', () => out.includes('sent'), 60000), exit]);
  await server.kill9();
  await server.start();
  child.stdin.end('restarted\n');
  assert.equal(await exit, 0, err);
  assert.match(out, /ok/);
});
