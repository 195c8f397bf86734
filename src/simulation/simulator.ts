import type { Logger } from 'pino';
import type { z } from 'zod';
import type { BrokerConfig, SimulationConfig } from '../config/loaded-config.ts';
import type { Clock } from '../contract/index.ts';
import type { LineSettings, SimulatedLines } from '../transports/serial/index.ts';

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

/** Where a simulated peer is met, for each kind of link. */
export interface SimulationPlaces {
  /** The broker that the gateway uses. */
  readonly mqtt: BrokerConfig;
  readonly serial: SerialPlace;
}

/** Every place there is, for each kind of link. */
export type AllPlaces = { readonly [Kind in keyof SimulationPlaces]: readonly SimulationPlaces[Kind][] };

/** Something that runs until it is closed. */
export interface Running {
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
  start(where: SimulationPlaces[Kind], settings: z.output<Settings>, ctx: SimulationContext): Promise<Running>;
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
): Promise<Running> {
  const up: Running[] = [];
  const close = async () => {
    for (let last = up.pop(); last !== undefined; last = up.pop()) await last.close();
  };
  try {
    for (const peer of peers) {
      const simulator = await catalogue[peer.simulator]?.();
      const place = places[peer.link.kind].find(({ name }) => name === peer.link.name);
      if (simulator === undefined || place === undefined)
        throw new Error(`The simulator ${peer.simulator} on ${peer.link.name} was not checked before it was started`);
      up.push(await simulator.start(place, peer.settings, ctx));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
