// How the page keeps up with many cells: frames per second and time spent, with 10 000 of them changing.
//
//   node e2e/load.mjs [--cells 10000] [--rate 2000] [--layout table|tiles]
import { open } from './browser.mjs';
import { cells } from './fleet.mjs';
import { startStub } from './stub.mjs';

const arg = (name, otherwise) => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? otherwise : process.argv[i + 1];
};
const sim = cells(Number(arg('cells', 10_000)), Number(arg('rate', 2000)));
const stub = await startStub({ simulate: sim.step });
sim.past(stub.put);
const { page, close } = await open({ width: 1600, height: 1000 });
await page.goto(`${stub.url}?layout=${arg('layout', 'table')}`);
await page.locator('.cell[data-key], .tile').first().waitFor();
await page.waitForTimeout(1500);
const cdp = await page.context().newCDPSession(page);
await cdp.send('Performance.enable');
const read = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
const measure = async (what, during) => {
  const before = await read();
  const frames = page.evaluate(
    () =>
      new Promise((done) => {
        const gaps = [];
        let last = performance.now();
        const end = last + 4000;
        const frame = (t) => {
          gaps.push(t - last);
          last = t;
          if (t < end) requestAnimationFrame(frame);
          else done(gaps);
        };
        requestAnimationFrame(frame);
      }),
  );
  await during?.();
  const gaps = await frames;
  const after = await read();
  const seconds = after.Timestamp - before.Timestamp;
  console.log(
    `${what}: ${(gaps.length / 4).toFixed(0)} fps, worst frame ${Math.max(...gaps.slice(1)).toFixed(0)} ms, ` +
      `script ${(((after.ScriptDuration - before.ScriptDuration) / seconds) * 100).toFixed(0)} %, ` +
      `layout and style ${(((after.LayoutDuration + after.RecalcStyleDuration - before.LayoutDuration - before.RecalcStyleDuration) / seconds) * 100).toFixed(0)} %, ` +
      `${after.Nodes} nodes, ${(after.JSHeapUsedSize / 1e6).toFixed(0)} MB`,
  );
};
await measure('still');
await measure('scrolling', async () => {
  for (let i = 0; i < 40; i++) {
    await page.locator('.grid-scroller').evaluate((s) => s.scrollBy(s.scrollWidth > s.clientWidth + 50 ? 90 : 0, 130));
    await page.waitForTimeout(70);
  }
});
await close();
await stub.close();
