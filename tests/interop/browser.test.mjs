// Headless Chromium with the browser build of the stock SDK, from a page of an allowed origin and from one that is not.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stepCount } from './suite.mjs';
import { eventually } from '../support/server.mjs';
import { login, publishTagged, startServer } from './setup.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const sdk = (name) => fileURLToPath(new URL(`../../client/node_modules/centrifuge/dist/${name}`, import.meta.url));
const files = {
  '/': [here('page.html'), 'text/html'],
  '/suite.mjs': [here('suite.mjs'), 'text/javascript'],
  '/sdk.js': [sdk('centrifuge.js'), 'text/javascript'],
};

// A page server of one origin: serves the page and its plan, and gives what the page reports.
class PageServer {
  async start() {
    this.report = new Promise((resolve) => { this.reported = resolve; });
    this.server = createServer(async (request, response) => {
      const body = [];
      for await (const chunk of request) body.push(chunk);
      const text = Buffer.concat(body).toString();
      if (request.url === '/plan') return response.end(JSON.stringify(this.plan));
      if (request.url === '/result') { this.reported(JSON.parse(text)); return response.end(); }
      if (request.url === '/tagged') {
        const { channel, pairs } = JSON.parse(text);
        await publishTagged(this.lcg, channel, pairs);
        return response.end();
      }
      // Both builds name themselves Centrifuge: the second is served under a name of its own.
      if (request.url === '/sdk.protobuf.js') {
        response.setHeader('Content-Type', 'text/javascript');
        const source = readFileSync(sdk('centrifuge.protobuf.js'), 'utf8');
        return response.end(`{ const json = window.Centrifuge;\n${source}\nwindow.CentrifugeProtobuf = window.Centrifuge; window.Centrifuge = json; }`);
      }
      const [file, type] = files[request.url] ?? [];
      if (!file) { response.statusCode = 404; return response.end(); }
      response.setHeader('Content-Type', type);
      response.end(readFileSync(file));
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://localhost:${this.server.address().port}`;
    return this;
  }
  close() { this.server.closeAllConnections(); return new Promise((resolve) => this.server.close(resolve)); }
}

async function inChromium(url, report) {
  const profile = mkdtempSync(join(tmpdir(), 'lcg-chromium-'));
  const browser = spawn('/usr/bin/chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
    '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    `--user-data-dir=${profile}`, url], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let log = '';
  browser.stderr.on('data', (text) => { log = (log + text).slice(-4000); });
  const exited = new Promise((resolve) => browser.once('exit', resolve));
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no report from the page in 120 s:\n${log}`)), 120000); });
  const early = exited.then(() => { throw new Error(`chromium ended without a report:\n${log}`); });
  try {
    return await Promise.race([report, late, early]);
  } finally {
    clearTimeout(timer);
    early.catch(() => {});
    // The browser's helpers outlive it by a moment and write into the profile: all of its process group ends, and the profile is
    // removed anew until nothing of it is left.
    const endGroup = () => { try { process.kill(-browser.pid, 'SIGKILL'); } catch { /* it has ended */ } };
    browser.kill('SIGTERM');
    const kill = setTimeout(endGroup, 10000);
    await exited;
    clearTimeout(kill);
    endGroup();
    await eventually('the browser leaves no file behind', () => {
      try { rmSync(profile, { recursive: true, force: true }); } catch (error) { if (error.code !== 'ENOTEMPTY') throw error; }
      return !existsSync(profile);
    });
  }
}

const pages = {};
let server;
before(async () => {
  pages.allowed = await new PageServer().start();
  pages.evil = await new PageServer().start();
  server = await startServer({ gateway: `  allowed_origins: ["${pages.allowed.origin}"]` });
  for (const page of Object.values(pages)) page.lcg = server;
});
after(async () => {
  await server?.close();
  await pages.allowed.close();
  await pages.evil.close();
});

test('a page of an allowed origin does everything, over every transport', async () => {
  const runs = [];
  for (const [transport, protobuf] of [['websocket', false], ['websocket', true], ['http_stream', false], ['http_stream', true], ['sse', false]]) {
    const name = `browser-${transport}-${protobuf ? 'protobuf' : 'json'}`;
    const [userA, userB] = [`${name}-a`, `${name}-b`];
    runs.push({ name, transport, protobuf, userA, userB, tokenA: await login(server, userA), tokenB: await login(server, userB) });
  }
  pages.allowed.plan = { gateway: server.url, runs };
  const results = await inChromium(`${pages.allowed.origin}/`, pages.allowed.report);
  assert.equal(results.length, runs.length);
  for (const { name, steps } of results) {
    for (const { step, error } of steps) assert.equal(error, null, `${name}: ${step}: ${error}`);
    assert.equal(steps.length, stepCount, name);
  }
});

test('a page of another origin is let in nowhere', async () => {
  const tokenA = await login(server, 'browser-victim');
  pages.evil.plan = {
    gateway: server.url,
    runs: ['websocket', 'http_stream', 'sse'].map((transport) => ({ name: `evil-${transport}`, transport, protobuf: false, refused: true, tokenA })),
  };
  const results = await inChromium(`${pages.evil.origin}/`, pages.evil.report);
  assert.deepEqual(results.map((r) => r.steps[0].error), [null, null, null]);
  assert.equal((await server.ctl('sessions', 'list')).stdout.includes('browser-victim'), false);
});
