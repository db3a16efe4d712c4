import { isSilent } from './grid/arrange';
import { isProblem, Level } from './state';
import type { Cell } from './table';

// Problem is one thing to look at: a series that is not well, or a host that is silent as a whole.
export interface Problem {
  cell: Cell; // of a silent host, the series that was heard last
  services: number; // how many series it stands for
}

// worstFirst returns the problems among cells: the worst first and, of equals, the newest first. A host
// of which nothing is heard any more is one problem, not one for each of its services.
export function worstFirst(cells: Iterable<Cell>): Problem[] {
  const byHost = new Map<string | null, Cell[]>();
  for (const c of cells) {
    const known = byHost.get(c.host);
    if (known === undefined) byHost.set(c.host, [c]);
    else known.push(c);
  }
  const all: Problem[] = [];
  for (const ofHost of byHost.values()) {
    if (isSilent(ofHost)) {
      const latest = ofHost.reduce((a, b) => (b.since > a.since ? b : a));
      all.push({ cell: latest, services: ofHost.length });
      continue;
    }
    for (const c of ofHost) if (isProblem(c.level)) all.push({ cell: c, services: 1 });
  }
  return all.sort(
    (a, b) =>
      b.cell.level - a.cell.level ||
      Number(b.cell.level === Level.Silent && b.services > 1) - Number(a.cell.level === Level.Silent && a.services > 1) ||
      b.cell.since - a.cell.since ||
      (a.cell.key < b.cell.key ? -1 : 1),
  );
}
