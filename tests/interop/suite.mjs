// What an application does with a stock SDK, step by step: the same list for every transport, encoding and way to the
// server, in node and in a browser. No import: a page loads it as it is.
//
// `make(token)` gives a new, unconnected SDK client. `binary`: the SDK speaks Protobuf, its payloads are bytes.

function eventually(what, check, ms = 15000) {
  const until = Date.now() + ms;
  return new Promise((resolve, reject) => {
    const look = () => {
      const value = check();
      if (value) return resolve(value);
      if (Date.now() > until) return reject(new Error(`not reached in ${ms} ms: ${what}`));
      setTimeout(look, 10);
    };
    look();
  });
}
function equal(got, want, what) {
  const sorted = (key, value) => (value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))) : value);
  const [a, b] = [JSON.stringify(got, sorted), JSON.stringify(want, sorted)];
  if (a !== b) throw new Error(`${what}: expected ${b.slice(0, 300)}, got ${a?.slice(0, 300)}`);
}
async function refused(promise, code, what) {
  try { await promise; } catch (error) { return equal(error.code, code, `${what}: error code`); }
  throw new Error(`${what}: was not refused`);
}

// Steps in order; each gets what the ones before left in `s`.
const steps = {
  'connects as the user of its token': async (s) => {
    const connected = new Promise((resolve) => s.a.on('connected', resolve));
    s.a.connect();
    const ctx = await connected;
    equal(typeof ctx.client, 'string', 'client id');
    s.b.connect();
    await s.b.ready(10000);
  },
  'subscribes and gets its own join': async (s) => {
    s.sub = s.a.newSubscription(`chat:${s.name}`, { recoverable: true });
    s.joins = [];
    s.got = [];
    s.sub.on('join', (ctx) => s.joins.push(ctx.info.user));
    s.sub.on('publication', (ctx) => s.got.push({ data: s.read(ctx.data), offset: ctx.offset, user: ctx.info?.user }));
    s.sub.subscribe();
    await s.sub.ready(10000);
    await eventually('own join', () => s.joins.includes(s.userA));
  },
  'gets a publication of its own and of another': async (s) => {
    s.other = s.b.newSubscription(`chat:${s.name}`);
    s.other.subscribe();
    await s.other.ready(10000);
    await s.sub.publish(s.write({ n: 1 }));
    await s.other.publish(s.write({ n: 2 }));
    await eventually('both', () => s.got.length === 2);
    equal(s.got, [{ data: { n: 1 }, offset: 1, user: s.userA }, { data: { n: 2 }, offset: 2, user: s.userB }], 'publications');
  },
  'carries any text, and a long one': async (s) => {
    const texts = ['"quotes" \\ back', 'line\nbreak\r\t', '\u2028\u2029 \u{1f600} \u0000 é', 'x'.repeat(30000)];
    const from = s.got.length;
    for (const text of texts) await s.other.publish(s.write({ text }));
    await eventually('all texts', () => s.got.length === from + texts.length);
    equal(s.got.slice(from).map((p) => p.data.text), texts, 'texts');
  },
  'reads history forwards, backwards and since a position': async (s) => {
    const all = await s.sub.history({ limit: 100 });
    equal(all.publications.map((p) => p.offset), [1, 2, 3, 4, 5, 6], 'forwards');
    const { epoch } = all;
    equal((await s.sub.history({ limit: 2, reverse: true })).publications.map((p) => p.offset), [6, 5], 'backwards');
    equal((await s.sub.history({ limit: 2, since: { offset: 2, epoch } })).publications.map((p) => p.offset), [3, 4], 'since');
    await refused(s.sub.history({ limit: 1, since: { offset: 1, epoch: 'other' } }), 112, 'another epoch');
  },
  'sees who is there': async (s) => {
    const { clients } = await s.sub.presence();
    equal(Object.values(clients).map((c) => c.user).sort(), [s.userA, s.userB].sort(), 'presence');
    equal(await s.sub.presenceStats(), { numClients: 2, numUsers: 2 }, 'stats');
  },
  'calls a method, and one that is not there': async (s) => {
    equal(s.read((await s.a.rpc('echo', s.write({ ask: [1, 'two'] }))).data), { ask: [1, 'two'] }, 'echo');
    await refused(s.a.rpc('no.such.method', s.write({})), 104, 'unknown method');
  },
  'is refused what it may not have': async (s) => {
    const sub = s.a.newSubscription('$secret:1');
    const ended = new Promise((resolve) => sub.on('unsubscribed', resolve));
    sub.subscribe();
    const ctx = await ended;
    equal([102, 103].includes(ctx.code), true, `refused with ${ctx.code}`);
    s.a.removeSubscription(sub);
  },
  'keeps the order of a burst': async (s) => {
    const from = s.got.length;
    s.b.startBatching();
    const sent = [];
    for (let i = 0; i < 60; i++) sent.push(s.other.publish(s.write({ i })));
    s.b.stopBatching();
    await Promise.all(sent);
    await eventually('the burst', () => s.got.length === from + 60);
    equal(s.got.slice(from).map((p) => p.data.i), [...Array(60).keys()], 'burst');
  },
  'recovers what it missed while it was away': async (s) => {
    const from = s.got.length;
    const back = new Promise((resolve) => s.sub.on('subscribed', resolve));
    s.a.disconnect();
    for (let i = 0; i < 20; i++) await s.other.publish(s.write({ missed: i }));
    s.a.connect();
    const ctx = await back;
    equal([ctx.wasRecovering, ctx.recovered], [true, true], 'recovered');
    await eventually('what was missed', () => s.got.length === from + 20);
    equal(s.got.slice(from).map((p) => p.data.missed), [...Array(20).keys()], 'missed');
    equal(s.got.map((p) => p.offset), s.got.map((_, i) => i + 1), 'offsets');
  },
  'follows a channel by deltas': async (s) => {
    const sub = s.a.newSubscription(`delta:${s.name}`, { delta: 'fossil', recoverable: true });
    const got = [];
    sub.on('publication', (ctx) => got.push(s.read(ctx.data)));
    sub.subscribe();
    await sub.ready(10000);
    const state = (i) => ({ list: Array.from({ length: 60 }, (_, k) => `row number ${k} of the table`), changed: i });
    for (let i = 0; i < 6; i++) await s.b.publish(`delta:${s.name}`, s.write(state(i)));
    await eventually('all states', () => got.length === 6);
    equal(got, [...Array(6).keys()].map(state), 'states');
    sub.unsubscribe();
    s.a.removeSubscription(sub);
  },
  'gets only what its filter lets through': async (s) => {
    const sub = s.a.newSubscription(`tagged:${s.name}`, { tagsFilter: { key: 'kind', cmp: 'eq', val: 'red' } });
    const got = [];
    sub.on('publication', (ctx) => got.push(s.read(ctx.data)));
    sub.subscribe();
    await sub.ready(10000);
    await s.publishTagged(`tagged:${s.name}`, [['blue', 1], ['red', 2], ['blue', 3], ['red', 4]]);
    await eventually('the red ones', () => got.length === 2);
    equal(got, [2, 4], 'filtered');
    sub.unsubscribe();
    s.a.removeSubscription(sub);
  },
  'stays connected over pings': async (s) => {
    let lost = false;
    const down = () => { lost = true; };
    s.a.on('connecting', down);
    const until = Date.now() + 2500;  // two ping intervals of the test's server
    await eventually('two pings', () => lost || Date.now() > until);
    s.a.off('connecting', down);
    equal(lost, false, 'connection lost');
    equal(s.read((await s.a.rpc('echo', s.write(7))).data), 7, 'echo');
  },
  'leaves, and comes again': async (s) => {
    let leaves = 0;
    s.other.on('leave', () => leaves++);
    s.sub.unsubscribe();
    await eventually('the other sees it leave', () => leaves === 1);
    equal((await s.other.presenceStats()).numUsers, 1, 'alone');
    s.sub.subscribe();
    await s.sub.ready(10000);
    equal((await s.other.presenceStats()).numUsers, 2, 'both');
  },
};

// Resolves to [{step, error}] with error null for a step that held; stops at the first that did not.
export async function runSuite({ name, make, binary, userA, userB, tokenA, tokenB, publishTagged, skip = [] }) {
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  const s = {
    name, userA, userB, publishTagged, a: make(tokenA), b: make(tokenB),
    write: (value) => (binary ? encoder.encode(JSON.stringify(value)) : value),
    read: (data) => (binary ? JSON.parse(decoder.decode(data)) : data),
  };
  const results = [];
  try {
    for (const [step, run] of Object.entries(steps)) {
      if (skip.includes(step)) continue;
      const began = Date.now();
      try {
        await run(s);
        results.push({ step, error: null, ms: Date.now() - began });
      } catch (error) {
        results.push({ step, error: String(error?.stack ?? JSON.stringify(error)) });
        break;
      }
    }
  } finally {
    s.a.disconnect();
    s.b.disconnect();
  }
  return results;
}

export const stepCount = Object.keys(steps).length;
