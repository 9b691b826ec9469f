// `history: durable`: what was acknowledged is there after kill -9, once and in its place, and whoever was away recovers it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { SECRET, token } from '../protocol/jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const API_KEY = 'durable-api-key-0123456789';
const start = () => new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'authenticates: false', gateway: `  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
  .replace('broker:\n', 'broker:\n  user_personal_channel: { enabled: true, namespace: own }\n')
  .replace('plugins:\n', `    - { name: own, history: durable, history_size: 200, history_ttl: 720h, force_recovery: true }
    - { name: log, history: durable, history_size: 5000, history_ttl: 1h, allow_subscribe_for_client: true, allow_recovery: true }
plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}" } }
`) }).start();

const api = (server, method, params) => server.api(API_KEY, method, params);
async function all(server, channel) {
  const found = [];
  for (let offset = 0; ;) {
    const page = await api(server, 'history', { channel, limit: 300, since: { offset, epoch: '' } });
    found.push(...page.publications);
    if (page.publications.length === 0) return found;
    offset = found.at(-1).offset;
  }
}
const range = (n) => Array.from({ length: n }, (_, i) => i + 1);

for (const [how, end] of [['SIGTERM', (s) => s.stop()], ['kill -9', (s) => s.kill9()]]) {
  test(`a phone that was off has its notifications after ${how}`, async () => {
    const server = await start();
    const phone = new Centrifuge(server.ws, { websocket: WebSocket, token: token({ sub: '42' }), minReconnectDelay: 10, maxReconnectDelay: 100 });
    try {
      const got = [], recovered = [];
      phone.on('publication', (ctx) => got.push(ctx.data));
      phone.on('subscribed', (ctx) => recovered.push(ctx.recovered));
      phone.connect();
      await phone.ready(5000);
      await api(server, 'publish', { channel: 'own:#42', data: 1 });
      await eventually('the first', () => got.length === 1);
      phone.disconnect();
      for (let n = 2; n <= 100; n++) await api(server, 'publish', { channel: 'own:#42', data: n });
      await end(server);
      await server.start();
      await api(server, 'publish', { channel: 'own:#42', data: 101 });
      phone.connect();
      await eventually('all of them', () => got.length >= 101);
      assert.deepEqual(got, range(101));
      assert.equal(recovered.at(-1), true);
    } finally {
      phone.disconnect();
      await server.close();
    }
  });
}

// docs/channels.md, "Notifications": the recipe, as it is there. With the chat's plugins its options are those of no namespace.
const RECIPE = /Notifications: [\s\S]*?```yaml\n- name: own\n([\s\S]*?)```[\s\S]*?```js\n([\s\S]*?)```/.exec(
  readFileSync(new URL('../../docs/channels.md', import.meta.url), 'utf8'));
const OPTIONS = RECIPE[1].trim().split('\n').map((line) => line.trim()).join(', ');
const recipe = (own) => new Server({ config: (o) => testConfig({ ...o, uaaEntry: 'authenticates: false', gateway: `  api: { keys: [{ name: test, key: "${API_KEY}" }] }` })
  .replace('broker:\n', `broker:\n  user_personal_channel: { enabled: true${own === 'own:#' ? ', namespace: own' : ''} }\n`)
  .replace('channel:\n', own === 'own:#' ? `channel:\n` : `channel:\n  without_namespace: { ${OPTIONS} }\n`)
  .replace('plugins:\n', `${own === 'own:#' ? `    - { name: own, ${OPTIONS} }\n` : ''}plugins:
  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}" } }
`) }).start();

for (const own of ['own:#', '#']) {
  test(`an app that is started again reads all it missed of its channel ${own}`, async () => {
    const server = await recipe(own);
    const publish = async (from, to) => {
      const commands = range(to - from + 1).map((i) => ({ publish: { channel: `${own}42`, data: from + i - 1 } }));
      const response = await fetch(`${server.url}/api/batch`, { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: JSON.stringify({ commands }) });
      for (const { error } of (await response.json()).replies) assert.equal(error, undefined);
    };
    const localStorage = { own: '{"offset":9,"epoch":"of another server"}' }, shown = [], hints = [];
    const start = () => {
      const app = new Centrifuge(server.ws, { websocket: WebSocket, token: token({ sub: '42' }), minReconnectDelay: 10, maxReconnectDelay: 100 });
      const timer = (...args) => setTimeout(...args).unref();
      new Function('client', 'localStorage', 'notify', 'setTimeout', RECIPE[2].replaceAll("'own:#'", `'${own}'`))(app, localStorage, (data) => shown.push(data), timer);
      app.on('publication', (ctx) => ctx.data.type && hints.push(ctx.data.type));
      app.connect();
      return app;
    };
    let app;
    try {
      await publish(1, 3);
      app = start();
      await eventually('what came before the app was there', () => shown.length === 3);
      await publish(4, 4);
      await eventually('the next', () => shown.length === 4);
      app.disconnect();
      await publish(5, 154);
      await server.stop();
      await server.start();
      app = start();
      await eventually('150 that were missed', () => shown.length >= 154);
      app.disconnect();
      await publish(155, 500);                   // more than a recovery gives
      app.connect();
      await eventually('346 that were missed', () => shown.length >= 500);
      await publish(501, 501);
      await eventually('the last', () => shown.length >= 501);
      assert.deepEqual(shown, range(501));
      if (own === 'own:#') return;
      await app.rpc('dialog.create', { id: 'team' });
      await eventually('the chat is heard', () => hints.length > 0);
      await publish(502, 502);
      await eventually('one more', () => shown.length >= 502);
      assert.deepEqual(shown.slice(500), [501, 502]);
    } finally {
      app?.disconnect();
      await server.close();
    }
  });
}

test('what was acknowledged before kill -9 is there once, and a retry under its key adds nothing', async () => {
  const server = await start();
  try {
    const acked = new Map();
    let next = 0, asked = 0;
    const publish = (n) => api(server, 'publish', { channel: 'log:all', data: n, idempotency_key: `key-${n}` });
    const publisher = async () => {
      for (;;) {
        const n = ++next;
        asked = Math.max(asked, n);
        try { acked.set(n, (await publish(n)).offset); } catch { return; }
      }
    };
    const publishers = range(8).map(publisher);
    await eventually('enough is acknowledged', () => acked.size > 300);
    await server.kill9();
    await Promise.all(publishers);
    await server.start();

    const before = await all(server, 'log:all');
    assert.deepEqual(before.map((p) => p.offset), range(before.length), 'dense');
    const at = new Map(before.map((p) => [p.data, p.offset]));
    assert.equal(at.size, before.length, 'nothing twice');
    for (const [n, offset] of acked) assert.equal(at.get(n), offset, `${n} is where it was acknowledged`);

    for (const n of range(asked)) await publish(n);
    const after = await all(server, 'log:all');
    assert.deepEqual(after.map((p) => p.data).sort((a, b) => a - b), range(asked), 'each once');
    assert.deepEqual(after.slice(0, before.length).map((p) => p.data), before.map((p) => p.data), 'the order stays');
  } finally { await server.close(); }
});
