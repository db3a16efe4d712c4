import { expect, test } from 'vitest';
import type { ZetaEvent } from './event';
import { History, runs } from './history';

const NOW = 1_000_000; // ms, later than every event here unless said otherwise

function event(second: number, metric: number | null, state = 'ok'): ZetaEvent {
  return { host: 'h', service: 's', state, description: null, metric, tags: null, ttl: null, time: new Date(second * 1000).toISOString() };
}

test('the past goes before what came live meanwhile, and nothing is there twice', () => {
  const h = new History();
  h.add(event(20, 2), NOW);
  h.add(event(25, 3), NOW);
  h.backfill([10, 15, 20, 25], [0, 1, 99, 99], ['ok', 'ok', 'ok', 'ok']);
  expect([h.x, h.y]).toEqual([
    [10, 15, 20, 25],
    [0, 1, 2, 3],
  ]);
});

test('an expiry leaves a gap', () => {
  const h = new History();
  h.add(event(1, 5), NOW);
  h.add(event(61, 5, 'expired'), NOW);
  h.add(event(90, 6), NOW);
  expect(h.y).toEqual([5, null, 6]);
});

test('time never turns back; the same time is replaced', () => {
  const h = new History();
  h.add(event(10, 1), NOW);
  h.add(event(9, 7), NOW);
  h.add(event(10, 2, 'warning'), NOW);
  expect([h.x, h.y, h.states]).toEqual([[10], [2], ['warning']]);
});

test('a time in the future is taken as now, so that the next event still finds its place', () => {
  const h = new History();
  h.add(event(4e9, 1), 10_000);
  h.add(event(12, 2), 12_000);
  expect([h.x, h.y]).toEqual([
    [10, 12],
    [1, 2],
  ]);
});

test('the history is bounded', () => {
  const h = new History(50);
  for (let i = 0; i < 200; i++) h.add(event(i, i), NOW);
  expect([h.x.length, h.y.length, h.states.length, h.x[0]]).toEqual([50, 50, 50, 150]);
});

test('columns of unequal length are read as having gaps', () => {
  const h = new History();
  h.backfill([1, 2, 3], [1], []);
  expect([h.y, h.states]).toEqual([
    [1, null, null],
    [null, null, null],
  ]);
});

test('runs merge equal neighbours', () => {
  expect(runs([0, 5, 10, 15], ['ok', 'ok', 'critical', 'ok'], 20)).toEqual([
    { state: 'ok', from: 0, to: 10 },
    { state: 'critical', from: 10, to: 15 },
    { state: 'ok', from: 15, to: 20 },
  ]);
  expect(runs([], [], 5)).toEqual([]);
});
