import { clock } from '../clock';
import { nameOf } from '../event';
import { age, metric } from '../format';
import { LEVEL_NAMES, Level, stateWord } from '../state';
import type { Cell } from '../table';

// Painter draws the grid in one of its layouts. It owns a pool of elements as large as what is visible and
// touches only those whose cell changed: ten thousand cells cost what is on the screen.
export interface Painter {
  // paint brings what is visible up to date.
  paint(): void;
  // move returns the cell that lies dx to the right and dy below from, or null at the edge.
  move(from: Cell | undefined, dx: number, dy: number): Cell | null;
  // reveal scrolls a cell into view.
  reveal(c: Cell): void;
  // remove takes the painter's elements off the page.
  remove(): void;
}

// element makes an element with a class and an optional role.
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, role?: string): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  e.className = name;
  if (role !== undefined) e.setAttribute('role', role);
  return e;
}

// setText changes the text of an element if it differs.
export function setText(e: HTMLElement, text: string): void {
  if (e.textContent !== text) e.textContent = text;
}

// valueOf is what a cell shows: the metric, else the state; of a silent one, for how long.
export function valueOf(c: Cell): string {
  if (c.level === Level.Silent) return age(clock.now() - c.since);
  const m = c.event.metric;
  return m === null ? stateWord(c.event.state) : metric(m);
}

// describe is the cell in words, for tooltips and screen readers.
export function describe(c: Cell): string {
  const name = `${nameOf(c.host, 'host')}, ${nameOf(c.service, 'service')}: `;
  if (c.level === Level.Silent) {
    const before = c.alive;
    const last = before === null || before.metric === null ? '' : `, last ${metric(before.metric)}`;
    return `${name}silent for ${age(clock.now() - c.since)}${last}`;
  }
  const m = c.event.metric === null ? '' : `, ${metric(c.event.metric)}`;
  const d = c.event.description ? ` — ${c.event.description}` : '';
  return `${name}${stateWord(c.event.state)}${m}${d}`;
}

// levelName is the level as the style sheet knows it.
export function levelName(c: Cell): string {
  return LEVEL_NAMES[c.level];
}

// sparkline returns the path of a series of numbers in a box of w × h, or '' where a line would say nothing.
export function sparkline(points: readonly number[], w: number, h: number): string {
  if (points.length < 2) return '';
  let low = Infinity;
  let high = -Infinity;
  for (const p of points) {
    if (p < low) low = p;
    if (p > high) high = p;
  }
  const span = high - low;
  const step = w / (points.length - 1);
  let path = '';
  for (let i = 0; i < points.length; i++) {
    const y = span === 0 ? h / 2 : h - ((points[i]! - low) / span) * h;
    path += `${i === 0 ? 'M' : 'L'}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
  }
  return path;
}
