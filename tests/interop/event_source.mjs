// Opens event streams one after the other with a stock client and prints the first event of each, or null when none comes.
// node [--experimental-eventsource] event_source.mjs COUNT URL
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../client/package.json', import.meta.url));
const EventSource = globalThis.EventSource ?? require('eventsource');
const [count, url] = process.argv.slice(2);
const first = () => new Promise((resolve) => {
  const source = new EventSource(url);
  const timer = setTimeout(() => done(null), 5000);
  function done(value) {
    clearTimeout(timer);
    source.close();
    resolve(value);
  }
  source.onmessage = (event) => done(Object.keys(JSON.parse(event.data))[0] ?? 'ping');
});
const events = [];
for (let i = 0; i < Number(count); i++) events.push(await first());
console.log(JSON.stringify(events));
