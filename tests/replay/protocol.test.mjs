// The stock SDK against the real binary: what an application would do with it.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { Device, post, register, HttpError } from '../../client/demo/device.mjs';
import { RawClient } from '../support/raw_client.mjs';

const PASSWORD = 'a-long-enough-password';
let server;
const all = [];
before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, gateway: '  ping: { interval: 1s, pong_timeout: 500ms }' }) }).start();
});
after(async () => {
  all.forEach((d) => d.disconnect());
  await server.close();
});
async function person(user, name = 'phone') {
  await register(server.url, user, PASSWORD);
  const device = new Device({ url: server.url, user, password: PASSWORD, name, reconnectMs: 100 });
  await device.login();
  await device.connect();
  all.push(device);
  return device;
}
const subscribe = async (device, channel, options) => {
  const subscription = device.client.newSubscription(channel, options);
  subscription.got = [];
  subscription.on('publication', (ctx) => subscription.got.push(ctx));
  subscription.subscribe();
  await subscription.ready(5000);
  return subscription;
};

test('publish reaches every subscriber, the publisher too, with who published', async () => {
  const [a, b] = [await person('pub-a'), await person('pub-b')];
  const [sa, sb] = [await subscribe(a, 'chat:one'), await subscribe(b, 'chat:one')];
  await sa.publish({ n: 1 });
  await eventually('both have it', () => sa.got.length === 1 && sb.got.length === 1);
  assert.deepEqual(sb.got[0].data, { n: 1 });
  assert.equal(sb.got[0].info.user, 'pub-a');
  assert.equal(sb.got[0].offset, 1);
});

test('presence, its stats, and join and leave', async () => {
  const [a, b] = [await person('pre-a'), await person('pre-b')];
  const sa = await subscribe(a, 'chat:presence');
  const seen = [];
  sa.on('join', (ctx) => seen.push(`+${ctx.info.user}`));
  sa.on('leave', (ctx) => seen.push(`-${ctx.info.user}`));
  const sb = await subscribe(b, 'chat:presence');
  assert.deepEqual(Object.values((await sa.presence()).clients).map((c) => c.user).sort(), ['pre-a', 'pre-b']);
  assert.deepEqual(await sa.presenceStats(), { numClients: 2, numUsers: 2 });
  sb.unsubscribe();
  await eventually('b left', () => seen.includes('-pre-b'));
  assert.ok(seen.includes('+pre-b'));
  assert.equal((await sa.presenceStats()).numClients, 1);
});

test('history: a page, since, reverse, position only', async () => {
  const s = await subscribe(await person('his-a'), 'chat:history');
  for (let i = 1; i <= 5; i++) await s.publish(i);
  assert.deepEqual((await s.history({ limit: 10 })).publications.map((p) => p.data), [1, 2, 3, 4, 5]);
  const { epoch } = await s.history({ limit: 0 });
  assert.deepEqual((await s.history({ limit: 2, since: { offset: 2, epoch } })).publications.map((p) => p.data), [3, 4]);
  assert.deepEqual((await s.history({ limit: 2, reverse: true })).publications.map((p) => p.data), [5, 4]);
  await assert.rejects(s.history({ limit: 1, since: { offset: 1, epoch: 'other' } }), (e) => e.code === 112);
});

test('what is missed while away is recovered, in order, once', async () => {
  const [a, b] = [await person('rec-a'), await person('rec-b')];
  const [sa, sb] = [await subscribe(a, 'chat:recover'), await subscribe(b, 'chat:recover')];
  await sa.publish(1);
  await eventually('b has the first', () => sb.got.length === 1);
  const back = new Promise((resolve) => sb.on('subscribed', resolve));
  b.disconnect();
  for (let i = 2; i <= 20; i++) await sa.publish(i);
  await b.connect();
  const ctx = await back;
  assert.equal(ctx.recovered, true);
  await eventually('all', () => sb.got.length === 20);
  assert.deepEqual(sb.got.map((p) => p.data), Array.from({ length: 20 }, (_, i) => i + 1));
});

test('rpc on the socket and over HTTP give the same answer', async () => {
  const a = await person('rpc-a');
  assert.deepEqual((await a.client.rpc('echo', { x: [1, 'ü'] })).data, { x: [1, 'ü'] });
  const response = await fetch(`${server.url}/rpc/echo`, { method: 'POST', headers: { Authorization: `Bearer ${a.tokens.access_token}` }, body: '{"x":[1,"ü"]}' });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { x: [1, 'ü'] });
});

test('connect and subscribe in one frame are answered in order', async () => {
  const a = await person('pipe-a');
  const raw = new RawClient(server.port);
  await raw.upgrade();
  raw.send(`{"id":1,"connect":{"token":"${a.tokens.access_token}","data":{"device":"raw"}}}\n{"id":2,"subscribe":{"channel":"chat:pipe","flag":1}}\n`);
  await raw.answer(2);
  assert.deepEqual(raw.messages.slice(0, 2).map((m) => m.id), [1, 2]);
  assert.equal(typeof raw.messages[1].subscribe.epoch, 'string');
  raw.end();
});

test('a client that does not answer pings is closed with 3012', async () => {
  const a = await person('ping-a');
  const raw = new RawClient(server.port);
  const reply = await raw.login(a.tokens.access_token);
  assert.deepEqual([reply.connect.ping, reply.connect.pong], [1, true]);
  assert.equal(await raw.closed(), 3012);
});

