// Names that are not what they look like, over every field of every method that takes one; and what an operator sees when
// such a text is somewhere all the same. The rule: docs/protocol.md, "Names".
import test, { before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Server, lcgctl, testConfig } from '../support/server.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const WebSocket = require('ws');

const API_KEY = 'names-api-key-0123456789', SECRET = 'the-secret-of-the-back-end-0123456789';
const HOSTILE = {
  'a line end': 'a\nb', 'an escape sequence': 'a\u001b[2Jb', DEL: 'a\u007fb', 'a C1 control': 'a\u009b31mb', 'a soft hyphen': 'a\u00adb',
  'an override of direction': 'a\u202egnp', 'an isolate': 'a\u2066b\u2069', 'an Arabic letter mark': 'a\u061cb', 'a zero-width space': 'a\u200bb',
  'a byte order mark': '\ufeffa', 'a line separator': 'a\u2028b', 'a Hangul filler': '\u3164', 'a tag': 'a\u{e0041}', 'private use': '\ue000',
};
const VISIBLE = ['Zoë', 'דוד', '中文', '😀', 'x{}|`^_'];

let server;
const open = [];
before(async () => {
  server = await new Server({
    config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', uaa: 'argon2_memory: 8KiB, argon2_passes: 1', gateway: `  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
      .replace('plugins:\n', `    - { name: any, channel_regex: ".", allow_subscribe_for_client: true, allow_publish_for_client: true, presence: true, history_size: 10, history_ttl: 1m, allow_presence_for_client: true, allow_history_for_client: true }
plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
`),
  }).start();
});
// A user has a limited number of sessions.
const closeAll = () => Promise.all(open.splice(0).map((s) => new Promise((resolve) => {
  if (s.readyState === WebSocket.CLOSED) resolve();
  else s.once('close', resolve).close();
})));
afterEach(closeAll);
after(async () => {
  await server?.close();
});

const base64url = (value) => Buffer.from(value).toString('base64url');
function token(claims) {
  const text = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 600, ...claims }))}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}
// A raw session: commands as they are, answers by id; `connected` is the connect's reply or how it was closed.
async function session(connect) {
  const socket = new WebSocket(server.ws);
  open.push(socket);
  const waiting = new Map();
  let next = 1, over;
  const closed = new Promise((resolve) => { over = resolve; });
  socket.on('close', (code) => over({ closed: code }));
  socket.on('message', (data) => {
    for (const line of String(data).split('\n')) {
      const reply = JSON.parse(line);
      if (!reply.id && !Object.keys(reply).length) socket.send('{}');
      waiting.get(reply.id)?.(reply);
    }
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const ask = (command) => {
    const id = next++;
    const reply = new Promise((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, ...command }));
    return Promise.race([reply, closed]);
  };
  return { ask, connected: await ask({ connect }), rpc: (method, data) => ask({ rpc: { method, data } }) };
}
const api = async (method, params) => (await fetch(`${server.url}/api/${method}`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify(params) })).json();
const register = async (body) => {
  const response = await fetch(`${server.url}/oauth/register`, { method: 'POST', body: JSON.stringify({ password: 'correct horse', ...body }) });
  return { status: response.status, body: await response.json() };
};

