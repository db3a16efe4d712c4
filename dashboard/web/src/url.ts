import { batch, effect, signal, type Signal } from '@preact/signals';

// The address of the page is its state: whoever opens a copied link sees what the sender saw. Each
// signal here is one parameter, absent where it has its default.

export const query = signal('true'); // what the server is asked for
export const find = signal(''); // narrows the grid
export const search = signal(''); // narrows the stream
export const fields = signal<[string, string][]>([]); // field=value, narrows the stream
export const paused = signal(false);
export const sort = signal<'worst' | 'name'>('worst');
export const layout = signal<'auto' | 'table' | 'tiles'>('auto');
export const selected = signal<Selection | null>(null);
export const view = signal<View>('grid'); // which panel a phone shows

// Selection is a series by name; a missing host or service is null.
export interface Selection {
  host: string | null;
  service: string | null;
}

export type View = 'grid' | 'problems' | 'stream';

// write returns the parameters for the present state, in a fixed order.
export function write(): string {
  const p = new URLSearchParams();
  if (query.value !== 'true') p.set('q', query.value);
  if (find.value !== '') p.set('find', find.value);
  if (search.value !== '') p.set('search', search.value);
  for (const [k, v] of fields.value) p.append('field', `${k}:${v}`);
  if (paused.value) p.set('paused', '1');
  if (sort.value !== 'worst') p.set('sort', sort.value);
  if (layout.value !== 'auto') p.set('layout', layout.value);
  const s = selected.value;
  if (s !== null) {
    if (s.host !== null) p.set('host', s.host);
    if (s.service !== null) p.set('service', s.service);
    if (s.host === null && s.service === null) p.set('nameless', '1');
  }
  if (view.value !== 'grid') p.set('view', view.value);
  const text = p.toString();
  return text === '' ? '' : `?${text}`;
}

// read sets the state from parameters, all at once; what is absent or unknown takes its default.
export function read(text: string): void {
  batch(() => take(new URLSearchParams(text)));
}

function take(p: URLSearchParams): void {
  query.value = p.get('q')?.trim() || 'true';
  find.value = p.get('find') ?? '';
  search.value = p.get('search') ?? '';
  fields.value = p.getAll('field').flatMap((f): [string, string][] => {
    const i = f.indexOf(':');
    return i > 0 ? [[f.slice(0, i), f.slice(i + 1)]] : [];
  });
  paused.value = p.get('paused') === '1';
  sort.value = p.get('sort') === 'name' ? 'name' : 'worst';
  layout.value = oneOf(p.get('layout'), ['auto', 'table', 'tiles'] as const);
  view.value = oneOf(p.get('view'), ['grid', 'problems', 'stream'] as const);
  const named = p.has('host') || p.has('service') || p.has('nameless');
  selected.value = named ? { host: p.get('host'), service: p.get('service') } : null;
}

function oneOf<T extends string>(value: string | null, allowed: readonly [T, ...T[]]): T {
  return allowed.find((a) => a === value) ?? allowed[0];
}

// follow keeps the address and the state together: a new selection or query is a step that the back
// button undoes, anything else rewrites the present step.
export function follow(): void {
  read(location.search);
  addEventListener('popstate', () => read(location.search));
  let before = [selected.peek(), query.peek()] as const;
  effect(() => {
    const now = [selected.value, query.value] as const;
    const text = write();
    if (text === location.search) {
      before = now;
      return;
    }
    const step = now[0] !== before[0] || now[1] !== before[1];
    before = now;
    history[step ? 'pushState' : 'replaceState'](null, '', text || location.pathname);
  });
}

// toggle flips a boolean signal.
export function toggle(s: Signal<boolean>): void {
  s.value = !s.value;
}
