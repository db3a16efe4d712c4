import { effect, useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { second } from '../clock';
import { arrange, columns, prefersTable, type Section } from '../grid/arrange';
import type { Painter } from '../grid/paint';
import { TablePainter } from '../grid/table';
import { TilesPainter } from '../grid/tiles';
import { isProblem, Level, LEVEL_NAMES } from '../state';
import { live, select, selectedCell, table } from '../store';
import { find, layout, selected, sort } from '../url';
import { plural } from '../format';
import { keyOf } from '../event';
import { Choice } from './choice';
import { Blank } from './blank';

const REARRANGE_MS = 1000; // rows that change places faster than this cannot be read

// mover moves the selection; it is set while the grid is on the page.
export let mover: ((dx: number, dy: number) => void) | null = null;

// Grid shows every series by host and service, coloured and marked by its state.
export function Grid() {
  const scroller = useRef<HTMLDivElement>(null);
  const findBox = useRef<HTMLInputElement>(null);
  const [sections, setSections] = useState<readonly Section[]>([]);
  const painter = useRef<Painter | null>(null);
  const [width, setWidth] = useState(0);

  // What is shown, and in which order, follows the table at most once a second.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let doneAt = 0;
    let before = '';
    const run = () => {
      timer = undefined;
      doneAt = performance.now();
      setSections(arrange(table.values(), find.peek(), sort.peek()));
    };
    const soon = () => {
      table.shape.value;
      const asked = `${sort.value}\n${find.value}`;
      const now = asked !== before || table.loaded.peek() === false;
      before = asked;
      if (timer !== undefined && !now) return;
      clearTimeout(timer);
      timer = setTimeout(run, now ? 0 : Math.max(0, REARRANGE_MS - (performance.now() - doneAt)));
    };
    const stop = effect(soon);
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);

  useEffect(() => {
    const s = scroller.current!;
    const o = new ResizeObserver(() => setWidth(s.clientWidth));
    o.observe(s);
    return () => o.disconnect();
  }, []);

  useEffect(() => {
    const s = scroller.current!;
    if (s.clientWidth === 0) return; // another panel has the screen
    const services = columns(sections, sort.value);
    const asTable =
      layout.value === 'table' || (layout.value === 'auto' && s.clientWidth >= 560 && prefersTable(sections, services.length));
    const key = () => (selected.peek() === null ? null : keyOf(selected.peek()!.host, selected.peek()!.service));
    const { scrollTop, scrollLeft } = s;
    const p = asTable ? new TablePainter(s, sections, services, key) : new TilesPainter(s, sections, key);
    painter.current = p;
    s.scrollTop = scrollTop;
    s.scrollLeft = scrollLeft;
    p.paint();
    return () => {
      painter.current = null;
      p.remove();
    };
  }, [sections, layout.value, width]);

  // Painting waits for the next frame, and happens once however much changed.
  const frame = useRef(0);
  const paintSoon = () => {
    if (frame.current !== 0) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      painter.current?.paint();
    });
  };
  useSignalEffect(() => {
    table.beat.value;
    second.value;
    selected.value;
    paintSoon();
  });
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  useEffect(() => {
    mover = (dx, dy) => {
      const to = painter.current?.move(selectedCell(), dx, dy);
      if (!to) return;
      select(to);
      painter.current?.reveal(to);
    };
    return () => {
      mover = null;
    };
  }, []);

  const onClick = (e: Event) => {
    const at = (e.target as Element).closest<HTMLElement>('[data-key]');
    const cell = at === null ? undefined : table.get(at.dataset.key!);
    if (cell !== undefined) select(cell);
  };

  const shown = sections.reduce((n, s) => n + s.cells.length, 0);
  return (
    <section class="panel grid-panel" aria-labelledby="grid-title">
      <header class="panel-head">
        <h2 id="grid-title">Hosts</h2>
        <Tally sections={sections} />
        <span class="grow" />
        <input
          ref={findBox}
          id="find"
          class="box"
          type="search"
          placeholder="Filter hosts and services"
          aria-label="Filter hosts and services"
          title="Words that must occur in the host, service, state, description or tags ( / )"
          value={find.value}
          onInput={(e) => (find.value = e.currentTarget.value)}
          spellcheck={false}
          autocomplete="off"
        />
        <Choice label="Order by" value={sort} options={[['worst', 'Worst'], ['name', 'Name']]} />
        <Choice label="Layout" value={layout} options={[['auto', 'Auto'], ['table', 'Table'], ['tiles', 'Tiles']]} />
      </header>
      <div class="grid-area">
        {/* Its children are the painter's; nothing is ever rendered into it here. */}
        <div ref={scroller} class="grid-scroller" tabIndex={0} aria-label="Hosts and services" onScroll={paintSoon} onClick={onClick} />
        {shown === 0 && <GridBlank />}
      </div>
    </section>
  );
}

// Tally counts what is shown by level.
function Tally({ sections }: { sections: readonly Section[] }) {
  const counts = new Map<Level, number>();
  for (const s of sections) for (const c of s.cells) counts.set(c.level, (counts.get(c.level) ?? 0) + 1);
  const levels = [...counts.keys()].filter((l) => isProblem(l)).sort((a, b) => b - a);
  const fine = [...counts].reduce((n, [l, k]) => n + (isProblem(l) ? 0 : k), 0);
  return (
    <p class="tally">
      <span>{plural(sections.length, 'host')}</span>
      {levels.map((l) => (
        <span key={l} class="tally-item">
          <i class="mark" data-level={LEVEL_NAMES[l]} />
          {counts.get(l)!.toLocaleString('en')} {LEVEL_NAMES[l]}
        </span>
      ))}
      {fine > 0 && (
        <span class="tally-item">
          <i class="mark" data-level="ok" />
          {fine.toLocaleString('en')} fine
        </span>
      )}
      {table.turnedAway.value > 0 && <span class="tally-item">more than this page holds; narrow the query</span>}
    </p>
  );
}

function GridBlank() {
  if (find.value !== '' && table.size > 0) {
    return (
      <Blank title={`Nothing here matches “${find.value}”`}>
        <button type="button" class="button" onClick={() => (find.value = '')}>
          Show all {plural(table.size, 'series', 'series')}
        </button>
      </Blank>
    );
  }
  if (!table.loaded.value) return live.phase.value === 'offline' ? <Unreachable /> : <Waiting />;
  return <Empty />;
}

function Waiting() {
  return (
    <Blank title="Connecting to zeta" busy>
      <p>What its index holds appears here at once.</p>
    </Blank>
  );
}

function Unreachable() {
  const wait = Math.max(0, Math.ceil((live.retryAt.value - Date.now()) / 1000));
  second.value; // counts down
  return (
    <Blank title="zeta cannot be reached" level="critical">
      <p>Nothing answers at {location.host}. The next attempt is {wait > 0 ? `in ${plural(wait, 'second')}` : 'under way'}.</p>
      <button type="button" class="button" onClick={() => live.retry()}>
        Try now
      </button>
    </Blank>
  );
}

function Empty() {
  return (
    <Blank title="zeta is listening; no events yet">
      <p>Any Riemann client will do. To see one appear right here:</p>
      <pre>
        {`curl ${location.origin}/events -d '{"host": "web1", "service": "hello", "state": "ok", "metric": 42, "ttl": 60}'`}
      </pre>
    </Blank>
  );
}