// field: what a client sends with the name, and the code with which it is refused.
const FIELDS = {
  'connect name': [107, async (name) => (await session({ token: token({ sub: 'ann' }), name })).connected],
  'connect version': [107, async (version) => (await session({ token: token({ sub: 'ann' }), version })).connected],
  'token sub': [3507, async (sub) => (await session({ token: token({ sub }) })).connected],
  'token channel': [107, async (channel) => (await session({ token: token({ sub: 'ann', channels: [`any:${channel}`] }) })).connected],
  ...Object.fromEntries(['subscribe', 'publish', 'presence', 'presence_stats', 'history'].map((method) => [`${method} channel`, [107, async (channel) => {
    const ann = await session({ token: token({ sub: 'ann' }) });
    return ann.ask({ [method]: { channel: `any:${channel}`, ...(method === 'publish' ? { data: {} } : {}) } });
  }]])),
  ...Object.fromEntries(Object.entries({
    'user.put name': (name) => ['user.put', { name }],
    'user.put avatar': (avatar) => ['user.put', { avatar }],
    'user.search prefix': (prefix) => ['user.search', { prefix }],
    'dialog.create title': (title) => ['dialog.create', { kind: 'group', title }],
    'dialog.create members': (user) => ['dialog.create', { kind: 'group', members: [user] }],
    'dialog.create direct': (user) => ['dialog.create', { kind: 'direct', members: [user] }],
  }).map(([field, request]) => [field, [107, async (name) => (await session({ token: token({ sub: 'ann' }) })).rpc(...request(name))]])),
  'dialog.add users': [107, async (user) => {
    const ann = await session({ token: token({ sub: 'ann' }) });
    const { dialog } = (await ann.rpc('dialog.create', { kind: 'group' })).rpc.data;
    return ann.rpc('dialog.add', { dialog, users: [user] });
  }],
  'message.send type': [107, async (type) => {
    const ann = await session({ token: token({ sub: 'ann' }) });
    const { dialog } = (await ann.rpc('dialog.create', { kind: 'group' })).rpc.data;
    return ann.rpc('message.send', { dialog, type, body: 1 });
  }],
  'api publish channel': [107, async (channel) => api('publish', { channel: `any:${channel}`, data: {} })],
  'register username': [400, async (username) => { const r = await register({ username }); return { error: { code: r.status, ...r.body } }; }],
  'register name': [400, async (name) => { const r = await register({ username: `r${Math.random().toString(36).slice(2)}`, name }); return { error: { code: r.status, ...r.body } }; }],
};
for (const [field, [code, send]] of Object.entries(FIELDS)) {
  test(`refused with ${code}: ${field}`, async () => {
    for (const [kind, name] of Object.entries(HOSTILE)) {
      const answer = await send(name);
      assert.equal(answer.closed ?? answer.error?.code, code, `${kind}: ${JSON.stringify(answer)}`);
    }
  });
}
// What names no device is no error: the application's data may hold anything.
test('a device that nobody may be named is none', async () => {
  for (const [kind, device] of Object.entries(HOSTILE)) {
    const { connected } = await session({ token: token({ sub: 'ann' }), data: { device } });
    assert.ok(connected.connect?.client, `${kind}: ${JSON.stringify(connected)}`);
    assert.notEqual(connected.connect.data?.device, device, kind);
  }
});
const ASCII_ONLY = ['register username', 'register name'];  // one by its own rule, the other takes each name once
for (const [field, [, send]] of Object.entries(FIELDS).filter(([name]) => !ASCII_ONLY.includes(name))) {
  test(`what people write is taken: ${field}`, async () => {
    for (const name of VISIBLE) {
      const answer = await send(name);
      assert.equal(answer.closed ?? answer.error?.code, undefined, `${name}: ${JSON.stringify(answer)}`);
    }
  });
}

test('a display name is kept in one form', async () => {
  const ann = await session({ token: token({ sub: 'form' }) });
  assert.equal((await ann.rpc('user.put', { name: '  Zoe\u0308 \u3000 Lee ' })).rpc.data.name, 'Zoë Lee');
  assert.equal((await ann.rpc('user.put', { name: ' \u00a0 ' })).rpc.data.name, 'form');  // nothing is seen: the id
});

test('a display name does not pass for another\'s id', async () => {
  const bob = await session({ token: token({ sub: 'bob' }) });
  await bob.rpc('user.put', { name: 'Bob' });
  const eve = await session({ token: token({ sub: 'eve' }) });
  for (const name of ['bob', 'BOB', 'ｂob', 'bоb', ' bob '])  // width; a Cyrillic letter
    assert.equal((await eve.rpc('user.put', { name })).error?.code, 107, name);
  assert.equal((await bob.rpc('user.put', { name: 'bob' })).rpc.data.name, 'bob');
});

