import type { Clock } from '../../../src/contract/index.ts';

/** A lock that took a command or a write says so within this time, and a read is answered. A guess at the sleepiest. */
const owedMs = 30_000;
/** A lock may tell an operation again this long after it, in a message that looks new. Z-Wave locks do for 4.5 s. */
const repeatedMs = 12_000;

type Operation = 'locked' | 'unlocked';
interface Write {
  readonly slot: number;
  readonly occupied: boolean;
  readonly at: number;
}
interface Question {
  readonly about: string;
  readonly at: number;
}
interface Command {
  readonly operation: Operation;
  readonly at: number;
}

/**
 * What this gateway itself commanded, wrote and asked, and when. MQTT has no correlation here, and another program may
 * do the same over the same bridge: what is not accounted for is somebody else's, or of before.
 */
export class OwnTraffic {
  readonly #clock: Clock;
  #writes: readonly Write[] = [];
  #commands: readonly Command[] = [];
  /** The last command, as long as the bridge may still say itself what should come of it. */
  #echoed: Command | undefined;
  #questions: readonly Question[] = [];
  /** Made for the first: most devices hear nothing twice. */
  #heardAt: Map<string, number> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns takes it back when nothing left */
  wrote(slot: number, occupied: boolean): () => void {
    const write = { slot, occupied, at: this.#clock.now() };
    this.#writes = [...this.#recent(this.#writes), write];
    return () => {
      this.#writes = this.#writes.filter((other) => other !== write);
    };
  }

  /** @returns takes it back when nothing left */
  commanded(operation: Operation): () => void {
    const command = { operation, at: this.#clock.now() };
    this.#commands = [...this.#recent(this.#commands), command];
    this.#echoed = command;
    return () => {
      this.#echoed = undefined;
      this.#commands = this.#commands.filter((other) => other !== command);
    };
  }

  /** @param about `bolt`, `slot/5` */
  asked(about: string): void {
    this.#questions = [...this.#recent(this.#questions), { about, at: this.#clock.now() }];
  }

  /** Whether the lock says by this that it took a write of ours: it owes one such word for each. */
  accountsForWrite(slot: number, occupied: boolean): boolean {
    const owed = this.#recent(this.#writes).find((one) => one.slot === slot && one.occupied === occupied);
    this.#writes = this.#writes.filter((one) => one !== owed);
    return owed !== undefined;
  }

  /**
   * Whose command an operation over the air was. Events are matched with commands in order.
   *
   * - `last`: only our last command can be meant.
   * - `earlier`: an earlier one of ours may be, or it is told again.
   * - `nobody`: none of ours.
   */
  whoseOperation(operation: Operation): 'last' | 'earlier' | 'nobody' {
    const owed = this.#recent(this.#commands).filter((one) => one.operation === operation);
    if (owed.length > 0) this.#commands = this.#commands.filter((one) => one !== owed[0]);
    const isRepeated = this.isRepeated(operation, repeatedMs);
    if (owed.length === 0) return isRepeated ? 'earlier' : 'nobody';
    return owed.length > 1 || isRepeated ? 'earlier' : 'last';
  }

  /** Whether it may be the bridge that says so, of our last command: it does once. */
  takeEcho(operation: Operation): boolean {
    const isEcho = this.#echoed?.operation === operation && this.#recent([this.#echoed]).length > 0;
    if (isEcho) this.#echoed = undefined;
    return isEcho;
  }

  /** Whether the same was heard within this time before; it is remembered for the next. */
  isRepeated(what: string, withinMs: number): boolean {
    const now = this.#clock.now();
    this.#heardAt ??= new Map();
    const before = this.#heardAt.get(what);
    this.#heardAt.set(what, now);
    return before !== undefined && now - before < withinMs;
  }

  /**
   * What a message may answer in which nothing differs from before: everything that was asked and not answered yet.
   * @returns undefined when nothing was
   */
  takeAnswered(): ReadonlySet<string> | undefined {
    if (this.#questions.length === 0) return undefined;
    const about = new Set<string>();
    const later: Question[] = [];
    // Of each the oldest is answered.
    for (const question of this.#recent(this.#questions))
      if (about.has(question.about)) later.push(question);
      else about.add(question.about);
    this.#questions = later;
    return about.size === 0 ? undefined : about;
  }

  /** News of it: a question about it is answered. @returns whether one may be */
  takeAnswerAbout(about: string): boolean {
    if (this.#questions.length === 0) return false;
    const recent = this.#recent(this.#questions);
    const found = recent.find((one) => one.about === about);
    this.#questions = recent.filter((one) => one !== found);
    return found !== undefined;
  }

  #recent<T extends { readonly at: number }>(all: readonly T[]): readonly T[] {
    if (all.length === 0) return all;
    const since = this.#clock.now() - owedMs;
    return all.filter(({ at }) => at > since);
  }
}
