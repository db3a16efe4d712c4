import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { second } from '../clock';
import { sparkline } from '../grid/paint';
import { clockTime, plural, rate } from '../format';
import { live, problems, queryError, rates, table } from '../store';
import { dark, switchTheme } from '../theme';
import { query } from '../url';
import { openHelp } from './help';

// Header says whether the page is live, how much goes by, and what the page is asked to show.
export function Header() {
  return (
    <header class="top">
      <h1 class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M9 9h14L10 23h13" />
        </svg>
        zeta
      </h1>
      <Connection />
      <Counters />
      <QueryBox />
      <div class="top-buttons">
        <button
          type="button"
          class="icon-button"
          onClick={switchTheme}
          title="Light or dark ( t )"
          aria-label={dark.value ? 'Switch to light colours' : 'Switch to dark colours'}
        >
          <svg viewBox="0 0 20 20" aria-hidden="true">
            {dark.value ? (
              <path d="M10 6.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M16 4l-1.4 1.4M5.4 14.6 4 16" />
            ) : (
              <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7" />
            )}
          </svg>
        </button>
        <button type="button" class="icon-button" onClick={openHelp} title="Keys and help ( ? )" aria-label="Keys and help">
          ?
        </button>
      </div>
    </header>
  );
}

// Connection is the state of the socket in words; a change is announced to screen readers.
function Connection() {
  const phase = live.phase.value;
  second.value;
  let text: string;
  switch (phase) {
    case 'connecting':
      text = 'connecting';
      break;
    case 'live':
      text = 'live';
      break;
    case 'late':
      text = `${Math.round(live.behind.value / 1000)} s behind`;
      break;
    case 'offline':
      text = `offline since ${clockTime(live.since.value)}`;
  }
  return (
    <p class="connection" data-phase={phase} title={phase === 'offline' ? 'What is shown was true then. The page reconnects by itself.' : undefined}>
      <i class="connection-mark" />
      <span>{text}</span>
      <span class="hidden" role="status">
        {phase === 'offline' ? 'Connection lost, reconnecting' : phase === 'live' ? 'Live' : ''}
      </span>
    </p>
  );
}

function Counters() {
  const f = live.figures.value;
  const n = problems.value.length;
  return (
    <dl class="counters">
      <div>
        <dt>events/s</dt>
        <dd>
          {f === null ? '–' : rate(f.rate)}
          <svg class="spark" viewBox="-1 -1 62 18" aria-hidden="true">
            <path d={sparkline(rates.value, 60, 16)} />
          </svg>
        </dd>
      </div>
      <div>
        <dt>series</dt>
        <dd>{f === null ? table.size.toLocaleString('en') : f.series.toLocaleString('en')}</dd>
      </div>
      <div data-problems={n > 0}>
        <dt>{n === 1 ? 'problem' : 'problems'}</dt>
        <dd>{n.toLocaleString('en')}</dd>
      </div>
    </dl>
  );
}

// QueryBox holds the query that the server is asked; Enter asks it. A mistake is shown where it is.
function QueryBox() {
  const input = useRef<HTMLInputElement>(null);
  const draft = useSignal(query.value === 'true' ? '' : query.value);
  useSignalEffect(() => {
    draft.value = query.value === 'true' ? '' : query.value;
  });
  const error = queryError.value;
  const ask = (e: Event) => {
    e.preventDefault();
    query.value = draft.value.trim() || 'true';
  };
  return (
    <form class="query" onSubmit={ask} role="search">
      <input
        ref={input}
        id="query"
        class="box"
        type="search"
        aria-label="Query"
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : 'query-error'}
        placeholder='Query, e.g. state != "ok" and host =~ "web%"'
        title="Riemann's query language; Enter asks, an empty query shows everything ( q )"
        value={draft.value}
        onInput={(e) => {
          draft.value = e.currentTarget.value;
          if (draft.value === '' && query.value !== 'true') query.value = 'true';
        }}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
      />
      {error !== null && (
        <p class="query-error" id="query-error" role="alert">
          {error.offset !== null && error.offset <= query.value.length && (
            <code>
              {query.value.slice(0, error.offset)}
              <mark>{query.value.slice(error.offset) || ' '}</mark>
            </code>
          )}
          <span>{error.message}</span>
          <span class="dim">Still showing the {plural(table.size, 'series', 'series')} from before.</span>
        </p>
      )}
    </form>
  );
}
