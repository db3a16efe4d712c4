import { nameOf } from '../event';
import { plural } from '../format';
import { LEVEL_NAMES, Level, stateWord } from '../state';
import type { Cell } from '../table';
import type { Section } from './arrange';
import { describe, element, levelName, setText, sparkline, valueOf, type Painter } from './paint';

const HEAD = 38;
const TILE = 58;
const GAP = 6;
const MIN_WIDTH = 164;
const MARGIN = 12;
const SPARK_WIDTH = 64;
const SPARK_HEIGHT = 18;

// Row is one line of the layout: the name of a host, or some of its services side by side.
type Row =
  | { kind: 'head'; section: Section; top: number }
  | { kind: 'tiles'; section: Section; from: number; to: number; top: number };

interface TileElement {
  root: HTMLButtonElement;
  mark: HTMLElement;
  name: HTMLElement;
  value: HTMLElement;
  word: HTMLElement;
  more: HTMLElement; // what eyes see otherwise, for screen readers
  line: SVGPathElement;
  cell: Cell | null;
  version: number;
}

interface RowElement {
  root: HTMLElement;
  tiles: TileElement[]; // none in a head
}

// TilesPainter draws each host as a heading with its services as tiles below: the layout for few hosts,
// for hosts with nothing in common, and for narrow screens.
export class TilesPainter implements Painter {
  private readonly scroller: HTMLElement;
  private readonly body: HTMLElement;
  private readonly selectedKey: () => string | null;
  private readonly rows: Row[] = [];
  private readonly perRow: number;
  private readonly height: number;
  private readonly shown = new Map<number, RowElement>();
  private readonly spare = { head: [] as RowElement[], tiles: [] as RowElement[] };

  constructor(scroller: HTMLElement, sections: readonly Section[], selectedKey: () => string | null) {
    this.scroller = scroller;
    this.selectedKey = selectedKey;
    const width = scroller.clientWidth - 2 * MARGIN;
    this.perRow = Math.max(1, Math.floor((width + GAP) / (MIN_WIDTH + GAP)));
    let top = 0;
    for (const section of sections) {
      this.rows.push({ kind: 'head', section, top });
      top += HEAD;
      for (let from = 0; from < section.cells.length; from += this.perRow) {
        this.rows.push({ kind: 'tiles', section, from, to: Math.min(from + this.perRow, section.cells.length), top });
        top += TILE + GAP;
      }
    }
    this.height = top + MARGIN;
    scroller.setAttribute('role', 'group');
    this.body = element('div', 'tiles');
    this.body.style.height = `${this.height}px`;
    scroller.replaceChildren(this.body);
  }

  remove(): void {
    this.scroller.removeAttribute('role');
    this.scroller.replaceChildren();
  }

  paint(): void {
    const top = this.scroller.scrollTop - 100;
    const bottom = top + this.scroller.clientHeight + 200;
    const first = this.firstBelow(top);
    let last = first;
    while (last < this.rows.length && this.rows[last]!.top < bottom) last++;
    for (const [i, e] of this.shown) {
      if (i >= first && i < last) continue;
      this.shown.delete(i);
      e.root.remove();
      this.spare[this.rows[i]!.kind].push(e);
    }
    const selected = this.selectedKey();
    // From below, so that the row after the one being placed is there already.
    for (let i = last - 1; i >= first; i--) this.paintRow(i, selected);
  }

  // firstBelow finds the first row that reaches below y.
  private firstBelow(y: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.rows[mid]!.top + TILE + GAP < y) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private paintRow(i: number, selected: string | null): void {
    const row = this.rows[i]!;
    let e = this.shown.get(i);
    if (e === undefined) {
      e = this.spare[row.kind].pop() ?? (row.kind === 'head' ? makeHead() : makeRow(this.perRow));
      this.shown.set(i, e);
      e.root.style.transform = `translateY(${row.top}px)`;
      // Kept in the order of the page, which is the order that Tab and screen readers follow.
      const next = this.shown.get(i + 1)?.root ?? null;
      this.body.insertBefore(e.root, next);
      if (row.kind === 'head') paintHead(e.root, row.section);
    }
    if (row.kind === 'head') return;
    for (let n = 0; n < e.tiles.length; n++) paintTile(e.tiles[n]!, row.section.cells[row.from + n], row.from + n < row.to, selected);
  }

