import { signal } from '@preact/signals';
import { keyOf, metricOf, timeOf, type ZetaEvent } from './event';
import { Level, levelOf } from './state';

// Cell is one series: what is known of one service on one host. Cells are changed in place; what draws
// them compares version.
export interface Cell {
  readonly key: string;
  readonly host: string | null;
  readonly service: string | null;
  event: ZetaEvent; // the newest event; expired once the series is silent
  alive: ZetaEvent | null; // the newest event that was not an expiry
  at: number; // time of event, ms
  since: number; // since when the state has been what it is, ms
  exact: boolean; // whether since is the moment of a change this page saw; else it may be longer ago
  level: Level;
  version: number;
  readonly trail: number[]; // the last few metrics, oldest first, for a sparkline
  generation: number; // the snapshot it was last part of
}

const TRAIL = 40; // points of a sparkline

// Table holds the newest event of every series. It is filled from batches and read by the panels:
// beat changes with every batch, shape when series come or go or change level.
export class Table {
  readonly beat = signal(0);
  readonly shape = signal(0);
  readonly turnedAway = signal(0); // events of series beyond the limit
  readonly loaded = signal(false); // a snapshot has arrived

  private readonly cells = new Map<string, Cell>();
  private readonly limit: number;
  private readonly keepSilent: number;
  private generation = 0;

  // At most limit series are held; a silent one is forgotten after keepSilent milliseconds.
  constructor(limit = 50_000, keepSilent = 3600_000) {
    this.limit = limit;
    this.keepSilent = keepSilent;
  }

  get size(): number {
    return this.cells.size;
  }

  get(key: string): Cell | undefined {
    return this.cells.get(key);
  }

  values(): IterableIterator<Cell> {
    return this.cells.values();
  }

  // begin starts a snapshot; end finishes it. A series that was known and is not in the snapshot fell
  // silent while nobody was listening: it stays, marked as such, rather than vanish.
  begin(): void {
    this.generation++;
  }

  end(now: number): void {
    for (const c of this.cells.values()) {
      if (c.generation === this.generation || c.level === Level.Silent) continue;
      this.put({ ...c.event, state: 'expired', metric: null, time: new Date(now).toISOString() }, now);
    }
    this.loaded.value = true;
    this.publish(true);
  }

  // clear forgets everything, as when another query is asked.
  clear(): void {
    this.cells.clear();
    this.turnedAway.value = 0;
    this.loaded.value = false;
    this.publish(true);
  }

  // add takes a batch. now stands in for the time of an event that has none.
  add(events: readonly ZetaEvent[], now: number): void {
    let reshaped = false;
    for (const e of events) reshaped = this.put(e, now) || reshaped;
    this.publish(reshaped);
  }

  // forget drops series that have been silent for too long.
  forget(now: number): void {
    let any = false;
    for (const c of this.cells.values()) {
      if (c.level !== Level.Silent || now - c.since < this.keepSilent) continue;
      this.cells.delete(c.key);
      any = true;
    }
    if (any) this.publish(true);
  }

  // put reports whether a series came or changed level.
  private put(e: ZetaEvent, now: number): boolean {
    const key = keyOf(e.host, e.service);
    const at = timeOf(e, now);
    const level = levelOf(e.state);
    const silent = level === Level.Silent;
    const c = this.cells.get(key);
    if (c === undefined) {
      if (this.cells.size >= this.limit) {
        this.turnedAway.value++;
        return false;
      }
      const made: Cell = {
        key,
        host: e.host,
        service: e.service,
        event: e,
        alive: silent ? null : e,
        at,
        since: at,
        exact: this.loaded.peek(),
        level,
        version: 1,
        trail: [],
        generation: this.generation,
      };
      this.cells.set(key, made);
      note(made, e);
      return true;
    }
    const before = c.level;
    if (c.event.state !== e.state) {
      c.since = silent ? c.at : at; // silence began with the last word
      c.exact = true;
    }
    c.event = e;
    c.at = at;
    c.level = level;
    c.version++;
    c.generation = this.generation;
    if (!silent) {
      c.alive = e;
      note(c, e);
    }
    return level !== before;
  }

  private publish(reshaped: boolean): void {
    this.beat.value++;
    if (reshaped) this.shape.value++;
  }
}

function note(c: Cell, e: ZetaEvent): void {
  const m = metricOf(e);
  if (m === null) return;
  if (c.trail.length === TRAIL) c.trail.shift();
  c.trail.push(m);
}
