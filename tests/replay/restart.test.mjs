// A restart (SIGTERM and kill -9): what is durable survives; memory channels start a new epoch and say so.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Server, eventually } from '../support/server.mjs';
import { Device, post, register } from '../../client/demo/device.mjs';

const PASSWORD = 'a-long-enough-password';

for (const [how, restart] of [
  ['SIGTERM', async (server) => { assert.equal((await server.stop()).code, 0); }],
  ['SIGKILL', async (server) => { await server.kill9(); }],
]) {
  test(`after ${how}`, async (t) => {
    const server = await new Server().start();
    const devices = [];
    t.after(async () => { devices.forEach((d) => d.disconnect()); await server.stop(); });
    const person = async (user, name) => {
      await register(server.url, user, PASSWORD);
      const device = new Device({ url: server.url, user, password: PASSWORD, name, reconnectMs: 200 });
      await device.login();
      await device.connect();
      devices.push(device);
      return device;
    };
    const alice = await person('alice', 'phone');
    const bob = await person('bob', 'phone');
    const { dialog } = await alice.rpc('dialog.create', { kind: 'group', members: ['bob'], title: 'kept' });
    alice.follow(dialog);
    bob.follow(dialog);
    const acks = [];
    for (let i = 0; i < 20; i++) acks.push(await (i % 2 ? bob : alice).send(dialog, `line ${i}`));
    await bob.rpc('dialog.read', { dialog, seq: acks[9].seq });
    const epochBefore = bob.epoch;
    const tokens = { ...alice.tokens };

    const room = alice.client.newSubscription('chat:room', { recoverable: true });
    const subscribed = [];
    room.on('subscribed', (ctx) => subscribed.push(ctx));
    room.subscribe();
    await room.ready();
    await room.publish({ text: 'volatile' });

    await restart(server);
    await server.start();

    // Tokens from before: the access token is good, the refresh token rotates once and no more.
    const again = await fetch(`${server.url}/rpc/dialog.get`, { method: 'POST', headers: { Authorization: `Bearer ${tokens.access_token}` }, body: JSON.stringify({ dialog }) });
    assert.equal(again.status, 200, await again.text());
    const rotated = await post(`${server.url}/oauth/token`, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    assert.ok(rotated.access_token && rotated.refresh_token !== tokens.refresh_token);

    // The memory channel: a new epoch, recovery asked for and refused, live again.
    await eventually('the room is subscribed again', () => subscribed.length >= 2);
    assert.notEqual(subscribed[1].streamPosition.epoch, subscribed[0].streamPosition.epoch);
    assert.equal(subscribed[1].wasRecovering, true);
    assert.equal(subscribed[1].recovered, false);

    // The dialog: history, members, marks, idempotency of a repeated send, the device's epoch.
    await eventually('both are back', () => devices.every((d) => d.client.state === 'connected'));
    assert.equal(bob.epoch, epochBefore, 'a known device keeps its epoch');
    const page = await bob.rpc('dialog.pull', { dialog, from: 1, limit: 100 });
    assert.deepEqual(page.entries.filter((e) => e.kind === 'msg').map((e) => e.body), acks.map((_, i) => `line ${i}`));
    const members = (await bob.rpc('dialog.members', { dialog })).members.map((m) => m.user).sort();
    assert.deepEqual(members, ['alice', 'bob']);
    const listed = (await bob.rpc('dialog.list', {})).dialogs.find((x) => x.dialog === dialog);
    assert.equal(listed.read, acks[9].seq, 'the read mark is kept');
    const repeat = await alice.rpc('message.send', { dialog, cseq: 1, type: 'text', body: 'line 0' });
    assert.deepEqual([repeat.id, repeat.seq], [acks[0].id, acks[0].seq], 'a repeated send gets its first answer');
    const next = await alice.send(dialog, 'after');
    assert.ok(next.seq > acks.at(-1).seq);
    await eventually('bob shows it', () => bob.timelines.get(dialog).list().some((e) => e.body === 'after'));
    assert.deepEqual(devices.flatMap((d) => d.anomalies), []);
    devices.forEach((d) => d.disconnect());
    await server.close();
  });
}
