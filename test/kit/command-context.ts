export * from '../../src/driver-testing/command-context.ts';
