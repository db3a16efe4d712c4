// An event as the server sends it: Riemann's JSON form, where every field is present, missing values
// are null and attributes stand beside the fields.
export interface ZetaEvent {
  host: string | null;
  service: string | null;
  state: string | null;
  description: string | null;
  metric: number | string | null; // a string where JSON has no number: "NaN", "Infinity"
  tags: string[] | null;
  time: string | null; // ISO 8601, UTC
  ttl: number | null; // seconds
  [attribute: string]: unknown;
}

const FIELDS = new Set(['host', 'service', 'state', 'description', 'metric', 'tags', 'time', 'ttl']);

// keyOf identifies the series of an event: its host and service. No two pairs share a key, whatever
// characters they hold; a missing name and "" differ.
export function keyOf(host: string | null, service: string | null): string {
  return `${host === null ? '-' : host.length}:${host ?? ''}${service === null ? '' : `:${service}`}`;
}

// timeOf returns the event's time in milliseconds since the epoch, or otherwise where it has none.
export function timeOf(e: ZetaEvent, otherwise: number): number {
  const t = e.time === null ? NaN : Date.parse(e.time);
  return Number.isNaN(t) ? otherwise : t;
}

// metricOf returns the metric as a number, or null where it has none that can be drawn.
export function metricOf(e: ZetaEvent): number | null {
  const m = typeof e.metric === 'string' ? Number(e.metric) : e.metric;
  return typeof m === 'number' && Number.isFinite(m) ? m : null;
}

// attributesOf returns the attributes sorted by name.
export function attributesOf(e: ZetaEvent): [string, string][] {
  return Object.keys(e)
    .filter((k) => !FIELDS.has(k) && e[k] !== null && e[k] !== undefined)
    .sort()
    .map((k) => [k, typeof e[k] === 'string' ? (e[k] as string) : JSON.stringify(e[k])]);
}

// nameOf is how a host or service is written where it may be missing.
export function nameOf(name: string | null, what: 'host' | 'service'): string {
  if (name === null) return `no ${what}`;
  return name === '' ? `empty ${what}` : name;
}
