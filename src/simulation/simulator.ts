import type { Logger } from 'pino';
import type { z } from 'zod';
import type { BrokerConfig, SimulationConfig } from '../config/loaded-config.ts';
import type { Clock, Secret } from '../contract/index.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import type { LineSettings, SimulatedLines } from '../transports/serial/index.ts';
import type { PlayedDevices, Player } from './played-devices.ts';

export interface SimulationContext {
  readonly clock: Clock;
  /** A number in [0, 1): what the simulated world does by itself. */
  readonly random: () => number;
  readonly log: Logger;
}

/** Where simulated units are met: on a line inside this process, or at the far end of one with a port. */
export interface SerialPlace {
  readonly name: string;
  readonly line: LineSettings;
  /** `nowhere`: a port has two ends, and the gateway has this one. */
  readonly at: { readonly lines: SimulatedLines } | { readonly farEnd: string } | 'nowhere';
}

/** Where simulated Bluetooth devices are met: on an adapter inside this process, or on the air of a real one. */
export interface BlePlace {
  readonly name: string;
  /** `uart`: a dongle of their own, which plays one of them. `nowhere`: the gateway has the only adapter there is. */
  readonly at: { readonly radios: SimulatedRadios } | { readonly uart: string; readonly baudRate: number } | 'nowhere';
  /** What a device remembers from run to run, by its address; without it each begins anew. */
  readonly memory: DeviceMemory | undefined;
  /** True: somebody holds the buttons of all devices. False: only of those that nobody was paired with. */
  readonly buttonsHeld: boolean;
  /** Told of a device that waits to be paired, with what its owner answers to the questions of its driver. */
  readonly onWaiting: ((address: string, answers: ReadonlyMap<string, Secret>) => void) | undefined;
}

/** The memory of simulated devices: keys and codes, so it is kept sealed. */
export interface DeviceMemory {
  read(address: string): Secret | undefined;
  write(address: string, content: Secret): void;
}

/** Where a simulated stick is met: at the far end of the port that the gateway has. */
export interface ZwavePlace {
  readonly name: string;
  /** The keys that its nodes were included with. */
  readonly keysFile: string;
  readonly at: { readonly farEnd: string } | 'nowhere';
}

/** Where a simulated peer is met, for each kind of link. */
export interface SimulationPlaces {
  /** The broker that the gateway uses. */
  readonly mqtt: BrokerConfig;
  readonly serial: SerialPlace;
  readonly ble: BlePlace;
  readonly zwave: ZwavePlace;
}

/** Every place there is, for each kind of link. */
export type AllPlaces = { readonly [Kind in keyof SimulationPlaces]: readonly SimulationPlaces[Kind][] };

/** Something that runs until it is closed. */
export interface RunningSimulator {
  /** The devices that it plays, for whoever wants to do something to them. */
  readonly players?: readonly Player[];
  close(): Promise<void>;
}

/** A device or bridge that can be played, as one declared value. */
export interface SimulatorDefinition<
  Settings extends z.ZodType = z.ZodType,
  Kind extends keyof SimulationPlaces = keyof SimulationPlaces,
> {
  readonly link: Kind;
  readonly settings: Settings;
  /** Resolves once the peer is there for the gateway to find. @throws Error in words for whoever runs it */
  start(where: SimulationPlaces[Kind], settings: z.output<Settings>, ctx: SimulationContext): Promise<RunningSimulator>;
}

/** Simulators by id, loaded when the configuration asks for one. */
export type SimulatorCatalogue = Readonly<Record<string, () => Promise<SimulatorDefinition>>>;

/** Declares a simulator; the identity function, for the types. */
export const defineSimulator = <Settings extends z.ZodType, Kind extends keyof SimulationPlaces>(
  simulator: SimulatorDefinition<Settings, Kind>,
): SimulatorDefinition<Settings, Kind> => simulator;

/**
 * Starts the simulated peers of a configuration.
 * @throws Error after closing those that had started
 */
export async function startSimulation(
  peers: readonly SimulationConfig[],
  catalogue: SimulatorCatalogue,
  places: AllPlaces,
  ctx: SimulationContext,
  played?: PlayedDevices,
): Promise<RunningSimulator> {
  const up: RunningSimulator[] = [];
  const forget: (() => void)[] = [];
  const close = async () => {
    for (const one of forget) one();
    for (let last = up.pop(); last !== undefined; last = up.pop()) await last.close();
  };
  try {
    for (const peer of peers) {
      const simulator = await catalogue[peer.simulator]?.();
      const place = places[peer.link.kind].find(({ name }) => name === peer.link.name);
      if (simulator === undefined || place === undefined)
        throw new Error(`The simulator ${peer.simulator} on ${peer.link.name} was not checked before it was started`);
      const running = await simulator.start(place, peer.settings, ctx);
      up.push(running);
      forget.push(played?.add(running.players ?? []) ?? (() => undefined));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
