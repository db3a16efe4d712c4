import { metricOf, timeOf, type ZetaEvent } from './event';

// History is the past of one series as columns, the form that charts take: x in seconds ascending, y with
// null where there is a gap, and the state that held at each point.
export class History {
  readonly x: number[] = [];
  readonly y: (number | null)[] = [];
  readonly states: (string | null)[] = [];
  version = 0;
  private readonly cap: number;

  constructor(cap = 5_000) {
    this.cap = cap;
  }

  // backfill puts the server's record before what came live meanwhile.
  backfill(times: readonly number[], metrics: readonly (number | null)[], states: readonly (string | null)[]): void {
    if (times.length > this.cap) return this.backfill(times.slice(-this.cap), metrics.slice(-this.cap), states.slice(-this.cap));
    const first = this.x[0] ?? Infinity;
    let n = 0;
    while (n < times.length && times[n]! < first) n++;
    this.x.unshift(...times.slice(0, n));
    this.y.unshift(...Array.from({ length: n }, (_, i) => metrics[i] ?? null));
    this.states.unshift(...Array.from({ length: n }, (_, i) => states[i] ?? null));
    this.trim();
  }

  // add appends an event. An expired one leaves a gap. An event older than the newest point is passed
  // over, since a line that turns back says nothing; one from the future is taken as of now.
  add(e: ZetaEvent, now: number): void {
    const t = Math.min(timeOf(e, now), now) / 1000;
    const last = this.x[this.x.length - 1];
    if (last !== undefined && t < last) return;
    const m = e.state === 'expired' ? null : metricOf(e);
    if (t === last) {
      this.y[this.y.length - 1] = m;
      this.states[this.states.length - 1] = e.state;
    } else {
      this.x.push(t);
      this.y.push(m);
      this.states.push(e.state);
    }
    this.trim();
  }

  private trim(): void {
    const over = this.x.length - this.cap;
    if (over > 0) for (const column of [this.x, this.y, this.states]) column.splice(0, over);
    this.version++;
  }
}

// Run is a stretch of time in one state: from the first point in it to the first of the next.
export interface Run {
  state: string | null;
  from: number;
  to: number;
}

// runs merges neighbours of equal state; the last run ends at until.
export function runs(x: readonly number[], states: readonly (string | null)[], until: number): Run[] {
  const out: Run[] = [];
  for (let i = 0; i < x.length; i++) {
    const open = out[out.length - 1];
    const state = states[i] ?? null;
    if (open !== undefined && open.state === state) continue;
    if (open !== undefined) open.to = x[i]!;
    out.push({ state, from: x[i]!, to: until });
  }
  return out;
}

// fetchHistory asks the server for the past of a series.
export async function fetchHistory(
  host: string | null,
  service: string | null,
  signal: AbortSignal,
): Promise<{ times: number[]; metrics: (number | null)[]; states: (string | null)[] }> {
  const url = new URL('api/v1/series', document.baseURI);
  if (host !== null) url.searchParams.set('host', host);
  if (service !== null) url.searchParams.set('service', service);
  const r = await fetch(url, { signal, headers: { Accept: 'application/json' } });
  if (!r.ok) throw new Error(`the server answered ${r.status}`);
  const body = (await r.json()) as { times?: number[]; metrics?: (number | null)[]; states?: (string | null)[] };
  return { times: body.times ?? [], metrics: body.metrics ?? [], states: body.states ?? [] };
}
