import { pino } from 'pino';
import { systemClock } from '../clock/system-clock.ts';
import { startAdapter } from '../composition/ble.ts';
import { readyOrNot } from '../composition/pairing.ts';
import type { BleAdapterConfig, LoadedConfig } from '../config/loaded-config.ts';
import type { Clock } from '../contract/index.ts';
import type { SimulatorCatalogue } from '../simulation/simulator.ts';
import type { BleAdapter } from '../transports/ble/index.ts';
import { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { CommandError } from './exit.ts';
import { playRadios } from './simulated-radios.ts';

/** What commands that use a radio need of the machine, so that a test can bring its own. */
export interface BleMachine {
  readonly clock: Clock;
  readonly random: () => number;
  /** Somebody holds the buttons of simulated devices while they are to be paired. */
  readonly holdsButtons: boolean;
}

export const thisMachine: BleMachine = { clock: systemClock, random: Math.random, holdsButtons: true };

/** What a command meets is told on the terminal. */
export const silent = pino({ level: 'silent' });

/**
 * Runs `work` with an adapter that is ready. For a simulated one the devices of the configuration are played in this
 * process as well.
 * @param config with the devices to play; undefined when there is none
 * @param buttonsHeld somebody holds the buttons of the simulated devices
 * @throws CommandError when the adapter cannot be used, with what to do about it
 */
export async function withAdapter<T>(
  { clock, random }: BleMachine,
  adapterConfig: BleAdapterConfig,
  config: LoadedConfig | undefined,
  {
    buttonsHeld,
    simulators,
    signal,
  }: {
    readonly buttonsHeld: boolean;
    readonly simulators: SimulatorCatalogue;
    readonly signal: AbortSignal;
  },
  work: (adapter: BleAdapter) => Promise<T>,
): Promise<T> {
  const simulatedRadios = new SimulatedRadios();
  const ctx = { clock, random, log: silent };
  const played =
    adapterConfig.radio.kind === 'simulated' && config !== undefined
      ? await playRadios(config, simulators, simulatedRadios, { ...ctx, buttonsHeld })
      : undefined;
  try {
    const adapter = await startAdapter(adapterConfig, { clock, log: silent, simulatedRadios }, { quick: true });
    try {
      const state = await readyOrNot(adapter, clock, signal);
      signal.throwIfAborted();
      if (state.status === 'down') throw new CommandError('failed', state.hint);
      return await work(adapter);
    } finally {
      await adapter.close();
    }
  } finally {
    await played?.close();
  }
}
