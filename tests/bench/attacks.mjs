// How a neighbour fares while somebody attacks: round trips, logins, new channels and dialogs before and meanwhile, and
// the server's memory. Prints a line each; asserts nothing. Usage: node tests/bench/attacks.mjs [NAME ...]
//   names      clients subscribe to names of a recoverable namespace once and leave them (NAMES, default 1,000,000)
//   passwords  one address registers and tries wrong passwords without pause, with the shipped hash
//   bans       an admin bans invented names as fast as it can (BANS, default 30,000)
//   cut        CONNECTIONS (default 5,000) subscribed connections are cut at once
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Server } from '../support/server.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { post, register } from '../../client/demo/device.mjs';

const PASSWORD = 'a-long-enough-password';
const wanted = process.argv.slice(2);
const number = (name, standard) => Number(process.env[name] ?? standard);
const seconds = (from) => ((performance.now() - from) / 1000).toFixed(1);
const memory = (server) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024);

const tokens = new Map();
async function tokenOf(server, user) {
  if (!tokens.has(user)) {
    await register(server.url, user, PASSWORD);
    tokens.set(user, (await login(server, user)).access_token);
  }
  return tokens.get(user);
}
// A form from an address of the attacker's own; resolves whatever the answer is.
const attackerAgent = new Agent({ keepAlive: true, maxSockets: 200, localAddress: '127.0.0.66' });
const form = (server, path, fields) => new Promise((resolve) => {
  const one = request(`${server.url}${path}`, { method: 'POST', agent: attackerAgent, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    (answer) => { answer.resume().on('end', resolve).on('error', resolve); });
  one.on('error', resolve).end(new URLSearchParams(fields).toString());
});
const login = (server, user, password = PASSWORD) =>
  post(`${server.url}/oauth/token`, { grant_type: 'password', username: user, password });

async function client(server, user) {
  const one = new RawClient(server.port);
  const reply = await one.login(await tokenOf(server, user));
  if (!reply.connect) throw new Error(`${user} could not connect: ${JSON.stringify(reply)}`);
  return one;
}
let id = 100;
async function ask(one, command) {
  if (one.ended) throw new Error(`the connection has ended: ${one.closeCode} ${one.closeReason}`);
  const mine = ++id;
  one.messages.length = 0;
  one.send({ id: mine, ...command });
  return one.answer(mine, 30_000);
}

function spread(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
  return `p50 ${at(0.5)} p99 ${at(0.99)} worst ${at(1)} ms of ${sorted.length}`;
}

// Repeats `step` until `work` is over, or for `ms`; the time of each.
async function meanwhile(step, work, pause = 5) {
  const times = [];
  let over = false;
  const result = work.finally(() => { over = true; });
  while (!over) {
    const begin = performance.now();
    await step();
    times.push(performance.now() - begin);
    await new Promise((resolve) => { setTimeout(resolve, pause); });
  }
  await result;
  return times;
}
const rest = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function against(server, name, attack, step) {
  const quiet = await meanwhile(step, rest(2000));
  const before = memory(server), begin = performance.now();
  const times = await meanwhile(step, attack());
  console.log(`${name}: ${seconds(begin)} s; neighbour before: ${spread(quiet)}; meanwhile: ${spread(times)}; memory ${before} -> ${memory(server)} MB`);
}

// Frames of 64 commands; answers are counted by their number alone.
async function flood(one, commands) {
  for (let i = 0; i < commands.length; i += 64) {
    const part = commands.slice(i, i + 64).map((command) => ({ id: ++id, ...command }));
    one.messages.length = 0;
    one.send(part.map((command) => JSON.stringify(command)).join('\n'));
    if (!await one.until(() => one.messages.filter((m) => m.id).length >= part.length || one.ended, 60_000) || one.ended) return one.messages;
  }
  return one.messages;
}

const attacks = {
  async names(server) {
    const total = number('NAMES', 1_000_000), clients = 8, each = total / clients;
    const neighbour = await client(server, 'neighbour');
    await against(server, `names used once, ${total}`, () => Promise.all(Array.from({ length: clients }, async (_, n) => {
      const one = await client(server, `names-${n}`);
      for (let i = 0; i < each; i += 32) {
        const commands = [];
        for (let j = i; j < Math.min(each, i + 32); j++) {
          commands.push({ subscribe: { channel: `chat:${n}-${j}` } }, { unsubscribe: { channel: `chat:${n}-${j}` } });
        }
        await flood(one, commands);
      }
      one.end();
    })), () => ask(neighbour, { rpc: { method: 'echo', data: 1 } }));
    const begin = performance.now();
    const channel = await ask(neighbour, { subscribe: { channel: 'chat:brand-new' } });
    const dialog = await ask(neighbour, { rpc: { method: 'dialog.create', data: { title: 'New' } } });
    console.log(`  then a new channel ${channel.subscribe ? 'opens' : JSON.stringify(channel)}, a new dialog ${dialog.rpc ? 'opens' : JSON.stringify(dialog)}, ${seconds(begin)} s`);
    console.log((await (await fetch(`${server.url}/metrics`)).text()).split('\n').filter((l) => /^lcg_(channels|positions)/.test(l)).map((l) => `  ${l}`).join('\n'));
  },

  async passwords(server) {
    await tokenOf(server, 'neighbour');
    const until = performance.now() + 20_000;
    let tries = 0;
    const attacker = async (n) => {
      while (performance.now() < until) {
        tries++;
        await (n % 2 ? form(server, '/oauth/token', { grant_type: 'password', username: 'neighbour', password: `wrong-${tries}` })
          : form(server, '/oauth/register', { username: `bot-${n}-${tries}`, password: PASSWORD }));
      }
    };
    let refused = 0;
    const proof = (await login(server, 'neighbour')).device_proof;
    await against(server, 'wrong passwords and registrations', () => Promise.all(Array.from({ length: 150 }, (_, n) => attacker(n))),
      () => post(`${server.url}/oauth/token`, { grant_type: 'password', username: 'neighbour', password: PASSWORD, device_proof: proof }).then((answer) => { if (!answer.access_token) refused++; }, () => { refused++; }));
    console.log(`  ${tries} tries of the attacker, the owner was refused ${refused} times`);
  },

  async bans(server) {
    const total = number('BANS', 30_000), owner = await client(server, 'owner'), neighbour = await client(server, 'neighbour');
    await ask(owner, { rpc: { method: 'dialog.create', data: { id: 'banned', title: 'Banned' } } });
    let last;
    await against(server, `bans of invented names, ${total}`, async () => {
      for (let i = 0; i < total; i += 100) {
        last = await ask(owner, { rpc: { method: 'dialog.ban', data: { dialog: 'banned', users: Array.from({ length: 100 }, (_, j) => `nobody-${i + j}`) } } });
      }
    }, () => ask(neighbour, { rpc: { method: 'echo', data: 1 } }));
    console.log(`  the last answer: ${JSON.stringify(last)}`);
  },

  async cut(server) {
    const total = number('CONNECTIONS', 5000), neighbour = await client(server, 'neighbour');
    const many = [], users = Array.from({ length: Math.ceil(total / 50) }, (_, n) => `many-${n}`);
    for (const user of users) await tokenOf(server, user);
    for (let i = 0; i < total; i += 250) {
      many.push(...await Promise.all(Array.from({ length: Math.min(250, total - i) }, async (_, j) => {
        const one = new RawClient(server.port);
        const reply = await one.login(tokens.get(users[(i + j) % users.length]), { device: `d${Math.floor((i + j) / users.length)}` });
        if (!reply.connect) throw new Error(`a connection was refused: ${JSON.stringify(reply)} ${one.closeCode}`);
        one.send({ id: 2, subscribe: { channel: 'chat:all' } });
        return one;
      })));
    }
    await against(server, `${many.length} connections cut at once`, async () => {
      for (const one of many) one.socket.resetAndDestroy();
      await rest(3000);
    }, () => ask(neighbour, { rpc: { method: 'echo', data: 1 } }));
  },
};

for (const name of wanted.length ? wanted : Object.keys(attacks)) {
  if (!attacks[name]) throw new Error(`no attack '${name}'; there are ${Object.keys(attacks).join(' ')}`);
  tokens.clear();
  const gateway = '  ping: { interval: 1h, pong_timeout: 1m }\n  clients: { commands_per_second: 100000, command_burst: 200000 }';
  const server = await new Server({ gateway, ...(name === 'passwords' ? { uaa: '' } : {}) }).start();
  try { await attacks[name](server); } finally { await server.close(); }
}
process.exit(0);
