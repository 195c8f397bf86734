export * from '../../src/driver-testing/recorded-log.ts';
