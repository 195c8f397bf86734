/** What stands where a name stood. */
export const FORGOTTEN = '(forgotten)';

/** Finds a name, however its letters are written and whatever stands between its words, and takes it out. */
export class NamePattern {
  readonly #pattern: RegExp;

  /** @param name at least two characters */
  constructor(name: string) {
    const words = name.normalize('NFKC').trim().split(/\s+/u);
    // `ana-meier`, `ana_meier` and `ana.meier` are how a name stands in a key.
    const body = words.map((word) => word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('[^\\p{L}\\p{N}]+');
    this.#pattern = new RegExp(`(?<![\\p{L}\\p{N}])${body}(?![\\p{L}\\p{N}])`, 'giu');
  }

  isIn(text: string | undefined): boolean {
    return text !== undefined && text.normalize('NFKC').search(this.#pattern) >= 0;
  }

  takenOutOf(text: string): string {
    return this.isIn(text) ? text.normalize('NFKC').replaceAll(this.#pattern, FORGOTTEN) : text;
  }
}
