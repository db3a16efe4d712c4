import { nameOf } from '../event';
import { shorten } from '../labels';
import { LEVEL_NAMES } from '../state';
import type { Cell } from '../table';
import type { Section } from './arrange';
import { describe, element, levelName, setText, valueOf, type Painter } from './paint';

const ROW = 30;
const COLUMN = 96;
const HEAD = 42;

interface CellElement {
  root: HTMLElement;
  mark: HTMLElement;
  value: HTMLElement;
  column: number;
  cell: Cell | null | undefined;
  version: number;
  selected: boolean;
}

interface RowElement {
  root: HTMLElement;
  head: HTMLElement;
  mark: HTMLElement;
  name: HTMLElement;
  cells: CellElement[];
  row: number;
}

// TablePainter draws hosts as rows and services as columns.
export class TablePainter implements Painter {
  private readonly scroller: HTMLElement;
  private readonly body: HTMLElement;
  private readonly header: HTMLElement;
  private readonly sections: readonly Section[];
  private readonly services: readonly (string | null)[];
  private readonly index: Map<string | null, Cell>[];
  private readonly hostLabels: Map<string, string>;
  private readonly serviceLabels: Map<string, string>;
  private readonly selectedKey: () => string | null;
  private readonly nameWidth: number;
  private rows: RowElement[] = [];
  private heads: { root: HTMLElement; column: number }[] = [];

  constructor(
    scroller: HTMLElement,
    sections: readonly Section[],
    services: readonly (string | null)[],
    selectedKey: () => string | null,
  ) {
    this.scroller = scroller;
    this.sections = sections;
    this.services = services;
    this.selectedKey = selectedKey;
    this.index = sections.map((s) => new Map(s.cells.map((c) => [c.service, c])));
    this.hostLabels = shorten(sections.map((s) => nameOf(s.host, 'host')));
    this.serviceLabels = shorten(services.map((s) => nameOf(s, 'service')));
    this.nameWidth = scroller.clientWidth < 600 ? 112 : 168;

    scroller.setAttribute('role', 'grid');
    scroller.setAttribute('aria-rowcount', String(sections.length + 1));
    scroller.setAttribute('aria-colcount', String(services.length + 1));
    const headGroup = element('div', 'table-head', 'rowgroup');
    this.header = element('div', 'table-head-row', 'row');
    const corner = element('div', 'table-corner', 'columnheader');
    corner.textContent = 'host';
    corner.style.width = `${this.nameWidth}px`;
    this.header.append(corner);
    headGroup.append(this.header);
    this.body = element('div', 'table-body', 'rowgroup');
    this.body.style.height = `${sections.length * ROW}px`;
    const width = `${this.nameWidth + services.length * COLUMN}px`;
    this.body.style.width = width;
    headGroup.style.width = width;
    scroller.replaceChildren(headGroup, this.body);
  }

  remove(): void {
    for (const a of ['role', 'aria-rowcount', 'aria-colcount', 'aria-activedescendant']) this.scroller.removeAttribute(a);
    this.scroller.replaceChildren();
  }

  paint(): void {
    const s = this.scroller;
    const [firstRow, lastRow] = inSight(s.scrollTop, s.clientHeight, ROW, this.sections.length);
    const [firstColumn, lastColumn] = inSight(s.scrollLeft, s.clientWidth, COLUMN, this.services.length);
    this.fit(lastRow - firstRow, lastColumn - firstColumn);
    for (let c = firstColumn; c < lastColumn; c++) this.paintHead(c);
    const selected = this.selectedKey();
    let active = '';
    for (let r = firstRow; r < lastRow; r++) {
      const row = this.rows[r % this.rows.length]!;
      this.paintRow(row, r);
      for (let c = firstColumn; c < lastColumn; c++) {
        const x = row.cells[c % row.cells.length]!;
        this.paintCell(x, r, c, selected);
        if (x.selected) active = x.root.id;
      }
    }
    if (active === '') s.removeAttribute('aria-activedescendant');
    else s.setAttribute('aria-activedescendant', active);
  }

  // fit makes the pools just large enough for the rows and columns that are visible.
  private fit(rows: number, columns: number): void {
    if (this.heads.length !== columns) {
      for (const h of this.heads) h.root.remove();
      this.heads = Array.from({ length: columns }, () => {
        const root = element('div', 'table-column', 'columnheader');
        root.append(element('span', 'table-column-name'));
        this.header.append(root);
        return { root, column: -1 };
      });
    }
    if (this.rows.length === rows && (this.rows[0]?.cells.length ?? columns) === columns) return;
    this.rows = Array.from({ length: rows }, (_, i) => this.makeRow(i, columns));
    this.body.replaceChildren(...this.rows.map((r) => r.root));
  }

