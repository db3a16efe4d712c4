import { nameOf } from '../event';
import { isProblem, Level } from '../state';
import type { Cell } from '../table';

// Section is one host with its services, in the order they are drawn.
export interface Section {
  host: string | null;
  worst: Level;
  problems: number;
  cells: Cell[];
}

const collator = new Intl.Collator('en', { numeric: true });

// byName orders names as people count: web2 before web10; a missing name comes last.
export function byName(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return collator.compare(a, b) || (a < b ? -1 : Number(a > b));
}

// arrange groups the cells that match find by host. find's words must all occur in the host, service,
// state, description or tags; sort is "worst" for the worst state first, then by name.
export function arrange(cells: Iterable<Cell>, find: string, sort: 'worst' | 'name'): Section[] {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const byHost = new Map<string | null, Section>();
  for (const c of cells) {
    if (words.length > 0 && !matches(c, words)) continue;
    let s = byHost.get(c.host);
    if (s === undefined) byHost.set(c.host, (s = { host: c.host, worst: Level.None, problems: 0, cells: [] }));
    s.cells.push(c);
    if (c.level > s.worst) s.worst = c.level;
    if (isProblem(c.level)) s.problems++;
  }
  const worstFirst = sort === 'worst';
  const sections = [...byHost.values()];
  for (const s of sections) {
    s.cells.sort((a, b) => (worstFirst ? severity(b.level) - severity(a.level) : 0) || byName(a.service, b.service));
  }
  return sections.sort((a, b) => (worstFirst ? severity(b.worst) - severity(a.worst) : 0) || byName(a.host, b.host));
}

// severity is the level for sorting: all that is not a problem counts alike, so that a healthy grid
// stays in the order of names.
function severity(l: Level): number {
  return isProblem(l) ? l : 0;
}

function matches(c: Cell, words: string[]): boolean {
  const e = c.event;
  const text = `${nameOf(c.host, 'host')}\n${nameOf(c.service, 'service')}\n${e.state ?? ''}\n${
    c.level === Level.Silent ? 'silent' : ''
  }\n${e.description ?? ''}\n${(e.tags ?? []).join('\n')}`.toLowerCase();
  return words.every((w) => text.includes(w));
}

// columns returns the services of all sections in the order of a table's columns. A host that is silent as a
// whole is one problem, told by its row: it does not push its columns before those of other problems.
export function columns(sections: readonly Section[], sort: 'worst' | 'name'): (string | null)[] {
  const worst = new Map<string | null, number>();
  for (const s of sections) {
    const silent = isSilent(s.cells);
    for (const c of s.cells) worst.set(c.service, Math.max(worst.get(c.service) ?? 0, silent ? 0 : severity(c.level)));
  }
  return [...worst.keys()].sort((a, b) => (sort === 'worst' ? worst.get(b)! - worst.get(a)! : 0) || byName(a, b));
}

// isSilent reports whether all cells, more than one, are silent.
export function isSilent(cells: readonly Cell[]): boolean {
  return cells.length > 1 && cells.every((c) => c.level === Level.Silent);
}

// prefersTable reports whether the sections are worth a table: several hosts which mostly have the same
// services. Otherwise most of it would be holes.
export function prefersTable(sections: readonly Section[], columnCount: number): boolean {
  if (sections.length < 3 || columnCount === 0) return false;
  const cells = sections.reduce((n, s) => n + s.cells.length, 0);
  return cells / (sections.length * columnCount) >= 0.4;
}
