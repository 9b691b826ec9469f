#!/usr/bin/env node
// The demo: an IRC channel log as a group chat. Every person is a user with a password login and a stock
// Centrifuge SDK client of their own; the conversation is printed as another member sees it, live.
// Usage: node client/demo/replay.mjs [--url URL] [--log FILE] [--speed LINES_PER_SECOND] [--lines N]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cast, readLog } from './irc.mjs';
import { Device, register } from './device.mjs';
import { visible } from './visible.mjs';

const { values: args } = parseArgs({ options: {
  url: { type: 'string', default: 'http://localhost:8000' },
  log: { type: 'string', default: fileURLToPath(new URL('../../tests/data/irc/excerpt.txt', import.meta.url)) },
  speed: { type: 'string', default: '8' }, lines: { type: 'string', default: '1000000' },
} });
const pause = 1000 / Math.max(0.1, Number(args.speed));
const { people, founders, events } = cast(readLog(args.log).slice(0, Number(args.lines)));
const password = 'irc-demo-password';
console.log(`${people.length} people, ${events.length} events from ${args.log}; signing in...`);

const devices = new Map();
async function signIn(user) {
  await register(args.url, user, password);
  const device = new Device({ url: args.url, user, password, name: 'demo' });
  await device.login();
  await device.connect();
  devices.set(user, device);
  return device;
}

const watcher = await signIn('watcher');
const dialog = (await watcher.rpc('dialog.create', { kind: 'group', title: '#ubuntu', open: true })).dialog;
const colour = (name) => 31 + ([...name].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 6);
let shown = 0;
watcher.follow(dialog, (entry) => {
  shown++;
  const who = `\x1b[${colour(entry.user)}m${visible(entry.user)}\x1b[0m`;
  if (entry.kind === 'msg') console.log(`${String(entry.seq).padStart(5)} ${entry.type === 'emote' ? '* ' + who : who + ':'} ${visible(entry.body)}`);
  else if (entry.kind === 'member') console.log(`${String(entry.seq).padStart(5)} \x1b[2m-- ${visible(entry.users?.join(' ') ?? entry.user)} ${visible(entry.op)}\x1b[0m`);
});

const queue = [...founders];
await Promise.all(Array.from({ length: 8 }, async () => {
  for (let user; (user = queue.pop());) {
    const device = await signIn(user);
    await device.rpc('dialog.join', { dialog });
  }
}));

let sent = 0;
for (const event of events) {
  const device = devices.get(event.person) ?? await signIn(event.person);
  if (event.type === 'join') { await device.connect(); await device.rpc('dialog.join', { dialog }); }
  else if (event.type === 'leave') await device.rpc('dialog.leave', { dialog });
  else if (event.type === 'quit') device.disconnect();
  else if (event.type === 'rename')
    await device.rpc('user.put', { name: event.to }).catch((error) => { if (error.code !== 107) throw error; });  // another's name
  else {
    if (device.client.state === 'disconnected') await device.connect();
    await device.send(dialog, event.text, event.type === 'emote' ? 'emote' : 'text');
    sent++;
  }
  await new Promise((resolve) => setTimeout(resolve, pause));
}
for (const device of devices.values()) device.disconnect();
console.log(`\n${sent} messages sent, ${shown} entries shown to the watcher, dialog ${dialog}`);
