// Callbacks as a stock SDK and a real back end see them. Source: client-protocol 3.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { BackEnd } from './back_end.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const seconds = (n) => Math.floor(Date.now() / 1000) + n;
let server, back;
const clients = [];

// What a test lets the back end say; by default everybody is let in under the name of his connect data.
const answers = {
  '/connect': (body) => ({ result: { user: body.data?.user ?? 'somebody' } }),
};

before(async () => {
  back = await new BackEnd(answers).start();
  server = await new Server({
    config: (o) => testConfig({ ...o, uaaEntry: 'authenticates: false', gateway: '  clients: { headers: [x-real, x-other], emulated_headers: [x-app] }' })
      .replace('plugins:\n', `    - { name: asked, subscribe_proxy_enabled: true, publish_proxy_enabled: true, sub_refresh_proxy_enabled: true, presence: true, history_size: 10, history_ttl: 1m, allow_presence_for_subscriber: true, allow_history_for_subscriber: true }
    - { name: open, allow_subscribe_for_client: true }
plugins:
`)
      .concat(`  - name: http_callback
    instances: per_lane
    config:
      backends:
        - { name: connect, endpoint: "${back.url}/connect", http_headers: [x-real, x-app], static_headers: ["X-App: static", "X-Key: secret"] }
        - { name: refresh, endpoint: "${back.url}/refresh", include_connection_meta: true }
        - { name: default, endpoint: "${back.url}/channel", include_connection_meta: true }
        - name: rpc
          endpoint: "${back.url}/rpc"
          status_to_code_transforms:
            - { status_code: 404, to_error: { code: 1404, message: gone, temporary: false } }
            - { status_code: 401, to_disconnect: { code: 4501, reason: who } }
        - { name: binary, endpoint: "${back.url}/binary", binary_encoding: true }
      connect: connect
      refresh: refresh
      rpc: { without_namespace: rpc, namespaces: [{ name: bin, backend: binary }, { name: off }] }
`),
  }).start();
});
after(async () => {
  clients.forEach((c) => c.disconnect());
  await server?.close();
  await back?.stop();
});

function client(data, options = {}) {
  const c = new Centrifuge(server.ws, { websocket: WebSocket, data, minReconnectDelay: 20, maxReconnectDelay: 100, ...options });
  c.log = [];
  for (const event of ['connected', 'disconnected', 'connecting', 'error', 'subscribed', 'unsubscribed'])
    c.on(event, (ctx) => c.log.push({ event, ...ctx }));
  clients.push(c);
  c.connect();
  return c;
}
async function connected(data, options) {
  const c = client(data, options);
  await c.ready(5000);
  return c;
}
const logged = (c, event) => eventually(event, () => c.log.find((e) => e.event === event));
// Runs `body` with the back end answering `path` by `answer`.
async function answering(path, answer, body) {
  const before = answers[path];
  answers[path] = answer;
  try { return await body(); } finally { answers[path] = before; }
}

test('connect: who a client without a token is, what he is told, where he is subscribed', async () => {
  await answering('/connect', () => ({ result: { user: 'ann', data: { hello: 1 }, info: { name: 'Ann' }, channels: ['open:news'], meta: { level: 3 } } }), async () => {
    const c = await connected({ user: 'x' }, { name: 'js', version: '9' });
    const hello = await logged(c, 'connected');
    assert.equal(hello.data.hello, 1);
    assert.ok(c.log.some((e) => e.event === 'subscribed' && e.channel === 'open:news') || await logged(c, 'subscribed'));
    const { body } = back.of('/connect').at(-1);
    assert.match(body.client, /^[0-9a-f-]{36}$/);
    assert.deepEqual({ ...body, client: '' }, { client: '', transport: 'websocket', protocol: 'json', encoding: 'json', callback: 'connect', data: { user: 'x' }, name: 'js', version: '9' });
  });
});

