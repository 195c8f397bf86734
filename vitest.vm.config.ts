import { defineConfig } from 'vitest/config';

/** Run inside the virtual machine that test/vm/run.sh boots, and nowhere else. */
export default defineConfig({
  test: {
    include: ['test/vm/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    // The machine's processor is emulated: everything takes ten to twenty times as long.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
});
