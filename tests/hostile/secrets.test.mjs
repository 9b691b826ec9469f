// A secret in every setting of the server, right and wrong, and then nothing that the server says has it: stderr, the log,
// `lcgctl check --effective`, /metrics, the admin socket. The plugins' settings: plugins/secrets_test.cc.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawClient, frame } from '../support/raw_client.mjs';
import { Server, eventually, testConfig } from '../support/server.mjs';

const SECRET = 'CanarySecret';
const ctl = join(process.env.LCG_BIN_DIR, 'lcgctl');
// Settings that `--effective` is there to show: names, addresses and paths.
const SHOWN = new RegExp(`^(${[
  'admin\\.socket', 'gateway\\.listen(\\.\\d+\\.address)?', 'gateway\\.tls\\.certificates\\.\\d+\\.(certificate|key)', 'gateway\\.proxies\\.trusted',
  'gateway\\.allowed_(origins|hosts)', 'gateway\\.http_plugin_paths', 'gateway\\.clients\\.(headers|emulated_headers)', 'gateway\\.api\\.keys\\.\\d+\\.(name|methods|namespaces)',
  'gateway\\.api\\.revoke_services', 'broker\\.(node|plugin_dir)', 'broker\\.user_personal_channel\\.namespace',
  'channel\\.(without_namespace|namespaces\\.\\d+)\\.(name|provider|channel_regex|subscription_type|allowed_delta_types|\\w+_proxy_name)',
  'plugins\\.\\d+\\.(name|file|user_prefix)',
].join('|')})$`);

function check(text, ...options) {
  const dir = mkdtempSync(join(tmpdir(), 'lcg-secrets-'));
  writeFileSync(join(dir, 'lcg.yaml'), text, { mode: 0o600 });
  const { stdout, stderr } = spawnSync(ctl, ['check', ...options, join(dir, 'lcg.yaml')], { encoding: 'utf8', env: { ...process.env, SECRET } });
  rmSync(dir, { recursive: true });
  return { stdout, stderr };
}

// Every setting there is, by its path, as the program itself lists them.
const everything = `
gateway:
  listen: [{ address: "127.0.0.1:0" }]
  tls: { certificates: [{ certificate: a, key: b }] }
  api: { keys: [{ name: a, key: "0123456789abcdef0123456789abcdef" }] }
channel: { namespaces: [{ name: a }] }
plugins: [{ name: uaa }]
`;
const paths = check(everything, '--effective').stdout.split('\n').filter((line) => line.includes(': ')).map((line) => line.split(': ')[0]);

// {"a.0.b": x} as {a: [{b: x}]}, in YAML's JSON form.
function tree(entries) {
  const root = {};
  for (const [path, value] of entries) {
    let at = root;
    const parts = path.split('.');
    parts.forEach((part, i) => {
      if (i === parts.length - 1) at[part] = value;
      else at = (at[part] ??= /^\d+$/.test(parts[i + 1]) ? [] : {});
    });
  }
  return JSON.stringify(root);
}
// The lines that have it and may not.
const leaks = (text) => text.split('\n').filter((line) => line.includes(SECRET) && !SHOWN.test(line.split(': ')[0]));

test('there are settings to try', () => assert.ok(paths.length > 100, `${paths.length}`));

test('a secret in any setting is told by no refusal', () => {
  const leaves = paths.filter((p) => !SHOWN.test(p) && !paths.some((longer) => longer.startsWith(`${p}.`)));
  for (const value of [SECRET, `http://user:${SECRET}@host/?q=${SECRET}`, [SECRET], { x: SECRET }, '${env:SECRET}', `\${${SECRET}}`]) {
    const { stdout, stderr } = check(tree(leaves.map((path) => [path, value])), '--effective');
    assert.ok(stderr.split('\n').length > leaves.length / 2, 'the settings were refused');
    assert.deepEqual(leaks(stdout), [], JSON.stringify(value));
    assert.deepEqual(stderr.split('\n').filter((line) => line.includes(SECRET)), [], JSON.stringify(value));
  }
});

