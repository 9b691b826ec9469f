// Starts the real appliance in a directory of its own on loopback, and ends it by its own pid.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = process.env.LCG_BIN_DIR ?? join(root, 'build/release/bin');
const plugins = process.env.LCG_PLUGIN_DIR ?? join(bin, '../plugins.d');

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until check() gives a true value; fails naming `what` after `ms`.
export async function eventually(what, check, ms = 20000) {
  const until = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > until) throw new Error(`not reached in ${ms} ms: ${what}`);
    await sleep(20);
  }
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// The shipped configuration with what a test changes: `gateway` is lines of that section, `uaa` settings of that plugin,
// `uaaEntry` what else its entry says (two plugins that let people in need "user_prefix: u@" or "authenticates: false").
export function testConfig({ port, dir, lanes = 2, gateway = '', uaa = 'argon2_memory: 8MiB', uaaEntry = '' }) {
  return `lanes: ${lanes}
log: { level: info, format: json }
admin: { socket: ${dir}/admin.sock }
gateway:
  listen: ["127.0.0.1:${port}"]
${gateway}
broker:
  plugin_dir: ["${plugins}"]
channel:
  namespaces:
    - { name: dialog, provider: dialog }
    - name: chat
      history_size: 100
      history_ttl: 10m
      force_recovery: true
      presence: true
      join_leave: true
      force_push_join_leave: true
      allow_subscribe_for_client: true
      allow_publish_for_subscriber: true
      allow_history_for_subscriber: true
      allow_presence_for_subscriber: true
    - { name: plain, allow_subscribe_for_client: true, allow_publish_for_client: true }
plugins:
  - { name: storage_rocksdb, instances: per_lane, config: { path: "${dir}/store" } }
  - { name: uaa, instances: per_lane, ${uaaEntry && `${uaaEntry}, `}config: { ${uaa} } }
  - { name: user, instances: per_lane }
  - { name: message, instances: per_lane }
  - { name: dialog, instances: per_lane }
  - { name: echo, instances: per_lane }
`;
}

export function lcgctl(socket, ...args) {
  return new Promise((resolve) => {
    execFile(join(bin, 'lcgctl'), ['--socket', socket, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

export class Server {
  constructor({ config = testConfig, ...options } = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'lcg-test-'));
    this.makeConfig = config;
    this.options = options;
    this.log = join(this.dir, 'log');
    this.starts = 0;
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    this.ws = `ws://127.0.0.1:${this.port}/connection/websocket`;
    this.configPath = join(this.dir, 'lcg.yaml');
    writeFileSync(this.configPath, this.makeConfig({ port: this.port, dir: this.dir, ...this.options }), { mode: 0o600 });
    const out = openSync(this.log, 'a');
    this.process = spawn(join(bin, 'lcg'), ['--config', this.configPath], {
      stdio: ['ignore', out, out], env: { ...process.env, STATE_DIRECTORY: this.dir, ...this.options.env },
    });
    closeSync(out);
    this.exited = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })));
    let gone = null;
    this.exited.then((how) => { gone = how; });
    await eventually('the server is ready', async () => {
      if (gone) throw new Error(`lcg ended at start (${JSON.stringify(gone)}):\n${this.logText().slice(-4000)}`);
      try { return (await fetch(`${this.url}/ready`)).ok; } catch { return false; }
    }, 30000);
    this.starts++;
    return this;
  }

  logText() { return existsSync(this.log) ? readFileSync(this.log, 'utf8') : ''; }
  get pid() { return this.process.pid; }

  async kill9() {
    this.process.kill('SIGKILL');
    await this.exited;
  }
  // SIGTERM and the exit status, which must come by itself.
  async stop(ms = 20000) {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.exited;
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), ms);
    const how = await this.exited;
    clearTimeout(timer);
    return how;
  }
  // Stops, and throws when the server did not end well: a sanitizer report, a crash, a hang.
  async close() {
    const how = await this.stop();
    if (how.code !== 0) throw new Error(`lcg ended with ${JSON.stringify(how)}:\n${this.logText().slice(-6000)}`);
    rmSync(this.dir, { recursive: true, force: true });
  }

  // Of the server API: the result, or an error with its code.
  async api(key, method, params) {
    const response = await fetch(`${this.url}/api/${method}`, { method: 'POST', headers: { 'X-API-Key': key }, body: JSON.stringify(params) });
    const { error, result } = await response.json();
    if (error) throw Object.assign(new Error(`${method}: ${JSON.stringify(error)}`), { code: error.code });
    return result;
  }

  ctl(...args) { return lcgctl(join(this.dir, 'admin.sock'), ...args); }
}
