// The designed states of the page, without a server: npm run dev, then /states.html?state=NAME. It is not part
// of the build.
import { render } from 'preact';
import { App } from './app';
import { clock, second } from './clock';
import type { ZetaEvent } from './event';
import { followKeys } from './keys';
import { live, log, queryError, rates, table } from './store';
import { followTheme } from './theme';
import { follow, paused, query, selected } from './url';
import './style/tokens.css';
import './style/page.css';
import './style/panels.css';

const now = Date.now();

// company are a few hosts; age is how long ago they were heard, in seconds.
function company(age = 1): ZetaEvent[] {
  const events: ZetaEvent[] = [];
  for (const host of ['web1', 'web2', 'db1', 'cache1']) {
    for (const [service, metric] of [['cpu', 0.31], ['load', 1.2], ['memory', 0.64], ['disk /', 0.47]] as const) {
      events.push({
        host: `${host}.example.com`, service, state: 'ok', metric, description: null, tags: ['prod'], ttl: 60,
        time: new Date(now - age * 1000).toISOString(), env: 'prod',
      });
    }
  }
  return events;
}

function show(events: ZetaEvent[]): void {
  table.begin();
  table.add(events, now);
  table.end(now);
  log.add(events, 0, now);
  live.phase.value = 'live';
  live.figures.value = { rate: 64, series: table.size };
  rates.value = [40, 52, 48, 60, 64, 58, 64];
}

const STATES: Record<string, () => void> = {
  connecting: () => {},
  unreachable: () => {
    live.phase.value = 'offline';
    live.retryAt.value = now + 8000;
  },
  empty: () => show([]),
  well: () => show(company()),
  troubled: () => {
    show(company());
    const [web1, , , disk] = company();
    const db = company()[9]!;
    table.add(
      [
        { ...disk!, state: 'critical', metric: 0.97, description: '4.1 GB of 140 GB left' },
        { ...web1!, state: 'warning', metric: 0.88 },
        { ...db, state: 'unknown', metric: null, description: 'the probe timed out' },
        { ...db, service: 'election', state: 'leader', metric: null },
        ...company(200).slice(12).map((e) => ({ ...e, state: 'expired', metric: null })),
      ],
      now,
    );
    selected.value = { host: disk!.host, service: disk!.service };
  },
  stale: () => {
    show(company(9));
    live.phase.value = 'late';
    live.behind.value = 9000;
  },
  offline: () => {
    show(company(40));
    live.phase.value = 'offline';
    live.since.value = now - 40_000;
    live.retryAt.value = now + 8000;
  },
  paused: () => {
    show(company());
    paused.value = true;
    log.pause();
    log.add(company(), 0, now);
  },
  'wrong query': () => {
    show(company());
    query.value = 'state = = "ok"';
    queryError.value = { message: 'expected a value, found =', offset: 8 };
  },
};

const name = new URLSearchParams(location.search).get('state') ?? '';
const app = document.getElementById('app')!;
const set = STATES[name];
if (set === undefined) {
  render(
    <ul>
      {Object.keys(STATES).map((s) => (
        <li key={s}>
          <a href={`?state=${encodeURIComponent(s)}`}>{s}</a>
        </li>
      ))}
    </ul>,
    app,
  );
} else {
  followTheme();
  follow();
  followKeys();
  clock.observe(now);
  second.value = now;
  set();
  render(<App />, app);
}
