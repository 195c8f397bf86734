import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,drivers,test,scripts}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/peers/**', 'test/bench/**'],
    // Processes, not threads: libsql and serialport bring native code whose teardown inside a worker thread is theirs to define.
    pool: 'forks',
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
