import { openHelp } from './panels/help';
import { mover } from './panels/grid';
import { switchTheme } from './theme';
import { select } from './store';
import { fields, find, paused, search, selected, toggle, view } from './url';

// The keys of the page. None acts while someone types, and none needs a modifier.

const STEPS: Record<string, [dx: number, dy: number]> = {
  h: [-1, 0],
  j: [0, 1],
  k: [0, -1],
  l: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
  ArrowRight: [1, 0],
};

// followKeys listens for the keys until the page goes.
export function followKeys(): void {
  addEventListener('keydown', (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return;
    const at = e.target as HTMLElement;
    if (document.querySelector('dialog[open]') !== null) return;
    if (at.matches?.('input, textarea, select')) {
      if (e.key === 'Escape') at.blur();
      return;
    }
    if (act(e.key, at)) e.preventDefault();
  });
}

// act reports whether key meant something.
function act(key: string, at: HTMLElement): boolean {
  const step = STEPS[key];
  if (step !== undefined) {
    // Arrows belong to what scrolls, except in the grid, and to nothing when nothing is selected.
    const arrow = key.startsWith('Arrow');
    if (arrow && at.closest?.('.grid-scroller') === null) return false;
    if (mover === null) return false;
    mover(...step);
    return true;
  }
  switch (key) {
    case '/':
      return focus('find', 'grid');
    case 's':
      return focus('search', 'stream');
    case 'q':
      return focus('query');
    case ' ':
      if (at.matches?.('button, a, summary')) return false; // it presses that
      toggle(paused);
      return true;
    case 't':
      switchTheme();
      return true;
    case '?':
      openHelp();
      return true;
    case 'Escape':
      return escape();
  }
  return false;
}

// escape undoes one thing at a time, the nearest first.
function escape(): boolean {
  if (selected.value !== null) select(null);
  else if (find.value !== '') find.value = '';
  else if (search.value !== '' || fields.value.length > 0) {
    search.value = '';
    fields.value = [];
  } else return false;
  return true;
}

function focus(id: string, on?: typeof view.value): boolean {
  if (on !== undefined) view.value = on;
  const take = () => {
    const box = document.getElementById(id) as HTMLInputElement | null;
    box?.focus();
    box?.select();
    return document.activeElement === box;
  };
  if (!take()) requestAnimationFrame(take); // its panel was not on the screen yet
  return true;
}
