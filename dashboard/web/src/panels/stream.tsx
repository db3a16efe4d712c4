import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { nameOf } from '../event';
import { clockTime, metric, plural } from '../format';
import { filterOf, type Entry } from '../log';
import { LEVEL_NAMES, stateWord } from '../state';
import { hostLabels, live, log, select } from '../store';
import { fields, paused, search, selected, toggle } from '../url';
import { Blank } from './blank';

const WIDE_ROW = 28;
const NARROW_ROW = 50;

// Stream shows the events as they come, newest first. Only the rows in sight exist.
export function Stream() {
  log.beat.value;
  const scroller = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ top: 0, height: 0, width: 0 });
  const height = box.width > 0 && box.width < 620 ? NARROW_ROW : WIDE_ROW;

  const keep = filterOf({ text: search.value, fields: fields.value });
  const entries = keep === null ? log.entries : log.entries.filter(keep);
  const newest = entries[entries.length - 1]?.id ?? 0;

  useEffect(() => {
    const s = scroller.current!;
    const o = new ResizeObserver(() => setBox({ top: s.scrollTop, height: s.clientHeight, width: s.clientWidth }));
    o.observe(s);
    return () => o.disconnect();
  }, []);

  // Someone who scrolled down is reading: what comes in above must not move it away.
  const before = useRef(newest);
  useLayoutEffect(() => {
    const s = scroller.current!;
    if (s.scrollTop > height && newest > before.current) {
      let came = 0;
      for (let i = entries.length - 1; i >= 0 && entries[i]!.id > before.current; i--) came++;
      s.scrollTop += came * height;
    }
    before.current = newest;
  }, [newest]);

  const first = Math.max(0, Math.floor(box.top / height) - 4);
  const last = Math.min(entries.length, Math.ceil((box.top + box.height) / height) + 4);
  const rows: Entry[] = [];
  for (let i = first; i < last; i++) rows.push(entries[entries.length - 1 - i]!);

  return (
    <section class="panel stream-panel" aria-labelledby="stream-title">
      <header class="panel-head">
        <h2 id="stream-title">Events</h2>
        <Notices shown={entries.length} filtered={keep !== null} />
        <span class="grow" />
        {fields.value.map(([k, v]) => (
          <button key={`${k}:${v}`} type="button" class="chip" title="Remove this filter" onClick={() => removeField(k, v)}>
            {k}: {v || 'none'} <span aria-hidden="true">×</span>
          </button>
        ))}
        <input
          id="search"
          class="box"
          type="search"
          placeholder="Search events"
          aria-label="Search events"
          title="Words that must occur anywhere in the event ( s )"
          value={search.value}
          onInput={(e) => (search.value = e.currentTarget.value)}
          spellcheck={false}
          autocomplete="off"
        />
        <PauseButton />
      </header>
      <div class="grid-area">
        <div
          ref={scroller}
          class="stream-scroller"
          tabIndex={0}
          role="table"
          aria-label="Events, newest first"
          aria-rowcount={entries.length}
          data-narrow={height === NARROW_ROW}
          onScroll={(e) => {
            const s = e.currentTarget;
            setBox({ top: s.scrollTop, height: s.clientHeight, width: s.clientWidth });
          }}
        >
          <div class="stream-body" role="rowgroup" ref={(d) => void (d && (d.style.height = `${entries.length * height}px`))}>
            {rows.map((e, n) => (
              <Row key={e.id} entry={e} index={first + n} top={(first + n) * height} />
            ))}
          </div>
        </div>
        {entries.length === 0 && <StreamBlank filtered={keep !== null} />}
      </div>
    </section>
  );
}

function Row({ entry, index, top }: { entry: Entry; index: number; top: number }) {
  const e = entry.event;
  const s = selected.value;
  const row = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    row.current!.style.transform = `translateY(${top}px)`;
  }, [top]);
  return (
    <div
      ref={row}
      class="stream-row"
      role="row"
      aria-rowindex={index + 1}
      data-selected={s !== null && s.host === e.host && s.service === e.service}
      onClick={(click) => {
        if ((click.target as Element).closest('button') === null) select(e);
      }}
    >
      <span role="cell" class="stream-time">
        {clockTime(entry.at)}
      </span>
      <Pick entry={entry} field="state" text={stateWord(e.state)} />
      <Pick entry={entry} field="host" text={nameOf(e.host, 'host')} short={hostLabels.value.get(nameOf(e.host, 'host'))} />
      <Pick entry={entry} field="service" text={nameOf(e.service, 'service')} />
      <span role="cell" class="stream-metric">
        {metric(e.metric)}
      </span>
      <span role="cell" class="stream-text" title={e.description ?? undefined}>
        {e.description ?? (e.tags ?? []).join(' ')}
      </span>
    </div>
  );
}

// Pick is a field that narrows the stream to its value when it is clicked.
function Pick({ entry, field, text, short }: { entry: Entry; field: 'state' | 'host' | 'service'; text: string; short?: string }) {
  const value = entry.event[field] ?? '';
  return (
    <span role="cell" class={`stream-${field}`}>
      <button type="button" tabIndex={-1} title={`Only ${field} ${text}`} onClick={() => addField(field, value)}>
        {field === 'state' && <i class="mark" data-level={LEVEL_NAMES[entry.level]} />}
        {short ?? text}
      </button>
    </span>
  );
}

// addField narrows the stream to events with this value; one value per field.
export function addField(field: string, value: string): void {
  fields.value = [...fields.value.filter(([k, v]) => k !== field || (field === 'tag' && v !== value)), [field, value]];
}

function removeField(field: string, value: string): void {
  fields.value = fields.value.filter(([k, v]) => k !== field || v !== value);
}

function Notices({ shown, filtered }: { shown: number; filtered: boolean }) {
  const dropped = log.dropped.value;
  return (
    <p class="tally">
      <span>{filtered ? `${shown.toLocaleString('en')} of ${log.entries.length.toLocaleString('en')}` : plural(shown, 'event')}</span>
      {dropped > 0 && (
        <span class="tally-item" title="They came faster than this page is sent them; the index and the rules saw them all.">
          {dropped.toLocaleString('en')} left out
        </span>
      )}
    </p>
  );
}

function PauseButton() {
  const on = paused.value;
  const waiting = log.waiting.value;
  const lost = log.lost.value;
  return (
    <button type="button" class="button pause" aria-pressed={on} onClick={() => toggle(paused)} title="Pause or resume ( space )">
      <i class={on ? 'play-mark' : 'pause-mark'} />
      {on ? `Resume${waiting > 0 ? ` (${waiting.toLocaleString('en')}${lost > 0 ? '+' : ''} new)` : ''}` : 'Pause'}
      {on && lost > 0 && <span class="hidden">, {lost.toLocaleString('en')} more could not be kept</span>}
    </button>
  );
}

function StreamBlank({ filtered }: { filtered: boolean }) {
  if (filtered && log.entries.length > 0) {
    return (
      <Blank title="No event matches">
        <button
          type="button"
          class="button"
          onClick={() => {
            search.value = '';
            fields.value = [];
          }}
        >
          Show all events
        </button>
      </Blank>
    );
  }
  if (live.phase.value === 'offline') return <Blank title="Offline; no events were seen" />;
  return <Blank title="Waiting for events" busy={live.phase.value !== 'live'} />;
}
