/** What stands where a name stood. */
export const FORGOTTEN = '(forgotten)';

/** Finds a name, however its letters are written and whatever stands between its words, and takes it out. */
export class NamePattern {
  readonly #pattern: RegExp;

  /** @param name at least two characters */
  constructor(name: string) {
    // `ana-meier`, `ana_meier` and `ana.meier` are how a name stands in a key, and an apostrophe has many forms.
    const words = name.normalize('NFKC').match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
    const letter = '[\\p{L}\\p{M}\\p{N}]';
    const body = words.join(`[^\\p{L}\\p{M}\\p{N}]+`);
    // A name without a letter is nobody's.
    this.#pattern = words.length === 0 ? /(?!)/gu : new RegExp(`(?<!${letter})${body}(?!${letter})`, 'giu');
  }

  isIn(text: string | undefined): boolean {
    return text !== undefined && text.normalize('NFKC').search(this.#pattern) >= 0;
  }

  takenOutOf(text: string): string {
    return this.isIn(text) ? text.normalize('NFKC').replaceAll(this.#pattern, FORGOTTEN) : text;
  }
}
