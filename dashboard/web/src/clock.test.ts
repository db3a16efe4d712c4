import { expect, test } from 'vitest';
import { Clock } from './clock';

function at(start: number): { clock: Clock; local: { now: number } } {
  const local = { now: start };
  return { clock: new Clock(() => local.now), local };
}

test('the clock is the engine’s and runs on between its words', () => {
  const { clock, local } = at(1_000_000);
  clock.observe(500_000);
  local.now += 2_000;
  expect(clock.now()).toBe(502_000);
});

test('without the server it moves to the local clock within about a minute, never jumping', () => {
  const { clock, local } = at(1_000_000);
  clock.observe(940_000); // a minute behind
  let before = clock.now();
  for (let s = 0; s < 70; s++) {
    local.now += 1_000;
    const step = clock.now() - before;
    expect(step).toBeGreaterThanOrEqual(1_000);
    expect(step).toBeLessThanOrEqual(2_100);
    before = clock.now();
  }
  expect(clock.now()).toBe(local.now);
});

test('an engine ahead of the local clock never makes time run backwards', () => {
  const { clock, local } = at(1_000_000);
  clock.observe(1_040_000);
  let before = clock.now();
  for (let s = 0; s < 80; s++) {
    local.now += 1_000;
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    before = clock.now();
  }
});

test('nonsense and a local clock set back move nothing', () => {
  const { clock, local } = at(1_000_000);
  clock.observe(NaN);
  expect(clock.now()).toBe(1_000_000);
  local.now -= 50_000;
  expect(clock.now()).toBe(1_000_000);
});
