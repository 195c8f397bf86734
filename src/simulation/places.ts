import type { LoadedConfig } from '../config/loaded-config.ts';
import type { SimulatedLines } from '../transports/serial/index.ts';
import type { AllPlaces } from './simulator.ts';

/**
 * Where the peers of a configuration are met.
 * @param lines where the gateway's own simulated lines lie, when it runs in this process
 * @param farEnds ports at the far ends of lines, by the name of the line
 */
export function placesOf(
  config: Pick<LoadedConfig, 'mqtt' | 'serial'>,
  lines: SimulatedLines | undefined,
  farEnds: ReadonlyMap<string, string> = new Map(),
): AllPlaces {
  return {
    mqtt: config.mqtt,
    serial: config.serial.map(({ name, path, ...line }) => {
      const farEnd = farEnds.get(name);
      if (farEnd !== undefined) return { name, line, at: { farEnd } };
      return { name, line, at: path === undefined && lines ? { lines } : 'nowhere' };
    }),
  };
}