test('a stock SDK stays connected over many pings', async () => {
  const a = await person('ping-b');
  const states = [];
  a.client.on('state', (ctx) => states.push(ctx.newState));
  const s = await subscribe(a, 'chat:pings');
  await new Promise((resolve) => setTimeout(resolve, 4000));  // what is watched is that nothing happens
  await s.publish('still here');
  assert.deepEqual(states, []);
});

test('revocation closes the live sessions of the login, and of no other', async () => {
  const [phone, laptop] = [await person('rev-a', 'phone'), await person('rev-a', 'laptop')];
  const gone = new Promise((resolve) => phone.client.on('disconnected', resolve));
  await post(`${server.url}/oauth/revoke`, { token: phone.tokens.refresh_token });
  assert.equal((await gone).code, 3500);
  phone.anomalies.length = 0;
  assert.deepEqual((await laptop.client.rpc('echo', 1)).data, 1);
  await assert.rejects(post(`${server.url}/oauth/token`, { grant_type: 'refresh_token', refresh_token: phone.tokens.refresh_token }), HttpError);
});

test('a refresh token used twice ends the whole login', async () => {
  await person('reuse-a');
  const tokens = await post(`${server.url}/oauth/token`, { grant_type: 'password', username: 'reuse-a', password: PASSWORD });
  const next = await post(`${server.url}/oauth/token`, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  const refresh = (token) => post(`${server.url}/oauth/token`, { grant_type: 'refresh_token', refresh_token: token });
  await assert.rejects(refresh(tokens.refresh_token), HttpError);
  await assert.rejects(refresh(next.refresh_token), HttpError);
});

test('a stock subscriber: subscribe, publish and history work on the durable log', async () => {
  const [a, b] = [await person('dlg-a'), await person('dlg-b')];
  const { dialog } = await a.rpc('dialog.create', { kind: 'group', members: ['dlg-b'] });
  const [sa, sb] = [await subscribe(a, `dialog:${dialog}`), await subscribe(b, `dialog:${dialog}`)];
  await sa.publish({ text: 'hello' });
  await sb.publish({ text: 'hi' });
  await eventually('both have both', () => sa.got.length >= 2 && sb.got.length >= 2);
  assert.deepEqual(sa.got.map((p) => p.data.seq), sb.got.map((p) => p.data.seq));
  const page = await sb.history({ limit: 100 });
  assert.deepEqual(page.publications.filter((p) => p.data.kind === 'msg').map((p) => p.data.body), [{ text: 'hello' }, { text: 'hi' }]);
  const back = new Promise((resolve) => sb.on('subscribed', resolve));
  b.disconnect();
  for (let i = 0; i < 5; i++) await sa.publish({ i });
  await b.connect();
  assert.equal((await back).recovered, true);
  await eventually('the missed ones', () => sb.got.length === 7);
});

test('the personal channel says which dialog moved', async () => {
  const [a, b] = [await person('hint-a'), await person('hint-b')];
  const { dialog } = await a.rpc('dialog.create', { kind: 'group', members: ['hint-b'] });
  const before = await eventually('b knows the dialog', async () => (await b.rpc('dialog.sync', { since: 0 })).iseq);
  const hints = [];
  b.client.on('publication', (ctx) => hints.push(ctx));
  const ack = await a.send(dialog, 'psst');
  const mine = await eventually('a hint', () => hints.find((h) => h.data.dialog === dialog && h.data.head >= ack.seq));
  assert.equal(mine.channel, '#hint-b');
  const { changed } = await b.rpc('dialog.sync', { since: before });
  assert.ok(changed.some((c) => c.dialog === dialog && c.head === ack.seq));
});

test('a direct dialog is one, whoever opens it', async () => {
  const [a, b] = [await person('dir-a'), await person('dir-b')];
  const one = await a.rpc('dialog.create', { kind: 'direct', members: ['dir-b'] });
  const two = await b.rpc('dialog.create', { kind: 'direct', members: ['dir-a'] });
  assert.equal(one.dialog, two.dialog);
});

test('cseq: a repeat gets the first answer, a gap and a changed body are refused', async () => {
  const a = await person('seq-a');
  const { dialog } = await a.rpc('dialog.create', { kind: 'group' });
  const first = await a.send(dialog, 'one');
  const args = { dialog, cseq: 1, type: 'text', body: 'one' };
  assert.deepEqual(await a.rpc('message.send', args), first);
  await assert.rejects(a.client.rpc('message.send', { ...args, cseq: 5 }), (e) => e.code >= 400 && /2/.test(e.message));
  await assert.rejects(a.client.rpc('message.send', { ...args, body: 'other' }), (e) => e.code >= 400);
});

test('a removed member is unsubscribed at once and stays connected', async () => {
  const [a, b] = [await person('rem-a'), await person('rem-b')];
  const { dialog } = await a.rpc('dialog.create', { kind: 'group', members: ['rem-b'] });
  const [sa, sb] = [await subscribe(a, `dialog:${dialog}`), await subscribe(b, `dialog:${dialog}`)];
  const states = [];
  b.client.on('state', (ctx) => states.push(ctx.newState));
  const gone = new Promise((resolve) => sb.on('unsubscribed', resolve));
  const { seq } = await a.rpc('dialog.remove', { dialog, user: 'rem-b' });
  assert.equal((await gone).code, 2000);
  const { seq: later } = await a.send(dialog, 'among ourselves');
  await eventually('who is left has it', () => sa.got.at(-1)?.data.seq === later);
  assert.deepEqual((await b.client.rpc('echo', 1)).data, 1);
  assert.equal(sb.got.at(-1).data.seq, seq, 'the removal is the last that the removed member sees');
  assert.deepEqual(states, []);
});
