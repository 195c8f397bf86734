/** What was started, ended in reverse: also when the bench fails half way, and when somebody interrupts it. */
export class Closers {
  readonly #closers: (() => Promise<unknown>)[] = [];

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => void this.close().then(() => process.exit(1)));
  }

  add(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  /** One that fails to close keeps none of the others open. */
  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop())
      await close().catch((error: unknown) => console.error(error));
  }
}
