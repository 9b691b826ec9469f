// The daemon as an operator meets it: exit codes, signals, reload, the admin tool, the logs.
import test, { afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, statSync, writeFileSync, readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { Device, register } from '../../client/demo/device.mjs';
import { RawClient } from '../support/raw_client.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = process.env.LCG_BIN_DIR ?? join(root, 'build/release/bin');
const PASSWORD = 'a-long-enough-password';
const exec = (name, ...args) => new Promise((resolve) => {
  execFile(join(bin, name), args, { cwd: root, timeout: 20000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, text: stdout + stderr }));
});
const people = [];
afterEach(() => people.splice(0).forEach((d) => d.disconnect()));
async function person(server, user) {
  await register(server.url, user, PASSWORD);
  const device = new Device({ url: server.url, user, password: PASSWORD, name: 'phone', reconnectMs: 100 });
  await device.login();
  await device.connect();
  people.push(device);
  return device;
}

test('SIGTERM: not ready any more, clients are told 3001, exit 0', async () => {
  const server = await new Server().start();
  const device = await person(server, 'alice');
  const raw = new RawClient(server.port);
  await raw.login(device.tokens.access_token);
  device.disconnect();
  const ending = server.stop();
  assert.equal(await raw.closed(), 3001);
  assert.deepEqual(await ending, { code: 0, signal: null });
  rmSync(server.dir, { recursive: true });
});

test('a broken configuration ends the start with 78 and names file, line and field', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lcg-test-'));
  const path = join(dir, 'lcg.yaml');
  writeFileSync(path, 'lanes: 2\ngateway:\n  lisen: ["127.0.0.1:1"]\n', { mode: 0o600 });
  const { code, text } = await exec('lcg', '--config', path);
  assert.equal(code, 78, text);
  assert.match(text, /lcg\.yaml:3:3: .*lisen.*listen/s);
  rmSync(dir, { recursive: true });
});

test('a missing configuration file ends with 66', async () => {
  assert.equal((await exec('lcg', '--config', '/nonexistent/lcg.yaml')).code, 66);
});

test('lcgctl check passes the shipped configuration and changes nothing', async () => {
  const server = new Server();
  server.port = 1;
  writeFileSync(join(server.dir, 'lcg.yaml'), testConfig({ port: 1, dir: server.dir }), { mode: 0o600 });
  const before = readdirSync(server.dir);
  const ok = await exec('lcgctl', 'check', join(server.dir, 'lcg.yaml'));
  assert.equal(ok.code, 0, ok.text);
  assert.deepEqual(readdirSync(server.dir), before);
  const shipped = await exec('lcgctl', 'check', join(root, 'conf/lcg.yaml'));
  assert.equal(shipped.code, 0, shipped.text);
  rmSync(server.dir, { recursive: true });
});

test('SIGHUP takes a good file and refuses a broken one', async () => {
  const server = await new Server().start();
  const attempt = async () => { const raw = new RawClient(server.port); const r = await raw.upgrade({ headers: { Origin: 'https://app.example' } }); raw.end(); return r.status; };
  assert.equal(await attempt(), 403);
  const good = readFileSync(server.configPath, 'utf8').replace('gateway:\n', 'gateway:\n  allowed_origins: ["https://app.example"]\n');
  writeFileSync(server.configPath, good.replace('lanes: 2', 'lanes: many'), { mode: 0o600 });
  server.process.kill('SIGHUP');
  await eventually('the refusal is logged', () => /lcg\.yaml:1:8/.test(server.logText()));
  assert.equal(await attempt(), 403);
  writeFileSync(server.configPath, good, { mode: 0o600 });
  server.process.kill('SIGHUP');
  await eventually('the origin is allowed', async () => (await attempt()) === 101);
  await server.close();
});

test('a second server on the same store or port ends with a clear word', async () => {
  const server = await new Server().start();
  const { code, text } = await exec('lcg', '--config', server.configPath);
  assert.notEqual(code, 0);
  assert.match(text, /in use|locked|already/i);
  await server.close();
});

test('lcgctl: sessions, channels, slots, token, explain', async () => {
  const server = await new Server().start();
  const alice = await person(server, 'alice');
  const { dialog } = await alice.rpc('dialog.create', { kind: 'group' });
  alice.follow(dialog);
  const ack = await alice.send(dialog, 'an explained message');
  const run = async (...args) => {
    const out = await server.ctl(...args);
    assert.equal(out.code, 0, `${args.join(' ')}: ${out.stdout}${out.stderr}`);
    return out.stdout;
  };
  assert.match(await run('sessions'), /alice\s.*phone/);
  assert.match(await run('channels'), new RegExp(`dialog:${dialog}`));
  assert.match(await run('slots'), /1024/);
  const token = (await run('token', 'create', 'alice')).trim();
  const raw = new RawClient(server.port);
  assert.ok((await raw.login(token)).connect, 'the token connects');
  raw.end();
  assert.match(await run('token', 'inspect', token), /alice/);
  const life = await run('explain', ack.id);
  assert.match(life, /status: confirmed/);
  assert.match(life, new RegExp(`\\b${ack.seq}\\b`));
  assert.notEqual((await server.ctl('explain', '12345')).code, 0);
  assert.equal(statSync(join(server.dir, 'admin.sock')).mode & 0o777, 0o600, 'only the owner may use the admin socket');
  alice.disconnect();
  await server.close();
});

test('logs are JSON lines without tokens or payloads; metrics and health answer', async () => {
  const server = await new Server().start();
  const alice = await person(server, 'alice');
  const { dialog } = await alice.rpc('dialog.create', { kind: 'group' });
  await alice.send(dialog, 'a payload that stays out of logs');
  for (const line of server.logText().trim().split('\n')) assert.ok(JSON.parse(line).event, line);
  assert.ok(!server.logText().includes(alice.tokens.access_token));
  assert.ok(!server.logText().includes('a payload that stays'));
  const get = async (path) => { const r = await fetch(server.url + path); return { status: r.status, text: await r.text() }; };
  assert.equal((await get('/health')).status, 200);
  const metrics = await get('/metrics');
  assert.match(metrics.text, /^lcg_sessions\S* 1$/m);
  assert.ok(!metrics.text.includes('alice'));
  alice.disconnect();
  await server.close();
});

test('who asks too often over HTTP is told when to come again; each lane has its own metrics', async () => {
  const limits = 'argon2_memory: 8MiB, limits: { user: { burst: 1, per_minute: 1 } }';
  const server = await new Server({ config: (o) => testConfig({ ...o, uaa: limits }) }).start();
  const attempt = () => fetch(`${server.url}/oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'password', username: 'nobody', password: 'wrong' }) });
  assert.equal((await attempt()).headers.get('retry-after'), null);
  // Each lane counts for itself, so the refusal comes at the latest with the third attempt.
  let refused = await attempt();
  if (refused.status !== 429) refused = await attempt();
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^lcg_lane_tasks_total\{lane="1"\} \d+$/m);
  await server.close();
});
