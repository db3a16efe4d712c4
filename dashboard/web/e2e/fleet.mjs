// Simulated senders for the stand-in server: what a small company's machines would say.

// random is a small generator with a seed, so that every run looks the same.
function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const ROLES = [
  { name: 'web', share: 0.4, extra: ['http latency p99', 'http rate', 'nginx'] },
  { name: 'app', share: 0.3, extra: ['jobs queued', 'api latency p99', 'orders'] },
  { name: 'db', share: 0.2, extra: ['postgres connections', 'replication lag', 'disk /data'] },
  { name: 'cache', share: 0.1, extra: ['redis memory', 'redis hit rate'] },
];
const COMMON = ['cpu', 'load', 'memory', 'swap', 'disk /', 'disk /var', 'net in', 'net out'];

// A service's shape: its middle value, how far it swings, from where it is a warning and critical.
const SHAPES = {
  cpu: [0.34, 0.22, 0.8, 0.93],
  load: [1.3, 0.9, 4, 8],
  memory: [0.61, 0.08, 0.85, 0.95],
  swap: [0.04, 0.02, 0.5, 0.8],
  'disk /': [0.47, 0.01, 0.85, 0.94],
  'disk /var': [0.68, 0.01, 0.85, 0.94],
  'disk /data': [0.74, 0.01, 0.85, 0.94],
  'net in': [8.4e6, 5e6, Infinity, Infinity],
  'net out': [3.1e7, 1.6e7, Infinity, Infinity],
  'http latency p99': [0.082, 0.05, 0.4, 1],
  'api latency p99': [0.121, 0.06, 0.5, 1.2],
  'http rate': [412, 160, Infinity, Infinity],
  'jobs queued': [37, 30, 400, 1000],
  orders: [12, 9, Infinity, Infinity],
  'postgres connections': [64, 22, 160, 190],
  'replication lag': [0.4, 0.35, 5, 30],
  'redis memory': [0.52, 0.05, 0.85, 0.95],
  'redis hit rate': [0.963, 0.02, Infinity, Infinity],
  nginx: [1, 0, Infinity, Infinity],
};

// What is wrong in the simulated company at the moment.
const TROUBLE = {
  'db2|disk /data': { add: 0.215, text: '95.6% used, 41 GB left of 932 GB' },
  'web3|http latency p99': { add: 0.52, text: '99th percentile of 3.2k requests' },
  'app2|jobs queued': { add: 520, text: 'invoices: 3 workers, oldest 14m' },
  'cache1|*': { silentFrom: 20 },
};

export function fleet(count) {
  const rnd = random(7);
  const series = [];
  for (const role of ROLES) {
    const n = Math.max(1, Math.round(count * role.share));
    for (let i = 1; i <= n; i++) {
      const host = `${role.name}${i}`;
      for (const service of [...COMMON, ...role.extra]) series.push({ host, service, role: role.name, phase: rnd() * 6.28, every: 1 + rnd() * 2 });
    }
  }
  const start = Date.now();
  const eventOf = (s, now) => {
    const trouble = TROUBLE[`${s.host}|${s.service}`] ?? TROUBLE[`${s.host}|*`];
    if (trouble?.silentFrom !== undefined && now - start > trouble.silentFrom * 1000) return null;
    const [middle, swing, warning, critical] = SHAPES[s.service];
    const t = now / 1000;
    let m = middle + swing * (0.55 * Math.sin(t / 41 + s.phase) + 0.25 * Math.sin(t / 7 + 3 * s.phase) + 0.4 * (rnd() - 0.5));
    m = Math.max(0, m) + (trouble?.add ?? 0);
    if (middle > 30) m = Math.round(m);
    const state = m >= critical ? 'critical' : m >= warning ? 'warning' : 'ok';
    const fraction = middle < 1 && !/latency|lag/.test(s.service);
    const description = trouble?.text ?? (fraction ? `${(m * 100).toFixed(1)}% used` : null);
    return {
      host: `${s.host}.prod.example.com`,
      service: s.service,
      state,
      metric: m > 30 ? Math.round(m) : Number(m.toPrecision(4)),
      description,
      tags: [s.role, 'prod'],
      ttl: 15,
      env: 'prod',
      zone: ['eu-west-1a', 'eu-west-1b'][s.host.charCodeAt(s.host.length - 1) % 2],
      time: new Date(now).toISOString(),
    };
  };
  return {
    // past fills the record of the last minutes.
    past(put) {
      for (let t = start - 240_000; t < start; t += 5_000) {
        for (const s of series) {
          const e = eventOf(s, t);
          if (e !== null) put(e, t);
        }
      }
    },
    step(put) {
      const now = Date.now();
      for (const s of series) {
        if (now < (s.due ?? 0)) continue;
        s.due = now + s.every * 1000 * (0.9 + rnd() * 0.2);
        const e = eventOf(s, now);
        if (e !== null) put(e, now);
      }
    },
  };
}

// cells makes n series on hosts of a hundred services each, of which perSecond change every second.
export function cells(n, perSecond) {
  const rnd = random(3);
  let next = 0;
  const event = (i) => {
    const r = rnd();
    return {
      host: `node${Math.floor(i / 100)}`,
      service: `service ${i % 100}`,
      state: r > 0.995 ? 'critical' : r > 0.98 ? 'warning' : 'ok',
      metric: Number((rnd() * 100).toFixed(2)),
      ttl: 300,
    };
  };
  return {
    past(put) {
      for (let i = 0; i < n; i++) put(event(i));
    },
    step(put) {
      for (let k = 0; k < perSecond / 10; k++) put(event(next++ % n));
    },
  };
}
