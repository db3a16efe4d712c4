import { defineConfig } from 'vitest/config';

// The address of a running zeta (or of e2e/stub.mjs) that `npm run dev` passes API calls to.
const server = process.env.ZETA_URL ?? 'http://127.0.0.1:5556';

export default defineConfig({
  base: './',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0, // the page's Content-Security-Policy allows no data: URLs
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: server, ws: true }, '/events': { target: server } },
  },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
});
