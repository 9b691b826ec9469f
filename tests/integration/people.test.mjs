// People in a dialog, with the stock SDK on the real server: what passes by on a recoverable channel, who is there, what
// is unread, and what of it a kill -9 leaves.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually, testConfig } from '../support/server.mjs';
import { Device, register } from '../../client/demo/device.mjs';

const PASSWORD = 'a-long-enough-password';
const config = (o) => testConfig(o)
  .replace('{ name: dialog, provider: dialog }', '{ name: dialog, provider: dialog, presence: true, join_leave: true, allow_presence_for_subscriber: true }')
  .replace('{ name: dialog, instances: per_lane }', '{ name: dialog, instances: per_lane, config: { tell_seen: true } }');

async function people(t, ...users) {
  const server = await new Server({ config }).start();
  const devices = [];
  t.after(async () => { devices.forEach((d) => d.disconnect()); await server.stop(); });
  for (const user of users) {
    await register(server.url, user, PASSWORD);
    const device = new Device({ url: server.url, user, password: PASSWORD, name: 'phone', reconnectMs: 200 });
    await device.login();
    await device.connect();
    devices.push(device);
  }
  return [server, ...devices];
}

// A stock subscription to the dialog, and what it gets.
async function listen(device, dialog) {
  const subscription = device.client.newSubscription(`dialog:${dialog}`, { recoverable: true, positioned: true, joinLeave: true });
  const got = [], states = [];
  subscription.on('publication', (ctx) => got.push({ ...ctx.data, offset: ctx.offset }));
  subscription.on('unsubscribed', (ctx) => states.push(`unsubscribed ${ctx.code}`));
  subscription.on('subscribing', (ctx) => states.push(`subscribing ${ctx.code}`));
  subscription.subscribe();
  await subscription.ready();
  states.length = 0;
  return { subscription, got, states };
}

const listed = async (device, dialog) => (await device.rpc('dialog.list', {})).dialogs.find((d) => d.dialog === dialog);

test('who types and who has read passes by, between entries and without harm to recovery', async (t) => {
  const [, alice, bob] = await people(t, 'alice', 'bob');
  const { dialog } = await alice.rpc('dialog.create', { members: ['bob'] });
  const { subscription, got, states } = await listen(bob, dialog);

  for (let i = 0; i < 3; i++) {
    const { seq } = await alice.send(dialog, `line ${i}`);
    assert.deepEqual(await alice.rpc('dialog.typing', { dialog }), { told: true });
    await bob.rpc('dialog.read', { dialog, seq });
  }
  await eventually('the last seen', () => got.some((d) => d.kind === 'seen' && d.read.some((r) => r.user === 'bob' && r.seq === 4)));
  assert.deepEqual(got.filter((d) => d.kind === 'msg').map((d) => [d.seq, d.offset]), [[2, 2], [3, 3], [4, 4]]);
  const typing = got.filter((d) => d.kind === 'typing');
  assert.equal(typing.length, 3);
  assert.ok(typing.every((d) => d.user === 'alice' && d.typing === true && !d.offset), JSON.stringify(typing));
  assert.deepEqual(states, []);

  const history = await subscription.history({ limit: 100 });
  assert.deepEqual(history.publications.map((p) => p.offset), [1, 2, 3, 4]);
});

test('members see who is there, others do not', async (t) => {
  const [, alice, bob, eve] = await people(t, 'alice', 'bob', 'eve');
  const { dialog } = await alice.rpc('dialog.create', { members: ['bob'] });
  const { subscription } = await listen(alice, dialog);
  const joined = [];
  subscription.on('join', (ctx) => joined.push(ctx.info.user));

  await listen(bob, dialog);
  await eventually('a join', () => joined.includes('bob'));
  const { clients } = await subscription.presence();
  assert.deepEqual(Object.values(clients).map((c) => c.user).sort(), ['alice', 'bob']);
  await assert.rejects(eve.client.presence(`dialog:${dialog}`), (error) => error.code === 103);
});

test('what is unread, read, set and quiet survives a kill -9', async (t) => {
  const [server, alice, bob] = await people(t, 'alice', 'bob');
  const { dialog } = await alice.rpc('dialog.create', { members: ['bob'] });
  for (let i = 0; i < 5; i++) await alice.send(dialog, `line ${i}`);
  await bob.send(dialog, 'mine');
  const until = Date.now() + 3_600_000;
  assert.equal((await bob.rpc('dialog.read', { dialog, seq: 3 })).unread, 3);
  await bob.rpc('dialog.quiet', { dialog, until });
  await alice.rpc('dialog.set', { dialog, title: 'Named', avatar: 'https://example.com/a.png' });
  await eventually('the title', async () => (await listed(bob, dialog)).title === 'Named');

  await server.kill9();
  await server.start();
  await bob.connect();
  const after = await eventually('the list', () => listed(bob, dialog).catch(() => undefined));
  const { title, avatar, unread, read, quiet_until } = after;
  assert.deepEqual({ title, avatar, unread, read, quiet_until },
    { title: 'Named', avatar: 'https://example.com/a.png', unread: 3, read: 3, quiet_until: until });
  await alice.connect();
  const { members } = await eventually('the members', () => alice.rpc('dialog.members', { dialog }).catch(() => undefined));
  assert.equal(members.find((m) => m.user === 'bob').read, 3);
});

test('dissolved: everybody is unsubscribed for good, and out of it', async (t) => {
  const [, alice, bob] = await people(t, 'alice', 'bob');
  const { dialog } = await alice.rpc('dialog.create', { members: ['bob'] });
  const { states } = await listen(bob, dialog);

  await alice.rpc('dialog.dissolve', { dialog });

  await eventually('the end of the subscription', () => states.length > 0);
  assert.deepEqual(states, ['unsubscribed 2000']);
  await eventually('the lists', async () => !(await listed(bob, dialog)) && !(await listed(alice, dialog)));
  assert.equal((await bob.rpc('dialog.history', { dialog })).entries.at(-1).op, 'dissolve');
});
