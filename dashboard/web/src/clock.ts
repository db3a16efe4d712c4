import { signal } from '@preact/signals';

// Clock tells the time of the events on the page. It follows the engine's clock, which the server
// sends every second and which is the time of the events as they arrived (in a replay, the recorded
// one). A single event's own time moves nothing, since any sender may be wrong. When the server falls
// silent the clock runs on, and over DRIFT_MS moves to the local clock, so that ages stay meaningful.
export class Clock {
  private base: number; // engine time at heardAt
  private heardAt: number; // local time of the last word from the server
  private readonly local: () => number;

  constructor(local: () => number = Date.now) {
    this.local = local;
    this.heardAt = local();
    this.base = this.heardAt;
  }

  // observe takes the engine's time, in milliseconds since the epoch.
  observe(engine: number): void {
    if (!Number.isFinite(engine)) return;
    this.base = engine;
    this.heardAt = this.local();
  }

  // now returns the time of the page, in milliseconds since the epoch.
  now(): number {
    const local = this.local();
    const quiet = local - this.heardAt;
    if (quiet < 0) return this.base; // the local clock was set back
    const skew = this.heardAt - this.base;
    const drift = Math.min(1, Math.max(0, quiet - GRACE_MS) / DRIFT_MS);
    return this.base + quiet + skew * drift;
  }
}

const GRACE_MS = 5_000; // a late word from the server is no reason to drift
const DRIFT_MS = 60_000;

export const clock = new Clock();

// second ticks about once a second with the page's time; what shows an age reads it.
export const second = signal(clock.now());

// tick brings second up to date.
export function tick(): void {
  second.value = clock.now();
}
