export * from '../../src/driver-testing/simulated-clock.ts';
