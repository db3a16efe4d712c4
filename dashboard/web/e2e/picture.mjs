// The picture of the page for the README: a simulated fleet with a few things wrong.
//
//   node e2e/picture.mjs FILE.png
import { open } from './browser.mjs';
import { fleet } from './fleet.mjs';
import { startStub } from './stub.mjs';

const sim = fleet(12);
const stub = await startStub({ simulate: sim.step });
sim.past(stub.put);
const { page, close } = await open({ width: 1400, height: 880 });
await page.goto(`${stub.url}?host=db2.prod.example.com&service=disk /data`);
await page.locator('.cell[data-level=silent]').first().waitFor({ timeout: 60_000 });
await page.waitForTimeout(20_000);
await page.screenshot({ path: process.argv[2] ?? 'dashboard.png' });
await page.close({ runBeforeUnload: false });
await close();
await stub.close();
