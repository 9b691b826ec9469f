// A backup: the store's directory of a stopped server and the credential, copied elsewhere. Source: docs/operations.md, "Backup", "Upgrade".
import test from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Server, testConfig } from '../support/server.mjs';
import { Device, register } from '../../client/demo/device.mjs';

const PASSWORD = 'a-long-enough-password';
const FILES = ['store', 'uaa.key'];

const withNode = (name, slots) => (options) => testConfig(options).replace('broker:\n', `broker:\n  node: ${name}\n  slots: ${slots}\n`);

async function connected(server, name) {
  const device = new Device({ url: server.url, user: 'alice', password: PASSWORD, name, reconnectMs: 200 });
  await device.login();
  await device.connect();
  return device;
}

// A server that has said one line, and was stopped.
async function stoppedWithALine() {
  const server = await new Server({ config: withNode('first', 1024) }).start();
  await register(server.url, 'alice', PASSWORD);
  const alice = await connected(server, 'phone');
  const { dialog } = await alice.rpc('dialog.create', { kind: 'group', title: 'kept' });
  const said = await alice.send(dialog, 'a line');
  const token = alice.tokens.access_token;
  alice.disconnect();
  assert.equal((await server.stop()).code, 0);
  return { server, dialog, said, token };
}

function restored(from, options, files = FILES) {
  const server = new Server(options);
  for (const name of files) cpSync(join(from.dir, name), join(server.dir, name), { recursive: true, preserveTimestamps: true });
  return server;
}

test('a copy on another path, with other lanes and another node, has its messages and logins', async () => {
  const { server, dialog, said, token } = await stoppedWithALine();
  const copy = restored(server, { config: withNode('second', 1024), lanes: 3 });
  await copy.start();

  const read = await fetch(`${copy.url}/rpc/dialog.history`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify({ dialog }) });
  assert.equal(read.status, 200, 'a token from before is good: the credential opens the signing keys');
  assert.deepEqual((await read.json()).entries.at(-1).id, said.id);
  const alice = await connected(copy, 'phone');
  assert.ok((await alice.send(dialog, 'another')).seq > said.seq);
  alice.disconnect();

  await copy.close();
  await server.start();
  const first = await connected(server, 'phone');
  assert.equal((await first.rpc('dialog.get', { dialog })).head, said.seq, 'the original knows nothing of the copy');
  first.disconnect();
  await server.close();
});

for (const [what, options, files, words] of [
  ['other slots', { config: withNode('first', 512) }, FILES, 'this store was made with broker.slots: 1024'],
  ['no credential', { config: withNode('first', 1024) }, ['store'], 'are encrypted under it, put it back'],
]) {
  test(`a copy with ${what} is refused, and opens with everything once that is put right`, async () => {
    const { server, dialog, said } = await stoppedWithALine();
    const copy = restored(server, options, files);
    await assert.rejects(copy.start(), (error) => error.message.includes(words));
    for (const name of FILES.filter((name) => !files.includes(name))) assert.ok(!existsSync(join(copy.dir, name)), `a refused start made ${name}`);

    copy.makeConfig = withNode('first', 1024);
    for (const name of FILES.filter((name) => !files.includes(name))) cpSync(join(server.dir, name), join(copy.dir, name));
    await copy.start();
    const alice = await connected(copy, 'phone');
    assert.equal((await alice.rpc('dialog.get', { dialog })).head, said.seq);
    alice.disconnect();
    await copy.close();
    rmSync(server.dir, { recursive: true, force: true });
  });
}
