import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/kit/longest-first.ts';

/** Answers and events of every test are held against the published schemas. */
const everyAnswer = 'test/kit/sdk/every-answer.ts';
const elsewhere = ['**/node_modules/**', 'test/peers/**', 'test/bench/**', 'test/vm/**'];
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
    projects: [
      // Those that start gateways, build, or look at the whole tree, and the console, whose modules go on in a page that
      // ends with them: a process for each file.
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['{test,scripts,src/console}/**/*.test.ts'],
          exclude: elsewhere,
          setupFiles: [everyAnswer],
        },
      },
      // One module or one driver: many files in each process, since starting one costs more than most of them.
      {
        extends: true,
        test: {
          name: 'part',
          include: ['{src,drivers}/**/*.test.ts'],
          exclude: ['src/console/**'],
          isolate: false,
          setupFiles: ['test/kit/fresh-modules.ts', everyAnswer],
        },
      },
    ],
    sequence: { setupFiles: 'list', sequencer: LongestFirst },
    // Processes, not threads: libsql and serialport bring native code whose teardown inside a worker thread is theirs to define.
    pool: 'forks',
    // On two cores vitest would keep one for itself; and files that start processes wait for them most of the time.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Tests measure no time. What runs longer hangs; a busy machine is no reason to fail.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { interval: 20, timeout: 240_000 } },
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
