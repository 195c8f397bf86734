import { logTypes } from './catalogue.ts';
import { ByteWriter } from './simulator-bytes.ts';

interface Entry {
  readonly index: number;
  readonly at: number;
  readonly authorizationId: number;
  readonly name: string;
  readonly type: number;
  readonly data: readonly number[];
}

/** What the lock remembers of what happened to it. */
export class SimulatedLog {
  readonly #entries: Entry[] = [];
  readonly #wallTime: () => number;
  /** How many entries it keeps; the oldest go. */
  readonly #capacity: number;
  #lastIndex = 0;

  constructor(wallTime: () => number, capacity = 1_000) {
    this.#wallTime = wallTime;
    this.#capacity = capacity;
  }

  /** The lock was reset: it counts from the beginning again. */
  clear(): void {
    this.#entries.length = 0;
    this.#lastIndex = 0;
  }

  lockAction(
    by: { readonly authorizationId: number; readonly name: string },
    what: { readonly action: number; readonly trigger: number; readonly flags: number; readonly completion: number },
  ): void {
    this.#add(by, logTypes.lockAction, [what.action, what.trigger, what.flags, what.completion]);
  }

  /** @param source 0 the arrow key, 1 a code, 2 a finger */
  keypad(name: string, action: number, completion: number, codeId: number, source = 1): void {
    const data = [action, source, completion, codeId & 0xff, codeId >> 8];
    this.#add({ authorizationId: 0, name }, logTypes.keypad, data);
  }

  /** The payloads of `count` entries, from `startIndex` on; 0: from the newest or oldest. */
  payloads(startIndex: number, count: number, newestFirst: boolean): Buffer[] {
    const ordered = newestFirst ? this.#entries.toReversed() : this.#entries;
    const from = startIndex === 0 ? 0 : ordered.findIndex(({ index }) => index === startIndex);
    return (from === -1 ? [] : ordered.slice(from, from + count)).map((entry) =>
      new ByteWriter()
        .u32(entry.index)
        .time(entry.at)
        .u32(entry.authorizationId)
        .text(entry.name, 32)
        .u8(entry.type, ...entry.data)
        .build(),
    );
  }

  #add(by: { readonly authorizationId: number; readonly name: string }, type: number, data: readonly number[]): void {
    this.#entries.push({ index: ++this.#lastIndex, at: this.#wallTime(), ...by, type, data });
    if (this.#entries.length > this.#capacity) this.#entries.shift();
  }
}
