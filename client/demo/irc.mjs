// Reads the log of one IRC channel (the format of the Ubuntu logs) as a list of events.
import { readFileSync } from 'node:fs';

const NICK = '[A-Za-z0-9_\\-\\[\\]{}|`^\\\\]+';  // RFC 2812 2.3.1
const SAID = /^\[\d\d:\d\d\] <([^>]+)> ?(.*)$/s;
const EMOTE = new RegExp(`^\\[\\d\\d:\\d\\d\\] {1,2}\\* (${NICK}) ?(.*)$`, 's');
const SESSION = new RegExp(`^=== (${NICK}) (?:\\[.*\\] +)?has (joined|left|quit)\\b`);
const RENAME = new RegExp(`^=== (${NICK}) is now known as (${NICK})`);
const OLD_EMOTE = new RegExp(`^=== (${NICK}) (.*)$`, 's');

// Returns [{type: 'say'|'emote', nick, text} | {type: 'join'|'leave'|'quit', nick} | {type: 'rename', nick, to}].
// Lines that are none of these (server notices) become {type: 'notice', text}.
export function parseLog(text) {
  const events = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    let m;
    if ((m = SAID.exec(line))) events.push({ type: 'say', nick: m[1].trim(), text: m[2] });
    else if ((m = EMOTE.exec(line))) events.push({ type: 'emote', nick: m[1], text: m[2] });
    else if ((m = SESSION.exec(line))) events.push({ type: { joined: 'join', left: 'leave', quit: 'quit' }[m[2]], nick: m[1] });
    else if ((m = RENAME.exec(line))) events.push({ type: 'rename', nick: m[1], to: m[2] });
    else if ((m = OLD_EMOTE.exec(line))) events.push({ type: 'emote', nick: m[1], text: m[2] });
    else events.push({ type: 'notice', text: line });
  }
  return events;
}

export function readLog(path) {
  return parseLog(readFileSync(path, 'utf8'));
}

// Nicks that differ in case alone are one (RFC 2812 2.2, with its own idea of brackets).
const folded = (nick) => nick.toLowerCase().replace(/[[\]\\^]/g, (c) => ({ '[': '{', ']': '}', '\\': '|', '^': '~' })[c]);

// Gives every event a `person`: a nick is a person from its first appearance; a rename hands the person the new nick.
// Returns {people: [name], founders: Set of people who were there before the log began, events}.
export function cast(events) {
  const personOf = new Map();
  const people = [];
  const founders = new Set();
  const person = (nick, arrives) => {
    const key = folded(nick);
    if (!personOf.has(key)) {
      const name = people.some((other) => folded(other) === key) ? `${nick}^${people.length}` : nick;
      people.push(name);
      personOf.set(key, name);
      if (!arrives) founders.add(name);
    }
    return personOf.get(key);
  };
  const out = [];
  for (const event of events) {
    if (event.type === 'notice') continue;
    const who = person(event.nick, event.type === 'join');
    if (event.type === 'rename') {
      personOf.delete(folded(event.nick));
      personOf.set(folded(event.to), who);
    }
    out.push({ ...event, person: who });
  }
  return { people, founders, events: out };
}
