import { second } from '../clock';
import { nameOf } from '../event';
import { age, metric } from '../format';
import { isProblem, Level, LEVEL_NAMES, stateWord } from '../state';
import { select, table } from '../store';
import type { Cell } from '../table';
import { selected } from '../url';
import { Blank } from './blank';

const MOST = 200; // rows; nobody reads further

// Problems lists what is not well, the worst first and, of those, the newest first.
export function Problems() {
  table.beat.value;
  const now = second.value;
  const all: Cell[] = [];
  for (const c of table.values()) if (isProblem(c.level)) all.push(c);
  all.sort((a, b) => b.level - a.level || b.since - a.since || (a.key < b.key ? -1 : 1));
  const s = selected.value;
  return (
    <section class="panel problems-panel" aria-labelledby="problems-title">
      <header class="panel-head">
        <h2 id="problems-title">Problems</h2>
        <span class="count">{all.length.toLocaleString('en')}</span>
      </header>
      {all.length === 0 ? (
        table.loaded.value && table.size > 0 ? (
          <Blank title="All is well" level="ok">
            <p>Nothing is critical, warning or silent.</p>
          </Blank>
        ) : (
          <Blank title="Nothing known yet" />
        )
      ) : (
        <ul class="problems" tabIndex={0} aria-label="Problems, worst first">
          {all.slice(0, MOST).map((c) => (
            <li key={c.key}>
              <button
                type="button"
                class="problem"
                data-level={LEVEL_NAMES[c.level]}
                aria-pressed={s !== null && s.host === c.host && s.service === c.service}
                onClick={() => select(c)}
              >
                <i class="mark" data-level={LEVEL_NAMES[c.level]} />
                <span class="problem-service">{nameOf(c.service, 'service')}</span>
                <span class="problem-age" title={c.exact ? 'since it is so' : 'at least so long; it was so before this page was opened'}>
                  {lasting(c, now)}
                </span>
                <span class="problem-host">{nameOf(c.host, 'host')}</span>
                <span class="problem-what">{what(c)}</span>
              </button>
            </li>
          ))}
          {all.length > MOST && <li class="dim more">and {(all.length - MOST).toLocaleString('en')} more; narrow the query to see them</li>}
        </ul>
      )}
    </section>
  );
}

// lasting is how long a problem has lasted; before a minute has passed, "at least so long" says nothing.
function lasting(c: Cell, now: number): string {
  const ms = now - c.since;
  if (c.exact) return age(ms);
  return ms < 60_000 ? '' : `${age(ms)}+`;
}

function what(c: Cell): string {
  if (c.level === Level.Silent) {
    const m = c.alive?.metric ?? null;
    return m === null ? 'silent' : `silent, last ${metric(m)}`;
  }
  const word = stateWord(c.event.state);
  if (c.event.description) return `${word}: ${c.event.description}`;
  return c.event.metric === null ? word : `${word}, ${metric(c.event.metric)}`;
}
