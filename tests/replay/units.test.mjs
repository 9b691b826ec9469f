// The log reader and the timeline that the replay rests on.
import test from 'node:test';
import assert from 'node:assert/strict';
import { cast, parseLog } from '../../client/demo/irc.mjs';
import { Timeline } from '../../client/demo/timeline.mjs';
import { visible } from '../../client/demo/visible.mjs';

test('a said line keeps its text byte for byte', () => {
  assert.deepEqual(parseLog('[12:18] <|trey|> usual, <b>  :) \n'), [{ type: 'say', nick: '|trey|', text: 'usual, <b>  :) ' }]);
});
test('joins, leaves, renames and emotes are told apart', () => {
  const text = '=== a [~a@h]  has joined #u []\n=== a [x] has left #u []\n=== a is now known as b\n[10:00]  * c waves\n=== d wonders\n';
  assert.deepEqual(parseLog(text).map((e) => e.type), ['join', 'leave', 'rename', 'emote', 'emote']);
});
test('a nick is one person in whatever case it is written', () => {
  const { people } = cast(parseLog('[10:00] <Ann[a]> hi\n[10:01] <ann{A}> still me\n=== ANN[A] is now known as bob\n[10:02] <Bob> me too\n'));
  assert.deepEqual(people, ['Ann[a]']);
});

test('a rename hands the person the new nick', () => {
  const { people, events } = cast(parseLog('[1:00] <a> x\n'.replace('1:00', '01:00') + '=== a is now known as b\n[01:01] <b> y\n'));
  assert.deepEqual(people, ['a']);
  assert.deepEqual(events.map((e) => e.person), ['a', 'a', 'a']);
});
test('one who is seen without joining was there before', () => {
  const { founders } = cast(parseLog('[01:00] <a> x\n=== b [h] has joined #u\n'));
  assert.deepEqual([...founders], ['a']);
});

const entry = (seq, user, uprev = 0) => ({ seq, user, uprev });
test('an entry is added once', () => {
  const t = new Timeline({});
  assert.equal(t.add(entry(1, 'a')), true);
  assert.equal(t.add(entry(1, 'a')), false);
});
test('a sender\'s gap delays that sender alone', () => {
  const shown = [];
  const t = new Timeline({ onShow: (e) => shown.push(e.seq) });
  t.add(entry(2, 'a', 1));
  t.add(entry(3, 'b'));
  assert.deepEqual(shown, [3]);
  t.add(entry(1, 'a'));
  assert.deepEqual(shown, [3, 1, 2]);
});
test('gaps are the missing ranges above the cursor', () => {
  const t = new Timeline({});
  [1, 2, 5, 8].forEach((seq) => t.add(entry(seq, 'a')));
  assert.deepEqual(t.gaps(9), [[3, 4], [6, 7], [9, 9]]);
});
test('a raised floor releases those that waited for what lies below it', () => {
  const shown = [];
  const t = new Timeline({ onShow: (e) => shown.push(e.seq) });
  t.add(entry(6, 'a', 4));
  t.raiseFloor(5);
  assert.deepEqual(shown, [6]);
  assert.equal(t.cursor, 6);
});

test('what others write is shown without what hides or moves', () => {
  assert.equal(visible('a\u202eb\n\x1b[2J\u009b\u200b\u{e0041}'), 'a\\u{202e}b\\u{a}\\u{1b}[2J\\u{9b}\\u{200b}\\u{e0041}');
  assert.equal(visible('Zoë דוד 中文 😀'), 'Zoë דוד 中文 😀');
});
