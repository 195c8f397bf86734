import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import type { BleAdapterConfig, LinkConfig } from '../config/loaded-config.ts';
import { type BleLink, type Clock, GatewayError } from '../contract/index.ts';
import type { LinkReport } from '../model/gateway.ts';
import type { AdapterChoice, BleAdapter } from '../transports/ble/index.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { type Closable, Startup } from './startup.ts';

export interface BleContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Where adapters without hardware are; without anything there they stay down. */
  readonly simulatedRadios: SimulatedRadios;
}

export interface RunningBle extends Closable {
  /** A device's place within reach. @param device its name, for messages */
  linkTo(link: Extract<LinkConfig, { kind: 'ble' }>, device: string): BleLink;
  /** The adapter itself, for what concerns no single device. */
  adapter(name: string): BleAdapter | undefined;
  reports(): readonly LinkReport[];
}

/** How the finder is told which adapter is meant. */
function choiceOf({ name, radio }: BleAdapterConfig, simulatedRadios: SimulatedRadios): AdapterChoice {
  switch (radio.kind) {
    case 'kernel':
      return { adapter: radio.adapter, userChannel: radio.userChannel };
    case 'uart':
      return { uart: radio.path, baudRate: radio.baudRate };
    case 'dbus':
      return { dbus: radio.adapter };
    case 'simulated':
      return { inProcess: simulatedRadios.adapters(name) };
  }
}

/**
 * Makes an adapter and starts looking for its hardware, which may not be there. Nothing of the Bluetooth stack is
 * loaded before.
 * @param quick hears changes within a second, for a person who waits; it costs more radio time
 */
export async function startAdapter(
  config: BleAdapterConfig,
  { clock, log, simulatedRadios }: BleContext,
  { quick = false }: { readonly quick?: boolean } = {},
): Promise<BleAdapter> {
  const { AdapterFinder, BleAdapter, listBluezAdapters, listKernelAdapters } = await import(
    '../transports/ble/index.ts'
  );
  const finder = new AdapterFinder(choiceOf(config, simulatedRadios), {
    kernelAdapters: () => listKernelAdapters(clock),
    bluezAdapters: () => listBluezAdapters(clock),
    // Not asked of the thread pool: a clock that a test owns would run on meanwhile.
    pathExists: async (path) => existsSync(path),
  });
  const adapter = new BleAdapter({
    name: config.name,
    finder,
    clock,
    random: Math.random,
    log: log.child({ link: `ble/${config.name}` }),
    maxLinks: config.connections,
    ...(quick && { timings: { rearmScanMs: 1_000 } }),
  });
  adapter.start();
  return adapter;
}

/** Starts the Bluetooth adapters. One that is away leaves its link down with the reason, and is looked for again. */
export async function startBle(adapters: readonly BleAdapterConfig[], context: BleContext): Promise<RunningBle> {
  const startup = new Startup();
  const running = new Map<string, BleAdapter>();
  for (const config of adapters) running.set(config.name, await startup.add(() => startAdapter(config, context)));
  return {
    linkTo({ name, address, addressType }, device) {
      const adapter = running.get(name);
      if (adapter) return adapter.link({ address, addressType }, device);
      throw new GatewayError('misconfigured', `ble.${name}: there is no such adapter in the configuration.`);
    },
    adapter: (name) => running.get(name),
    reports: () =>
      [...running].map(([name, { state, losses }]) => ({
        name: `ble/${name}`,
        state,
        // One that is lost has not come back yet.
        reconnects: state.status === 'up' ? losses : Math.max(0, losses - 1),
      })),
    close: () => startup.close(),
  };
}
