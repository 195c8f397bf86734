import type { SimulatorCatalogue } from './simulator.ts';

/** Everything that can be played. */
export const simulators: SimulatorCatalogue = {
  'mqtt/zigbee2mqtt': async () => (await import('./zigbee2mqtt.ts')).zigbee2mqttSimulator,
  'serial/modbus-line': async () => (await import('./modbus-line.ts')).modbusLineSimulator,
};
