import { signal } from '@preact/signals';
import { timeOf, type ZetaEvent } from './event';
import { Level, levelOf } from './state';

// Entry is one event as the stream shows it.
export interface Entry {
  readonly id: number; // ascending in order of arrival
  readonly event: ZetaEvent;
  readonly at: number; // ms
  readonly level: Level;
  text: string | null; // what a search looks at, in lower case; null until one did
}

// Log keeps the latest events in order of arrival, at most cap of them. While it is paused, what
// arrives waits in a buffer of the same size; what fits into neither is counted.
export class Log {
  readonly beat = signal(0); // changes with what is shown
  readonly waiting = signal(0); // events that came during the pause and are kept
  readonly lost = signal(0); // events that came during the pause and had to be let go
  readonly dropped = signal(0); // events that the server left out because they came too fast
  readonly cap: number;

  private shown: Entry[] = []; // oldest first
  private buffer: Entry[] = [];
  private nextID = 1;
  private pausing = false;

  constructor(cap = 10_000) {
    this.cap = cap;
  }

  get entries(): readonly Entry[] {
    return this.shown;
  }

  get paused(): boolean {
    return this.pausing;
  }

  pause(): void {
    this.pausing = true;
  }

  // resume shows what waited.
  resume(): void {
    this.pausing = false;
    const waited = this.buffer;
    this.buffer = [];
    this.waiting.value = 0;
    this.lost.value = 0;
    this.append(waited);
  }

  clear(): void {
    this.shown = [];
    this.buffer = [];
    this.waiting.value = 0;
    this.lost.value = 0;
    this.dropped.value = 0;
    this.beat.value++;
  }

  add(events: readonly ZetaEvent[], dropped: number, now: number): void {
    if (dropped > 0) this.dropped.value += dropped;
    if (events.length === 0) return;
    const entries = events.slice(-this.cap).map((e) => this.entry(e, now));
    if (!this.pausing) return this.append(entries);
    this.buffer.push(...entries);
    const over = this.buffer.length - this.cap;
    if (over > 0) {
      this.buffer.splice(0, over);
      this.lost.value += over;
    }
    this.waiting.value = this.buffer.length;
  }

  // backfill takes the first batch of a subscription: recent events, some of which may be known already
  // from before a reconnect.
  backfill(events: readonly ZetaEvent[], dropped: number, now: number): void {
    const known = new Set([...this.shown.slice(-1000), ...this.buffer.slice(-1000)].map((x) => identity(x.event)));
    this.add(
      events.filter((e) => !known.has(identity(e))),
      dropped,
      now,
    );
  }

  private append(entries: Entry[]): void {
    this.shown.push(...entries);
    // Trimmed a tenth at a time, since cutting the head of a long array moves all of it.
    if (this.shown.length > this.cap * 1.1) this.shown.splice(0, this.shown.length - this.cap);
    this.beat.value++;
  }

  private entry(event: ZetaEvent, now: number): Entry {
    return { id: this.nextID++, event, at: timeOf(event, now), level: levelOf(event.state), text: null };
  }
}

function identity(e: ZetaEvent): string {
  return JSON.stringify([e.host, e.service, e.time, e.state, e.metric]);
}

// searchText is everything of an event that a search may hit.
export function searchText(e: ZetaEvent): string {
  const parts: unknown[] = [e.host, e.service, e.state, e.description, e.metric];
  for (const [k, v] of Object.entries(e)) {
    if (k === 'tags' && Array.isArray(v)) parts.push(...v);
    else if (typeof v === 'string' && k !== 'time') parts.push(v);
  }
  return [...new Set(parts)].filter((p) => p !== null && p !== undefined).join('\n').toLowerCase();
}

// A Filter keeps the entries that hold every word of text and every field given.
export interface Filter {
  text: string;
  fields: readonly (readonly [field: string, value: string])[];
}

// filterOf returns a predicate for f, or null where f keeps everything.
export function filterOf(f: Filter): ((e: Entry) => boolean) | null {
  const words = f.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && f.fields.length === 0) return null;
  return (e) =>
    words.every((w) => (e.text ??= searchText(e.event)).includes(w)) &&
    f.fields.every(([k, v]) =>
      k === 'tag' ? (e.event.tags ?? []).includes(v) : String(e.event[k] ?? '') === v,
    );
}
