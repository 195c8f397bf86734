import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const source = (path: string) => new URL(path, import.meta.url).pathname;

export default defineConfig({
  // For drivers as they are written outside: docs/writing-a-driver.md.
  resolve: {
    alias: [
      { find: 'strikeplate/driver-kit', replacement: source('./src/driver-kit/index.ts') },
      { find: 'strikeplate/driver-testing', replacement: source('./src/driver-testing/index.ts') },
      { find: 'strikeplate/driver', replacement: source('./src/contract/index.ts') },
      { find: /^zod$/, replacement: source('./node_modules/zod/index.js') },
    ],
  },
  test: {
    include: ['{src,drivers,test,scripts}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/peers/**', 'test/bench/**', 'test/vm/**'],
    // Serializers and events of every test are held against the published schemas.
    setupFiles: ['test/kit/sdk/every-answer.ts'],
    // Processes, not threads: libsql and serialport bring native code whose teardown inside a worker thread is theirs to define.
    pool: 'forks',
    // On two cores vitest would keep one for itself; and files that start processes wait for them most of the time.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Tests measure no time. What runs longer hangs; a busy machine is no reason to fail.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    coverage: {
      provider: 'v8',
      include: ['{src,drivers}/**/*.ts'],
      exclude: ['**/*.test.ts'],
    },
  },
});
