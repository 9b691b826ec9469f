// Groups that have, or had, very many members, and the server ends by SIGTERM or kill -9 at a moment nobody chose:
// the group opens, everybody has it in the list, and then the server is idle.
// LCG_GROWTH=20000 (and LCG_FORMER=30000) make them larger than what every run can afford.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Server, eventually, sleep, testConfig } from '../support/server.mjs';

const MEMBERS = Number(process.env.LCG_GROWTH ?? 3000);
const FORMER = Number(process.env.LCG_FORMER ?? 1100);
const AT_ONCE = 32;
const SECRET = 'a-secret-of-the-back-end-0123456789';

const base64url = (value) => Buffer.from(value).toString('base64url');
function token(user) {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const text = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify({ sub: user, exp }))}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}
const config = (o) => testConfig(o)
  .replace(/  - \{ name: uaa,.*\n/, `  - { name: token, instances: per_lane, config: { hmac_secret_key: "${SECRET}" } }\n`)
  .replace('{ name: dialog, instances: per_lane }',
    '{ name: dialog, instances: per_lane, config: { add_rate: 1000000, add_burst: 1000000, max_former: 1000000 } }');

class Crowd {
  constructor() { this.server = new Server({ config }); }
  async ask(user, method, body) {
    const response = await fetch(`${this.server.url}/rpc/${method}`, {
      method: 'POST', headers: { Authorization: `Bearer ${token(user)}` }, body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => ({})) };
  }
  async must(user, method, body) {
    const answer = await this.ask(user, method, body);
    assert.equal(answer.status, 200, `${user} ${method}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  // Until it is answered: a slot may still be on its way to be read.
  again(user, method, body) {
    return eventually(`${user} ${method}`, async () => {
      const answer = await this.ask(user, method, body);
      return answer.status === 200 && answer.body;
    });
  }
  async each(count, work) {
    let next = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (next < count) await work(next++); }));
  }
  // CPU time in hundredths of a second.
  ticks() {
    const fields = readFileSync(`/proc/${this.server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  }
  async expectIdle() {
    await sleep(1000);
    const before = this.ticks();
    await sleep(3000);
    assert.ok(this.ticks() - before < 100, `idle, yet ${this.ticks() - before} of 300 ticks`);
  }
}

const ends = { SIGTERM: (server) => server.stop(), SIGKILL: (server) => server.kill9() };

for (const [how, end] of Object.entries(ends)) {
  test(`${MEMBERS} members are added, ${how} in between: all have the dialog`, async () => {
    const crowd = new Crowd();
    await crowd.server.start();
    const { dialog } = await crowd.must('owner', 'dialog.create', { kind: 'group', title: 'all' });
    const add = async (from, ask) => {
      const users = Array.from({ length: 100 }, (_, i) => `m${from + i}`);
      await crowd[ask]('owner', 'dialog.add', { dialog, users });
    };
    for (let from = 0; from < MEMBERS - 100; from += 100) await add(from, 'must');
    add(MEMBERS - 100, 'ask').catch(() => {});  // the end comes while this is on its way
    await sleep(Math.random() * 20);
    await end(crowd.server);
    await crowd.server.start();
    const began = Date.now();
    await add(MEMBERS - 100, 'again');

    await crowd.each(MEMBERS, async (i) => {
      await eventually(`m${i} has the dialog`, async () => {
        const { status, body } = await crowd.ask(`m${i}`, 'dialog.list', {});
        return status === 200 && body.dialogs.some((d) => d.dialog === dialog);
      }, 30000);
    });
    console.log(`# ${MEMBERS} members asked and had it ${Date.now() - began} ms after the start`);
    for (const i of [0, MEMBERS >> 1, MEMBERS - 1]) await crowd.must(`m${i}`, 'dialog.read', { dialog, seq: 1 });
    await crowd.expectIdle();
    await crowd.server.close();
  });

  test(`${FORMER} members came and went, ${how}: the dialog opens`, async () => {
    const crowd = new Crowd();
    await crowd.server.start();
    const { dialog } = await crowd.must('owner', 'dialog.create', { kind: 'group', open: true, title: 'open' });
    await crowd.each(FORMER, async (i) => {
      await crowd.must(`f${i}`, 'dialog.join', { dialog });
      await crowd.must(`f${i}`, 'dialog.leave', { dialog });
    });
    await end(crowd.server);
    await crowd.server.start();
    const began = Date.now();

    const opened = await crowd.again('owner', 'dialog.get', { dialog });

    console.log(`# ${FORMER} came and went: opened ${Date.now() - began} ms after the start`);
    assert.equal(opened.members, 1);
    await crowd.must('owner', 'message.send', { dialog, type: 'text', body: 'still here' });
    await crowd.expectIdle();
    await crowd.server.close();
  });
}
