import { lockActions } from './catalogue.ts';
import type { SimulatedNuki } from './simulator.ts';
import type { Authorized } from './simulator-pairing.ts';

/** What somebody at the lock, or with its maker's app, can do to it beside turning it. */
export class NukiHands {
  readonly #lock: SimulatedNuki;
  /** Whom it knew before somebody removed them. */
  #forgotten: Authorized[] = [];

  constructor(lock: SimulatedNuki) {
    this.#lock = lock;
  }

  /** Somebody presses the keypad's arrow, which asks for no code. */
  lockAtKeypad(): void {
    const { bolt, log } = this.#lock;
    bolt.run(lockActions.lock, 'keypad', {
      moved: () => undefined,
      done: (completion) => log.keypad('', lockActions.lock, completion, 0, 0),
    });
  }

  /** Somebody removes everybody with the vendor's app. */
  forgetEverybody(): void {
    for (const one of [...this.#lock.authorizations]) {
      this.#forgotten.push(one);
      this.#lock.forget(one.authorizationId);
    }
  }

  /** It knows again whom it knew. */
  rememberAgain(): void {
    this.#lock.authorizations.push(...this.#forgotten);
    this.#forgotten = [];
  }

  /** Locked, without codes, and with the settings of a new one. */
  reset(): void {
    const { keypad, bolt, advancedConfig } = this.#lock;
    keypad.codes.length = 0;
    advancedConfig.setAutoLock(false, 300);
    if (!bolt.isLocked) this.#lock.turnByHand('locked');
  }
}
