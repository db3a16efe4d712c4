import { expect, test } from 'vitest';
import { age, metric, rate, tick } from './format';

test.each([
  [null, ''],
  [0, '0'],
  [-0, '0'],
  [42, '42'],
  [9999, '9999'],
  [12345, '12.3k'],
  [-12345, '−12.3k'],
  [8_420_000, '8.42M'],
  [0.47, '0.470'],
  [0.0988, '0.0988'],
  [1.1, '1.10'],
  [99.96, '100'],
  [412.4, '412'],
  [0.0000001234, '1.2e-7'],
  [2 ** 63, '9223P'],
  ['NaN', 'NaN'],
  ['Infinity', '∞'],
  [NaN, 'NaN'],
] as const)('metric(%s) is %s', (m, want) => {
  expect(metric(m)).toBe(want);
});

test.each([
  [0.95, '0.95'],
  [3, '3'],
  [2.5e6, '2.5M'],
  [2e6, '2M'],
  [100, '100'],
  [0.001, '0.001'],
])('tick(%s) is %s', (m, want) => {
  expect(tick(m)).toBe(want);
});

test.each([
  [-5, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_600_000, '1h'],
  [47 * 3_600_000, '47h'],
  [48 * 3_600_000, '2d'],
])('age(%s) is %s', (ms, want) => {
  expect(age(ms)).toBe(want);
});

test('a slow rate keeps its fraction', () => {
  expect([rate(0), rate(0.25), rate(12.4), rate(123_456)]).toEqual(['0', '0.3', '12', '123k']);
});
