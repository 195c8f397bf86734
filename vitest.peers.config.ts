import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/kit/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/peers/**/*.test.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Each file has ports, ttys and processes of its own, and waits for them most of the time.
    maxWorkers: 4,
    // As in vitest.config.ts: what runs longer hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { interval: 20, timeout: 240_000 } },
    teardownTimeout: 20_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
