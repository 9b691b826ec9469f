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
  await assert.rejects(a.rpc('message.send', { dialog, cseq: 1, body: 'x' }), (e) => e.code === 107 && /header lcg-device as you connect; an HTTP request cannot$/.test(e.message));
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

// docs/chat.md, "Devices": the sample, as it is there, in a browser's origin: storage and locks that its tabs share.
const SAMPLE = /## Devices[\s\S]*?```js\n([\s\S]*?)```/.exec(readFileSync(new URL('../../docs/chat.md', import.meta.url), 'utf8'))[1];
const AsyncFunction = (async () => {}).constructor;
const run = new AsyncFunction('Centrifuge', 'url', 'getToken', 'localStorage', 'navigator', 'setTimeout', `${SAMPLE}\nreturn { client, send, saved, place };`);
class Sdk extends Centrifuge {
  constructor(url, options) {
    super(url, { ...options, websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 100 });
    this.connects = [];
    this.on('connected', (ctx) => this.connects.push(ctx));
    clients.push(this);
  }
}
class Origin {
  storage = {};
  held = new Set();
  async open() {
    const mine = [];
    let closed = false;
    const locks = {
      request: async (name, options, work) => {
        assert.deepEqual(options, { ifAvailable: true });
        if (this.held.has(name)) return work(null);
        this.held.add(name);
        mine.push(name);
        return work({ name });
      },
    };
    const timer = (wake, ms) => setTimeout(() => closed || wake(), ms).unref();  // those of a closed page do not go on
    const page = await run(Sdk, server.ws, async () => token, this.storage, { locks }, timer);
    page.waiting = () => JSON.parse(this.storage[page.place]).waiting.length;
    page.close = () => { closed = true; page.client.disconnect(); mine.forEach((name) => this.held.delete(name)); };
    return page;
  }
}
const bodies = async (c, dialog) => (await entries(c, dialog)).map((e) => e.body);

test('the sample of the docs sends each message once over a restart, and over a reload of the page', async () => {
  const origin = new Origin();
  let page = await origin.open();
  const dialog = await dialogOf(page.client, 'sample');
  assert.equal((await page.send(dialog, 'm1')).cseq, 1);
  page.send(dialog, 'm2').catch(() => {});
  await restart([page.client], 'kill9');
  await page.send(dialog, 'm3');
  page.send(dialog, 'm4').catch(() => {});
  page.close();
  page = await origin.open();
  await page.send(dialog, 'm5');
  assert.deepEqual(await bodies(page.client, dialog), ['m1', 'm2', 'm3', 'm4', 'm5']);
  page.close();
});

test('two tabs with the sample lose nothing', async () => {
  const origin = new Origin();
  const tabs = [await origin.open(), await origin.open()];
  const dialog = await dialogOf(tabs[0].client, 'tabs');
  const numbers = Array.from({ length: 10 }, (_, i) => i);
  const answers = await Promise.all(numbers.map((n) => tabs[n % 2].send(dialog, n)));
  assert.deepEqual((await bodies(tabs[0].client, dialog)).sort(), numbers);
  assert.equal(new Set(answers.map((a) => a.seq)).size, numbers.length);
  assert.notEqual(tabs[0].saved.device, tabs[1].saved.device);
  tabs.forEach((tab) => tab.close());
});

test('the sample rejects what is refused for good, and what is behind it goes on', async () => {
  const page = await new Origin().open();
  const dialog = await dialogOf(page.client, 'refusals');
  const said = (body, where = dialog) => page.send(where, body).then((a) => a.cseq, (e) => e.code);
  assert.deepEqual(await Promise.all([said('one'), said('x'.repeat(70_000)), said('two', 'not-there'), said('three')]), [1, 1009, 103, 3]);
  await rpc(page.client, 'message.void', { dialog, cseq: 4 });
  assert.deepEqual(await Promise.all([said('void'), said('five')]), [1005, 5]);
  page.saved.cseq[dialog] = 0;                   // the numbers were lost, and the device's name was not
  assert.deepEqual(await Promise.all([said('reused'), said('x'.repeat(70_000))]), [1003, 1009]);
  assert.deepEqual(await bodies(page.client, dialog), ['one', 'three', 'five']);
  assert.equal(page.waiting(), 0);
  page.close();
});

test('the sample goes on from the number that 1001 names', async () => {
  const page = await new Origin().open();
  const dialog = await dialogOf(page.client, 'skipped');
  page.saved.cseq[dialog] = 5;
  assert.deepEqual(await Promise.all([page.send(dialog, 'a'), page.send(dialog, 'b')]).then((all) => all.map((a) => a.cseq)), [1, 2]);
  assert.deepEqual(await bodies(page.client, dialog), ['a', 'b']);
  page.close();
});

for (const answered of [true, false]) {
  test(`the sample numbers from 1 when its device is new to the server (1002), the last message ${answered ? '' : 'not '}answered`, async () => {
    const origin = new Origin();
    let page = await origin.open();
    const dialog = await dialogOf(page.client, `forgotten-${answered}`);
    await page.send(dialog, 'a');
    const last = page.send(dialog, 'b');
    const unanswered = { ...origin.storage };
    await last;
    const device = page.saved.device;
    page.close();
    if (!answered) Object.assign(origin.storage, unanswered);
    const other = client({ headers: { 'lcg-device': device, 'lcg-epoch': '0' } });
    assert.equal((await rpc(other, 'message.device')).epoch, 2);
    other.disconnect();

    page = await origin.open();
    assert.deepEqual(await Promise.all([page.send(dialog, 'c'), page.send(dialog, 'd')]).then((all) => all.map((a) => a.cseq)), [1, 2]);
    assert.deepEqual(await bodies(page.client, dialog), ['a', 'b', 'c', 'd']);
    page.close();
  });
}

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
