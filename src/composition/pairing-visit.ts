import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import {
  type BleAdvertisement,
  type Clock,
  GatewayError,
  type LockReading,
  openDevice,
  type PairingQuestion,
  type Secret,
  type Timer,
} from '../contract/index.ts';
import type { PairingFiles } from '../store/pairing-files.ts';
import type { BleAdapter } from '../transports/ble/index.ts';
import { type BleDeviceConfig, pairDevice } from './pairing.ts';

/** A connection may be lost while pairing; the device is ready for half a minute. */
const TRIES = 2;
/** How long the first read of a paired device may take, in milliseconds. */
const CHECK_MS = 15_000;

export interface PairingVisit {
  readonly gatewayId: string;
  readonly adapter: BleAdapter;
  readonly device: BleDeviceConfig;
  readonly pairings: PairingFiles;
  /** By the names of the driver's questions. */
  readonly answers: ReadonlyMap<string, Secret>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** How long to wait until the device is ready, in milliseconds; undefined: until the signal aborts. */
  readonly waitMs: number | undefined;
  /** A step in a word, and as a sentence for whoever stands there. */
  say(step: string, message: string): void;
}

/** @throws GatewayError `invalid_input` for an answer that is none, before anybody goes to the device */
export function assertAnswers(questions: readonly PairingQuestion[], answers: ReadonlyMap<string, Secret>): void {
  const known = questions.map(({ name }) => name);
  for (const name of answers.keys())
    if (!known.includes(name))
      throw new GatewayError(
        'invalid_input',
        `There is no question "${name}"; there are: ${known.join(', ') || 'none'}.`,
      );
  for (const { name, problem } of questions) {
    const answer = answers.get(name);
    const wrong = answer === undefined ? undefined : problem?.(answer);
    if (wrong !== undefined) throw new GatewayError('invalid_input', wrong);
  }
}

/**
 * Waits until somebody has made the device ready, pairs with it, and reads it once: a key that opens nothing should be
 * found out now, not at the first unlock. Resolves with what the device said, or why it could not be read.
 * @throws GatewayError with what to do differently; nothing was kept then
 */
export async function pairOn(visit: PairingVisit): Promise<LockReading | GatewayError | undefined> {
  const { device, say, pairings } = visit;
  for (const step of device.driver.pairing?.steps ?? []) say('at the device', step);
  await untilReady(visit);
  say('pairing', `${device.name} is ready. Pairing.`);
  for (let tries = 1; ; tries++) {
    try {
      await pairDevice(device, visit);
      break;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.type !== 'device_offline' || tries >= TRIES) throw error;
      say('pairing', `${error.message} Trying again.`);
    }
  }
  say('reading', `${device.name} is read with its new key.`);
  return check(visit, pairings.read({ deviceId: device.deviceId, driver: device.driver.id, name: device.name }));
}

/** Waits until the device says to everybody that it can be paired. Drivers that cannot tell are not waited for. */
function untilReady({ adapter, device, say, clock, signal, waitMs }: PairingVisit): Promise<void> {
  const { recognise } = device.driver;
  const { name, link } = device;
  if (recognise === undefined) return Promise.resolve();
  const forSoLong = waitMs === undefined ? '' : `, for ${Math.round(waitMs / 1_000)} s`;
  say('waiting', `Waiting for ${name} (${link.address.toUpperCase()})${forSoLong}.`);
  return new Promise((settle, reject) => {
    let heard = false;
    let timer: Timer | undefined;
    const leave = () => {
      timer?.cancel();
      stop();
      signal.removeEventListener('abort', onAbort);
    };
    const tooLate = () =>
      heard
        ? new GatewayError(
            'device_not_ready',
            `${name} was heard, but nobody made it ready to be paired. Do the steps above, and run this again.`,
          )
        : new GatewayError(
            'device_offline',
            `${name} was not heard. Check its batteries and that it is near enough; "strikeplate scan ble" shows ` +
              'whether another device was meant.',
          );
    const onAbort = () => {
      leave();
      reject(waitMs === undefined ? tooLate() : signal.reason);
    };
    const hear = (advertisement: BleAdvertisement) => {
      if (advertisement.address !== link.address) return;
      const recognised = recognise(advertisement);
      if (recognised === undefined) return;
      if (recognised.readyToPair !== false) {
        leave();
        settle();
        return;
      }
      if (!heard)
        say('waiting', `${name} is heard (${advertisement.rssi} dBm), and not ready yet: ${recognised.note}.`);
      heard = true;
    };
    const stop = adapter.onAdvertisement(hear, true);
    signal.addEventListener('abort', onAbort, { once: true });
    if (waitMs !== undefined)
      timer = clock.setTimer(() => {
        leave();
        reject(tooLate());
      }, waitMs);
  });
}

async function check(
  { adapter, device, clock, random, log, signal }: PairingVisit,
  credentials: Secret | undefined,
): Promise<LockReading | GatewayError | undefined> {
  const { deviceId, name, driver, link, settings } = device;
  const opened = await openDevice(driver, adapter.link(link, name), settings, {
    ...{ deviceId, name, clock, random, log, report: () => undefined },
    randomBytes: (length) => randomBytes(length),
    ...(credentials && { credentials }),
  });
  const patience = new AbortController();
  const stop = () => patience.abort(new GatewayError('device_offline', `${name} did not answer in time. Try again.`));
  const timer = clock.setTimer(stop, CHECK_MS);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await opened.lock?.read?.({ signal: patience.signal, log });
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', stop);
    await opened.close();
  }
}
