export { PortError, type SerialCarrier } from './carrier.ts';
export type { SimulatedWire } from './in-process-carrier.ts';
export { type LineSettings, silenceMs, wireMs } from './line-timing.ts';
export { listPorts, type PortDescription, ttyCarrier } from './machine-ports.ts';
export { SerialBus } from './serial-bus.ts';
export { SimulatedLines } from './simulated-lines.ts';
