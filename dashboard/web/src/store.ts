import { batch, computed, effect, signal } from '@preact/signals';
import { clock, second, tick } from './clock';
import { worstFirst } from './problems';
import { Live, browser, type QueryError } from './live';
import { Log } from './log';
import { Table, type Cell } from './table';
import { paused, query, selected } from './url';
import { keyOf, nameOf } from './event';
import { shorten } from './labels';

// The state of the page, and how it is filled: one socket, two subscriptions of the same query.

export const table = new Table();
export const log = new Log();
export const live = new Live(browser((engine) => clock.observe(engine)));
export const queryError = signal<QueryError | null>(null);

// rates holds the events per second of the last minute, oldest first.
export const rates = signal<readonly number[]>([]);

// hostLabels are the short forms of the hosts that are known.
export const hostLabels = computed(() => {
  table.shape.value;
  const hosts = new Set<string>();
  for (const c of table.values()) hosts.add(nameOf(c.host, 'host'));
  return shorten([...hosts]);
});

// problems is what is not well, the worst first. It follows which series there are and their levels.
export const problems = computed(() => {
  table.shape.value;
  return worstFirst(table.values());
});

const BACKFILL = 200; // events of the past that the stream begins with

// start connects and keeps the clock ticking.
export function start(): void {
  let asked: string | null = null;
  effect(() => {
    const q = query.value;
    if (q === asked) return;
    asked = q;
    queryError.value = null;
    ask(q);
  });
  effect(() => {
    if (paused.value) log.pause();
    else if (log.paused) log.resume();
  });
  effect(() => {
    const f = live.figures.value;
    if (f !== null) rates.value = [...rates.peek(), f.rate].slice(-60);
  });
  setInterval(() => {
    live.check();
    tick();
    table.forget(second.peek());
  }, 1000);
  addEventListener('online', () => live.retry());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) live.retry();
  });
  live.start();
}

// ask subscribes to q. What an earlier query showed stays until the answer is there, so that a query with
// a mistake in it blanks nothing.
function ask(q: string): void {
  let freshTable = true;
  let freshLog = true;
  const onError = (e: QueryError) => {
    queryError.value = e;
  };
  live.subscribe('grid', {
    query: q,
    mode: 'latest',
    onBatch: (b) =>
      batch(() => {
        queryError.value = null;
        if (freshTable) table.clear();
        freshTable = false;
        if (b.first) table.begin();
        table.add(b.events, clock.now());
        if (b.last) table.end(clock.now());
      }),
    onError,
  });
  live.subscribe('stream', {
    query: q,
    mode: 'stream',
    history: BACKFILL,
    onBatch: (b) =>
      batch(() => {
        if (freshLog) log.clear();
        freshLog = false;
        if (b.snapshot) log.backfill(b.events, b.dropped, clock.now());
        else log.add(b.events, b.dropped, clock.now());
      }),
    onError,
  });
}

// select makes a series the selected one; null selects none.
export function select(c: { host: string | null; service: string | null } | null): void {
  if (c === null) {
    if (selected.peek() !== null) selected.value = null;
    return;
  }
  const s = selected.peek();
  if (s === null || s.host !== c.host || s.service !== c.service) selected.value = { host: c.host, service: c.service };
}

// selectedCell is the cell of the selection, if its series is known.
export function selectedCell(): Cell | undefined {
  const s = selected.value;
  return s === null ? undefined : table.get(keyOf(s.host, s.service));
}
