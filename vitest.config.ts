import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples import the package, which is made of the sources.
  resolve: {
    alias: [
      { find: /^millrace$/, replacement: `${import.meta.dirname}/src/platform/index.ts` },
      { find: /^millrace\/(.+)$/, replacement: `${import.meta.dirname}/src/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // Against hanging, not against slow machines: what a test asserts is work done, never time taken.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
    pool: 'forks',
  },
});
