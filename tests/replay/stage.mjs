// Acts a channel log out on a running server: people, their devices, the chat; and the check afterwards.
import assert from 'node:assert/strict';
import { cast, readLog } from '../../client/demo/irc.mjs';
import { Device, register } from '../../client/demo/device.mjs';
import { eventually } from '../support/server.mjs';

const PASSWORD = 'a-password-for-the-replay';
const WINDOW = 24;       // messages under way at once, of different people
const SIGN_IN_AT_ONCE = 12;
const SECOND_DEVICES = 10;

async function inParallel(items, width, work) {
  const queue = [...items];
  await Promise.all(Array.from({ length: width }, async () => { while (queue.length) await work(queue.shift()); }));
}

export class Stage {
  constructor({ url, log, limit = Infinity, reconnectMs = 500 }) {
    Object.assign(this, { url, log, reconnectMs });
    Object.assign(this, cast(readLog(log).slice(0, limit)));
    this.devices = [];              // every device of everyone
    this.first = new Map();         // person -> first device
    this.acked = [];                // {user, text, seq, id}
    this.progress = 0;
  }

  async #signIn(user, name) {
    await register(this.url, user, PASSWORD);
    const device = new Device({ url: this.url, user, password: PASSWORD, name, reconnectMs: this.reconnectMs });
    await device.login();
    await device.connect();
    this.devices.push(device);
    return device;
  }

  async #arrive(person) {
    const device = this.first.get(person) ?? await this.#signIn(person, 'phone');
    this.first.set(person, device);
    await device.rpc('dialog.join', { dialog: this.dialog });
    device.follow(this.dialog);
    return device;
  }

  async open() {
    this.keeper = await this.#signIn('keeper', 'desk');
    this.dialog = (await this.keeper.rpc('dialog.create', { kind: 'group', open: true, title: '#ubuntu' })).dialog;
    this.keeper.follow(this.dialog);
    await inParallel(this.founders, SIGN_IN_AT_ONCE, (person) => this.#arrive(person));

    const said = new Map();
    for (const e of this.events) if (e.type === 'say') said.set(e.person, (said.get(e.person) ?? 0) + 1);
    const active = [...said].filter(([person]) => this.founders.has(person)).sort((a, b) => b[1] - a[1]).slice(0, SECOND_DEVICES);
    await inParallel(active, SIGN_IN_AT_ONCE, async ([person]) => {
      const device = await this.#signIn(person, 'laptop');
      device.follow(this.dialog);
    });
    this.sleeper = this.devices.find((d) => d.name === 'laptop');
    this.mostActive = active[0][0];
  }

  async play() {
    const pending = new Set();
    const last = new Map();  // person -> their last send
    for (const event of this.events) {
      this.progress++;
      if (this.progress === Math.floor(this.events.length * 0.3)) this.sleeper.disconnect();
      if (this.progress === Math.floor(this.events.length * 0.7)) await this.sleeper.connect();
      if (event.type !== 'say' && event.type !== 'emote') await last.get(event.person);
      if (event.type === 'join') await this.#arrive(event.person);
      else if (event.type === 'leave') {
        await this.first.get(event.person)?.rpc('dialog.leave', { dialog: this.dialog });
      } else if (event.type === 'quit') this.first.get(event.person)?.disconnect();
      // 107: the nick is another person's id, who has a profile.
      else if (event.type === 'rename') await this.first.get(event.person).rpc('user.put', { name: event.to }).catch((e) => { if (e.code !== 107) throw e; });
      else {
        const device = this.first.get(event.person) ?? await this.#arrive(event.person);
        const sent = device.send(this.dialog, event.text, event.type === 'emote' ? 'emote' : 'text')
          .then((ack) => { this.acked.push({ user: event.person, text: event.text, seq: ack.seq, id: ack.id }); })
          .catch((error) => { throw new Error(`${event.person}: ${JSON.stringify(event.text)}: ${error.code} ${error.message}`); })
          .finally(() => pending.delete(sent));
        pending.add(sent);
        last.set(event.person, sent);
        if (pending.size >= WINDOW) await Promise.race(pending);
      }
    }
    await Promise.all(pending);
  }

  // Everyone catches up, one device starts from nothing, and every list is held against the log.
  async check() {
    const head = (await this.keeper.rpc('dialog.get', { dialog: this.dialog })).head;
    this.newcomer = await this.#signIn(this.mostActive, 'new-tablet');
    this.newcomer.follow(this.dialog);

    await this.keeper.catchUp(this.dialog, head);
    const reference = this.keeper.timelines.get(this.dialog).list();
    assert.equal(reference.length, head, 'the keeper has every position');
    this.#checkAgainstLog(reference.filter((e) => e.kind === 'msg'));
    this.#checkChains(reference);
    for (const ack of this.acked) {
      const entry = reference[ack.seq - 1];
      assert.ok(entry && entry.id === ack.id && entry.body === ack.text, `acknowledged and there: ${JSON.stringify(ack)}`);
    }
    for (const device of this.devices) await this.#checkDevice(device, reference, head);
  }

  #checkAgainstLog(messages) {
    const said = this.events.filter((e) => e.type === 'say' || e.type === 'emote');
    const bySender = (list, who, text, type) => {
      const map = new Map();
      for (const x of list) map.set(who(x), [...(map.get(who(x)) ?? []), [type(x), text(x)]]);
      return map;
    };
    const want = bySender(said, (e) => e.person, (e) => e.text, (e) => (e.type === 'emote' ? 'emote' : 'text'));
    const have = bySender(messages, (e) => e.user, (e) => e.body, (e) => e.type);
    assert.equal(messages.length, said.length, 'as many messages as lines');
    for (const [person, lines] of want) assert.deepEqual(have.get(person), lines, `the lines of ${person}, in order`);
  }

  // Positions dense, each sender's chain unbroken, useq dense.
  #checkChains(reference) {
    const lastOf = new Map();
    const useq = new Map();
    reference.forEach((entry, i) => {
      assert.equal(entry.seq, i + 1, 'positions are dense');
      if (entry.kind !== 'msg') return;
      assert.equal(entry.useq, (useq.get(entry.user) ?? 0) + 1, `useq of ${entry.user} is dense`);
      useq.set(entry.user, entry.useq);
      assert.ok((entry.uprev ?? 0) >= (lastOf.get(entry.user) ?? 0), `uprev of ${entry.seq} links to the previous entry`);
      lastOf.set(entry.user, entry.seq);
    });
  }

  // The positions a user was a member at, from the entries that say so.
  #windowsOf(user, reference, head) {
    const windows = [];
    for (const entry of reference) {
      if (entry.kind !== 'member' && entry.op !== 'create') continue;
      const users = entry.users ?? [entry.user];
      if (!users.includes(user)) continue;
      if (['join', 'add', 'create'].includes(entry.op)) windows.push([entry.seq, head]);
      else if (entry.op === 'leave' || entry.op === 'remove') windows.at(-1)[1] = entry.seq;
    }
    return windows;
  }

  async #checkDevice(device, reference, head) {
    const who = `${device.user}/${device.name}`;
    const windows = this.#windowsOf(device.user, reference, head);
    const timeline = device.timelines.get(this.dialog);
    const last = windows.at(-1);
    if (last && last[1] === head) {
      await device.catchUp(this.dialog, head);
      await eventually(`${who} is at ${head}; at ${timeline.cursor}, ${device.client.state}, ${timeline.subscription.state}, pulling ${Boolean(timeline.filling)} to ${timeline.want}, ${device.lastError}`,
        () => timeline.cursor >= head);
      const expected = reference.filter((e) => e.seq >= last[0]).map((e) => [e.seq, e.id, e.user, e.body]);
      const have = timeline.list().filter((e) => e.seq >= last[0]).map((e) => [e.seq, e.id, e.user, e.body]);
      assert.deepEqual(have, expected, `${who} has the same list in the same order`);
      assert.equal(timeline.waiting.size, 0, `${who} shows everything`);
    }
    for (const entry of timeline.list())
      assert.ok(windows.some(([from, to]) => entry.seq >= from && entry.seq <= to), `${who} got ${entry.seq}, outside its membership`);
    assert.deepEqual(device.anomalies, [], `${who}: anomalies`);
  }

  close() { this.devices.forEach((d) => d.disconnect()); }
}
