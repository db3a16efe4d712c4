// What a state means to someone watching. Riemann's states are free words; the usual ones are known
// here, and any other word is shown as it is, neither good nor bad.

// Level orders states from harmless to worst. Silence ranks beside an error: a host that says
// nothing may be worse off than one that complains.
export enum Level {
  None, // no state was sent
  Ok,
  Other, // a word this page does not know
  Unknown, // the sender says that it does not know
  Warning,
  Silent, // expired
  Critical,
}

const LEVELS = new Map<string, Level>();
for (const [level, words] of [
  [Level.Ok, 'ok okay up normal success info'],
  [Level.Unknown, 'unknown'],
  [Level.Warning, 'warning warn degraded'],
  [Level.Silent, 'expired'],
  [Level.Critical, 'critical error err fatal failure failed fail down alert emergency'],
] as const) {
  for (const word of words.split(' ')) LEVELS.set(word, level);
}

// levelOf returns the level of a state; upper and lower case are the same.
export function levelOf(state: string | null): Level {
  if (state === null || state === '') return Level.None;
  return LEVELS.get(state) ?? LEVELS.get(state.toLowerCase()) ?? Level.Other;
}

// isProblem reports whether someone should look.
export function isProblem(level: Level): boolean {
  return level >= Level.Unknown;
}

// The name of each level as the style sheet knows it, and the word shown where there is no state.
export const LEVEL_NAMES: Record<Level, string> = {
  [Level.None]: 'none',
  [Level.Ok]: 'ok',
  [Level.Other]: 'other',
  [Level.Unknown]: 'unknown',
  [Level.Warning]: 'warning',
  [Level.Silent]: 'silent',
  [Level.Critical]: 'critical',
};

// stateWord is the state as people read it: an expired series is silent.
export function stateWord(state: string | null): string {
  if (state === null || state === '') return 'no state';
  return levelOf(state) === Level.Silent ? 'silent' : state;
}
