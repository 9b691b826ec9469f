// The server is killed with SIGKILL at random moments while a log is replayed, at least ten times: the result is
// the same, and every message acknowledged before a kill is there.
import test from 'node:test';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { Server, sleep } from '../support/server.mjs';
import { Stage } from './stage.mjs';

const KILLS = 10;
const whole = fileURLToPath(new URL('../../../shared/data/irc/2008-12-11_11.txt', import.meta.url));
const excerpt = fileURLToPath(new URL('../data/irc/excerpt.txt', import.meta.url));

test(`killed ${KILLS} times`, async () => {
  const seed = Number(process.env.LCG_SEED ?? Date.now() % 1e9);
  let state = seed;
  const random = () => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return state / 2 ** 32; };
  const server = await new Server().start();
  const stage = new Stage({ url: server.url, log: existsSync(whole) ? whole : excerpt, reconnectMs: 200 });
  try {
    await stage.open();
    let kills = 0, done = false, acksBefore = -1;
    const killer = (async () => {
      while (!done || kills < KILLS) {
        // Each kill falls somewhere between two acknowledgements that the run has yet to see.
        const until = stage.acked.length + 1 + Math.floor(random() * Math.max(1, stage.events.length / (KILLS + 2)));
        while (!done && stage.acked.length < until) await sleep(5);
        await sleep(random() * 30);
        acksBefore = stage.acked.length;
        await server.kill9();
        kills++;
        await server.start();
      }
    })();
    await stage.play();
    done = true;
    await killer;
    assert.ok(kills >= KILLS && acksBefore > 0, `${kills} kills, the last with ${acksBefore} messages acknowledged`);
    assert.ok(stage.devices.some((d) => d.retries > 0), 'some sends were cut and repeated');
    await stage.check();
    stage.close();
  } catch (error) {
    error.message += `\nseed ${seed} (LCG_SEED)\n--- server log ---\n${server.logText().slice(-3000)}`;
    stage.close();
    await server.stop();
    throw error;
  }
  await server.close();
});
