import { defineConfig } from 'vitest/config';

/** Not for `npm test`: what needs real services, and what takes long. */
const ELSEWHERE = ['test/integration/**', 'test/e2e/**', 'test/**/*.full.test.ts', 'test/**/*.soak.test.ts'];

/** A machine whose agent polls the real cloud. */
const WITH_CLOUD = 'test/e2e/image.test.ts';

/** For tests with real services: one file after the other. */
const IN_TURN = { fileParallelism: false, testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    // node:ffi (src/base/attributes.ts).
    execArgv: ['--disable-warning=ExperimentalWarning'],
    projects: [
      {
        test: {
          name: 'embedded',
          include: ['test/**/*.test.ts'],
          exclude: ELSEWHERE,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'full',
          include: ['test/**/*.full.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'cloud',
          include: ['test/integration/**/*.test.ts', WITH_CLOUD],
          // One cloud for all: its conductor has two workers, and what is measured should be the agent.
          ...IN_TURN,
        },
      },
      {
        test: {
          name: 'machine',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ['test/e2e/cluster/**', WITH_CLOUD],
          // The two cores are shared with the project `cloud`, which scripts/test runs at the same time.
          ...IN_TURN,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/e2e/cluster/**/*.test.ts'],
          exclude: ['test/**/*.soak.test.ts'],
          fileParallelism: false,
          testTimeout: 1_600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'soak',
          include: ['test/**/*.soak.test.ts'],
          fileParallelism: false,
          testTimeout: 3_600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
