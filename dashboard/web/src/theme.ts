import { effect, signal } from '@preact/signals';

// The theme follows the system until someone chooses; the choice is kept in this browser.
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'zeta.theme';

export const theme = signal<Theme>('system');

// dark is whether the page is dark at the moment, by choice or by the system.
export const dark = signal(true);

// followTheme applies the theme to the document, now and whenever it changes.
export function followTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  theme.value = stored();
  const apply = () => {
    const t = theme.value;
    if (t === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = t;
    dark.value = t === 'system' ? system.matches : t === 'dark';
  };
  system.addEventListener('change', apply);
  effect(apply);
}

// switchTheme goes to the other of light and dark.
export function switchTheme(): void {
  theme.value = dark.value ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}

function stored(): Theme {
  try {
    const t = localStorage.getItem(KEY);
    return t === 'light' || t === 'dark' ? t : 'system';
  } catch {
    return 'system';
  }
}
