// Real input: whole IRC channel logs through the real binary, one stock SDK client a person; afterwards every
// device's list equals the log.
import test from 'node:test';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { Server } from '../support/server.mjs';
import { Stage } from './stage.mjs';

const excerpt = fileURLToPath(new URL('../data/irc/excerpt.txt', import.meta.url));
const whole = fileURLToPath(new URL('../../../shared/data/irc', import.meta.url));

async function replay(log) {
  const server = await new Server().start();
  const stage = new Stage({ url: server.url, log });
  try {
    await stage.open();
    await stage.play();
    await stage.check();
    stage.close();
  } catch (error) {
    error.message += `\n--- server log ---\n${server.logText().slice(-3000)}`;
    stage.close();
    await server.stop();
    throw error;
  }
  await server.close();
}

test('the excerpt in the tree', () => replay(excerpt));

const logs = existsSync(whole) ? readdirSync(whole).filter((f) => /^\d{4}-.*\.txt$/.test(f)) : [];
test('the ten whole logs are there', { skip: logs.length === 10 ? false : `no logs in ${whole}: only the excerpt was replayed` }, () => {});
for (const log of logs) test(log, () => replay(join(whole, log)));