// Also where names, addresses and lists belong, and in place of a setting's name.
test('a refusal tells no value and no key, whatever setting it is of', () => {
  const leaves = paths.filter((p) => !paths.some((longer) => longer.startsWith(`${p}.`)));
  for (const value of [SECRET, `: /${SECRET}:`, [`(${SECRET}:`], { [SECRET]: 1 }, { [SECRET]: { [SECRET]: SECRET } }]) {
    const { stderr } = check(tree(leaves.map((path) => [path, value])));
    assert.ok(stderr.split('\n').length > leaves.length / 2, 'the settings were refused');
    assert.deepEqual(stderr.split('\n').filter((line) => line.includes(SECRET)), [], JSON.stringify(value));
  }
  for (const text of [`a: *${SECRET}`, `a: &${SECRET} 1`, `a: !${SECRET} 1`, `a: "\\${SECRET}"`, `${SECRET}: 1\n${SECRET}: 2`, `${SECRET}`, `- ${SECRET}`]) {
    const { stderr } = check(`${text}\n`);
    assert.ok(stderr !== '' && !stderr.includes(SECRET), stderr);
  }
});

test('what the environment or a file has is shown by its name', () => {
  const { stdout } = check(tree(paths.filter((p) => /node$|origins$/.test(p)).map((p) => [p, p.endsWith('s') ? ['${env:SECRET}'] : '${env:SECRET}'])), '--effective');
  assert.ok(!stdout.includes(SECRET), stdout);
  assert.match(stdout, /node: "\$\{env:SECRET\}"/);
});

test('a running server says none of its secrets', async () => {
  const server = await new Server({
    uaaEntry: 'user_prefix: u@',
    env: { CANARY: `${SECRET}-of-thirty-two-bytes-or-more-all` },
    gateway: `  api: { keys: [{ name: backend, key: "\${env:CANARY}" }] }`,
    config: (c) => testConfig(c) + `  - name: token
    instances: per_lane
    user_prefix: t@
    config: { hmac_secret_key: "\${env:CANARY}", issuer: shop, defer_unknown: true, jwks: { url: "http://127.0.0.1:1/keys?secret=${SECRET}", min_interval: 1s } }
  - name: http_callback
    instances: per_lane
    config:
      backends: [{ name: main, endpoint: "http://127.0.0.1:1/?secret=${SECRET}", static_headers: ["Authorization: Bearer ${SECRET}"] }]
      connect: main
`,
  }).start();
  await fetch(`${server.url}/api/info`, { method: 'POST', headers: { 'X-API-Key': `${SECRET}-of-thirty-two-bytes-or-more-all` }, body: '{}' });
  await fetch(`${server.url}/api/info`, { method: 'POST', headers: { 'X-API-Key': `${SECRET}-wrong` }, body: '{}' });
  const client = new RawClient(server.port);
  await client.upgrade();
  client.write(frame(JSON.stringify({ id: 1, connect: {} })));
  await eventually('the back end was asked in vain', () => /callback failed/.test(server.logText()));
  await eventually('the keys were asked for in vain', () => /jwks/.test(server.logText()));
  client.end();
  const said = [server.logText(), await (await fetch(`${server.url}/metrics`)).text()];
  for (const command of [['status'], ['sessions'], ['channels'], ['keys', 'list'], ['slots']]) said.push((await server.ctl(...command)).stdout);
  const effective = spawnSync(ctl, ['check', '--effective', server.configPath], { encoding: 'utf8', env: { ...process.env, CANARY: SECRET } });
  said.push(effective.stdout, effective.stderr);
  for (const text of said) assert.ok(!text.includes(SECRET), text.split('\n').filter((line) => line.includes(SECRET)).join('\n'));
  await server.close();
});
