import type { DriverDefinition } from '../src/contract/index.ts';

/** Every driver by its id. One is loaded when a device asks for it. */
export const drivers: Readonly<Record<string, () => Promise<DriverDefinition>>> = {
  'ble/nuki': async () => (await import('./ble/nuki/driver.ts')).nuki,
  'ble/omron-sound': async () => (await import('./ble/omron-sound/driver.ts')).omronSound,
  'mqtt/announced': async () => (await import('./mqtt/announced/driver.ts')).announced,
  'mqtt/zigbee2mqtt': async () => (await import('./mqtt/zigbee2mqtt/driver.ts')).zigbee2mqtt,
  'serial/modbus-noise': async () => (await import('./serial/modbus-noise/driver.ts')).modbusNoise,
  'serial/modbus-relay': async () => (await import('./serial/modbus-relay/driver.ts')).modbusRelay,
  'zwave/node': async () => (await import('./zwave/node/driver.ts')).zwave,
};
