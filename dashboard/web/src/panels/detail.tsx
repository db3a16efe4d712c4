import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { clock, second } from '../clock';
import { attributesOf, nameOf, timeOf, type ZetaEvent } from '../event';
import { age, clockTime, metric } from '../format';
import { fetchHistory, History, runs } from '../history';
import { Level, LEVEL_NAMES, stateWord } from '../state';
import { live, select, selectedCell, table } from '../store';
import type { Cell } from '../table';
import { selected, type Selection } from '../url';
import { Chart } from './chart';
import { addField } from './stream';

const SPANS: [seconds: number, text: string][] = [
  [300, '5m'],
  [900, '15m'],
  [3600, '1h'],
];

// Detail is everything about the selected series: its state, its history and its newest event, whole.
export function Detail() {
  const s = selected.value;
  if (s === null) return null;
  return <SeriesDetail key={`${s.host}\n${s.service}`} s={s} />;
}

function SeriesDetail({ s }: { s: Selection }) {
  const history = useMemo(() => new History(), []);
  const failure = useSignal<string | null>(null);
  const span = useSignal(300);
  const copied = useSignal(false);
  table.beat.value;
  const now = second.value;
  const c = selectedCell();

  // What comes live is added as it comes; what came before is asked for, and asked again after the
  // connection was lost.
  const seen = useMemo(() => ({ version: 0 }), []);
  useSignalEffect(() => {
    table.beat.value;
    const cell = selectedCell();
    if (cell === undefined || cell.version === seen.version) return;
    seen.version = cell.version;
    history.add(cell.event, clock.now());
  });
  const connected = live.phase.value === 'live' || live.phase.value === 'late';
  useEffect(() => {
    if (!connected) return;
    const abort = new AbortController();
    fetchHistory(s.host, s.service, abort.signal)
      .then((h) => {
        history.backfill(h.times, h.metrics, h.states);
        failure.value = null;
      })
      .catch((e: unknown) => {
        if (!abort.signal.aborted) failure.value = e instanceof Error ? e.message : String(e);
      });
    return () => abort.abort();
  }, [connected]);

  const service = nameOf(s.service, 'service');
  const host = nameOf(s.host, 'host');
  const e = c?.event;
  return (
    <section class="panel detail-panel" aria-labelledby="detail-title">
      <header class="panel-head">
        <div class="detail-name">
          <h2 id="detail-title">{service}</h2>
          <p class="dim">{host}</p>
        </div>
        <span class="grow" />
        <button type="button" class="icon-button" aria-label="Close the detail" title="Close ( esc )" onClick={() => select(null)}>
          ×
        </button>
      </header>
      <div class="detail-body" tabIndex={0} role="region" aria-label={`${service} on ${host}`}>
        {c === undefined || e === undefined ? (
          <p class="note">
            {table.loaded.value ? 'No event of this series is known at the moment. The chart shows what the server remembers.' : 'Waiting for the server.'}
          </p>
        ) : (
          <div class="now">
            <span class="pill" data-level={LEVEL_NAMES[c.level]}>
              <i class="mark" data-level={LEVEL_NAMES[c.level]} />
              {stateWord(e.state)}
            </span>
            <strong class="now-metric">{metric((c.alive ?? e).metric)}</strong>
            <span class="dim">
              {c.level === Level.Silent
                ? `silent for ${age(now - c.since)}; last heard ${clockTime(c.since)}`
                : `${age(now - c.at)} ago, ${lasting(history, c, now)}`}
            </span>
          </div>
        )}
        <div class="chart-head">
          <h3>Metric</h3>
          {failure.value !== null && <span class="dim">the past could not be loaded: {failure.value}</span>}
          <span class="grow" />
          <div class="choice" role="group" aria-label="Time shown">
            {SPANS.map(([seconds, text]) => (
              <button key={text} type="button" aria-pressed={span.value === seconds} onClick={() => (span.value = seconds)}>
                {text}
              </button>
            ))}
          </div>
        </div>
        <Chart history={history} span={span.value} version={history.version} />
        {c !== undefined && e !== undefined && (
          <>
            <div class="chart-head">
              <h3>{c.level === Level.Silent ? 'Last event' : 'Event'}</h3>
              <span class="grow" />
              <button
                type="button"
                class="button"
                onClick={() => {
                  copy(JSON.stringify(c.alive ?? e, null, 2));
                  copied.value = true;
                }}
              >
                {copied.value ? 'Copied' : 'Copy as JSON'}
              </button>
            </div>
            <Fields e={c.alive ?? e} now={now} />
          </>
        )}
      </div>
    </section>
  );
}

// lasting says for how long the state has been what it is, as far back as anything is known.
function lasting(history: History, c: Cell, now: number): string {
  const past = runs(history.x, history.states, now / 1000);
  const run = past[past.length - 1];
  const recorded = run !== undefined && run.state === c.event.state && run.from * 1000 < c.since;
  const since = recorded ? run.from * 1000 : c.since;
  const exact = recorded ? past.length > 1 : c.exact;
  return `${stateWord(c.event.state)} for ${age(now - since)}${exact ? '' : ' or longer'}`;
}

function Fields({ e, now }: { e: ZetaEvent; now: number }) {
  const at = timeOf(e, now);
  return (
    <dl class="fields">
      <Field name="host" value={e.host} pick />
      <Field name="service" value={e.service} pick />
      <Field name="state" value={e.state} pick />
      <Field name="metric" value={e.metric === null ? null : String(e.metric)} />
      <Field name="description" value={e.description} />
      <Field name="time" value={e.time === null ? null : `${e.time} (${age(now - at)} ago)`} />
      <Field name="ttl" value={e.ttl === null ? null : `${e.ttl} s`} />
      <div>
        <dt>tags</dt>
        <dd>
          {(e.tags ?? []).length === 0 && <span class="dim">none</span>}
          {(e.tags ?? []).map((t, i) => (
            <button key={`${i}${t}`} type="button" class="chip" title={`Only events tagged ${t}`} onClick={() => addField('tag', t)}>
              {t}
            </button>
          ))}
        </dd>
      </div>
      {attributesOf(e).map(([k, v]) => (
        <Field key={k} name={k} value={v} pick />
      ))}
    </dl>
  );
}

// Field is one field of an event; with pick its value narrows the stream.
function Field({ name, value, pick }: { name: string; value: string | null; pick?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value === null ? (
          <span class="dim">none</span>
        ) : pick ? (
          <button type="button" class="pick" title={`Only events with this ${name}`} onClick={() => addField(name, value)}>
            {value === '' ? '“”' : value}
          </button>
        ) : (
          value || '“”'
        )}
      </dd>
    </div>
  );
}

// copy puts text on the clipboard, also where the page came over plain HTTP.
function copy(text: string): void {
  if (navigator.clipboard !== undefined) {
    void navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
    return;
  }
  copyBySelection(text);
}

function copyBySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
