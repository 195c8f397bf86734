/**
 * What a lock's advertised "state changed" bit is good for. It is a level: a lock resets it when its state is read with
 * the authorization of a bridge, and for nobody else (Nuki developer forum, topic 1109). So it says of a change only
 * once, when it rises; while it stays set nothing can be seen in it, and the lock is read in its ordinary turn.
 */
export class ChangeBit {
  readonly #resetsIt: boolean;
  #isSet = false;
  /** Reads in a row that should have reset it and did not. */
  #unreset = 0;

  /** @param resetsIt our reads are those of a bridge */
  constructor(resetsIt: boolean) {
    this.#resetsIt = resetsIt;
  }

  /** The bit as it was heard. @returns whether the lock has something new to tell */
  heard(isSet: boolean): boolean {
    const rose = isSet && !this.#isSet;
    this.#isSet = isSet;
    if (!isSet) this.#unreset = 0;
    return rose;
  }

  /**
   * The lock was read at rest. A bridge's read has reset the bit: when it is heard set again, something changed since.
   * A lock that goes on showing it set is not believed to have changed for ever.
   *
   * @param isNew the read told something new
   */
  read(isNew: boolean): void {
    if (!this.#resetsIt || !this.#isSet) return;
    this.#unreset = isNew ? 0 : this.#unreset + 1;
    if (this.#unreset < 2) this.#isSet = false;
  }
}
