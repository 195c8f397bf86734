export * from '../../src/driver-testing/memory-mqtt.ts';
