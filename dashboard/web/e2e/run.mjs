// The page in a real Chromium, against any server that speaks its API.
//
//   node e2e/run.mjs [--url URL] [--only WORD]
//
// Without --url the stand-in server is started. Events are sent by POST /events on hosts whose names no one
// else uses, so that the tests can run beside other senders. The server's going away is played between
// the page and the socket, so that no server need be stopped.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { open } from './browser.mjs';
import { startStub } from './stub.mjs';

const arg = (name) => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? null : process.argv[i + 1];
};
const only = arg('only');
const stub = arg('url') === null ? await startStub() : null;
const base = new URL(arg('url') ?? stub.url);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const run = `e2e${process.pid}`;

async function send(...events) {
  const body = events.map((e) => JSON.stringify({ ttl: 600, ...e })).join('\n');
  const r = await fetch(new URL('events', base), { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  assert.ok(r.ok, `POST /events answered ${r.status}: ${await r.text()}`);
}

// line is what stands between the page and the server: cut() ends every connection and refuses new ones
// until join().
const line = { down: false, open: new Set() };
const cut = async () => {
  line.down = true;
  for (const ws of line.open) await ws.close().catch(() => {});
  line.open.clear();
};
const join = () => (line.down = false);

const { page, context, close } = await open({ width: 1400, height: 900 });
const faults = [];
page.on('console', (m) => {
  if (m.type() === 'error' || m.type() === 'warning') faults.push(`${m.type()}: ${m.text()}`);
});
page.on('pageerror', (e) => faults.push(`uncaught: ${e.message}`));
page.on('request', (r) => {
  if (new URL(r.url()).host !== base.host) faults.push(`a request left the origin: ${r.url()}`);
});
await context.addInitScript(() => {
  window.violations = [];
  addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
});
await page.routeWebSocket(/\/api\/v1\/live/, (ws) => {
  if (line.down) return void ws.close();
  ws.connectToServer();
  line.open.add(ws);
});

const key = (host, service) => `${host.length}:${host}:${service}`;
const cell = (host, service) => page.locator(`[data-key="${key(host, service)}"]`);
const goto = async (query = '') => {
  await page.goto(new URL(query, base).href);
  await page.locator('.connection[data-phase=live]').waitFor();
};
const host = (n) => `${run}-${n}`;

const tests = {
  'the page is alive': async () => {
    await goto();
    assert.match(await page.title(), /zeta/);
    await page.locator('.counters dd').first().filter({ hasText: /\d/ }).waitFor();
  },

  'a cell is drawn from an event': async () => {
    await goto();
    await send({ host: host(1), service: 'cpu', state: 'ok', metric: 0.421 });
    await cell(host(1), 'cpu').filter({ hasText: '0.421' }).waitFor();
    assert.equal(await cell(host(1), 'cpu').getAttribute('data-level'), 'ok');
  },

  'a state changes colour, mark, word and the count of problems': async () => {
    await goto(`?find=${host(1)}`);
    await cell(host(1), 'cpu').waitFor();
    const colour = () => cell(host(1), 'cpu').evaluate((e) => getComputedStyle(e).backgroundColor);
    const before = await colour();
    await send({ host: host(1), service: 'cpu', state: 'critical', metric: 0.99, description: 'too hot' });
    await cell(host(1), 'cpu').and(page.locator('[data-level=critical]')).waitFor();
    assert.notEqual(await colour(), before);
    assert.equal(await cell(host(1), 'cpu').locator('.mark').getAttribute('data-level'), 'critical');
    assert.match(await cell(host(1), 'cpu').getAttribute('title'), /critical, 0\.990/);
    await page.locator('.problem', { hasText: host(1) }).filter({ hasText: 'too hot' }).waitFor();
    assert.match(await page.title(), /^\(\d+\) zeta/);
  },

  'a silent series hatches and says for how long': async () => {
    await goto(`?find=${host(2)}`);
    await send({ host: host(2), service: 'pulse', state: 'ok', metric: 1, ttl: 1 });
    await cell(host(2), 'pulse').waitFor();
    await cell(host(2), 'pulse').and(page.locator('[data-level=silent]')).waitFor({ timeout: 15_000 });
    assert.match(await cell(host(2), 'pulse').evaluate((e) => getComputedStyle(e).backgroundImage), /repeating-linear-gradient/);
    assert.match(await cell(host(2), 'pulse').getAttribute('title'), /silent for \d+s, last 1/);
  },

  'three hosts alike make a table; either layout can be chosen': async () => {
    await send(...[3, 4, 5].flatMap((n) => ['cpu', 'load', 'memory'].map((service) => ({ host: host(n), service, state: 'ok', metric: n }))));
    await goto(`?find=${run}&layout=table`);
    await page.locator('[role=grid] .cell').first().waitFor();
    await page.getByRole('button', { name: 'Tiles' }).click();
    await page.locator('.tile').first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get('layout'), 'tiles');
  },

  'the filter narrows the grid, and says so when nothing is left': async () => {
    await goto();
    await page.keyboard.press('/');
    await page.keyboard.type(`${host(3)} load`);
    await cell(host(3), 'load').waitFor();
    await cell(host(3), 'cpu').waitFor({ state: 'hidden' });
    await page.locator('#find').fill('no such thing anywhere');
    await page.getByText('Nothing here matches').waitFor();
    await page.getByRole('button', { name: /Show all/ }).click();
    await page.locator('.tile, .cell').first().waitFor();
  },

  'the stream shows events and searches them': async () => {
    await goto();
    await send({ host: host(6), service: 'log', state: 'ok', description: 'a needle' }, { host: host(6), service: 'log', state: 'ok', description: 'hay' });
    await page.locator('#search').fill(`${host(6)} needle`);
    await page.locator('.stream-row', { hasText: 'a needle' }).waitFor();
    assert.equal(await page.locator('.stream-row', { hasText: 'hay' }).count(), 0);
    assert.match(page.url(), /search=/);
  },

  'a click on a value filters the stream by it': async () => {
    await goto(`?search=${host(6)}`);
    await page.locator('.stream-row .stream-service button').first().click();
    await page.locator('.chip', { hasText: 'service: log' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('field'), 'service:log');
    await page.locator('.chip', { hasText: 'service: log' }).click();
    assert.equal(new URL(page.url()).searchParams.get('field'), null);
  },

  'a pause holds the stream, counts what waits and shows it after': async () => {
    await goto(`?search=${host(7)}`);
    await page.keyboard.press(' ');
    await page.locator('.pause[aria-pressed=true]').waitFor();
    await send(...Array.from({ length: 7 }, (_, i) => ({ host: host(7), service: `s${i}`, state: 'ok' })));
    await page.locator('.pause', { hasText: /\(\d+ new\)/ }).waitFor();
    assert.equal(await page.locator('.stream-row').count(), 0);
    assert.match(page.url(), /paused=1/);
    await page.keyboard.press(' ');
    await page.locator('.stream-row', { hasText: 's6' }).waitFor();
    assert.equal(await page.locator('.stream-row').count(), 7);
  },

  'a click on a cell draws its history and its whole event': async () => {
    await goto(`?find=${host(8)}`);
    for (const metric of [1, 2, 3]) {
      await send({ host: host(8), service: 'temp', state: 'ok', metric, rack: 'r7', tags: ['lab'] });
      await page.waitForFunction(([key, m]) => document.querySelector(`[data-key="${key}"]`)?.textContent.includes(m), [key(host(8), 'temp'), String(metric)]);
    }
    await cell(host(8), 'temp').click();
    await page.locator('.chart canvas').waitFor();
    await page.locator('.fields', { hasText: 'r7' }).waitFor();
    await page.locator('.chart[aria-label*="points, now 3"]').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('host'), host(8));
    const drawn = await page.locator('.chart canvas').evaluate((c) => {
      const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
      return data.some((v, i) => i % 4 === 3 && v > 0);
    });
    assert.ok(drawn, 'the chart is blank');
    await page.keyboard.press('Escape');
    await page.locator('.detail-panel').waitFor({ state: 'detached' });
    await page.goBack();
    await page.locator('.detail-panel').waitFor();
  },

  'the keys move the selection': async () => {
    await goto(`?find=${host(3)}&layout=table`);
    await cell(host(3), 'cpu').waitFor();
    await page.keyboard.press('j');
    await page.locator('.detail-panel', { hasText: 'cpu' }).waitFor();
    await page.keyboard.press('l');
    await page.locator('.detail-panel h2', { hasText: 'load' }).waitFor();
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'hidden' });
  },

  'a query with a mistake says where, and blanks nothing': async () => {
    await goto();
    await cell(host(1), 'cpu').first().waitFor({ state: 'attached' });
    await page.keyboard.press('q');
    await page.keyboard.type('state = = "ok"');
    await page.keyboard.press('Enter');
    await page.locator('.query-error mark').waitFor();
    assert.ok((await page.locator('.tile, .cell').count()) > 0);
    await page.locator('#query').fill('state = "critical"');
    await page.keyboard.press('Enter');
    await page.locator('.query-error').waitFor({ state: 'detached' });
    await page.waitForFunction(() => {
      const levels = [...document.querySelectorAll('.tile:not([hidden]), .cell[data-key]')].map((e) => e.dataset.level);
      return levels.length > 0 && levels.every((l) => l === 'critical');
    });
    assert.match(page.url(), /q=state/);
  },

  'the back button undoes a selection, then a query': async () => {
    await goto(`?find=${host(1)}`);
    await page.locator('#query').fill('state = "critical"');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=/);
    await page.locator('.problem', { hasText: host(1) }).first().click();
    await page.locator('.detail-panel').waitFor();
    await page.goBack();
    await page.locator('.detail-panel').waitFor({ state: 'detached' });
    assert.equal(await page.locator('#query').inputValue(), 'state = "critical"');
    await page.goBack();
    await page.waitForFunction(() => document.querySelector('#query').value === '');
    assert.equal(new URL(page.url()).search, `?find=${host(1)}`);
    await page.goForward();
    await page.waitForFunction(() => document.querySelector('#query').value !== '');
    assert.match(page.url(), /q=/);
  },

  'a lost server is told, blanks nothing, and is found again': async () => {
    await goto(`?find=${host(9)}`);
    await send({ host: host(9), service: 'cpu', state: 'ok', metric: 7 });
    await cell(host(9), 'cpu').waitFor();
    await cut();
    await page.locator('.connection[data-phase=offline]', { hasText: /offline since \d\d:\d\d:\d\d/ }).waitFor();
    await page.locator('.banner').waitFor();
    assert.equal(await cell(host(9), 'cpu').count(), 1);
    await send({ host: host(9), service: 'cpu', state: 'warning', metric: 8 });
    join();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('.connection[data-phase=live]').waitFor({ timeout: 20_000 });
    await cell(host(9), 'cpu').and(page.locator('[data-level=warning]')).waitFor();
    await page.locator('.banner').waitFor({ state: 'detached' });
  },

  'hostile text stays text': async () => {
    await goto(`?find=${host('x')}`);
    const bad = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';
    await send({ host: host('x'), service: bad, state: 'critical', description: bad, [bad]: bad, tags: [bad] });
    await page.locator('.problem', { hasText: '<img' }).first().click();
    await page.locator('.fields', { hasText: 'onerror' }).waitFor();
    assert.equal(await page.evaluate(() => window.hit), undefined);
  },

  'a phone shows one panel at a time and nothing is cut off': async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await goto(`?find=${run}`);
    await page.locator('.tile').first().waitFor();
    await page.locator('.tabs button', { hasText: 'Problems' }).click();
    await page.locator('.problem').first().click();
    await page.locator('.chart canvas').waitFor();
    await page.locator('.tabs button', { hasText: 'Events' }).click();
    await page.locator('.stream-row').first().waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `the page is ${wide} px wide`);
    await page.setViewportSize({ width: 1400, height: 900 });
  },

  'axe finds nothing, in both themes and with everything open': async () => {
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      for (const query of [`?host=${host(1)}&service=cpu&find=${run}`, `?layout=table&find=${run}`]) {
        await goto(query);
        await page.locator('.tile, .cell[data-key]').first().waitFor();
        await page.evaluate(axe);
        const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        const list = found.violations.map((v) => `${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 160)} — ${v.nodes[0].failureSummary}`);
        assert.deepEqual(list, [], `${colorScheme} ${query}`);
      }
    }
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (only !== null && !name.includes(only)) continue;
  const started = performance.now();
  try {
    page.setDefaultTimeout(10_000);
    await test();
    faults.push(...(await page.evaluate(() => window.violations)).map((v) => `CSP: ${v}`));
    assert.deepEqual(faults, [], 'the browser complained');
    console.log(`ok    ${name} (${Math.round(performance.now() - started)} ms)`);
  } catch (e) {
    failed++;
    join();
    console.log(`FAIL  ${name}\n${String(e.stack ?? e).replace(/^/gm, '      ')}`);
    const shots = arg('shots');
    if (shots !== null) await page.screenshot({ path: `${shots}/fail-${failed}.png` });
  }
  faults.length = 0;
}
await close();
await stub?.close();
if (failed > 0) {
  console.log(`${failed} of ${Object.keys(tests).length} tests failed`);
  process.exit(1);
}
