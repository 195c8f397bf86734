import { inspect } from 'node:util';

const masked = '***';

/**
 * A PIN, a key or a password. It prints as `***` wherever it is turned into text: string templates, JSON,
 * `console.log`, pino. Only {@link Secret.reveal} gives the value, so that every place that uses one can be found.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it as late as possible and keep the result out of objects that may be logged. */
  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return masked;
  }

  toJSON(): string {
    return masked;
  }

  [inspect.custom](): string {
    return masked;
  }
}
