/** zwave-js, `TransactionState`. */
const state = { active: 1, completed: 2 } as const;

/**
 * Follows one command through zwave-js: whether its bytes went out, and that they do so once and in time. A command
 * whose supervision the node does not know goes out once more without it, after the node refused the first.
 */
export class Flight {
  readonly #isLate: () => boolean;
  #left = false;
  #completed = false;

  constructor(isLate: () => boolean) {
    this.#isLate = isLate;
  }

  /** A byte may have left. */
  get left(): boolean {
    return this.#left;
  }

  /**
   * To be called, at once, with each state that zwave-js tells.
   * @returns why nothing must leave any more, when that is so
   */
  turn(now: number): string | undefined {
    if (now === state.completed) this.#completed = true;
    if (now !== state.active) return undefined;
    if (this.#isLate()) return 'it was about to send a command too late';
    // After a reset of the stick zwave-js sends what was under way again, and nobody knows whether it had arrived.
    if (this.#left && !this.#completed) return 'it was about to send a command a second time';
    this.#left = true;
    this.#completed = false;
    return undefined;
  }
}
