import { second } from '../clock';
import { nameOf } from '../event';
import { age, metric, plural } from '../format';
import type { Problem } from '../problems';
import { Level, LEVEL_NAMES, stateWord } from '../state';
import { problems, select, table } from '../store';
import type { Cell } from '../table';
import { selected } from '../url';
import { Blank } from './blank';

const MOST = 200; // rows; nobody reads further

// Problems lists what is not well, the worst first and, of those, the newest first.
export function Problems() {
  table.beat.value; // what is said of them changes more often than which they are
  const now = second.value;
  const all = problems.value;
  return (
    <section class="panel problems-panel" aria-labelledby="problems-title">
      <header class="panel-head">
        <h2 id="problems-title">Problems</h2>
        <span class="count">{all.length.toLocaleString('en')}</span>
      </header>
      {all.length > 0 ? (
        <ul class="problems" tabIndex={0} aria-label="Problems, worst first">
          {all.slice(0, MOST).map((p) => (
            <li key={p.cell.key}>
              <Row problem={p} now={now} />
            </li>
          ))}
          {all.length > MOST && <li class="dim more">and {(all.length - MOST).toLocaleString('en')} more; narrow the query to see them</li>}
        </ul>
      ) : (
        <div class="grid-area">
          {table.loaded.value && table.size > 0 ? (
            <Blank title="All is well" level="ok">
              <p>Nothing is critical, warning or silent.</p>
            </Blank>
          ) : (
            <Blank title="Nothing known yet" />
          )}
        </div>
      )}
    </section>
  );
}

function Row({ problem, now }: { problem: Problem; now: number }) {
  const c = problem.cell;
  const s = selected.value;
  const level = LEVEL_NAMES[c.level];
  const host = nameOf(c.host, 'host');
  const whole = problem.services > 1;
  return (
    <button
      type="button"
      class="problem"
      data-level={level}
      aria-pressed={s !== null && s.host === c.host && (whole || s.service === c.service)}
      onClick={() => select(c)}
    >
      <i class="mark" data-level={level} />
      <span class="problem-service">{whole ? host : nameOf(c.service, 'service')}</span>
      <span class="problem-age" title={c.exact ? 'since it is so' : 'at least so long; it was so before this page was opened'}>
        {lasting(c, now)}
      </span>
      {!whole && <span class="problem-host">{host}</span>}
      <span class="problem-what">{whole ? `the whole host is silent, ${plural(problem.services, 'service')}` : what(c)}</span>
    </button>
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
