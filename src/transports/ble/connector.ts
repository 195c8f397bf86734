import type { Logger } from 'pino';
import { type Clock, sleep } from '../../contract/index.ts';
import { type ConnectParameters, idOf, isConnecting, type Noble, type Peripheral, untyped } from './noble.ts';

/** What a connection could not be made for. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  /** `wedged`: the controller does not call a connection off, and every further one would wait behind it. */
  readonly kind: 'timeout' | 'refused' | 'wedged';

  constructor(kind: ConnectFailure['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface Peer {
  readonly address: string;
  readonly addressType: 'public' | 'random';
}

export interface ConnectOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** `Clock.now()` by which the connection must stand. */
  readonly by: number;
  readonly parameters: Omit<ConnectParameters, 'addressType'>;
}

/** How often a connection that was called off is looked at, and for how long, in milliseconds. Guesses. */
const CANCEL_POLL_MS = 50;
const CANCEL_PATIENCE_MS = 1_000;

/**
 * Connects to a device by its address, heard before or not. noble itself would wait for ever.
 * @param adopt called in the very turn in which the connection stands, before anything can arrive on it
 * @throws ConnectFailure; the signal's reason
 */
export async function connect<T>(
  noble: Noble,
  peer: Peer,
  options: ConnectOptions,
  adopt: (peripheral: Peripheral) => T,
): Promise<T> {
  const { clock, signal, by, parameters } = options;
  signal.throwIfAborted();
  const id = idOf(peer.address);
  return new Promise<T>((resolve, reject) => {
    let over = false;
    const leave = () => {
      over = true;
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      noble.removeListener('warning', onWarning);
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    // A failed connection with a device that noble never heard is told in no other way.
    const onWarning = (message: unknown) => {
      if (String(message) === `unknown peripheral ${id} connected!`)
        fail(new ConnectFailure('refused', 'the controller refused to connect'));
    };
    const onAbort = () => {
      leave();
      void callOff(noble, peer.address, options).then(
        () => reject(signal.reason),
        (error: unknown) => reject(error),
      );
    };
    const timer = clock.setTimer(
      () => {
        leave();
        void callOff(noble, peer.address, options).then(
          () => reject(new ConnectFailure('timeout', 'the device did not answer')),
          (error: unknown) => reject(error),
        );
      },
      Math.max(0, by - clock.now()),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    noble.on('warning', onWarning);
    untyped(noble).connect(peer.address, { ...parameters, addressType: peer.addressType }, (error, peripheral) => {
      // Calling off answers here as well.
      if (over) return;
      leave();
      if (error) reject(new ConnectFailure('refused', error.message));
      else if (peripheral === undefined) reject(new ConnectFailure('refused', 'noble knows no such device'));
      else resolve(adopt(peripheral));
    });
  });
}

/**
 * Calls a connection off and waits until the controller has let go of it. A cancel that comes while noble still
 * resets the controller is lost, and the connection is begun after it: hence more than one.
 * @throws ConnectFailure `wedged`
 */
async function callOff(noble: Noble, address: string, { clock, log }: ConnectOptions): Promise<void> {
  noble.cancelConnect(address);
  const until = clock.now() + CANCEL_PATIENCE_MS;
  for (let polls = 1; isConnecting(noble, address); polls++) {
    if (clock.now() >= until) {
      log.warn({ address }, 'the Bluetooth controller does not call a connection off');
      throw new ConnectFailure('wedged', 'the controller does not call a connection off');
    }
    await sleep(clock, CANCEL_POLL_MS);
    if (polls % 4 === 0 && isConnecting(noble, address)) noble.cancelConnect(address);
  }
}
