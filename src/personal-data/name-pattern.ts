/** What stands where a name stood. */
export const FORGOTTEN = '(forgotten)';

/** Finds a name, however its letters are written and its blanks run, and takes it out. */
export class NamePattern {
  readonly #pattern: RegExp;

  /** @param name at least two characters */
  constructor(name: string) {
    const words = name.normalize('NFKC').trim().split(/\s+/u);
    const body = words.map((word) => word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('\\s+');
    this.#pattern = new RegExp(`(?<![\\p{L}\\p{N}])${body}(?![\\p{L}\\p{N}])`, 'giu');
  }

  isIn(text: string | undefined): boolean {
    return text !== undefined && text.normalize('NFKC').search(this.#pattern) >= 0;
  }

  takenOutOf(text: string): string {
    return this.isIn(text) ? text.normalize('NFKC').replaceAll(this.#pattern, FORGOTTEN) : text;
  }

  /** All texts in it but those that programs read: types, states, ids. */
  takenOutOfAll(value: unknown): unknown {
    if (typeof value === 'string') return this.takenOutOf(value);
    if (Array.isArray(value)) return value.map((one) => this.takenOutOfAll(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        typeof member === 'string' && wordsOfTheWire.test(key) ? member : this.takenOutOfAll(member),
      ]),
    );
  }
}

const wordsOfTheWire = /(^|_)(type|code|state|kind|method|status|ids?|at)$/;
