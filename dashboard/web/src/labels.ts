// Labels in a grid repeat themselves: every host ends in the same domain, every service begins with the
// same word. shorten cuts what all labels share, at a separator, so that what is left still reads.

const SEPARATOR = /[\s./]/;

// shorten returns the short form of each label, by label. Distinct labels stay distinct and none
// becomes empty or loses its last letter (of "node 1" and "node 2" nothing is cut); a single label is
// kept whole.
export function shorten(labels: readonly string[]): Map<string, string> {
  const distinct = [...new Set(labels)];
  const short = new Map<string, string>();
  if (distinct.length < 2) {
    for (const l of distinct) short.set(l, l);
    return short;
  }
  let prefix = cut(distinct[0]!, common(distinct, false), false);
  let suffix = cut(distinct[0]!, common(distinct, true), true);
  const shortest = Math.min(...distinct.map((l) => l.length));
  if (prefix + suffix >= shortest) suffix = 0; // nothing may be cut twice
  if (prefix >= shortest || distinct.some((l) => !/\p{L}/u.test(l.slice(prefix, l.length - suffix)))) prefix = 0;
  if (distinct.some((l) => !/\p{L}/u.test(l.slice(prefix, l.length - suffix)))) suffix = 0;
  for (const l of distinct) short.set(l, l.slice(prefix, l.length - suffix));
  return short;
}

// common returns how many characters all labels share at their start, or at their end.
function common(labels: string[], fromEnd: boolean): number {
  const first = labels[0]!;
  let n = first.length;
  for (const l of labels) {
    let i = 0;
    while (i < n && i < l.length && at(l, i, fromEnd) === at(first, i, fromEnd)) i++;
    n = i;
  }
  return n;
}

// cut moves n back to just behind the last separator in the shared part, so that a prefix is cut whole
// words at a time; of a suffix the separator itself goes too.
function cut(label: string, n: number, fromEnd: boolean): number {
  for (let i = n; i > 0; i--) if (SEPARATOR.test(at(label, i - 1, fromEnd))) return i;
  return 0;
}

function at(s: string, i: number, fromEnd: boolean): string {
  return s.charAt(fromEnd ? s.length - 1 - i : i);
}