  private makeRow(n: number, columns: number): RowElement {
    const root = element('div', 'table-row', 'row');
    const head = element('div', 'table-host', 'rowheader');
    head.style.width = `${this.nameWidth}px`;
    const mark = element('i', 'mark');
    const name = element('span', 'table-host-name');
    head.append(mark, name);
    root.append(head);
    const cells = Array.from({ length: columns }, (_, i): CellElement => {
      const cell = element('div', 'cell', 'gridcell');
      cell.id = `cell-${n}-${i}`;
      const m = element('i', 'mark');
      const value = element('span', 'cell-value');
      cell.append(m, value);
      root.append(cell);
      return { root: cell, mark: m, value, column: -1, cell: undefined, version: 0, selected: false };
    });
    return { root, head, mark, name, cells, row: -1 };
  }

  private paintHead(c: number): void {
    const h = this.heads[c % this.heads.length]!;
    if (h.column === c) return;
    h.column = c;
    const full = nameOf(this.services[c]!, 'service');
    h.root.style.transform = `translateX(${this.nameWidth + c * COLUMN}px)`;
    h.root.setAttribute('aria-colindex', String(c + 2));
    h.root.title = full;
    h.root.firstElementChild!.textContent = this.serviceLabels.get(full) ?? full;
  }

  private paintRow(row: RowElement, r: number): void {
    const section = this.sections[r]!;
    row.mark.dataset.level = LEVEL_NAMES[section.worst];
    if (row.row === r) return;
    row.row = r;
    for (const x of row.cells) x.cell = undefined;
    const full = nameOf(section.host, 'host');
    row.root.style.transform = `translateY(${r * ROW}px)`;
    row.root.setAttribute('aria-rowindex', String(r + 2));
    row.head.title = full;
    setText(row.name, this.hostLabels.get(full) ?? full);
  }

  private paintCell(x: CellElement, r: number, c: number, selected: string | null): void {
    const cell = this.index[r]!.get(this.services[c]!) ?? null;
    if (x.column !== c) {
      x.column = c;
      x.root.style.transform = `translateX(${this.nameWidth + c * COLUMN}px)`;
      x.root.setAttribute('aria-colindex', String(c + 2));
    }
    const isSelected = cell !== null && cell.key === selected;
    if (x.selected !== isSelected) {
      x.selected = isSelected;
      x.root.setAttribute('aria-selected', String(isSelected));
    }
    if (cell === null) {
      if (x.cell === null) return;
      x.cell = null;
      delete x.root.dataset.key;
      x.root.dataset.level = 'absent';
      x.root.removeAttribute('title');
      x.root.setAttribute('aria-label', 'nothing');
      setText(x.value, '');
      return;
    }
    const value = valueOf(cell);
    if (x.cell === cell && x.version === cell.version && x.value.textContent === value) return;
    x.cell = cell;
    x.version = cell.version;
    const words = describe(cell);
    x.root.dataset.key = cell.key;
    x.root.dataset.level = levelName(cell);
    x.mark.dataset.level = levelName(cell);
    x.root.title = words;
    x.root.setAttribute('aria-label', words);
    setText(x.value, value);
  }

  move(from: Cell | undefined, dx: number, dy: number): Cell | null {
    const at = from === undefined ? null : this.place(from);
    if (at === null) return this.sections[0]?.cells[0] ?? null;
    let [r, c] = at;
    // Holes are stepped over.
    for (;;) {
      r += dy;
      c += dx;
      if (r < 0 || c < 0 || r >= this.sections.length || c >= this.services.length) return null;
      const found = this.index[r]!.get(this.services[c]!);
      if (found !== undefined) return found;
    }
  }

  reveal(cell: Cell): void {
    const at = this.place(cell);
    if (at === null) return;
    const [r, c] = at;
    const s = this.scroller;
    const height = s.clientHeight - HEAD;
    if (r * ROW < s.scrollTop) s.scrollTop = r * ROW;
    else if ((r + 1) * ROW > s.scrollTop + height) s.scrollTop = (r + 1) * ROW - height;
    const width = s.clientWidth - this.nameWidth;
    if (c * COLUMN < s.scrollLeft) s.scrollLeft = c * COLUMN;
    else if ((c + 1) * COLUMN > s.scrollLeft + width) s.scrollLeft = (c + 1) * COLUMN - width;
  }

  private place(cell: Cell): [row: number, column: number] | null {
    const r = this.sections.findIndex((s) => s.host === cell.host);
    const c = this.services.indexOf(cell.service);
    return r < 0 || c < 0 ? null : [r, c];
  }
}

// inSight returns the range of a line of count items that a window shows, and a little around it. Its length
// depends on the window alone, so that scrolling never changes the size of a pool.
function inSight(from: number, length: number, size: number, count: number): [first: number, last: number] {
  const n = Math.min(count, Math.ceil(length / size) + 3);
  const first = Math.min(Math.max(0, Math.floor(from / size) - 1), count - n);
  return [first, first + n];
}
