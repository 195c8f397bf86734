import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../clock/system-clock.ts';
import { loadConfig } from '../config/load.ts';
import type { BrokerConfig, LoadedConfig } from '../config/loaded-config.ts';
import type { Secret } from '../contract/index.ts';
import { placesOf } from '../simulation/places.ts';
import type { PlayedDevices } from '../simulation/played-devices.ts';
import {
  type DeviceMemory,
  type RunningSimulator,
  type SimulationContext,
  type SimulatorCatalogue,
  startSimulation,
} from '../simulation/simulator.ts';
import { PairingFiles, pairingFilesOf } from '../store/pairing-files.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import type { Stop } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

/** Plays the devices of a configuration's simulation section, on its brokers or on another one, until told to stop. */
export async function simulate(
  terminal: Terminal,
  catalogues: Catalogues,
  options: {
    readonly config?: string;
    readonly mqtt?: string;
    readonly serial?: ReadonlyMap<string, string>;
    readonly ble?: ReadonlyMap<string, string>;
    readonly zwave?: ReadonlyMap<string, string>;
  },
  stop: Stop,
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: systemClock.wallTime() });
  if (config.simulation.length === 0)
    throw new CommandError('configuration', `${file} has no simulation section: there is nothing to play.`);
  const brokers = config.mqtt.map((broker) => (options.mqtt === undefined ? broker : elsewhere(broker, options.mqtt)));
  const places = placesOf(
    { ...config, mqtt: brokers },
    {
      farEnds: known(options.serial, config.serial, 'serial line', config.file),
      dongles: known(options.ble, config.ble, 'Bluetooth adapter', config.file),
      sticks: known(options.zwave, config.zwave, 'Z-Wave stick', config.file),
    },
  );
  const running = await startSimulation(config.simulation, withOutside(catalogues, config).simulators, places, {
    clock: systemClock,
    random: Math.random,
    log: pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true })),
  }).catch((error: unknown) => {
    throw new CommandError('unreachable', error instanceof Error ? error.message : String(error), { cause: error });
  });
  terminal.out(`Playing ${config.simulation.map(({ simulator }) => simulator).join(', ')}. Stop with Ctrl-C.`);
  await stop.requested;
  await running.close();
  return exitCodes.ok;
}

function known(
  given: ReadonlyMap<string, string> = new Map(),
  links: readonly { readonly name: string }[],
  what: string,
  file: string,
) {
  for (const name of given.keys())
    if (!links.some((link) => link.name === name)) throw new CommandError('usage', `${file} has no ${what} ${name}.`);
  return given;
}

/** The same broker at another address; its credentials stay. */
function elsewhere(broker: BrokerConfig, url: string): BrokerConfig {
  const { name } = broker;
  const none = {
    username: undefined,
    passwordFile: undefined,
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
  };
  return broker.kind === 'external' ? { ...broker, url } : { kind: 'external', name, url, ...none };
}

export interface PlayedRadios extends RunningSimulator {
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
