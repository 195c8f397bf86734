import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { Secret } from '../contract/index.ts';
import { placesOf } from '../simulation/places.ts';
import type { PlayedDevices } from '../simulation/played-devices.ts';
import {
  type DeviceMemory,
  type Running,
  type SimulationContext,
  type SimulatorCatalogue,
  startSimulation,
} from '../simulation/simulator.ts';
import { PairingFiles, pairingFilesOf } from '../store/pairing-files.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';

export interface PlayedRadios extends Running {
  /** Devices that wait to be paired, by address, with what their owner answers to the driver's questions. */
  readonly waiting: ReadonlyMap<string, ReadonlyMap<string, Secret>>;
}

/** Which peers of the simulation are Bluetooth devices. */
export const isOnRadio = ({ link }: LoadedConfig['simulation'][number]): boolean => link.kind === 'ble';

/**
 * Plays the configured Bluetooth devices in this process. Before anything that talks to them: what a gateway finds of
 * its pairings when it opens its devices is what it has.
 */
export async function playRadios(
  config: LoadedConfig,
  simulators: SimulatorCatalogue,
  radios: SimulatedRadios,
  { buttonsHeld, ...ctx }: SimulationContext & { readonly buttonsHeld: boolean },
  played?: PlayedDevices,
): Promise<PlayedRadios> {
  const waiting = new Map<string, ReadonlyMap<string, Secret>>();
  const places = placesOf(config, {
    radios,
    buttonsHeld,
    memory: memoryFiles(config),
    onWaiting: (address, answers) => waiting.set(address, answers),
  });
  const { close } = await startSimulation(config.simulation.filter(isOnRadio), simulators, places, ctx, played);
  return { waiting, close };
}

/**
 * What simulated devices remember lies in the state directory, sealed like the pairings. A device that the gateway has
 * no pairing with has forgotten the gateway as well.
 */
function memoryFiles(config: LoadedConfig): DeviceMemory {
  const { stateDir, store, devices } = config;
  const files = new PairingFiles({ folder: join(stateDir, 'simulated'), keyFile: store.keyFile, randomBytes });
  const gateways = pairingFilesOf(config, randomBytes);
  const entry = (address: string) => ({
    deviceId: address.replaceAll(':', '-'),
    driver: 'simulated',
    name: `the simulated device ${address}`,
  });
  const isPaired = (address: string) =>
    devices.some(
      ({ link, deviceId, driver, name }) =>
        link.kind === 'ble' && link.address === address && gateways.read({ deviceId, driver: driver.id, name }),
    );
  return {
    read(address) {
      try {
        return isPaired(address) ? files.read(entry(address)) : undefined;
      } catch {
        // Sealed with a key that is gone: a demonstration begins anew.
        return undefined;
      }
    },
    write: (address, content) => files.write(entry(address), content),
  };
}