test('connect: headers go through both lists, the real one wins, static ones stand behind', async () => {
  const real = new Centrifuge(server.ws, {
    websocket: class extends WebSocket { constructor(url, protocols) { super(url, protocols, { headers: { 'X-Real': 'yes', 'X-Other': 'no', 'X-App': 'not from here' } }); } },
    headers: { 'x-app': 'emulated', 'x-real': 'forged', 'x-evil': 'a' }, data: { user: 'head' },
  });
  clients.push(real);
  real.connect();
  await real.ready(5000);
  const { headers } = back.of('/connect').at(-1);
  assert.equal(headers['x-real'], 'yes');
  assert.equal(headers['x-app'], 'emulated');
  assert.equal(headers['x-key'], 'secret');
  assert.equal(headers['x-other'], undefined);
  assert.equal(headers['x-evil'], undefined);
  assert.equal(headers['content-type'], 'application/json');
  await connected({ user: 'plain' });
  assert.equal(back.of('/connect').at(-1).headers['x-app'], 'static');
});

test('connect: line breaks in an emulated header go nowhere', async () => {
  const c = await connected({ user: 'crlf' }, { headers: { 'x-app': 'a\r\nx-key: forged\r\n\r\nPOST / HTTP/1.1' } });
  assert.ok(c);
  const { headers } = back.of('/connect').at(-1);
  assert.equal(headers['x-app'], 'static');
  assert.equal(headers['x-key'], 'secret');
});

test('connect: an error that passes is tried again, one that does not ends it', async () => {
  await answering('/connect', () => ({ error: { code: 1000, message: 'not today' } }), async () => {
    const gone = await logged(client({}), 'disconnected');
    assert.equal(gone.code, 1000);
    assert.equal(gone.reason, 'not today');
  });
  let tries = 0;
  await answering('/connect', () => (++tries < 3 ? { error: { code: 1000, message: 'wait', temporary: true } } : { result: { user: 'late' } }), async () => {
    await logged(client({}), 'connected');
    assert.equal(tries, 3);
  });
});

test('connect: a disconnect ends it with its code', async () => {
  await answering('/connect', () => ({ disconnect: { code: 4501, reason: 'no entry' }, result: { user: 'ann' } }), async () => {
    const gone = await logged(client({}), 'disconnected');
    assert.deepEqual([gone.code, gone.reason], [4501, 'no entry']);
  });
});

test('connect: no result means nobody knows the client', async () => {
  await answering('/connect', () => ({}), async () => {
    assert.equal((await logged(client({}), 'disconnected')).code, 3501);
  });
});

test('connect: a result without a user is no way around allow_anonymous: false', async () => {
  await answering('/connect', () => ({ result: {} }), async () => {
    assert.equal((await logged(client({}), 'disconnected')).code, 3501);
  });
});

test('each callback is named, in a header and in the body', async () => {
  const c = await connected({ user: 'named' });
  await c.rpc('anything', 1);
  for (const [path, name] of [['/connect', 'connect'], ['/rpc', 'rpc']]) {
    const { body, headers } = back.of(path).at(-1);
    assert.deepEqual([headers['x-lcg-callback'], body.callback], [name, name]);
  }
});

test('refresh: the back end extends the connection, and the client is not told of it', async () => {
  let asked = 0;
  await answering('/connect', () => ({ result: { user: 'ref', expire_at: seconds(1), meta: { k: 1 } } }), () =>
    answering('/refresh', () => { asked++; return { result: { expire_at: seconds(asked < 2 ? 1 : 3600) } }; }, async () => {
      const c = await connected({});
      await eventually('asked twice', () => asked >= 2);
      const { body } = back.of('/refresh').at(-1);
      assert.equal(body.user, 'ref');
      assert.deepEqual(body.meta, { k: 1 });
      assert.equal(c.state, 'connected');
      assert.equal(c.log.filter((e) => e.event === 'connecting').length, 1);
    }));
});

test('refresh: expired, and no result, end the connection with 3005', async () => {
  for (const answer of [{ result: { expired: true } }, {}]) {
    let connects = 0;
    await answering('/connect', () => (++connects === 1 ? { result: { user: 'exp', expire_at: seconds(1) } } : { error: { code: 1001, message: 'over' } }), () =>
      answering('/refresh', () => answer, async () => {
        const c = client({});
        await eventually('closed', () => c.log.find((e) => e.event === 'connecting' && e.code === 3005));
      }));
  }
});

