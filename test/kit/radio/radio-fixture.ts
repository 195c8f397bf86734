import { pino } from 'pino';
import type { GattPeripheral } from '../../../src/contract/index.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { Air, type AirOptions } from '../../../src/simulation/radio/air.ts';
import { AdapterBay, type RunningPeripheral, servePeripheral } from '../../../src/simulation/radio/peripheral-host.ts';
import { BleAdapter, type BleAdapterOptions } from '../../../src/transports/ble/adapter.ts';
import { AdapterFinder, type InProcessAdapters } from '../../../src/transports/ble/adapter-finder.ts';
import { seededRandom } from '../seeded-random.ts';

export interface RadioFixtureOptions {
  readonly clock?: SimulatedClock;
  readonly seed?: number;
  readonly air?: Partial<AirOptions>;
  readonly adapter?: Partial<BleAdapterOptions>;
  /** False: the adapter is there but not plugged in. */
  readonly pluggedIn?: boolean;
}

/** An adapter on an emulated air, both on a simulated clock: noble and bleno as published between them. */
export async function radioFixture(options: RadioFixtureOptions = {}) {
  const clock = options.clock ?? new SimulatedClock();
  const random = seededRandom(options.seed ?? 1);
  const air = new Air({ clock, random, ...options.air });
  const bay = new AdapterBay(air);
  if (options.pluggedIn !== false) bay.plugIn('c0:b1:e1:ff:00:01');
  const log = pino({ level: 'silent' });
  const openings: number[] = [];
  const inProcess: InProcessAdapters = {
    list: () => bay.list(),
    open: (index, host) => {
      openings.push(index);
      return bay.open(index, host);
    },
  };
  const finder = new AdapterFinder(
    { inProcess },
    { kernelAdapters: async () => [], bluezAdapters: async () => [], pathExists: async () => false },
  );
  const adapter = new BleAdapter({ name: 'radio', finder, clock, log, random, ...options.adapter });
  const served: RunningPeripheral[] = [];

  return {
    clock,
    air,
    bay,
    adapter,
    log,
    random,
    /** The index of each adapter a stack was started on, in order. */
    openings,
    /** Starts the adapter and waits until it is up. */
    async up(): Promise<void> {
      adapter.start();
      await clock.until(
        new Promise<void>((resolve) => {
          if (adapter.state.status === 'up') resolve();
          else adapter.onStateChange((state) => state.status === 'up' && resolve());
        }),
      );
    },
    async serve(peripheral: GattPeripheral, address?: string): Promise<RunningPeripheral> {
      const running = await servePeripheral(peripheral, { controller: air.plug(address) });
      served.push(running);
      return running;
    },
    async close(): Promise<void> {
      await clock.until(adapter.close());
      for (const running of served) running.stop();
      await clock.settle();
    },
  };
}

export type RadioFixture = Awaited<ReturnType<typeof radioFixture>>;
