import { expect, test } from 'vitest';
import type { ZetaEvent } from './event';
import { filterOf, Log } from './log';

function event(n: number, more: Partial<ZetaEvent> = {}): ZetaEvent {
  return { host: 'web1', service: `s${n}`, state: 'ok', description: null, metric: n, tags: null, ttl: null, time: null, ...more };
}

const many = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => event(from + i));
const shown = (l: Log) => l.entries.map((e) => e.event.metric);

test('a pause shows nothing new, counts what waits, and resume shows it in order', () => {
  const l = new Log(100);
  l.add(many(0, 3), 0, 0);
  l.pause();
  l.add(many(3, 6), 0, 0);
  expect([shown(l), l.waiting.value]).toEqual([[0, 1, 2], 3]);
  l.resume();
  expect([shown(l), l.waiting.value]).toEqual([[0, 1, 2, 3, 4, 5], 0]);
});

test('a long pause keeps the newest and counts what it let go', () => {
  const l = new Log(10);
  l.pause();
  l.add(many(0, 8), 0, 0);
  l.add(many(8, 25), 0, 0);
  expect([l.waiting.value, l.lost.value]).toEqual([10, 8]);
  l.resume();
  expect(shown(l)).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
});

test('the log is bounded, whatever comes', () => {
  const l = new Log(100);
  for (let i = 0; i < 50; i++) l.add(many(i * 30, (i + 1) * 30), 0, 0);
  expect(l.entries.length).toBeLessThanOrEqual(110);
  expect(shown(l).at(-1)).toBe(1499);
});

test('what the server left out is counted', () => {
  const l = new Log();
  l.add([], 3, 0);
  l.add(many(0, 1), 4, 0);
  expect(l.dropped.value).toBe(7);
});

test('a reconnect does not show an event twice', () => {
  const l = new Log();
  l.add(many(0, 3), 0, 0);
  l.backfill(many(1, 5), 0, 0);
  expect(shown(l)).toEqual([0, 1, 2, 3, 4]);
});

test.each([
  { name: 'nothing asked', filter: { text: ' ', fields: [] }, want: null },
  { name: 'every word, in any field', filter: { text: 'WEB1 oops', fields: [] }, want: [2] },
  { name: 'an attribute', filter: { text: 'eu-west', fields: [] }, want: [1] },
  { name: 'a tag', filter: { text: '', fields: [['tag', 'prod']] as [string, string][] }, want: [3] },
  { name: 'a field by its whole value', filter: { text: '', fields: [['service', 's1']] as [string, string][] }, want: [1] },
  { name: 'a missing field', filter: { text: '', fields: [['state', '']] as [string, string][] }, want: [4] },
])('a filter on $name', ({ filter, want }) => {
  const l = new Log();
  l.add(
    [event(1, { zone: 'eu-west-1a' }), event(2, { description: 'Oops, again' }), event(3, { tags: ['prod'] }), event(4, { state: null }), event(11)],
    0,
    0,
  );
  const keep = filterOf(filter);
  expect(keep === null ? null : l.entries.filter(keep).map((e) => e.event.metric)).toEqual(want);
});
