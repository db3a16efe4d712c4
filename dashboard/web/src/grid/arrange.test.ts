import { expect, test } from 'vitest';
import type { ZetaEvent } from '../event';
import { Table } from '../table';
import { arrange, byName, columns, prefersTable } from './arrange';
import { sparkline } from './paint';

function table(...events: [host: string | null, service: string | null, state: string, description?: string][]): Table {
  const t = new Table();
  t.add(
    events.map(([host, service, state, description]): ZetaEvent => ({
      host, service, state, description: description ?? null, metric: null, tags: ['prod'], ttl: null, time: null,
    })),
    0,
  );
  return t;
}

const company = table(
  ['web10', 'cpu', 'ok'],
  ['web2', 'cpu', 'ok'],
  ['web2', 'load', 'running'],
  ['db1', 'cpu', 'ok'],
  ['db1', 'disk', 'warning', 'nearly full'],
  ['cache', 'cpu', 'expired'],
  [null, 'cpu', 'ok'],
);

test('the worst host comes first, the rest by name as people count', () => {
  expect(arrange(company.values(), '', 'worst').map((s) => s.host)).toEqual(['cache', 'db1', 'web2', 'web10', null]);
  expect(arrange(company.values(), '', 'name').map((s) => s.host)).toEqual(['cache', 'db1', 'web2', 'web10', null]);
});

test('within a host too, and over the columns', () => {
  const db = arrange(company.values(), 'db1', 'worst')[0]!;
  expect([db.cells.map((c) => c.service), db.problems]).toEqual([['disk', 'cpu'], 1]);
  const all = arrange(company.values(), '', 'worst');
  expect(columns(all, 'worst')).toEqual(['cpu', 'disk', 'load']); // cpu: a silent host
  expect(columns(all, 'name')).toEqual(['cpu', 'disk', 'load']);
});

test.each([
  ['WEB cpu', 2],
  ['nearly', 1],
  ['prod', 7],
  ['silent', 1],
  ['no host', 1],
  ['web cpu disk', 0],
])('the filter %j keeps %i cells', (find, want) => {
  expect(arrange(company.values(), find, 'name').reduce((n, s) => n + s.cells.length, 0)).toBe(want);
});

test('a host silent as a whole does not push its columns forward', () => {
  const t = table(['gone', 'a', 'expired'], ['gone', 'b', 'expired'], ['up', 'a', 'ok'], ['up', 'z', 'warning']);
  expect(columns(arrange(t.values(), '', 'worst'), 'worst')).toEqual(['z', 'a', 'b']);
});

test('names sort by number, and equal numbers still have an order', () => {
  expect(['b', 'a10', 'a2', 'A2', null, ''].sort(byName)).toEqual(['', 'a2', 'A2', 'a10', 'b', null]);
});

test('a table is for hosts alike', () => {
  const alike = table(...['a', 'b', 'c'].flatMap((h) => ['x', 'y'].map((s): [string, string, string] => [h, s, 'ok'])));
  const apart = table(['a', 'x', 'ok'], ['b', 'y', 'ok'], ['c', 'z', 'ok']);
  for (const [t, want] of [[alike, true], [apart, false]] as const) {
    const s = arrange(t.values(), '', 'name');
    expect(prefersTable(s, columns(s, 'name').length)).toBe(want);
  }
});

test('a sparkline spans its box; equal values run through the middle', () => {
  expect(sparkline([], 10, 10)).toBe('');
  expect(sparkline([5], 10, 10)).toBe('');
  expect(sparkline([0, 1], 10, 10)).toBe('M0.0 10.0L10.0 0.0');
  expect(sparkline([5, 5], 10, 10)).toBe('M0.0 5.0L10.0 5.0');
});
