// A server without a storage plugin: it serves what needs none, and says who needs one otherwise.
import test from 'node:test';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server, testConfig } from '../support/server.mjs';
import { SECRET, token } from './jwt.mjs';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const config = (plugins) => (options) => testConfig(options)
  .replace('    - { name: dialog, provider: dialog }\n', '')
  .replace(/plugins:\n[^]*$/, `plugins:\n${plugins}`);

test('pub/sub with tokens needs no store', async () => {
  const server = await new Server({ config: config(`  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}", revocation: { enabled: false } } }\n`) }).start();
  try {
    const client = new Centrifuge(server.ws, { websocket: WebSocket, token: token({ sub: 'ann' }), data: { device: 'phone' } });
    const sub = client.newSubscription('chat:lobby');
    const heard = new Promise((resolve) => sub.on('publication', (ctx) => resolve(ctx.data)));
    client.connect();
    sub.subscribe();
    await sub.ready(5000);
    await sub.publish('hello');
    assert.equal(await heard, 'hello');
    client.disconnect();
    assert.equal((await server.stop()).code, 0);
  } finally { await server.close(); }
});

for (const [name, settings] of [['token', `hmac_secret_key: "${SECRET}"`], ['uaa', 'argon2_memory: 8MiB'], ['user', '']]) {
  test(`${name} says that it needs one`, async () => {
    const server = new Server({ config: config(`  - { name: ${name}, instances: per_lane, config: { ${settings} } }\n`) });
    await assert.rejects(server.start(), (e) => e.message.includes(name) && e.message.includes("needs the service 'storage'"));
    rmSync(server.dir, { recursive: true, force: true });
  });
}
