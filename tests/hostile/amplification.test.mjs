// Few bytes that ask for much work: what is counted is the work, and the word that ends it. How the neighbours fare
// meanwhile is printed, not asserted.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { deflateRawSync, constants } from 'node:zlib';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { RawClient, frame } from '../support/raw_client.mjs';
import { post, register } from '../../client/demo/device.mjs';

const PASSWORD = 'a-long-enough-password', USERS = ['keeper', 'mallory', 'neighbour'];
const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
const tokens = {};
let server;

before(async () => {
  const config = (options) => testConfig(options).replace('name: plain,', 'name: plain, history_size: 300, history_ttl: 10m, allow_history_for_client: true,');
  server = await new Server({ config, lanes: 1, gateway: '  websocket: { compression: true }' }).start();
  for (const user of USERS) {
    await register(server.url, user, PASSWORD);
    tokens[user] = (await post(`${server.url}/oauth/token`, { grant_type: 'password', username: user, password: PASSWORD })).access_token;
  }
});
after(async () => { await server?.close(); });

const metric = async (name) => Number(new RegExp(`^${name}\\S* (\\d+)$`, 'm').exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]);
const inflated = () => metric('lcg_websocket_inflated_total');

let devices = 0;  // a second session of a device would replace the first
const client = async (user, headers = {}) => {
  const one = new RawClient(server.port);
  assert.equal((await one.upgrade({ headers })).status, 101);
  if (user === undefined) return one;
  one.send({ id: 1, connect: { token: tokens[user], data: { device: `raw-${++devices}` } } });
  assert.ok((await one.answer(1)).connect);
  return one;
};
// A message as a client sends it compressed (RFC 7692 7.2.1), whose end is cut off as every flush leaves it.
const compressed = (text) =>
  frame(deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH, level: 9 }).subarray(0, -4), { rsv: 4 });
const bomb = compressed(' '.repeat(655_350) + '{}');

// Round trips of a neighbour on the same lane while `work` runs: printed.
async function neighbour(t, work) {
  const other = await client('neighbour');
  const times = [];
  let done = false, id = 1;
  const result = work().finally(() => { done = true; });
  while (!done) {
    const begin = performance.now();
    other.send({ id: ++id, rpc: { method: 'echo', data: id } });
    await other.answer(id);
    times.push(performance.now() - begin);
    other.messages.length = 0;
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  other.end();
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))]?.toFixed(1);
  t.diagnostic(`neighbour: ${times.length} round trips, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`);
  return result;
}

test('nobody who has not connected has a bomb inflated', async (t) => {
  const before = await inflated();
  await neighbour(t, () => Promise.all(Array.from({ length: 4 }, async () => {
    const attacker = await client(undefined, OFFER);
    for (let i = 0; i < 500; i++) attacker.write(bomb);
    assert.equal(await attacker.closed(), 1008);
    assert.equal(attacker.closeReason, 'compressed messages cost too much');
    attacker.end();
  })));
  assert.ok(await inflated() - before <= 4 * 65_536);
});

test('the sum counts before connect', async () => {
  const attacker = await client(undefined, OFFER);
  const before = await inflated();
  for (let i = 0; i < 200; i++) attacker.write(compressed(''.padEnd(20_000, ' ')));
  assert.ok([1008, 3501].includes(await attacker.closed()));
  assert.ok(await inflated() - before <= 65_536);
  attacker.end();
});

test('connected clients that flood with bombs are closed, and their work has a bound', async (t) => {
  const before = await inflated();
  const line = JSON.stringify({ id: 9, rpc: { method: 'echo', data: 'a'.repeat(600_000) } });
  const frame = compressed(line);
  await neighbour(t, () => Promise.all(Array.from({ length: 4 }, async () => {
    const attacker = await client('mallory', OFFER);
    for (let i = 0; i < 500; i++) attacker.write(frame);
    assert.equal(await attacker.closed(), 1008);
    attacker.end();
  })));
  const spent = await inflated() - before;
  t.diagnostic(`inflated: ${spent} bytes of ${4 * 500 * line.length}`);
  // The burst, and what a few seconds give back.
  assert.ok(spent < 4 * (4 * 655_360 + 10 * 655_360), `${spent}`);
});

