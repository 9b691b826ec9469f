// A recall leaves nothing of the text: no answer, no event that waited, no file of the store. Everything that is said holds
// a marker; afterwards it is looked for, in the memory of the process too. Source: docs/chat.md, "What a recall takes back".
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { BackEnd, nasty } from '../callbacks/back_end.mjs';
import { post, register } from '../../client/demo/device.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const PAGE = 4096;
const PASSWORD = 'a-long-enough-password';
const told = [];
const answers = { '/events': nasty.status(503) };
let server, back, ann, bob;
const clients = [];

async function person(user) {
  await register(server.url, user, PASSWORD);
  const login = await post(`${server.url}/oauth/token`, { grant_type: 'password', username: user, password: PASSWORD });
  const c = new Centrifuge(server.ws, { websocket: WebSocket, token: login.access_token, data: { device: 'd' }, minReconnectDelay: 20, maxReconnectDelay: 200 });
  clients.push(c);
  c.connect();
  await c.ready(10000);
  c.call = (method, data) => c.rpc(method, data).then((r) => r.data);
  return c;
}

before(async () => {
  back = await new BackEnd(answers).start();
  server = await new Server({
    config: (o) => testConfig(o)
      .replace('{ name: message, instances: per_lane }', '{ name: message, instances: per_lane, config: { erase_files_every: 1s } }')
      .replace('path: "', 'write_buffer: 1MiB, path: "')
      .replace('{ name: dialog, instances: per_lane }', '{ name: dialog, instances: per_lane, config: { events: true } }')
      .concat(`  - name: http_callback
    authenticates: false
    instances: per_lane
    config:
      backends: [{ name: main, endpoint: "${back.url}/events" }]
      events: { backend: main, timeout: 500ms, retry_min: 20ms, retry_max: 100ms, rest: 500ms }
`),
    // Of a build with the address sanitizer: what is freed is wiped, so that what is found in memory is held.
    env: { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:max_free_fill_size=1073741824:free_fill_byte=0` },
  }).start();
  ann = await person('ann');
  bob = await person('bob');
  await ann.call('dialog.create', { id: 'team', title: 'Team', members: ['bob'] });
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  await back?.stop();
});

const marker = () => `marker-${randomBytes(8).toString('hex')}`;
const has = (what, text) => JSON.stringify(what).includes(text);

// Files of the store that have it, by name.
function files(text) {
  const dir = join(server.dir, 'store');
  return readdirSync(dir).filter((name) => {
    try { return readFileSync(join(dir, name)).includes(text); } catch { return false; }  // deleted meanwhile
  });
}

// Pages of the process that are there and may be written, in runs. Stacks (behind a guard of one page) are left out: what
// calls have left there nobody holds.
function* pages() {
  const pagemap = openSync(`/proc/${server.pid}/pagemap`, 'r');
  let guarded = 0;
  for (const line of readFileSync(`/proc/${server.pid}/maps`, 'utf8').split('\n')) {
    const [, from, to, mode] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    const begin = parseInt(from, 16), bytes = parseInt(to, 16) - begin;
    const stack = begin === guarded || line.includes('[stack]');
    guarded = mode === '---p' && bytes === PAGE ? begin + bytes : 0;
    // The sanitizer's own tables are of terabytes.
    if (!mode?.startsWith('rw') || stack || bytes > 2 ** 32) continue;
    const flags = Buffer.alloc(bytes / PAGE * 8);
    readSync(pagemap, flags, 0, flags.length, begin / PAGE * 8);
    for (let page = 0, run = 0; page <= bytes / PAGE; ++page) {
      const there = page < bytes / PAGE && flags[page * 8 + 7] & 0x80;
      if (there && page - run < 256) continue;
      if (page > run) yield [begin + run * PAGE, (page - run) * PAGE];
      run = there ? page : page + 1;
    }
  }
  closeSync(pagemap);
}

// Where the process has it. A text that goes over the end of a run is not found.
async function memory(text) {
  const found = [];
  const mem = openSync(`/proc/${server.pid}/mem`, 'r');
  for (const [begin, bytes] of pages()) {
    const copy = Buffer.alloc(bytes);
    try { readSync(mem, copy, 0, bytes, begin); } catch { continue; }  // unmapped meanwhile
    const at = copy.indexOf(text);
    if (at >= 0) found.push(`${begin.toString(16)}: ${copy.subarray(Math.max(0, at - 60), at + 60).toString('latin1').replace(/[^ -~]/g, '.')}`);
    await new Promise(setImmediate);  // the clients answer pings
  }
  closeSync(mem);
  return found;
}

// ann says it and edits it, in every size and as the type, which is hers to choose too; bob repeats it in a reaction.
let cseq = 0, bobs = 0;
async function talk(text) {
  const said = (more = 0) => ({ type: text.slice(0, 32), body: { text: text + 'x'.repeat(more) } });
  const first = await ann.call('message.send', { dialog: 'team', cseq: ++cseq, ...said(6000) });
  const ids = [first.id];
  for (const more of [0, 5000, 1]) ids.push((await ann.call('message.edit', { id: first.id, cseq: ++cseq, ...said(more) })).id);
  ids.push((await bob.call('message.react', { id: first.id, cseq: ++bobs, ...said() })).id);
  return ids;
}
const recall = (id) => ann.call('message.recall', { id, cseq: ++cseq });

// Every way of reading.
async function everything(ids) {
  const all = [];
  for (const c of [ann, bob]) {
    const history = await c.call('dialog.history', { dialog: 'team', from: 1, limit: 200 });
    all.push(history);
    for (const id of ids) all.push(await c.call('message.get', { id }));
    const sub = c.newSubscription('dialog:team', { since: { offset: 1, epoch: history.epoch } });
    const seen = [];
    sub.on('publication', (ctx) => seen.push(ctx.data));
    const subscribed = new Promise((resolve) => sub.once('subscribed', resolve));
    sub.subscribe();
    assert.equal((await subscribed).recovered, true);
    all.push(seen, (await sub.history({ limit: 300 })).publications);
    sub.unsubscribe();
    c.removeSubscription(sub);
  }
  return all;
}

test('nothing of a message that was taken back is left', async () => {
  const text = marker();
  const ids = await talk(text);
  assert.ok(has(await everything(ids), text));
  // More than a memtable, so that the store's tables have it as well as its log.
  for (let i = 0; i < 20; ++i) await ann.call('message.send', { dialog: 'team', cseq: ++cseq, body: 'y'.repeat(60000) });
  await eventually('a table that has it', () => files(text).some((name) => name.endsWith('.sst')));

  await recall(ids[0]);

  const all = await everything(ids);
  assert.equal(has(all, text), false, JSON.stringify(all).slice(0, 2000));

  // The back end was away all the time: what it is told now is what the log says now.
  answers['/events'] = (body) => { told.push(...body.events); return {}; };
  await eventually('the events of the dialog', () => told.filter((e) => e.type === 'message').length >= ids.length + 21);
  assert.equal(has(told, text), false);

  await eventually('the files of the store without it', () => files(text).length === 0, 60000);
  assert.equal(server.logText().includes(text), false);
  if (!readFileSync(`/proc/${server.pid}/maps`, 'utf8').includes('libasan')) return;
  // A buffer that is kept for the next use holds the last one until then: something longer goes the same ways.
  let left = [];
  for (let i = 0; i < 20; ++i) {
    await everything(await talk(marker().repeat(3)));
    left = await memory(text);
    if (left.length === 0) return;
  }
  assert.deepEqual(left, []);
});

test('what stands beside it stays', async () => {
  const kept = await ann.call('message.send', { dialog: 'team', cseq: ++cseq, body: 'kept' });
  const [gone] = await talk(marker());
  await recall(gone);
  assert.equal((await bob.call('message.get', { id: kept.id })).body, 'kept');
});

test('a kill right after the answer brings nothing back, and the next start cleans the files', async () => {
  const text = marker();
  const ids = await talk(text);
  await recall(ids[0]);
  await server.kill9();
  await server.start();
  for (const c of [ann, bob]) await c.ready(20000);
  assert.equal(has(await everything(ids), text), false);
  await eventually('the files of the store without it', () => files(text).length === 0, 60000);
});
