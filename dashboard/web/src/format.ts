// How numbers and times are written.

const STEPS: [from: number, size: number, unit: string][] = [
  [1e15, 1e15, 'P'],
  [1e12, 1e12, 'T'],
  [1e9, 1e9, 'G'],
  [1e6, 1e6, 'M'],
  [1e4, 1e3, 'k'], // four digits are read as easily as a unit
];

// metric writes a number in at most six characters or so: 0.0420, 12.3, 4096, 12.3k, 1.2e-7. Fractions keep
// their last zeros, so that a changing number does not jump about.
export function metric(m: number | string | null): string {
  if (m === null) return '';
  if (typeof m === 'string') return m === 'Infinity' ? '∞' : m === '-Infinity' ? '−∞' : m;
  if (Number.isNaN(m)) return 'NaN';
  const a = Math.abs(m);
  const sign = m < 0 ? '−' : '';
  if (a === 0) return '0';
  if (a < 1e-4) return sign + a.toExponential(1);
  for (const [from, size, unit] of STEPS) if (a >= from) return sign + three(a / size) + unit;
  return sign + (Number.isInteger(a) ? String(a) : three(a));
}

// three keeps three significant digits, more only left of the point.
function three(a: number): string {
  return a >= 100 ? String(Math.round(a)) : a.toPrecision(3);
}

// tick writes a number beside an axis: as metric, without zeros at the end.
export function tick(m: number): string {
  return metric(m).replace(/(\.\d*?)0+(?=\D*$)/, '$1').replace(/\.(?=\D*$)/, '');
}

// age writes a span of milliseconds in its largest whole unit: 42s, 3m, 2h, 5d.
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)}h`;
  return `${Math.floor(s / 86400)}d`;
}

// clockTime writes the local time of day: 14:03:09.
export function clockTime(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}

// rate writes events per second.
export function rate(r: number): string {
  return r > 0 && r < 10 ? r.toFixed(1) : metric(Math.round(r));
}

// plural writes a count with its noun: 1 host, 2 hosts.
export function plural(n: number, noun: string, many = `${noun}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? noun : many}`;
}
