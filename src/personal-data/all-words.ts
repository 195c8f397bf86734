import type { Rewording } from '../model/rewording.ts';
import { NamePattern } from './name-pattern.ts';

/** Takes somebody out of everything that is written, by any of their names. */
export class AllWords implements Rewording {
  readonly #patterns: readonly NamePattern[];
  readonly #newKey: () => string;
  /** What was the same key stays one. */
  readonly #keys = new Map<string, string>();

  /** @param newKey a key that nobody has */
  constructor(names: readonly string[], newKey: () => string) {
    this.#patterns = names.map((name) => new NamePattern(name));
    this.#newKey = newKey;
  }

  isIn(text: string | undefined): boolean {
    return this.#patterns.some((pattern) => pattern.isIn(text));
  }

  readonly text = (text: string): string => this.#patterns.reduce((told, pattern) => pattern.takenOutOf(told), text);

  readonly key = (key: string): string => {
    if (!this.isIn(key)) return key;
    const known = this.#keys.get(key) ?? this.#newKey();
    this.#keys.set(key, known);
    return known;
  };

  readonly pairs = <Value>(pairs: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(
      Object.entries(pairs).map(([name, value]) => [
        this.text(name),
        typeof value === 'string' ? (this.text(value) as Value & string) : value,
      ]),
    );

  /** All texts in it but those that programs read: types, states, ids. */
  all<Value>(value: Value): Value {
    return this.#all(value) as Value;
  }

  #all(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.#all(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#member(name, member)]));
  }

  #member(name: string, value: unknown): unknown {
    if (madeUpPairs.test(name) && typeof value === 'object' && value !== null && !Array.isArray(value))
      return this.pairs(value as Record<string, unknown>);
    if (chosenKeys.test(name)) {
      if (typeof value === 'string') return this.key(value);
      if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? this.key(one) : this.#all(one)));
    }
    const isForPrograms = typeof value === 'string' && wordsOfTheWire.test(name) && programWord.test(value);
    return isForPrograms ? value : this.#all(value);
  }
}

const madeUpPairs = /^(custom_metadata|customMetadata|customer_data|customerData)$/;
const chosenKeys = /(^|_)keys?$|[a-z]Keys?$/;
const wordsOfTheWire = /(^|_)(type|code|state|kind|method|status|ids?|at)$/;
const programWord = /^[\w.:-]*$/;
