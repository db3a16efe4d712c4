// Pictures of the page in both themes at the usual widths, for people to look at.
//
//   node e2e/shots.mjs --out DIR [--url URL] [--wait SECONDS]
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { open } from './browser.mjs';
import { fleet } from './fleet.mjs';
import { startStub } from './stub.mjs';

const arg = (name, otherwise) => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? otherwise : process.argv[i + 1];
};
const out = arg('out', 'shots');
await mkdir(out, { recursive: true });

let stub = null;
let url = arg('url', '');
if (url === '') {
  const sim = fleet(12);
  stub = await startStub({ simulate: sim.step });
  sim.past(stub.put);
  url = stub.url;
}
const { page, close } = await open();
await page.goto(url);
await page.waitForTimeout(Number(arg('wait', '4')) * 1000);
for (const theme of ['dark', 'light']) {
  await page.emulateMedia({ colorScheme: theme });
  for (const [width, height] of [[1600, 1000], [1024, 768], [390, 844]]) {
    await page.setViewportSize({ width, height });
    const shoot = async (name, query) => {
      await page.goto(url + query);
      await page.waitForTimeout(1300);
      await page.screenshot({ path: path.join(out, `${theme}-${width}-${name}.png`) });
    };
    await shoot('grid', '');
    const series = arg('select', 'host=db2.prod.example.com&service=disk /data');
    await shoot('detail', `?${series}`);
    if (width === 390) {
      await shoot('problems', '?view=problems');
      await shoot('stream', '?view=stream');
    }
    if (width === 1024) await shoot('tiles', '?layout=tiles');
  }
}
await close();
await stub?.close();
