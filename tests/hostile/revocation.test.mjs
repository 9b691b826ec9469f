// What is taken back is taken back when that is acknowledged, for every way in: the very next request is refused. No test
// waits between the answer of a revocation and its attempts. docs/architecture.md, "Taking back what was granted".
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { SECRET, token } from '../protocol/jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const WebSocket = require('ws');

const API_KEY = 'revocation-api-key-0123456789', PASSWORD = 'correct horse battery';
let server, witness, users = 0;
const seen = [];

before(async () => {
  server = await new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'user_prefix: u@', lanes: 4, gateway: `  transports: { http_stream: true, sse: true, uni_websocket: true, uni_http_stream: true, uni_sse: true }
  api: { revoke_services: [token], keys: [{ name: test, key: "${API_KEY}" }] }` })
    .replace('plugins:\n', `plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", defer_unknown: true } }
`) }).start();
  witness = await socket(token({ sub: 'witness' }));
  witness.on('message', (data) => data.toString().split('\n').forEach((line) => {
    const { push } = JSON.parse(line);
    if (push?.pub) seen.push(push.pub.data);
  }));
  witness.send(JSON.stringify({ id: 2, subscribe: { channel: 'plain:room' } }));
  await eventually('the witness is subscribed', async () => { await say({ hello: 1 }); return seen.length > 0; });
});
after(async () => {
  witness?.terminate();
  await server?.close();
});

// --- the server, asked --------------------------------------------------------------------------------
const api = (method, params) => server.api(API_KEY, method, params);
const say = (data) => api('publish', { channel: 'plain:room', data });
async function form(path, body) {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body: new URLSearchParams(body) });
  return { status: response.status, ...await response.json() };
}
async function ctl(...args) {
  const { code, stderr } = await server.ctl(...args);
  assert.equal(code, 0, stderr);
}

// Whoever is about to be shut out: by uaa, or by a token of a back end.
async function account() {
  const username = `user-${++users}`;
  assert.equal((await form('/oauth/register', { username, password: PASSWORD })).status, 201);
  const tokens = await form('/oauth/token', { grant_type: 'password', username, password: PASSWORD });
  assert.equal(tokens.status, 200);
  return { user: tokens.user_id, access: tokens.access_token, refresh: tokens.refresh_token };
}
function guest() {
  const user = `guest-${++users}`, jti = `jti-${users}`;
  return { user, jti, access: token({ sub: user, jti, iat: Math.floor(Date.now() / 1000) - 5 }) };
}

// --- ways in ----------------------------------------------------------------------------------------------
// A connected WebSocket; its log is what came, its end is the close code.
async function socket(access) {
  const ws = new WebSocket(server.ws);
  ws.end = new Promise((resolve) => ws.once('close', resolve));
  ws.on('error', () => {});
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  const answered = new Promise((resolve) => ws.once('message', (data) => resolve(JSON.parse(data.toString().split('\n')[0]))));
  ws.send(JSON.stringify({ id: 1, connect: { token: access } }));
  const reply = await Promise.race([answered, ws.end.then((code) => ({ code }))]);
  ws.reply = reply;
  return ws;
}
const evil = JSON.stringify({ id: 9, publish: { channel: 'plain:room', data: { evil: true } } });

// A stream whose lines are read as they come.
async function stream(path, access, unidirectional) {
  const command = unidirectional ? { token: access, subs: {} } : { id: 1, connect: { token: access } };
  const sse = path.endsWith('sse');
  const url = `${server.url}/connection/${path}`;
  const response = sse ? await fetch(`${url}?cf_connect=${encodeURIComponent(JSON.stringify(command))}`)
    : await fetch(url, { method: 'POST', body: JSON.stringify(command) });
  const out = { lines: [], ended: false };
  out.done = (async () => {
    let text = '';
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) {
          const line = text.slice(0, end).replace(/^data: /, '').trim();
          if (line && !line.startsWith(':')) out.lines.push(JSON.parse(line));
        }
      }
    } catch { /* the server ended it */ }
    out.ended = true;
  })();
  await eventually(`${path} is answered`, () => out.lines.length > 0 || out.ended);
  return out;
}
const emulate = ({ session, node }) => fetch(`${server.url}/emulation`, { method: 'POST', body: JSON.stringify({ session, node, data: evil }) });

// One keep-alive connection of POST /rpc/echo, so that it stays on its lane and that lane's cache is warm.
function rpcConnection(access) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = () => new Promise((resolve, reject) => {
    const out = request(`${server.url}/rpc/echo`, { method: 'POST', agent, headers: { Authorization: `Bearer ${access}`, 'Content-Length': 2 } },
      (response) => { response.resume().on('end', () => resolve(response.statusCode)); });
    out.on('error', reject).end('{}');
  });
  return { call, close: () => agent.destroy() };
}

// After it, everything that was published before has been seen by the witness.
let sentinels = 0;
async function nothingEvilWasSeen() {
  const sentinel = ++sentinels;
  await eventually('the witness is up to date', async () => { await say({ sentinel }); return seen.some((d) => d.sentinel === sentinel); });
  assert.deepEqual(seen.filter((d) => d.evil), []);
}

