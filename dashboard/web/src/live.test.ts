import { expect, test } from 'vitest';
import { Live, type Batch, type QueryError, type Socket } from './live';

// World is a network and a clock of our own: sockets are opened by the test, and time moves when it says.
class World {
  now = 0;
  sockets: FakeSocket[] = [];
  engine: number[] = [];
  private timers: { at: number; run: () => void }[] = [];
  readonly live = new Live({
    open: () => {
      const s = new FakeSocket();
      this.sockets.push(s);
      return s;
    },
    now: () => this.now,
    later: (run, ms) => {
      const t = { at: this.now + ms, run };
      this.timers.push(t);
      return () => {
        this.timers = this.timers.filter((x) => x !== t);
      };
    },
    random: () => 1,
    onTime: (t) => this.engine.push(t),
  });

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  // pass moves time on a second at a time, as the page does.
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.now += 1000;
      const due = this.timers.filter((t) => t.at <= this.now);
      this.timers = this.timers.filter((t) => t.at > this.now);
      for (const t of due) t.run();
      this.live.check();
    }
  }
}

class FakeSocket implements Socket {
  onopen: ((e: never) => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: never) => void) | null = null;
  sent: Record<string, unknown>[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.onopen?.(undefined as never);
  }
  say(m: object | string): void {
    this.onmessage?.({ data: typeof m === 'string' ? m : JSON.stringify(m) });
  }
  fail(): void {
    this.onclose?.(undefined as never);
  }
}

function subscribe(w: World, id = 'grid', query = 'true') {
  const seen: { batches: Batch[]; errors: QueryError[] } = { batches: [], errors: [] };
  w.live.subscribe(id, { query, mode: 'latest', onBatch: (b) => seen.batches.push(b), onError: (e) => seen.errors.push(e) });
  return seen;
}

test('subscriptions are asked when the socket opens, and again after each reconnect', () => {
  const w = new World();
  const seen = subscribe(w);
  w.live.start();
  expect(w.live.phase.value).toBe('connecting');
  w.socket.open();
  expect(w.socket.sent).toEqual([{ op: 'subscribe', id: 'grid', query: 'true', mode: 'latest', history: 0 }]);
  w.socket.say({ op: 'events', id: 'grid', snapshot: true, more: true, events: [] });
  w.socket.say({ op: 'events', id: 'grid', snapshot: true, events: [] });
  w.socket.say({ op: 'events', id: 'grid', snapshot: false, dropped: 2, events: [] });
  w.socket.fail();
  w.pass(1);
  w.socket.open();
  expect(w.sockets.length).toBe(2);
  expect(w.socket.sent.length).toBe(1);
  w.socket.say({ op: 'events', id: 'grid', snapshot: true, events: [] });
  expect(seen.batches.map((b) => [b.first, b.last, b.dropped])).toEqual([
    [true, false, 0],
    [false, true, 0],
    [false, false, 2],
    [true, true, 0],
  ]);
});

test('attempts come ever more slowly, up to a limit, and a success starts over', () => {
  const w = new World();
  w.live.start();
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    w.socket.fail();
    waits.push(w.live.retryAt.value - w.now);
    const opened = w.sockets.length;
    while (w.sockets.length === opened) w.pass(1);
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  w.socket.open();
  w.socket.fail();
  expect(w.live.retryAt.value - w.now).toBe(500);
});

test('quiet is late, then offline; a word heals it', () => {
  const w = new World();
  w.live.start();
  w.socket.open();
  w.pass(3);
  expect(w.live.phase.value).toBe('live');
  w.pass(2);
  expect([w.live.phase.value, w.live.behind.value, w.live.since.value]).toEqual(['late', 5000, 0]);
  w.socket.say({ op: 'time', now: '2026-01-01T00:00:00.000Z', rate: 7, series: 3 });
  expect(w.live.phase.value).toBe('live');
  expect(w.live.figures.value).toEqual({ rate: 7, series: 3 });
  expect(w.engine).toEqual([Date.parse('2026-01-01T00:00:00.000Z')]);
  const quiet = w.socket;
  w.pass(16);
  expect(w.live.phase.value).toBe('offline');
  expect(quiet.closed).toBe(true);
  quiet.say({ op: 'time', now: '2027-01-01T00:00:00.000Z' });
  expect(w.engine.length).toBe(1);
});

test('an attempt that hangs is given up', () => {
  const w = new World();
  w.live.start();
  w.pass(17);
  expect(w.sockets.length).toBeGreaterThan(1);
  expect(w.sockets[0]!.closed).toBe(true);
});

test('batches of the query before are not taken for those of the new one', () => {
  const w = new World();
  w.live.start();
  w.socket.open();
  subscribe(w, 'grid', 'true');
  w.socket.say({ op: 'events', id: 'grid', snapshot: true, events: [] });
  const second = subscribe(w, 'grid', 'state = "ok"');
  w.socket.say({ op: 'events', id: 'grid', snapshot: false, events: [] });
  expect(second.batches).toEqual([]);
  expect(w.socket.sent.map((m) => m.op)).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
});

test('a refused query is told with its place; garbage and strangers are passed over', () => {
  const w = new World();
  const seen = subscribe(w);
  w.live.start();
  w.socket.open();
  w.socket.say('{not json');
  w.socket.say({ op: 'events', id: 'someone else', snapshot: true, events: [] });
  w.socket.say({ op: 'events', id: 'grid', snapshot: true });
  w.socket.say({ op: 'error', id: 'grid', error: 'expected a value', offset: 8 });
  expect(seen).toEqual({ batches: [], errors: [{ message: 'expected a value', offset: 8 }] });
});
