import { modbusNoise } from '../../../drivers/serial/modbus-noise/driver.ts';
import {
  SimulatedNoiseTransmitter,
  type SimulatedNoiseTransmitterOptions,
} from '../../../drivers/serial/modbus-noise/simulator.ts';
import { type DeviceReport, openDevice } from '../../../src/contract/index.ts';
import { silentLog } from '../../../src/driver-testing/command-context.ts';
import { countedLink, serialLine } from '../locks/serial-line-fixture.ts';

export interface NoiseTransmitterOptions {
  readonly transmitter?: Partial<SimulatedNoiseTransmitterOptions>;
  readonly settings?: Record<string, unknown>;
}

/** A noise transmitter at unit 2 of a simulated line: the driver, the bus and the line, before the first poll. */
export async function noiseTransmitter({ transmitter: traits, settings }: NoiseTransmitterOptions = {}) {
  const fixture = await serialLine();
  const { clock, line, bus, random } = fixture;
  const transmitter = new SimulatedNoiseTransmitter({ unit: 2, ...traits });
  line.add(transmitter);
  const { link, listeners } = countedLink(bus.link(2));
  const reports: DeviceReport[] = [];
  const device = await openDevice(modbusNoise, link, modbusNoise.settings.parse({ profile: 's300nois', ...settings }), {
    deviceId: 'hall',
    name: 'Hall noise',
    clock,
    random,
    randomBytes: (length) => new Uint8Array(length),
    log: silentLog,
    report: (report) => reports.push(report),
  });
  return { ...fixture, transmitter, device, reports, stateListeners: listeners };
}