test('after its own close the server inflates nothing more', async () => {
  const attacker = await client('mallory', OFFER);
  attacker.send('{}');  // a pong nobody asked for
  assert.equal(await attacker.closed(), 3501);
  const before = await inflated();
  for (let i = 0; i < 200; i++) attacker.write(bomb);
  await attacker.until(() => attacker.ended);
  assert.equal(await inflated(), before);
});

// Asks for pages in one go and counts what comes back.
async function ask(attacker, count, command) {
  const lines = Array.from({ length: count }, (_, i) => JSON.stringify({ id: i + 10, ...command }));
  for (let i = 0; i < count; i += 100) attacker.send(lines.slice(i, i + 100).join('\n'));
  await attacker.until(() => attacker.messages.filter((m) => m.id >= 10).length === count || attacker.ended, 60_000);
  const answers = attacker.messages.filter((m) => m.id >= 10);
  return { answers, pages: answers.filter((m) => m.history), refused: answers.filter((m) => m.error?.code === 111) };
}

test('pages of a channel\'s history cost bytes, and over the budget 111', async (t) => {
  const attacker = await client('mallory');
  for (let i = 2; i < 22; i++) attacker.send({ id: i, publish: { channel: 'plain:big', data: 'x'.repeat(60_000) } });
  await attacker.until(() => attacker.messages.some((m) => m.id === 21));
  attacker.messages.length = 0;
  const { answers, pages, refused } = await neighbour(t, () => ask(attacker, 200, { history: { channel: 'plain:big', limit: -1 } }));
  const bytes = pages.reduce((sum, page) => sum + JSON.stringify(page).length, 0);
  t.diagnostic(`${pages.length} pages, ${bytes} bytes, ${refused.length} refused`);
  assert.equal(answers.length, 200, `closed with ${attacker.closeCode} ${attacker.closeReason}`);
  assert.ok(refused.length > 100, `${refused.length} refused`);
  assert.ok(pages.length >= 10);
  attacker.end();
});

test('pages of a dialog cost the same by the channel as by rpc', async (t) => {
  const keeper = await client('keeper');
  keeper.send({ id: 2, rpc: { method: 'dialog.create', data: { kind: 'group', title: 'big', members: ['mallory'] } } });
  const { dialog } = (await keeper.answer(2)).rpc.data;
  for (let i = 1; i <= 20; i++) {
    keeper.send({ id: 10 + i, rpc: { method: 'message.send', data: { dialog, cseq: i, body: 'x'.repeat(4000) } } });
    assert.ok((await keeper.answer(10 + i)).rpc);
  }
  keeper.end();
  const attacker = await client('mallory');
  let id = 1000;
  await eventually('the member may read', async () => {
    attacker.send({ id: ++id, rpc: { method: 'dialog.get', data: { dialog } } });
    return (await attacker.answer(id)).rpc;
  });
  attacker.messages.length = 0;
  const { pages, refused } = await neighbour(t, () => ask(attacker, 200, { history: { channel: `dialog:${dialog}`, limit: -1 } }));
  t.diagnostic(`${pages.length} pages, ${refused.length} refused`);
  assert.equal(pages.length + refused.length, 200);
  assert.ok(pages.length >= 14 && pages.length < 100, `${pages.length} pages`);  // 100 units at 7, 20 more a second
  // The same budget, which is empty: whatever the machine takes meanwhile, 400 pages are more than it gives back.
  attacker.messages.length = 0;
  const { answers, refused: byRpc } = await ask(attacker, 400, { rpc: { method: 'dialog.history', data: { dialog, limit: 200 } } });
  assert.equal(answers.length, 400);
  assert.ok(byRpc.some((m) => /retry_after_ms/.test(m.error.message)), `${byRpc.length} refused`);
  attacker.end();
});
