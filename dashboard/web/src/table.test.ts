import { expect, test } from 'vitest';
import { keyOf, type ZetaEvent } from './event';
import { Level } from './state';
import { Table } from './table';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');

function event(e: Partial<ZetaEvent>, second = 0): ZetaEvent {
  return {
    host: 'web1', service: 'cpu', state: 'ok', description: null, metric: null, tags: null, ttl: null,
    time: new Date(T0 + second * 1000).toISOString(),
    ...e,
  };
}

const cpu = keyOf('web1', 'cpu');

test('a missing name, an empty one and odd ones are different series', () => {
  const names = [null, '', '-', ':', '1:', 'a', 'a:b'];
  const keys = names.flatMap((h) => names.map((s) => keyOf(h, s)));
  expect(new Set(keys).size).toBe(names.length ** 2);
});

test('shape changes when series come or change level, and not otherwise', () => {
  const t = new Table();
  const shape = (...events: ZetaEvent[]) => {
    const before = t.shape.value;
    t.add(events, T0);
    return t.shape.value !== before;
  };
  expect(shape(event({}), event({ service: 'load', state: 'warning' }))).toBe(true);
  expect(shape(event({ metric: 2 }, 1), event({ service: 'load', state: 'WARN' }, 1))).toBe(false);
  expect(shape(event({ state: 'CRITICAL' }, 2))).toBe(true);
  expect(shape(event({ state: 'critical' }, 3))).toBe(false);
});

test('an expiry keeps the last word and counts silence from it', () => {
  const t = new Table();
  t.add([event({ metric: 0.5 }, 10)], T0);
  t.add([event({ state: 'expired' }, 70)], T0);
  const c = t.get(cpu)!;
  expect(c.level).toBe(Level.Silent);
  expect(c.alive?.metric).toBe(0.5);
  expect(c.since).toBe(T0 + 10_000);
  t.add([event({ state: 'expired' }, 90)], T0);
  expect(c.since).toBe(T0 + 10_000);
  t.add([event({}, 100)], T0);
  expect([c.level, c.since]).toEqual([Level.Ok, T0 + 100_000]);
});

test('what a new snapshot does not hold fell silent; it does not vanish', () => {
  const t = new Table();
  t.begin();
  t.add([event({ metric: 1 }, 0), event({ host: 'web2', metric: 2 }, 5)], T0);
  t.end(T0);
  t.begin();
  t.add([event({ metric: 3 }, 60)], T0);
  t.end(T0 + 60_000);
  const gone = t.get(keyOf('web2', 'cpu'))!;
  expect([gone.level, gone.since, gone.alive?.metric]).toEqual([Level.Silent, T0 + 5_000, 2]);
  expect(t.get(cpu)!.level).toBe(Level.Ok);
});

test('the silent are forgotten after a while, and only they', () => {
  const t = new Table(10, 60_000);
  t.add([event({}), event({ host: 'web2', state: 'expired' })], T0);
  t.forget(T0 + 59_999);
  expect(t.size).toBe(2);
  t.forget(T0 + 60_000);
  expect([...t.values()].map((c) => c.host)).toEqual(['web1']);
});

test('series beyond the limit are turned away and counted; known ones still change', () => {
  const t = new Table(2);
  t.add(['a', 'b', 'c', 'd'].map((host) => event({ host })), T0);
  t.add([event({ host: 'a', metric: 9 })], T0);
  expect([t.size, t.turnedAway.value, t.get(keyOf('a', 'cpu'))!.event.metric]).toEqual([2, 2, 9]);
});

test('the sparkline keeps the last forty numbers and nothing else', () => {
  const t = new Table();
  for (let i = 0; i < 100; i++) t.add([event({ metric: i }, i)], T0);
  t.add([event({ metric: 'NaN' }, 101), event({ metric: null }, 102), event({ state: 'expired', metric: 7 }, 103)], T0);
  const { trail } = t.get(cpu)!;
  expect([trail.length, trail[0], trail[39]]).toEqual([40, 60, 99]);
});

test('an event without a time, or with nonsense for one, is of now', () => {
  const t = new Table();
  t.add([event({ time: null }), event({ host: 'b', time: 'yesterday' })], T0 + 5);
  expect([...t.values()].map((c) => c.at)).toEqual([T0 + 5, T0 + 5]);
});
