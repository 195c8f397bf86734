import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { DeviceConfig, LoadedConfig } from '../config/loaded-config.ts';
import { type Clock, GatewayError, type LinkState, type Secret } from '../contract/index.ts';
import type { PairingFiles } from '../store/pairing-files.ts';
import type { BleAdapter } from '../transports/ble/index.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { startAdapter } from './ble.ts';

/** A configured device that is reached over Bluetooth. */
export type BleDeviceConfig = DeviceConfig & { readonly link: Extract<DeviceConfig['link'], { kind: 'ble' }> };

export const isBleDevice = (device: DeviceConfig): device is BleDeviceConfig => device.link.kind === 'ble';

export interface PairingRun {
  /** In the gateway's configuration. */
  readonly gatewayId: string;
  readonly adapter: BleAdapter;
  readonly pairings: PairingFiles;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** By the names of the driver's questions. */
  readonly answers: ReadonlyMap<string, Secret>;
}

/**
 * Makes a device and the gateway known to each other, and keeps what came of it, sealed.
 * @throws GatewayError, whose message says what to do differently; nothing was kept then
 */
export async function pairDevice(device: BleDeviceConfig, run: PairingRun): Promise<void> {
  const { driver, link, name, deviceId } = device;
  if (driver.pairing === undefined)
    throw new GatewayError('misconfigured', `${name} needs no pairing: ${driver.title} work without.`);
  const { clock, log, signal, answers, adapter, pairings } = run;
  // Nuki locks tell gateways apart by it: it must stay the same over pairings.
  const ownName = `Strikeplate ${run.gatewayId}`;
  const secret = await driver.pairing.pair(adapter.link(link, name), {
    ...{ clock, log, signal, answers, ownName },
    randomBytes: (length) => randomBytes(length),
  });
  pairings.write({ deviceId, driver: driver.id, name }, secret);
}

/** How long an adapter may take to be ready before a person is told that it is not, in milliseconds. */
const READY_MS = 10_000;

/** Resolves with the adapter's state once it is up, or says why not. */
export function readyOrNot(adapter: BleAdapter, clock: Clock, signal: AbortSignal): Promise<LinkState> {
  return new Promise((resolve) => {
    const settle = () => {
      const { state } = adapter;
      // Starting takes a moment; every other reason is one that a person must see to.
      if (state.status === 'down' && state.reason === 'starting' && !signal.aborted) return;
      leave();
    };
    const leave = () => {
      timer.cancel();
      stop();
      signal.removeEventListener('abort', leave);
      resolve(adapter.state);
    };
    const timer = clock.setTimer(leave, READY_MS);
    const stop = adapter.onStateChange(settle);
    signal.addEventListener('abort', leave, { once: true });
    settle();
  });
}

/**
 * Pairs simulated devices that wait for it, as somebody would who set them up: a demonstration has nobody who could
 * hold a button.
 * @param waiting the answers of each device's owner, by its address
 */
export async function pairSimulated(
  config: Pick<LoadedConfig, 'ble' | 'devices' | 'gateway'>,
  waiting: ReadonlyMap<string, ReadonlyMap<string, Secret>>,
  surroundings: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly simulatedRadios: SimulatedRadios;
    readonly pairings: PairingFiles;
  },
): Promise<void> {
  const { clock, log, pairings } = surroundings;
  for (const adapterConfig of config.ble) {
    const devices = config.devices
      .filter(isBleDevice)
      .filter(({ link, driver }) => link.name === adapterConfig.name && waiting.has(link.address) && driver.pairing);
    if (devices.length === 0) continue;
    const adapter = await startAdapter(adapterConfig, surroundings, { quick: true });
    const { signal } = new AbortController();
    try {
      await readyOrNot(adapter, clock, signal);
      for (const device of devices) {
        const answers = waiting.get(device.link.address) ?? new Map<string, Secret>();
        await pairDevice(device, { gatewayId: config.gateway.id, adapter, pairings, clock, log, signal, answers });
        log.info({ device: device.slug }, 'a simulated device was paired');
      }
    } finally {
      await adapter.close();
    }
  }
}
