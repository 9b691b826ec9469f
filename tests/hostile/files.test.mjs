// What other users of the machine may lay in the server's way: nothing of theirs is used, nothing is destroyed, and the
// start says what lies where.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, lchownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync,
  writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, testConfig } from '../support/server.mjs';

// The store and uaa alone.
const small = (options) => testConfig(options).replace(/^  - \{ name: (user|message|dialog|echo),.*\n/gm, '')
  .replace('    - { name: dialog, provider: dialog }\n', '');
const STRANGER = 12345;
const isRoot = process.getuid() === 0;

// A server that must not start: what it said, with its status.
async function refused(prepare, options = {}) {
  const server = new Server({ config: small, ...options });
  await prepare(server);
  await assert.rejects(server.start(), /lcg ended at start/);
  return { server, text: server.logText(), code: (await server.exited).code };
}
const remove = (server) => rmSync(server.dir, { recursive: true, force: true });

test('admin.socket takes away nothing but a dead socket of its own', async () => {
  const cases = {
    'a file': (path) => writeFileSync(path, 'precious'),
    'a directory': (path) => mkdirSync(path),
    'a link': (path) => symlinkSync('/etc/hostname', path),
  };
  for (const [what, lay] of Object.entries(cases)) {
    const { server, text, code } = await refused(({ dir }) => lay(join(dir, 'admin.sock')));
    assert.equal(code, 69, what);
    assert.match(text, new RegExp(`admin\\.sock is ${what}`));
    assert.ok(readdirSync(server.dir).includes('admin.sock'), what);
    if (what === 'a file') assert.equal(readFileSync(join(server.dir, 'admin.sock'), 'utf8'), 'precious');
    remove(server);
  }
});

test('a squatter on admin.socket stops the start and is told nothing', async (t) => {
  if (!isRoot) return t.skip('only root can be two users');
  const place = mkdtempSync(join(tmpdir(), 'lcg-squat-'));
  chmodSync(place, 0o1777);
  const path = join(place, 'admin.sock');
  const squatter = spawn(process.execPath, ['-e', `require('net').createServer((s) => s.on('data', (d) => console.log('heard ' + d)))
    .listen(${JSON.stringify(path)}, () => { require('fs').chmodSync(${JSON.stringify(path)}, 0o777); console.log('listening'); })`],
  { uid: STRANGER, gid: STRANGER, stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  squatter.stdout.on('data', (data) => { heard += data; });
  await once(squatter.stdout, 'data');

  const { server, text } = await refused(() => {}, { config: (c) => small(c).replace(`${c.dir}/admin.sock`, path) });
  assert.match(text, /is a socket of uid 12345/);

  const bin = join(process.env.LCG_BIN_DIR, 'lcgctl');
  const ctl = spawnSync(bin, ['--socket', path, 'token', 'inspect', 'secret-token'], { encoding: 'utf8' });
  assert.equal(ctl.status, 69);
  assert.match(ctl.stderr, /runs as uid 12345/);
  squatter.kill();
  await once(squatter, 'exit');
  assert.equal(heard.trim(), 'listening');
  remove(server);
  rmSync(place, { recursive: true });
});

test('a file that somebody else could exchange is not read', async (t) => {
  const config = await refused(({ dir }) => chmodSync(dir, 0o777));
  assert.match(config.text, /mode is 0777, writable by others/);
  remove(config.server);
  if (!isRoot) return t.skip('the links of another user: only root can make them');

  const plugins = mkdtempSync(join(tmpdir(), 'lcg-plugins-'));
  symlinkSync(process.env.LCG_PLUGIN_DIR, join(plugins, 'link'));
  lchownSync(join(plugins, 'link'), STRANGER, STRANGER);
  const link = await refused(() => {}, {
    config: (c) => small(c).replace(/plugin_dir: .*/, `plugin_dir: ["${plugins}/link"]`),
  });
  assert.match(link.text, /link: belongs to uid 12345/);
  remove(link.server);
  rmSync(plugins, { recursive: true });
});

test("./run in a checkout that is another user's says what to do before it builds", (t) => {
  if (!isRoot) return t.skip('only root can give a folder away');
  const checkout = mkdtempSync(join(tmpdir(), 'lcg-run-'));
  copyFileSync(new URL('../../run', import.meta.url), join(checkout, 'run'));
  chownSync(checkout, STRANGER, STRANGER);
  const { status, stderr, stdout } = spawnSync(join(checkout, 'run'), { encoding: 'utf8' });
  assert.equal(status, 1, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /lcg-run-\w+ belongs to .*\n.* say \.\/run, without sudo/);
  assert.deepEqual(readdirSync(checkout), ['run']);
  rmSync(checkout, { recursive: true });
});

test('a directory of other things is no store, and stays as it is', async () => {
  const { server, text } = await refused(({ dir }) => {
    mkdirSync(join(dir, 'store'), { mode: 0o755 });
    writeFileSync(join(dir, 'store', 'notes'), 'precious');
    chmodSync(join(dir, 'store'), 0o755);
  });
  assert.match(text, /holds ."?notes.* and no store: give the store a directory of its own/);
  assert.equal(statSync(join(server.dir, 'store')).mode & 0o777, 0o755);
  remove(server);
});

test('everything the server writes is its own alone, and an open store is closed', async () => {
  const server = await new Server({ config: small }).start();
  await server.stop();
  const store = join(server.dir, 'store');
  chmodSync(store, 0o755);
  for (const name of readdirSync(store)) chmodSync(join(store, name), 0o644);

  await server.start();
  const open = [];
  const walk = (path) => {
    const { mode } = statSync(path);
    if (mode & 0o077) open.push(`${path} ${(mode & 0o7777).toString(8)}`);
    if (statSync(path).isDirectory()) readdirSync(path).forEach((name) => walk(join(path, name)));
  };
  for (const name of readdirSync(server.dir).filter((n) => n !== 'log' && n !== 'lcg.yaml')) walk(join(server.dir, name));
  assert.deepEqual(open, []);
  assert.match(server.logText(), /had mode 0755/);
  await server.close();
});

test('a store without its credential does not start, and starts again with it', async () => {
  const server = await new Server({ config: small }).start();
  const token = (await server.ctl('token', 'create', 'robot')).stdout.trim();
  await server.stop();
  const key = join(server.dir, 'uaa.key');
  renameSync(key, `${key}.away`);
  await assert.rejects(server.start(), /key\.credential.*put it back; nothing was changed/s);
  assert.ok(!readdirSync(server.dir).includes('uaa.key'));

  renameSync(`${key}.away`, key);
  await server.start();
  assert.match((await server.ctl('token', 'inspect', token)).stdout, /active: true/);
  await server.close();
});

test('lcgctl keys lists, rotates and rewraps while tokens stay good', async () => {
  const server = await new Server({ config: small }).start();
  const token = (await server.ctl('token', 'create', 'robot')).stdout.trim();
  const before = readFileSync(join(server.dir, 'uaa.key'), 'utf8');
  const rows = async (what) => JSON.parse((await server.ctl('--json', 'keys', what)).stdout).rows;
  assert.deepEqual((await rows('list')).map((r) => r.use), ['signs']);
  assert.deepEqual((await rows('rotate')).map((r) => r.use), ['signs', 'signs soon']);
  assert.equal((await rows('rewrap')).length, 2);
  assert.notEqual(readFileSync(join(server.dir, 'uaa.key'), 'utf8'), before);
  await server.stop();
  await server.start();
  assert.match((await server.ctl('token', 'inspect', token)).stdout, /active: true/);
  await server.close();
});
