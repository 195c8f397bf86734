import type { Logger } from 'pino';
import {
  type BleSessionOptions,
  type Clock,
  GatewayError,
  type GattSession,
  sleep,
  type Timer,
} from '../../contract/index.ts';
import type { GattCatalogue } from './gatt-catalogue.ts';
import { LostBeforeReady, NobleGattSession } from './gatt-session.ts';
import { ConnectFailure, connect, type Peer } from './scanner.ts';
import type { Stack } from './stack.ts';
import type { BleTimings } from './timings.ts';

/** How often a connection that was lost before it was of use is tried again, and how long apart at least and at most. */
const ESTABLISH_RETRIES = 2;
const RETRY_PAUSE_MS = [50, 250] as const;

/** How long a session's user may go on after its connection ended, in milliseconds. */
const LEAVE_PATIENCE_MS = 1_000;

export interface SessionMakerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly timings: BleTimings;
  readonly catalogue: GattCatalogue;
}

/** Makes connections and lends them. */
export class SessionMaker {
  readonly #options: SessionMakerOptions;

  constructor(options: SessionMakerOptions) {
    this.#options = options;
  }

  /**
   * Connects, and tries again what was lost before it was of use.
   * @throws GatewayError `device_offline`, `link_unavailable`; the signal's reason
   */
  async make(
    { stack, ended }: { readonly stack: Stack; readonly ended: AbortController },
    peer: Peer,
    deviceName: string,
    options: BleSessionOptions,
  ): Promise<NobleGattSession> {
    const { clock, log, random, timings, catalogue } = this.#options;
    const { connectMs, prepareMs, supervisionMs, operationMs, intervalMs } = timings;
    const { noble } = stack;
    const last = Math.min(options.by ?? Number.POSITIVE_INFINITY, clock.now() + connectMs);
    const parameters = {
      minInterval: intervalMs[0] / 1.25,
      maxInterval: intervalMs[1] / 1.25,
      timeout: supervisionMs / 10,
    };
    for (let tries = 1; ; tries++) {
      try {
        const session = await connect(
          noble,
          peer,
          { clock, log, signal: options.signal, by: last, parameters },
          (peripheral) =>
            new NobleGattSession({
              noble,
              peripheral,
              deviceName,
              address: peer.address,
              clock,
              log,
              catalogue,
              stackEnded: ended.signal,
              operationMs,
              supervisionMs,
              hangUpMs: stack.hangUp.patienceMs,
            }),
        );
        try {
          await session.prepare(options, Math.min(options.by ?? Number.POSITIVE_INFINITY, clock.now() + prepareMs));
          return session;
        } catch (error) {
          await session.close();
          throw error;
        }
      } catch (error) {
        options.signal.throwIfAborted();
        const passing =
          error instanceof LostBeforeReady || (error instanceof ConnectFailure && error.kind === 'refused');
        const pause = RETRY_PAUSE_MS[0] + random() * (RETRY_PAUSE_MS[1] - RETRY_PAUSE_MS[0]);
        if (!passing || tries > ESTABLISH_RETRIES || clock.now() + pause >= last)
          throw this.#notConnected(stack, deviceName, error);
        log.debug({ address: peer.address, why: error.message, tries }, 'connecting again');
        await sleep(clock, pause, options.signal);
      }
    }
  }

  #notConnected(stack: Stack, deviceName: string, error: unknown): unknown {
    if (error instanceof ConnectFailure && error.kind === 'wedged') {
      stack.lost('not_answering');
      return new GatewayError('link_unavailable', 'The Bluetooth adapter stopped answering and is being restarted.');
    }
    if (error instanceof ConnectFailure || error instanceof LostBeforeReady)
      return notReached(deviceName, error.message, error);
    return error;
  }

  /** A user that does not leave when its connection ended is left behind, so that it cannot keep the adapter. */
  async lend<T>(session: NobleGattSession, use: (gatt: GattSession) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    let patience: Timer | undefined;
    let onAbort: () => void = () => undefined;
    const leftBehind = new Promise<never>((_, reject) => {
      onAbort = () => {
        patience = clock.setTimer(() => reject(session.signal.reason), LEAVE_PATIENCE_MS);
      };
    });
    session.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([use(session), leftBehind]);
    } finally {
      session.signal.removeEventListener('abort', onAbort);
      patience?.cancel();
    }
  }
}

export const notReached = (deviceName: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'device_offline',
    `${deviceName} could not be reached over Bluetooth: ${why}. Check that it is in range and has power, and that no ` +
      'phone is connected to it.',
    { cause },
  );

type SessionPriority = 'door' | 'code' | 'poll';

const ranks: Readonly<Record<SessionPriority, number>> = { door: 0, code: 1, poll: 2 };

interface Waiter {
  readonly rank: number;
  readonly order: number;
  readonly admit: () => void;
}

/** The reason given to whoever waited until `by`. */
export class WaitedTooLong extends Error {
  override readonly name = 'WaitedTooLong';
}

/** Admits so many at a time: doors first, then code work, then polls; in one class, in the order of arrival. */
export class SessionQueue {
  readonly #capacity: number;
  readonly #waiting = new Set<Waiter>();
  #running = 0;
  #order = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get idle(): boolean {
    return this.#running === 0 && this.#waiting.size === 0;
  }

  /** True while somebody waits who is as urgent as `priority`, or more. */
  hasWaiting(priority: SessionPriority): boolean {
    return [...this.#waiting].some(({ rank }) => rank <= ranks[priority]);
  }

  /**
   * Resolves when it is one's turn, with what ends it.
   * @throws the signal's reason; WaitedTooLong when it was not one's turn `by`
   */
  async enter(
    priority: SessionPriority,
    until: { readonly signal: AbortSignal; readonly by: number | undefined; readonly clock: Clock },
  ): Promise<() => void> {
    const { signal, by, clock } = until;
    signal.throwIfAborted();
    if (this.#running < this.#capacity) this.#running += 1;
    else
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          this.#waiting.delete(waiter);
          timer?.cancel();
          signal.removeEventListener('abort', onAbort);
        };
        const waiter: Waiter = {
          rank: ranks[priority],
          order: this.#order++,
          admit: () => {
            leave();
            resolve();
          },
        };
        const onAbort = () => {
          leave();
          reject(signal.reason);
        };
        const timer =
          by === undefined
            ? undefined
            : clock.setTimer(
                () => {
                  leave();
                  reject(new WaitedTooLong('others kept the adapter busy'));
                },
                Math.max(0, by - clock.now()),
              );
        signal.addEventListener('abort', onAbort, { once: true });
        this.#waiting.add(waiter);
      });
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#admitNext();
    };
  }

  #admitNext(): void {
    let next: Waiter | undefined;
    for (const waiter of this.#waiting)
      if (next === undefined || waiter.rank < next.rank || (waiter.rank === next.rank && waiter.order < next.order))
        next = waiter;
    // The place passes on without becoming free in between: nobody who comes now may overtake.
    if (next === undefined) this.#running -= 1;
    else next.admit();
  }
}
