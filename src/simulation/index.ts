import type { SimulatorCatalogue } from './simulator.ts';

/** Everything that can be played. */
export const simulators: SimulatorCatalogue = {
  'ble/radio': async () => (await import('./ble-radio.ts')).bleRadioSimulator,
  'mqtt/announced': async () => (await import('./announced-locks.ts')).announcedLocksSimulator,
  'mqtt/zigbee2mqtt': async () => (await import('./zigbee2mqtt.ts')).zigbee2mqttSimulator,
  'serial/modbus-line': async () => (await import('./modbus-line.ts')).modbusLineSimulator,
  'zwave/node': async () => (await import('./zwave-network.ts')).zwaveNetworkSimulator,
};