test('a registered name is one name, however it is written', async () => {
  assert.equal((await register({ username: 'Carol' })).status, 201);
  for (const username of ['Carol', 'carol', 'CAROL']) assert.equal((await register({ username })).status, 409, username);
  for (const name of ['Carol', 'CAROL', 'carоl', ' ｃarol'])  // a Cyrillic letter; width
    assert.equal((await register({ username: `other${name.codePointAt(1)}`, name })).status, 400, name);
});

test('names are compared over both authorities', async () => {
  assert.equal((await register({ username: 'Keeper' })).status, 201);
  const boss = await session({ token: token({ sub: 'BigBoss' }) });
  await boss.rpc('user.put', { about: 'x' });
  const eve = await session({ token: token({ sub: 'eve' }) });
  for (const name of ['Keeper', 'keeper', 'u@Keeper', 'BigBoss', 'bigboss'])
    assert.equal((await eve.rpc('user.put', { name })).error?.code, 107, name);
  assert.equal((await register({ username: 'mm', name: 'BigBoss' })).status, 400);
  assert.equal((await eve.rpc('user.put', { name: 'Treasurer' })).error, undefined);
  assert.equal((await register({ username: 'treasurer' })).status, 409);
});

test('errors of the server API have nothing that is not seen', async () => {
  for (const name of Object.values(HOSTILE)) {
    const response = await fetch(`${server.url}/api/rpc`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify({ method: name }) });
    const text = await response.text();
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u2028\u202e\u2066\u2069\u3164\ufeff\ue000]|\u{e0041}/u, text);
  }
});

test('the log has nothing that is not seen', async () => {
  const text = server.logText();
  assert.ok(text.includes('serving') || text.includes('ready'));
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u2028\u202e\u2066\u2069\u3164\ufeff\ue000]|\u{e0041}/u);
});

// A server of another version, or a store from before: whatever answers, lcgctl shows it safely.
test('lcgctl escapes what it prints', async () => {
  const path = join(server.dir, 'old.sock');
  const rows = Object.values(HOSTILE).map((name) => ({ user: name, device: name, epoch: 1, session: name, lane: 0, remote: name, name, channel: name, sessions: 1, offset: 1, provider: name, slot: 1 }));
  const answers = { sessions: { rows, more: false }, channels: { rows, more: false }, explain: Object.fromEntries(rows.map((r) => [r.user, { [r.user]: r.user }])), token_inspect: { user: HOSTILE['a line end'], issuer: HOSTILE['an override of direction'] } };
  const old = createServer((socket) => socket.once('data', (line) => {
    const { command, id } = JSON.parse(line);
    socket.end(JSON.stringify(id === 'no' ? { error: `no ${rows[1].user}${rows[5].user}` } : { result: answers[command] }));
  }));
  await new Promise((resolve) => old.listen(path, resolve));
  const shown = /^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u2028\u202e\u2066\u2069\u3164\ufeff\ue000\u{e0041}]*$/u;
  try {
    for (const args of [['sessions'], ['channels'], ['explain', '1'], ['token', 'inspect', 'x'], ['explain', 'no']]) {
      for (const json of [[], ['--json']]) {
        const { stdout, stderr } = await lcgctl(path, ...json, ...args);
        assert.match(stdout, shown, args.join(' '));
        assert.match(stderr, shown, args.join(' '));
        assert.ok(stdout.length + stderr.length > 0);
        if (json.length > 0 && stdout) assert.deepEqual(JSON.parse(stdout), answers[args[0] === 'token' ? 'token_inspect' : args[0]]);
        if (args[0] === 'sessions' && json.length === 0) {
          assert.equal(stdout.trimEnd().split('\n').length, rows.length + 1, 'a line a row');
          assert.match(stdout, /a\\u\{202e\}gnp/);
        }
      }
    }
  } finally {
    old.close();
    rmSync(path, { force: true });
  }
});
