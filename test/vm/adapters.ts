import { randomBytes } from 'node:crypto';
import { SimulatedNuki } from '../../drivers/ble/nuki/simulator.ts';
import { systemClock as clock } from '../../src/clock/system-clock.ts';
import type { LinkState } from '../../src/contract/index.ts';
import { silentLog } from '../../src/driver-testing/command-context.ts';
import {
  type AdapterChoice,
  AdapterFinder,
  BleAdapter,
  listBluezAdapters,
  listKernelAdapters,
} from '../../src/transports/ble/index.ts';
import { nukiTour } from '../kit/locks/nuki-tour.ts';
import { type BluezMachine, eventually } from './bluez-machine.ts';

export { clock };

/** An adapter of the gateway's, with everything below it as in the field. */
export function gatewayAdapter(choice: AdapterChoice): BleAdapter {
  const finder = new AdapterFinder(choice, {
    kernelAdapters: () => listKernelAdapters(clock),
    bluezAdapters: () => listBluezAdapters(clock),
    pathExists: async () => false,
  });
  // All the hardware here is emulated, processor included.
  const timings = { connectMs: 15_000, prepareMs: 20_000, operationMs: 8_000, supervisionMs: 8_000, powerOnMs: 20_000 };
  const adapter = new BleAdapter({ name: 'radio', finder, clock, log: silentLog, random: Math.random, timings });
  adapter.start();
  return adapter;
}

export const isUp = (adapter: BleAdapter): Promise<void> =>
  eventually('the adapter is up', () => adapter.state.status === 'up');

/** Resolves with the adapter's state once it is down for that reason. */
export async function isDown(adapter: BleAdapter, reason: string): Promise<LinkState> {
  await eventually(`the adapter is down, ${reason}`, () => {
    const { state } = adapter;
    return state.status === 'down' && state.reason === reason;
  });
  return adapter.state;
}

/** The lock's whole tour, over whatever the adapter is. @returns how long it took, in seconds */
export async function tourOver(machine: BluezMachine, adapter: BleAdapter): Promise<number> {
  const lock = new SimulatedNuki({ clock, randomBytes, times: { startMs: 20, moveMs: 300 } });
  const address = await machine.serve(lock);
  const link = adapter.link({ address, addressType: 'public' }, 'Front door');
  const began = performance.now();
  try {
    await nukiTour({ clock, link, lock, randomBytes, lingersMs: 6_000, until: (promise) => promise });
  } finally {
    lock.stop();
  }
  return (performance.now() - began) / 1_000;
}