// --- what takes back ------------------------------------------------------------------------------------
const ends = {
  'a logout by the refresh token': [account, ({ refresh }) => form('/oauth/revoke', { token: refresh })],
  'a logout by the access token': [account, ({ access }) => form('/oauth/revoke', { token: access })],
  'lcgctl revoke': [account, ({ user }) => ctl('revoke', user)],
  'block_user': [account, ({ user }) => api('block_user', { user })],
  'revoke_token': [guest, ({ jti }) => api('revoke_token', { uid: jti })],
  'invalidate_user_tokens': [guest, ({ user }) => api('invalidate_user_tokens', { user })],
};

for (const [name, [make, end]] of Object.entries(ends)) {
  test(`${name}: POST /rpc is refused on every lane`, async () => {
    const who = await make();
    const connections = Array.from({ length: 12 }, () => rpcConnection(who.access));
    for (const c of connections) assert.equal(await c.call(), 200);

    await end(who);

    for (const status of await Promise.all(connections.map((c) => c.call()))) assert.ok([401, 403].includes(status), `${status}`);
    connections.forEach((c) => c.close());
  });

  test(`${name}: open sessions of every transport do nothing more`, async () => {
    const who = await make();
    const sockets = await Promise.all(Array.from({ length: 6 }, () => socket(who.access)));
    const streams = [await stream('http_stream', who.access), await stream('sse', who.access)];
    const pushed = [await stream('uni_http_stream', who.access, true), await stream('uni_sse', who.access, true)];
    const sessions = streams.map((s) => s.lines[0].connect);

    await end(who);

    await Promise.all([...sockets.map((s) => s.readyState === WebSocket.OPEN && s.send(evil)), ...sessions.map(emulate)]);
    await nothingEvilWasSeen();
    await Promise.all([...sockets.map((s) => s.end), ...[...streams, ...pushed].map((s) => s.done)]);
  });

  test(`${name}: nobody connects with what was taken back`, async () => {
    const who = await make();
    await end(who);

    // 109: not the login is over, the user's next token is good.
    const { reply } = await socket(who.access);
    const code = reply.code ?? reply.error?.code;
    assert.ok([109, 3500, 3507].includes(code), `${code}`);
    for (const [path, unidirectional] of [['http_stream'], ['sse'], ['uni_http_stream', true], ['uni_sse', true]]) {
      const { lines } = await stream(path, who.access, unidirectional);
      assert.ok(lines.every((l) => !(l.connect?.client)), `${path}: ${JSON.stringify(lines)}`);
    }
  });

  // Let in by the plugins before, bound after; or the other way round: whatever the order, nothing of it is open.
  test(`${name}: connects and calls under way do nothing after it`, async () => {
    for (let round = 0; round < 3; round++) {
      const who = await make();
      const sockets = await Promise.all(Array.from({ length: 20 }, () => new Promise((resolve, reject) => {
        const ws = new WebSocket(server.ws);
        ws.on('error', () => {});
        ws.once('open', () => resolve(ws)).once('error', reject);
      })));
      sockets.forEach((ws) => ws.send(JSON.stringify({ id: 1, connect: { token: who.access } })));

      await end(who);

      sockets.forEach((ws) => ws.readyState === WebSocket.OPEN && ws.send(evil));
      await nothingEvilWasSeen();
      sockets.forEach((ws) => ws.terminate());
    }
  });
}

// What the host does not know a session by is noted on the lane of its user, and a refresh may be checked on any.
test('revoke_token of a later token ends the sessions that refreshed with it, on every lane, and no other', async () => {
  const guests = await Promise.all(Array.from({ length: 12 }, async () => {
    const { user, jti, access } = guest();
    const later = token({ sub: user, jti: `${jti}-later` });
    const closed = await socket(access), open = await socket(access);
    closed.send(JSON.stringify({ id: 2, refresh: { token: later } }));
    const reply = await new Promise((resolve) => closed.once('message', (data) => resolve(JSON.parse(data))));
    assert.ok(reply.refresh, JSON.stringify(reply));
    return { jti: `${jti}-later`, closed, open };
  }));

  for (const { jti } of guests) await api('revoke_token', { uid: jti });

  for (const { closed } of guests) if (closed.readyState === WebSocket.OPEN) closed.send(evil);
  await nothingEvilWasSeen();
  for (const { closed, open } of guests) {
    assert.equal(await closed.end, 3500);
    assert.equal(open.readyState, WebSocket.OPEN);
    open.terminate();
  }
});

for (const [name, end] of Object.entries({ 'a logout': ({ access }) => form('/oauth/revoke', { token: access }), 'lcgctl revoke': ({ user }) => ctl('revoke', user) })) {
  test(`${name}: the refresh token is refused`, async () => {
    const who = await account();
    await end(who);
    assert.equal((await form('/oauth/token', { grant_type: 'refresh_token', refresh_token: who.refresh })).error, 'invalid_grant');
  });
}

for (const [name, end] of Object.entries({ '/api/disconnect': ({ user }) => api('disconnect', { user }), 'lcgctl disconnect': ({ user }) => ctl('disconnect', user) })) {
  test(`${name}: open sessions do nothing more once it is answered`, async () => {
    const who = await account();
    const sockets = await Promise.all(Array.from({ length: 6 }, () => socket(who.access)));
    const streamed = await stream('http_stream', who.access);

    await end(who);

    await Promise.all([...sockets.map((s) => s.readyState === WebSocket.OPEN && s.send(evil)), emulate(streamed.lines[0].connect)]);
    await nothingEvilWasSeen();
  });
}
