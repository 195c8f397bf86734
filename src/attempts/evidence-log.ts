import type { Clock, WeighedMessage } from '../contract/index.ts';
import type { Evidence } from '../model/records.ts';

/** Messages kept of one attempt; of more the first and the last tell what decided. */
const FIRST_KEPT = 8;
const LAST_KEPT = 16;

/** A driver's words are few and short: anything else could hold what it should not. */
const word = /^[a-z][a-z_]{0,30}$/;
/** `bolt`, `slot/5`. */
const subject = /^[a-z][a-z_]{0,30}(\/\d{1,5})?$/;

/** What was weighed for one attempt since its last change of state, in a fixed amount of memory. */
export class EvidenceLog {
  readonly #clock: Clock;
  #heard: readonly Evidence[] = [];
  #kept = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns nothing when nothing was weighed */
  get heard(): readonly Evidence[] | undefined {
    return this.#heard.length === 0 ? undefined : this.#heard;
  }

  /** What comes from here on belongs to another state. */
  turn(): void {
    this.#kept += this.#heard.length;
    this.#heard = [];
  }

  add({ at, source, about, value, verdict }: WeighedMessage): void {
    const evidence: Evidence = {
      at: this.#clock.wallTime() - Math.max(0, Math.round(this.#clock.now() - at)),
      source,
      about: about === undefined || subject.test(about) ? about : 'other',
      value: value === undefined || word.test(value) ? value : 'other',
      verdict,
      times: 1,
    };
    const last = this.#heard.at(-1);
    if (last !== undefined && isSame(last, evidence)) {
      this.#heard = [...this.#heard.slice(0, -1), { ...last, times: last.times + 1 }];
      return;
    }
    const first = Math.max(0, FIRST_KEPT - this.#kept);
    const all = [...this.#heard, evidence];
    this.#heard = all.length > first + LAST_KEPT ? [...all.slice(0, first), ...all.slice(first + 1)] : all;
  }
}

const isSame = (a: Evidence, b: Evidence): boolean =>
  a.source === b.source && a.about === b.about && a.value === b.value && a.verdict === b.verdict;
