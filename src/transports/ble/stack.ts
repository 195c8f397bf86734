import type { Logger } from 'pino';
import type { Clock } from '../../contract/index.ts';
import { makeNoble, type Noble, type StackBinding } from './noble.ts';

/** Why a stack is not on. */
export type StackTrouble = 'off' | 'unsupported' | 'forbidden' | 'not_answering';

/** How connections end. */
interface HangUp {
  /** Whoever used the connection does not notice how long it takes. */
  readonly atOnce: boolean;
  /** How long to wait for its end to be confirmed, in milliseconds. */
  readonly patienceMs: number;
}

const hangUp: HangUp = { atOnce: true, patienceMs: 1_000 };
/** BlueZ leaves profiles 2 s to say goodbye before it ends a connection (src/device.c, DISCONNECT_TIMER). */
const bluezHangUp: HangUp = { atOnce: false, patienceMs: 4_000 };

/** One running Bluetooth stack on one controller. It is never repaired: what goes wrong with it ends it. */
export class Stack {
  readonly noble: Noble;
  readonly hangUp: HangUp;
  readonly #onLost: (trouble: StackTrouble) => void;
  #stopped = false;
  #wasOn = false;
  #stateChanged: () => void = () => undefined;

  private constructor(noble: Noble, hangUp: HangUp, onLost: (trouble: StackTrouble) => void) {
    this.noble = noble;
    this.hangUp = hangUp;
    this.#onLost = onLost;
  }

  /**
   * Starts a stack and waits until its controller is ready.
   * @param onLost called once when a stack that was ready is so no more
   * @returns the stack, or why there is none; nothing is left running then
   */
  static async start(
    binding: StackBinding,
    options: {
      readonly clock: Clock;
      readonly log: Logger;
      readonly patienceMs: number;
      readonly onLost: (trouble: StackTrouble) => void;
    },
  ): Promise<Stack | StackTrouble> {
    const { clock, log, patienceMs, onLost } = options;
    const noble = makeNoble(binding, { clock, log });
    // noble prints its warnings to the console; they belong into the log.
    noble.removeAllListeners('warning');
    noble.on('warning', (message: unknown) => log.debug({ message: String(message) }, 'noble warns'));
    const stack = new Stack(noble, binding.kind === 'dbus' ? bluezHangUp : hangUp, onLost);
    const trouble = await new Promise<StackTrouble | undefined>((resolve) => {
      const timer = clock.setTimer(() => resolve(stack.#trouble() ?? 'not_answering'), patienceMs);
      stack.#stateChanged = () => {
        const now = stack.#trouble();
        // Off is where every stack starts; only these two will not change by waiting.
        if (now !== undefined && now !== 'unsupported' && now !== 'forbidden') return;
        timer.cancel();
        resolve(now);
      };
      startWithoutSignalHandlers(noble);
      noble.on('stateChange', () => stack.#stateChanged());
      stack.#stateChanged();
    });
    if (trouble !== undefined) {
      stack.stop();
      return trouble;
    }
    stack.#wasOn = true;
    stack.#stateChanged = () => {
      const now = stack.#trouble();
      if (now !== undefined) stack.lost(now);
    };
    return stack;
  }

  /** The controller's own address. */
  get address(): string {
    return this.noble.address;
  }

  /** To be called by whoever noticed that the controller does not do what it is told any more. */
  lost(trouble: StackTrouble): void {
    if (this.#stopped || !this.#wasOn) return;
    this.#wasOn = false;
    this.#onLost(trouble);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stateChanged = () => undefined;
    try {
      this.noble.stop();
    } catch {
      // It was never started far enough to have anything to stop.
    }
    swallowLateErrors(this.noble);
  }

  #trouble(): StackTrouble | undefined {
    switch (this.noble.state) {
      case 'poweredOn':
        return undefined;
      case 'unsupported':
        return 'unsupported';
      case 'unauthorized':
        return 'forbidden';
      default:
        return 'off';
    }
  }
}

/**
 * noble ends the process on SIGINT when its listener is the last. How this process ends is not its business. It starts
 * when it is asked for its state, or a turn later when somebody first listens: asking makes the moment known.
 */
function startWithoutSignalHandlers(noble: Noble): void {
  const before = new Set(process.listeners('SIGINT'));
  void noble.state;
  for (const listener of process.listeners('SIGINT')) if (!before.has(listener)) process.off('SIGINT', listener);
}

/** A serial port that fails to open after its stack was stopped has nobody to tell, which would end the process. */
function swallowLateErrors(noble: Noble): void {
  const { _bindings: bindings } = noble as unknown as {
    _bindings?: { _hci?: { _socket?: { _serialDevice?: { on(event: 'error', listener: () => void): void } } } };
  };
  bindings?._hci?._socket?._serialDevice?.on('error', () => undefined);
}
