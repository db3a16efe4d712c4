import { signal } from '@preact/signals';
import type { ZetaEvent } from './event';

// Live is the page's one websocket. Every panel subscribes through it; it reconnects by itself, with
// growing pauses, and asks all subscriptions again, so that a panel only ever sees batches.

// Subscription is what a panel wants and how it is told.
export interface Subscription {
  query: string;
  mode: 'latest' | 'stream'; // newest event per series, or every event in order
  history?: number; // events of the past to begin with, in mode stream
  onBatch(batch: Batch): void;
  onError(error: QueryError): void;
}

// Batch is a run of events of one subscription. first is set on the first batch after each
// (re)subscription and last on the one that completes its snapshot.
export interface Batch {
  events: ZetaEvent[];
  dropped: number; // events left out since the batch before
  snapshot: boolean;
  first: boolean;
  last: boolean;
}

// QueryError is a query the server could not read; offset is where, in characters.
export interface QueryError {
  message: string;
  offset: number | null;
}

// Figures is what the server says of itself every second.
export interface Figures {
  rate: number; // events per second
  series: number; // series in its index
}

// connecting: not yet reached; live; late: connected but quiet for too long; offline: lost.
export type Phase = 'connecting' | 'live' | 'late' | 'offline';

const LATE_MS = 3_000; // the server speaks every second
const DEAD_MS = 15_000; // a connection this quiet is given up
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

// Socket is the part of WebSocket that Live uses; tests bring their own.
export interface Socket {
  onopen: ((e: never) => void) | null;
  onmessage: ((e: { data: unknown }) => void) | null;
  onclose: ((e: never) => void) | null;
  send(text: string): void;
  close(): void;
}

// Options are what Live needs of the world around it.
export interface Options {
  open(): Socket;
  now(): number; // ms, the local clock
  later(run: () => void, ms: number): () => void; // runs later unless the returned function is called
  random(): number; // 0 … 1
  onTime(engine: number): void; // the engine's time, ms
}

export class Live {
  readonly phase = signal<Phase>('connecting');
  readonly since = signal(0); // when the phase began, local ms
  readonly behind = signal(0); // ms since the server was last heard, in phase late
  readonly retryAt = signal(0); // when the next attempt is due, local ms, in phase offline
  readonly figures = signal<Figures | null>(null);
  readonly version = signal('');

  private readonly o: Options;
  private readonly subs = new Map<string, Subscription & { begun: boolean }>();
  private socket: Socket | null = null;
  private opened = false;
  private heardAt = 0;
  private attempts = 0;
  private cancel: (() => void) | null = null;

  constructor(o: Options) {
    this.o = o;
    this.since.value = o.now();
  }

  // start makes the first attempt.
  start(): void {
    if (this.socket === null) this.connect();
  }

  // subscribe begins or replaces the subscription id.
  subscribe(id: string, s: Subscription): void {
    if (this.opened && this.subs.has(id)) this.send({ op: 'unsubscribe', id });
    this.subs.set(id, { ...s, begun: false });
    if (this.opened) this.ask(id);
  }

  unsubscribe(id: string): void {
    if (this.subs.delete(id) && this.opened) this.send({ op: 'unsubscribe', id });
  }

  // retry makes an attempt at once, as when the network is back or someone asks for it.
  retry(): void {
    if (this.socket === null) this.connect();
  }

  // check looks how long the server has been quiet; it is called every second.
  check(): void {
    if (!this.opened) {
      if (this.socket !== null && this.o.now() - this.heardAt > DEAD_MS) this.drop();
      return;
    }
    const quiet = this.o.now() - this.heardAt;
    if (quiet > DEAD_MS) return this.drop();
    this.behind.value = quiet;
    this.enter(quiet > LATE_MS ? 'late' : 'live');
  }

  private connect(): void {
    this.cancel?.();
    this.cancel = null;
    this.heardAt = this.o.now();
    let s: Socket;
    try {
      s = this.o.open();
    } catch {
      return this.lost();
    }
    this.socket = s;
    s.onopen = () => {
      if (this.socket !== s) return;
      this.opened = true;
      this.attempts = 0;
      this.heardAt = this.o.now();
      this.enter('live');
      for (const id of this.subs.keys()) this.ask(id);
    };
    s.onmessage = (e) => {
      if (this.socket === s && typeof e.data === 'string') this.take(e.data);
    };
    s.onclose = () => {
      if (this.socket === s) this.lost();
    };
  }

  // drop gives up a connection that no longer speaks.
  private drop(): void {
    const s = this.socket;
    this.lost();
    if (s === null) return;
    s.onopen = s.onmessage = s.onclose = null;
    s.close();
  }

  private lost(): void {
    this.socket = null;
    this.opened = false;
    this.enter('offline');
    const pause = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.attempts, 10));
    this.attempts++;
    const wait = pause * (0.5 + this.o.random() / 2); // many pages must not return as one
    this.retryAt.value = this.o.now() + wait;
    this.cancel = this.o.later(() => this.connect(), wait);
  }

  private enter(p: Phase): void {
    if (this.phase.value === p) return;
    // Being late is counted from the last word, not from when it was noticed.
    this.since.value = p === 'late' ? this.heardAt : this.o.now();
    this.phase.value = p;
  }

  private ask(id: string): void {
    const s = this.subs.get(id)!;
    s.begun = false;
    this.send({ op: 'subscribe', id, query: s.query, mode: s.mode, history: s.history ?? 0 });
  }

  private send(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private take(text: string): void {
    this.heardAt = this.o.now();
    if (this.phase.value === 'late') this.enter('live');
    let m: Message;
    try {
      m = JSON.parse(text) as Message;
    } catch {
      return; // not of this protocol; the next message may be
    }
    if ((m.op === 'hello' || m.op === 'time') && typeof m.now === 'string') this.o.onTime(Date.parse(m.now));
    switch (m.op) {
      case 'hello':
        this.version.value = m.version ?? '';
        return;
      case 'time':
        this.figures.value = { rate: m.rate ?? 0, series: m.series ?? 0 };
        return;
      case 'events': {
        const s = this.subs.get(m.id ?? '');
        if (s === undefined || !Array.isArray(m.events)) return;
        const snapshot = m.snapshot === true;
        if (!s.begun && !snapshot) return; // of the query asked before
        const first = !s.begun;
        s.begun = true;
        s.onBatch({
          events: m.events,
          dropped: m.dropped ?? 0,
          snapshot,
          first,
          last: snapshot && m.more !== true,
        });
        return;
      }
      case 'error':
        this.subs.get(m.id ?? '')?.onError({ message: m.error ?? 'refused', offset: m.offset ?? null });
    }
  }
}

interface Message {
  op?: string;
  id?: string;
  now?: string;
  version?: string;
  rate?: number;
  series?: number;
  events?: ZetaEvent[];
  snapshot?: boolean;
  more?: boolean;
  dropped?: number;
  error?: string;
  offset?: number;
}

// browser returns the options for a page: the socket beside it and the timers of the window.
export function browser(onTime: (engine: number) => void): Options {
  return {
    open: () => {
      const url = new URL('api/v1/live', document.baseURI);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      return new WebSocket(url) as unknown as Socket;
    },
    now: Date.now,
    later: (run, ms) => {
      const t = setTimeout(run, ms);
      return () => clearTimeout(t);
    },
    random: Math.random,
    onTime,
  };
}
