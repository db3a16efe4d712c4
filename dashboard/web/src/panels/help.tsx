import { live } from '../store';

const KEYS: [string, string][] = [
  ['/', 'filter hosts and services'],
  ['s', 'search the events'],
  ['q', 'query the server'],
  ['space', 'pause or resume the events'],
  ['h j k l', 'move the selection (arrow keys too)'],
  ['esc', 'close, clear, leave'],
  ['t', 'light or dark'],
  ['?', 'this help'],
];

// openHelp shows the help; Help must be on the page.
export function openHelp(): void {
  document.querySelector<HTMLDialogElement>('#help')?.showModal();
}

// Help lists the keys and what the marks mean.
export function Help() {
  const close = (e: Event) => (e.currentTarget as Element).closest('dialog')!.close();
  return (
    <dialog
      id="help"
      class="help"
      aria-labelledby="help-title"
      onClick={(e) => {
        if (e.target === e.currentTarget) e.currentTarget.close();
      }}
    >
      <div class="help-body">
        <header>
          <h2 id="help-title">Keys and marks</h2>
          <button type="button" class="icon-button" aria-label="Close help" onClick={close}>
            ×
          </button>
        </header>
        <dl class="keys">
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                {key.split(' ').map((k) => (
                  <kbd key={k}>{k}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <ul class="legend">
          {(
            [
              ['critical', 'critical: critical, error, down, failed …'],
              ['silent', 'silent: nothing came within its ttl'],
              ['warning', 'warning'],
              ['unknown', 'unknown: the sender cannot tell'],
              ['ok', 'ok'],
              ['other', 'a state of your own'],
            ] as const
          ).map(([level, text]) => (
            <li key={level}>
              <i class="mark" data-level={level} /> {text}
            </li>
          ))}
        </ul>
        <p class="dim">
          The address holds the query, the filters and the selection: copy it to share what you see. zeta{' '}
          {live.version.value}
        </p>
      </div>
    </dialog>
  );
}