  move(from: Cell | undefined, dx: number, dy: number): Cell | null {
    const at = from === undefined ? null : this.place(from);
    if (at === null) return this.rows[1]?.section.cells[0] ?? null;
    const row = this.rows[at]!;
    const n = row.section.cells.indexOf(from!);
    if (dx !== 0) return row.section.cells[n + dx] ?? null;
    const column = row.kind === 'tiles' ? n - row.from : 0;
    for (let i = at + dy; i >= 0 && i < this.rows.length; i += dy) {
      const r = this.rows[i]!;
      if (r.kind === 'tiles') return r.section.cells[Math.min(r.from + column, r.to - 1)] ?? null;
    }
    return null;
  }

  reveal(c: Cell): void {
    const i = this.place(c);
    if (i === null) return;
    const { top } = this.rows[i]!;
    const s = this.scroller;
    if (top < s.scrollTop) s.scrollTop = top - HEAD;
    else if (top + TILE > s.scrollTop + s.clientHeight) s.scrollTop = top + TILE + GAP - s.clientHeight;
  }

  private place(c: Cell): number | null {
    const i = this.rows.findIndex(
      (r) => r.kind === 'tiles' && r.section.host === c.host && r.section.cells.indexOf(c, r.from) < r.to && r.section.cells.indexOf(c, r.from) >= 0,
    );
    return i < 0 ? null : i;
  }
}

function makeHead(): RowElement {
  const root = element('h3', 'host-head');
  root.append(element('i', 'mark'), element('span', 'host-name'), element('span', 'host-count'));
  return { root, tiles: [] };
}

function paintHead(root: HTMLElement, s: Section): void {
  const [mark, name, count] = root.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
  mark.dataset.level = LEVEL_NAMES[s.worst];
  name.textContent = nameOf(s.host, 'host');
  name.title = name.textContent;
  count.textContent = plural(s.cells.length, 'service') + (s.problems > 0 ? `, ${plural(s.problems, 'problem')}` : '');
}

function makeRow(n: number): RowElement {
  const root = element('div', 'tile-row');
  const tiles = Array.from({ length: n }, () => makeTile());
  root.append(...tiles.map((t) => t.root));
  return { root, tiles };
}

function makeTile(): TileElement {
  const root = element('button', 'tile');
  root.type = 'button';
  const mark = element('i', 'mark');
  const name = element('span', 'tile-name');
  const value = element('span', 'tile-value');
  const word = element('span', 'tile-word');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('viewBox', `-1 -1 ${SPARK_WIDTH + 2} ${SPARK_HEIGHT + 2}`);
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.append(line);
  const top = element('span', 'tile-line');
  top.append(mark, name);
  const bottom = element('span', 'tile-line');
  const more = element('span', 'hidden');
  bottom.append(value, word, more, svg);
  root.append(top, bottom);
  return { root, mark, name, value, word, more, line, cell: null, version: 0 };
}

function paintTile(t: TileElement, cell: Cell | undefined, present: boolean, selected: string | null): void {
  if (!present || cell === undefined) {
    if (t.cell !== null || !t.root.hidden) t.root.hidden = true;
    t.cell = null;
    return;
  }
  t.root.hidden = false;
  const pressed = String(cell.key === selected);
  if (t.root.getAttribute('aria-pressed') !== pressed) t.root.setAttribute('aria-pressed', pressed);
  const value = valueOf(cell);
  if (t.cell === cell && t.version === cell.version && t.value.textContent === value) return;
  if (t.cell !== cell) {
    t.root.dataset.key = cell.key;
    setText(t.name, nameOf(cell.service, 'service'));
  }
  t.cell = cell;
  t.version = cell.version;
  t.root.dataset.level = t.mark.dataset.level = levelName(cell);
  t.root.title = describe(cell);
  setText(t.value, value);
  // The state stands beside the metric wherever it says more than that all is well.
  const word = cell.level === Level.Silent ? 'silent' : cell.level <= Level.Ok || cell.event.metric === null ? '' : stateWord(cell.event.state);
  setText(t.word, word);
  setText(t.more, `${word === '' ? ` ${stateWord(cell.event.state)}` : ''} on ${nameOf(cell.host, 'host')}`);
  // …and there it takes the room of the line.
  t.line.parentElement!.toggleAttribute('hidden', word !== '');
  if (word === '') t.line.setAttribute('d', sparkline(cell.trail, SPARK_WIDTH, SPARK_HEIGHT));
}
