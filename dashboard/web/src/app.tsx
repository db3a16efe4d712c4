import { effect } from '@preact/signals';
import { Detail } from './panels/detail';
import { Grid } from './panels/grid';
import { Header } from './panels/header';
import { Help } from './panels/help';
import { Problems } from './panels/problems';
import { Stream } from './panels/stream';
import { live, problems, table } from './store';
import { selected, view, type View } from './url';
import { clockTime } from './format';

// App is the whole page. On a phone one panel has the screen, chosen by the tabs at its foot; the detail
// of a series lies over it.
export function App() {
  const phase = live.phase.value;
  return (
    <div class="app" data-view={view.value} data-detail={selected.value !== null} data-phase={phase}>
      <Header />
      {phase === 'offline' && table.loaded.value && (
        <div class="banner" role="alert">
          <i class="mark" data-level="critical" />
          <p>
            The connection to zeta is lost. What you see was so at {clockTime(live.since.value)}; the page reconnects by itself.
          </p>
          <button type="button" class="button" onClick={() => live.retry()}>
            Try now
          </button>
        </div>
      )}
      <main class="panels">
        <Grid />
        <Stream />
        <aside class="side" aria-label="Problems and detail">
          <Detail />
          <Problems />
        </aside>
      </main>
      <Tabs />
      <Help />
    </div>
  );
}

const TABS: [View, string][] = [
  ['grid', 'Hosts'],
  ['problems', 'Problems'],
  ['stream', 'Events'],
];

function Tabs() {
  return (
    <nav class="tabs" aria-label="Panels">
      {TABS.map(([name, text]) => (
        <button
          key={name}
          type="button"
          aria-current={view.value === name && selected.value === null}
          onClick={() => {
            selected.value = null;
            view.value = name;
          }}
        >
          {text}
          {name === 'problems' && problems.value.length > 0 && <span class="badge">{problems.value.length}</span>}
        </button>
      ))}
    </nav>
  );
}

// followTitle puts what matters into the tab of the browser: the problems, or that the page is stale.
export function followTitle(icons: { ok: string; problem: string; stale: string }): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  effect(() => {
    const n = problems.value.length;
    const offline = live.phase.value === 'offline';
    document.title = offline ? 'zeta – offline' : n > 0 ? `(${n}) zeta` : 'zeta';
    const icon = offline ? icons.stale : n > 0 ? icons.problem : icons.ok;
    if (link !== null && link.getAttribute('href') !== icon) link.setAttribute('href', icon);
  });
}
