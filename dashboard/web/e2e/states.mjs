// Each designed state of the page, in both themes and at two widths: axe must find nothing, the console must
// be silent, nothing may stick out. No zeta is needed.
//
//   node e2e/states.mjs [--out DIR]   with --out also a picture of each
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { open } from './browser.mjs';

const i = process.argv.indexOf('--out');
const out = i < 0 ? null : process.argv[i + 1];
if (out !== null) await mkdir(out, { recursive: true });
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const vite = await createServer({ root: fileURLToPath(new URL('..', import.meta.url)), server: { port: 0, hmr: false }, logLevel: 'error' });
await vite.listen();
const base = `http://127.0.0.1:${vite.httpServer.address().port}/states.html`;
const { page, close } = await open();
const faults = [];
let where = '';
page.on('console', (m) => m.type() === 'error' && faults.push(`${where}: ${m.text()}`));
page.on('pageerror', (e) => faults.push(`${where}: ${e.message}`));

// The past of a series: twenty minutes that rise.
await page.route('**/api/v1/series*', (route) => {
  const end = Math.floor(Date.now() / 1000);
  const times = Array.from({ length: 240 }, (_, n) => end - 1200 + n * 5);
  const metrics = times.map((_, n) => (n > 190 && n < 200 ? null : 0.6 + n / 660 + Math.sin(n / 4) / 60));
  const states = metrics.map((m) => (m === null ? 'expired' : m > 0.9 ? 'critical' : m > 0.8 ? 'warning' : 'ok'));
  return route.fulfill({ json: { step: 5, times, metrics, states } });
});

await page.goto(base);
await page.locator('a').first().waitFor();
const names = await page.locator('a').allTextContents();
for (const name of names) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1200, 390]) {
      where = `${name}, ${colorScheme}, ${width} px`;
      await page.setViewportSize({ width, height: 820 });
      await page.goto(`${base}?state=${encodeURIComponent(name)}`);
      await page.locator('.panels').waitFor();
      await page.waitForTimeout(150); // two frames of painting
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) faults.push(`${where}: ${wide} px wide`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      for (const v of violations) faults.push(`${where}: ${v.id}: ${v.nodes[0].html.slice(0, 200)} — ${v.nodes[0].failureSummary}`);
      if (out !== null) await page.screenshot({ path: path.join(out, `${name.replace(' ', '-')}-${colorScheme}-${width}.png`) });
    }
  }
}
await close();
await vite.close();
for (const f of faults) console.log(`FAIL  ${f}`);
console.log(`${names.length} states, ${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);
