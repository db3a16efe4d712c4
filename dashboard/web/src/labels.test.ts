import { expect, test } from 'vitest';
import { shorten } from './labels';

const short = (...labels: string[]) => [...shorten(labels).values()];

test.each([
  { name: 'a shared domain goes', in: ['web1.prod.example.com', 'db1.prod.example.com'], want: ['web1', 'db1'] },
  { name: 'a shared first word goes', in: ['disk used', 'disk free'], want: ['used', 'free'] },
  { name: 'only whole words go', in: ['memory free', 'memory freed'], want: ['free', 'freed'] },
  { name: 'no word is cut in two', in: ['web10', 'web11'], want: ['web10', 'web11'] },
  { name: 'a number alone says nothing', in: ['node 1', 'node 2'], want: ['node 1', 'node 2'] },
  { name: 'nor does a sign', in: ['disk /', 'disk /var'], want: ['disk /', 'disk /var'] },
  { name: 'one label stays whole', in: ['a.b.c'], want: ['a.b.c'] },
  { name: 'a label that is the shared part of another', in: ['a.b', 'a.b.c'], want: ['b', 'b.c'] },
  { name: 'a label within both ends', in: ['x.y', 'x.z.y'], want: ['y', 'z.y'] },
  { name: 'the same label twice', in: ['a.b', 'a.b'], want: ['a.b'] },
  { name: 'an empty label', in: ['', 'a.b'], want: ['', 'a.b'] },
  { name: 'none', in: [], want: [] },
])('$name', (c) => {
  expect(short(...c.in)).toEqual(c.want);
});

test('distinct labels stay distinct', () => {
  const words = ['a', 'b', 'a.b', 'b.a', '1', 'a 1'];
  for (const x of words) {
    for (const y of words) {
      if (x === y) continue;
      const s = short(x, y);
      expect(new Set(s).size, `${x} and ${y}: ${s.join(' | ')}`).toBe(2);
      expect(s.every((l) => l !== ''), `${x} and ${y}`).toBe(true);
    }
  }
});
