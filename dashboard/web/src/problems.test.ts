import { expect, test } from 'vitest';
import type { ZetaEvent } from './event';
import { worstFirst } from './problems';
import { Table } from './table';

function list(...events: [host: string, service: string, state: string, second: number][]) {
  const t = new Table();
  t.add(
    events.map(([host, service, state, second]): ZetaEvent => ({
      host, service, state, time: new Date(second * 1000).toISOString(), metric: null, description: null, tags: null, ttl: null,
    })),
    0,
  );
  return worstFirst(t.values()).map((p) => [p.cell.host, p.cell.service, p.services]);
}

test('the worst come first, then the newest', () => {
  expect(
    list(['a', 'warn', 'warning', 9], ['a', 'old', 'critical', 1], ['a', 'new', 'critical', 5], ['a', 'fine', 'ok', 9], ['a', 'gone', 'expired', 9]),
  ).toEqual([
    ['a', 'new', 1],
    ['a', 'old', 1],
    ['a', 'gone', 1],
    ['a', 'warn', 1],
  ]);
});

test('a host of which nothing is heard is one problem', () => {
  expect(list(['a', 'x', 'expired', 1], ['a', 'y', 'expired', 2], ['b', 'x', 'expired', 3], ['b', 'y', 'ok', 3])).toEqual([
    ['a', 'y', 2],
    ['b', 'x', 1],
  ]);
});
