// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyOf, type ZetaEvent } from '../event';
import { Table } from '../table';
import { arrange, columns } from './arrange';
import type { Painter } from './paint';
import { TablePainter } from './table';
import { TilesPainter } from './tiles';

let scroller: HTMLElement;
let selected: string | null;

beforeEach(() => {
  scroller = document.createElement('div');
  Object.defineProperties(scroller, { clientWidth: { value: 1000 }, clientHeight: { value: 600 } });
  document.body.append(scroller);
  selected = null;
});

afterEach(() => scroller.remove());

function fill(hosts: number, services: number): Table {
  const t = new Table();
  const events: ZetaEvent[] = [];
  for (let h = 0; h < hosts; h++) {
    for (let s = 0; s < services; s++) events.push(event(`h${h}`, `s${s}`, 'ok', h * 1000 + s));
  }
  t.add(events, 0);
  return t;
}

function event(host: string, service: string, state: string, metric: number | null): ZetaEvent {
  return { host, service, state, metric, description: null, tags: null, ttl: null, time: null };
}

function painter(kind: 'table' | 'tiles', t: Table): Painter {
  const sections = arrange(t.values(), '', 'name');
  const key = () => selected;
  return kind === 'table' ? new TablePainter(scroller, sections, columns(sections, 'name'), key) : new TilesPainter(scroller, sections, key);
}

const at = (host: string, service: string) => scroller.querySelector<HTMLElement>(`[data-key="${keyOf(host, service)}"]`);

for (const kind of ['table', 'tiles'] as const) {
  test(`${kind}: ten thousand cells cost what is on the screen`, () => {
    const t = fill(100, 100);
    const p = painter(kind, t);
    p.paint();
    const first = scroller.querySelectorAll('*').length;
    expect(first).toBeLessThan(3000);
    for (let y = 0; y < 2500; y += 37) {
      scroller.scrollTop = y;
      p.paint();
    }
    expect(scroller.querySelectorAll('*').length).toBeLessThan(first * 1.5);
  });

  test(`${kind}: a cell follows its series, and only it is touched`, () => {
    const t = fill(3, 4);
    const p = painter(kind, t);
    p.paint();
    const other = at('h1', 's1')!;
    const before = other.outerHTML;
    t.add([event('h1', 's2', 'critical', 99)], 0);
    selected = keyOf('h1', 's2');
    p.paint();
    const cell = at('h1', 's2')!;
    expect([cell.dataset.level, cell.textContent!.includes('99'), cell.title]).toEqual(['critical', true, 'h1, s2: critical, 99']);
    expect([cell.getAttribute('aria-selected') ?? cell.getAttribute('aria-pressed'), other.outerHTML]).toEqual(['true', before]);
  });

  test(`${kind}: text of an event never becomes markup`, () => {
    const t = new Table();
    t.add([event('<b>h</b>', '<img src=x>', '<i>', null)], 0);
    painter(kind, t).paint();
    expect(scroller.querySelector('b, img')).toBe(null);
  });

  test(`${kind}: the selection moves over the cells and stops at the edges`, () => {
    const t = fill(3, 2);
    const p = painter(kind, t);
    const get = (h: string, s: string) => t.get(keyOf(h, s))!;
    expect(p.move(undefined, 0, 1)).toBe(get('h0', 's0'));
    expect(p.move(get('h0', 's0'), 1, 0)).toBe(get('h0', 's1'));
    expect(p.move(get('h0', 's1'), 0, 1)).toBe(get('h1', 's1'));
    expect(p.move(get('h2', 's1'), 0, 1)).toBe(null);
    expect(p.move(get('h0', 's0'), -1, 0)).toBe(null);
  });

  test(`${kind}: removing leaves nothing behind`, () => {
    const p = painter(kind, fill(2, 2));
    p.paint();
    p.remove();
    expect([scroller.childElementCount, scroller.getAttribute('role'), scroller.getAttribute('aria-rowcount')]).toEqual([0, null, null]);
  });
}

test('table: a hole is not a cell, and is stepped over', () => {
  const t = new Table();
  t.add([event('a', 'x', 'ok', 1), event('b', 'y', 'ok', 2), event('c', 'x', 'ok', 3)], 0);
  const p = painter('table', t);
  p.paint();
  expect(scroller.querySelectorAll('[data-level=absent]').length).toBe(3);
  expect(p.move(t.get(keyOf('a', 'x')), 0, 1)).toBe(t.get(keyOf('c', 'x')));
});