test('subscribe: allowed with info, data and overrides; denied with the code of the back end', async () => {
  await answering('/channel', (body) => (body.channel === 'asked:yes'
    ? { result: { info: { seat: 4 }, data: { welcome: true } } } : { error: { code: 1003, message: 'full' } }), async () => {
    const c = await connected({ user: 'sub' });
    const yes = c.newSubscription('asked:yes', { data: { want: 1 } });
    const told = new Promise((resolve) => yes.on('subscribed', resolve));
    yes.subscribe();
    assert.deepEqual((await told).data, { welcome: true });
    const { body } = back.of('/channel').at(-1);
    assert.equal(body.user, 'sub');
    assert.deepEqual(body.data, { want: 1 });
    assert.deepEqual(Object.values((await yes.presence()).clients)[0].chanInfo, { seat: 4 });
    const no = c.newSubscription('asked:no');
    const refused = new Promise((resolve) => no.on('unsubscribed', resolve));
    no.subscribe();
    assert.equal((await refused).code, 1003);
  });
});

test('publish: the back end replaces the data, or refuses', async () => {
  await answering('/channel', (body) => {
    if (!('data' in body)) return { result: {} };
    return body.data.bad ? { error: { code: 1007, message: 'bad word' } } : { result: { data: { said: body.data.say, checked: true } } };
  }, async () => {
    const c = await connected({ user: 'pub' });
    const sub = c.newSubscription('asked:talk');
    const got = [];
    sub.on('publication', (ctx) => got.push(ctx.data));
    sub.subscribe();
    await sub.ready(5000);
    await sub.publish({ say: 'hi' });
    await eventually('published', () => got.length === 1);
    assert.deepEqual(got, [{ said: 'hi', checked: true }]);
    await assert.rejects(sub.publish({ bad: 1 }), (e) => e.code === 1007);
    assert.equal(got.length, 1);
  });
});

test('sub_refresh: the back end extends a subscription, and ends it with 2501', async () => {
  let asked = 0, subscribed = 0;
  await answering('/channel', (body) => {
    if ('data' in body) { subscribed++; return { result: { expire_at: seconds(1) } }; }
    return ++asked < 2 ? { result: { expire_at: seconds(1) } } : { result: { expired: true } };
  }, async () => {
    const c = await connected({ user: 'subref' });
    const sub = c.newSubscription('asked:short', { data: {} });
    const again = new Promise((resolve) => sub.on('subscribing', (ctx) => ctx.code === 2501 && resolve(ctx)));
    sub.subscribe();
    await sub.ready(5000);
    await eventually('asked to extend it', () => asked >= 2, 60000);
    await again;
    assert.ok(subscribed >= 1);
    sub.unsubscribe();
  });
});

test('rpc: data both ways, errors, transforms, namespaces', async () => {
  const c = await connected({ user: 'rpc' });
  await answering('/rpc', (body, request, response) => {
    if (body.method === 'add') return { result: { data: body.data.a + body.data.b } };
    if (body.method === 'fail') return { error: { code: 1234, message: 'no' } };
    response.writeHead(body.method === 'gone' ? 404 : 500);
    response.end();
  }, async () => {
    assert.equal((await c.rpc('add', { a: 2, b: 3 })).data, 5);
    await assert.rejects(c.rpc('fail', {}), (e) => e.code === 1234 && e.message === 'no');
    await assert.rejects(c.rpc('gone', {}), (e) => e.code === 1404 && e.message === 'gone');
    await assert.rejects(c.rpc('broken', {}), (e) => e.code === 100 && e.temporary === true);
    await assert.rejects(c.rpc('nope:x', {}), (e) => e.code === 104);
    await assert.rejects(c.rpc('off:x', {}), (e) => e.code === 108);
  });
  await answering('/binary', (body) => ({ result: { b64data: Buffer.from(JSON.stringify({ was: body.b64data, encoding: body.encoding })).toString('base64') } }), async () => {
    const answer = await c.rpc('bin:x', { a: 1 });
    assert.deepEqual(answer.data, { was: Buffer.from('{"a":1}').toString('base64'), encoding: 'binary' });
  });
  await answering('/rpc', (body, request, response) => { response.writeHead(401); response.end(); }, async () => {
    c.rpc('who', {}).catch(() => {});
    assert.equal((await logged(c, 'disconnected')).code, 4501);
  });
});

test('many clients are asked about over few connections', async () => {
  const before = back.connections;
  await Promise.all(Array.from({ length: 60 }, (_, i) => connected({ user: `many${i}` })));
  assert.ok(back.connections - before <= 8, `${back.connections - before} connections`);
});
