// A stand-in for the server: it serves dist and speaks as much of the API as the page uses. It reads no
// query language; a query is "true" or words joined by "and", each `field = "value"` or `field != "value"`.
//
//   node e2e/stub.mjs [--port 5556] [--fleet 12] [--cells 10000] [--rate 400]
//
// --fleet simulates that many hosts with the services of a small company; --cells instead makes that many
// series which all change all the time.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { WebSocketServer } from 'ws';
import { cells, fleet } from './fleet.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const KINDS = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const DEFAULT_TTL = 60;
const STEP = 5; // seconds between the points of a series
const RING = 720; // points kept of a series
const PAST = 500; // events kept for the stream

// startStub listens on a loopback port (0: any) and returns {url, put, tick, close}.
export async function startStub({ port = 0, simulate = null } = {}) {
  const index = new Map();
  const past = [];
  const rings = new Map();
  const clients = new Set();
  let seq = 0;
  let count = 0;

  const key = (e) => `${e.host}\u0000${e.service}`;

  function put(raw, now = Date.now()) {
    const e = { host: null, service: null, state: null, description: null, metric: null, tags: null, ttl: null, ...raw };
    e.time = raw.time === undefined ? new Date(now).toISOString() : raw.time;
    seq++;
    count++;
    if (e.state === 'expired') index.delete(key(e));
    else index.set(key(e), e);
    past.push(e);
    if (past.length > PAST) past.shift();
    record(e);
    for (const c of clients) for (const s of c.subs.values()) if (s.keep(e)) s.take(e);
  }

  function record(e) {
    const k = key(e);
    if (!rings.has(k)) rings.set(k, { times: [], metrics: [], states: [] });
    const r = rings.get(k);
    const t = Math.floor(Date.parse(e.time) / 1000 / STEP) * STEP;
    if (r.times.at(-1) === t) {
      r.metrics[r.metrics.length - 1] = e.state === 'expired' ? null : e.metric;
      r.states[r.states.length - 1] = e.state;
      return;
    }
    r.times.push(t);
    r.metrics.push(e.state === 'expired' ? null : e.metric);
    r.states.push(e.state);
    if (r.times.length > RING) for (const column of Object.values(r)) column.shift();
  }

  function expire(now = Date.now()) {
    for (const e of [...index.values()]) {
      if (now - Date.parse(e.time) <= (e.ttl ?? DEFAULT_TTL) * 1000) continue;
      const { host, service, tags } = e;
      put({ host, service, tags, state: 'expired', time: new Date(now).toISOString() });
    }
  }

  const http = createServer(async (req, res) => {
    const url = new URL(req.url, 'http://stub');
    const json = (status, body) => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(body));
    };
    if (url.pathname === '/events' && (req.method === 'POST' || req.method === 'PUT')) {
      let text = '';
      for await (const part of req) text += part;
      for (const line of text.split('\n').filter(Boolean)) put(JSON.parse(line));
      return json(200, { ok: true });
    }
    if (url.pathname === '/api/v1/series') {
      const [host, service] = [url.searchParams.get('host'), url.searchParams.get('service')];
      const r = rings.get(key({ host, service })) ?? { times: [], metrics: [], states: [] };
      return json(200, { host, service, step: STEP, ...r });
    }
    if (url.pathname === '/api/v1/stats') return json(200, { events: count, series: index.size });
    const name = url.pathname === '/' ? 'index.html' : path.normalize(url.pathname).slice(1);
    try {
      const body = await readFile(path.join(DIST, name));
      res.writeHead(200, {
        'Content-Type': KINDS[path.extname(name)] ?? 'application/octet-stream',
        'Content-Security-Policy': `default-src 'self'; connect-src 'self' ws://${req.headers.host}`,
      });
      res.end(body);
    } catch {
      json(404, { error: 'not found' });
    }
  });

  const sockets = new WebSocketServer({ server: http, path: '/api/v1/live' });
  sockets.on('connection', (ws) => {
    const c = { ws, subs: new Map() };
    clients.add(c);
    const say = (m) => ws.readyState === ws.OPEN && ws.send(JSON.stringify(m));
    c.say = say;
    const now = () => new Date().toISOString();
    say({ op: 'hello', version: 'stub', now: now(), start: now(), seq });
    ws.on('close', () => clients.delete(c));
    ws.on('message', (data) => {
      const m = JSON.parse(String(data));
      if (m.op === 'unsubscribe') return c.subs.delete(m.id);
      const keep = compile(m.query);
      if (typeof keep !== 'function') return say({ op: 'error', id: m.id, error: keep.error, offset: keep.offset });
      const s = { keep, latest: m.mode === 'latest', waiting: m.mode === 'latest' ? new Map() : [], dropped: 0 };
      s.take = (e) => {
        if (s.latest) s.waiting.set(key(e), e);
        else if (s.waiting.length < 500) s.waiting.push(e);
        else s.dropped++;
      };
      c.subs.set(m.id, s);
      const first = s.latest ? [...index.values()].filter(keep) : past.filter(keep).slice(-(m.history || 1)).slice(m.history ? 0 : 1);
      do {
        const events = first.splice(0, 1000);
        say({ op: 'events', id: m.id, snapshot: true, more: first.length > 0, seq, dropped: 0, events });
      } while (first.length > 0);
    });
  });

  const timers = [
    setInterval(() => {
      for (const c of clients) {
        for (const [id, s] of c.subs) {
          const events = s.latest ? [...s.waiting.values()] : s.waiting;
          if (events.length === 0 && s.dropped === 0) continue;
          c.say({ op: 'events', id, snapshot: false, seq, dropped: s.dropped, events });
          s.dropped = 0;
          s.waiting = s.latest ? new Map() : [];
        }
      }
    }, 100),
    setInterval(() => {
      expire();
      for (const c of clients) {
        c.say({ op: 'time', now: new Date().toISOString(), seq, rate: count, series: index.size, connections: clients.size });
      }
      count = 0;
    }, 1000),
  ];
  if (simulate) timers.push(setInterval(() => simulate(put), 100));

  await new Promise((done) => http.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${http.address().port}/`,
    port: http.address().port,
    put,
    close: () =>
      new Promise((done) => {
        timers.forEach(clearInterval);
        for (const c of clients) c.ws.terminate();
        sockets.close();
        http.close(done);
        http.closeAllConnections();
      }),
  };
}

// compile returns a predicate, or what is wrong with the query.
function compile(query) {
  const parts = [];
  let offset = 0;
  for (const part of query.split(/\band\b/)) {
    const text = part.trim();
    const m = /^(\w+)\s*(!?=)\s*"([^"]*)"$/.exec(text);
    if (text !== 'true' && m === null) {
      return { error: `expected a comparison such as state = "ok", found ${text || 'nothing'}`, offset: offset + part.indexOf(text) };
    }
    if (m !== null) parts.push((e) => (e[m[1]] === m[3]) === (m[2] === '='));
    offset += part.length + 3;
  }
  return (e) => parts.every((p) => p(e));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const arg = (name, otherwise) => {
    const i = process.argv.indexOf(`--${name}`);
    return i < 0 ? otherwise : Number(process.argv[i + 1]);
  };
  const n = arg('cells', 0);
  const simulate = n > 0 ? cells(n, arg('rate', 2000)) : fleet(arg('fleet', 12));
  const stub = await startStub({ port: arg('port', 5556), simulate: simulate.step });
  simulate.past?.(stub.put);
  console.log(`the stand-in listens on ${stub.url}`);
}
