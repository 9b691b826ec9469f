// Before a message commits: a back end moderates dialogs whichever way a message comes. Source: docs/callbacks.md, "before_commit".
import test, { before, after, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, testConfig } from '../support/server.mjs';
import { post, register } from '../../client/demo/device.mjs';
import { BackEnd } from './back_end.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const PASSWORD = 'a-long-enough-password';
let server, back, ann, cseq = 0;
const clients = [];
const refuse = () => ({ error: { code: 1600, message: 'mind your words' } });
const answers = { '/judge': () => ({}) };

before(async () => {
  back = await new BackEnd(answers).start();
  server = await new Server({
    config: (o) => testConfig(o).concat(`  - name: http_callback
    authenticates: false
    instances: per_lane
    before_commit: { timeout: 2s, on_failure: deny }
    config: { backends: [{ name: main, endpoint: "${back.url}/judge", timeout: 1s }], before_commit: main }
`),
  }).start();
  await register(server.url, 'ann', PASSWORD);
  const login = await post(`${server.url}/oauth/token`, { grant_type: 'password', username: 'ann', password: PASSWORD });
  ann = new Centrifuge(server.ws, { websocket: WebSocket, token: login.access_token, data: { device: 'd' } });
  clients.push(ann);
  ann.connect();
  await ann.ready(10000);
  ann.bearer = login.access_token;
  await ann.rpc('dialog.create', { id: 'team', title: 'Team', members: [] });
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  await back?.stop();
});
beforeEach(() => { back.asked.length = 0; answers['/judge'] = () => ({}); });

const send = (body, n = ++cseq) => ann.rpc('message.send', { dialog: 'team', cseq: n, body }).then((r) => r.data);
const history = async () => (await ann.rpc('dialog.history', { dialog: 'team', limit: 200 })).data.entries;
const byHttp = async (method, data) => {
  const answer = await fetch(`${server.url}/rpc/${method}`, { method: 'POST', body: JSON.stringify(data), headers: { Authorization: `Bearer ${ann.bearer}` } });
  return answer.json();
};

test('every way in is asked about, once, and nothing that was refused is kept', async () => {
  const first = await send('fine');
  const entries = (await history()).length;
  back.asked.length = 0;
  answers['/judge'] = refuse;
  const code = (promise) => promise.then(() => assert.fail('it was kept'), (e) => assert.equal(e.code, 1600));
  await code(ann.rpc('message.send', { dialog: 'team', cseq: cseq + 1, body: 'bad' }));
  await code(ann.rpc('message.send', { dialog: 'team', body: 'bad' }));
  await code(ann.publish('dialog:team', 'bad'));
  await code(ann.rpc('message.edit', { id: first.id, cseq: cseq + 1, body: 'bad' }));
  await code(ann.rpc('message.react', { id: first.id, cseq: cseq + 1, body: 'bad' }));
  assert.equal((await byHttp('message.send', { dialog: 'team', body: 'bad' })).error?.code, 1600);
  assert.deepEqual(back.asked.map((a) => a.body.kind), ['message', 'message', 'message', 'edit', 'react', 'message']);
  assert.ok(back.asked.every((a) => a.body.user === 'ann' && a.body.channel === 'dialog:team' && a.body.data === 'bad'));
  assert.equal((await history()).length, entries);
});

test('the back end is told the fields of the page, and of an HTTP request the same', async () => {
  const fields = ['client', 'user', 'device', 'epoch', 'channel', 'kind', 'type', 'encoding', 'callback', 'data'];
  answers['/judge'] = () => ({});
  const { id } = await send('fine');
  await ann.rpc('message.react', { id, cseq: ++cseq, body: '+1' });
  assert.equal((await byHttp('message.send', { dialog: 'team', body: 'fine' })).error, undefined);
  const [numbered, reaction, http] = back.asked.map((a) => a.body);
  assert.deepEqual(Object.keys(numbered).sort(), [...fields, 'cseq'].sort());
  assert.deepEqual(Object.keys(reaction).sort(), [...fields, 'cseq', 'target'].sort());
  assert.deepEqual(Object.keys(http).sort(), [...fields].sort());
  assert.deepEqual([http.epoch, http.device], [0, http.client]);
});

test('a retry gets the first answer, a refusal too', async () => {
  answers['/judge'] = refuse;
  const n = ++cseq;
  await assert.rejects(send('bad', n), { code: 1600, message: 'mind your words' });
  answers['/judge'] = () => ({});
  await assert.rejects(send('bad', n), { code: 1600, message: 'mind your words' });
  assert.equal(back.asked.length, 1);
  const kept = await send('good', n);
  assert.deepEqual(await send('good', n), kept);
  assert.equal(back.asked.length, 2);
});

test('what the back end puts in its place is what everybody reads', async () => {
  answers['/judge'] = () => ({ result: { data: 'gentle words' } });
  const kept = await send('rude words');
  assert.equal((await history()).at(-1).body, 'gentle words');
  assert.equal((await ann.rpc('message.get', { id: kept.id })).data.body, 'gentle words');
});

test('without the back end nothing is kept, and the client is told to try again', async () => {
  await back.stop();
  const n = ++cseq;
  await assert.rejects(send('later', n), (e) => e.code === 111 && e.temporary);
  await back.start();
  assert.equal((await send('later', n)).cseq, n);
});
