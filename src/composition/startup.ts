export interface Closable {
  close(): Promise<void>;
}

/** What has been started, in order; it is released backwards, also when a start fails half way. */
export class Startup {
  readonly #up: Closable[] = [];
  #closing: Promise<void> | undefined;

  async add<T extends Closable>(start: () => Promise<T>): Promise<T> {
    const part = await start();
    this.#up.push(part);
    return part;
  }

  /** Releases everything; one that fails to close keeps none of the others open. Calling it again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.#up.pop(); part; part = this.#up.pop()) {
      await part.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Parts of the gateway failed to close.');
  }
}
