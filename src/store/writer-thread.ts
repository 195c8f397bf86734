import type { Worker } from 'node:worker_threads';
import { GatewayError } from '../contract/index.ts';
import type { AuditHead } from '../model/store.ts';
import { newWriter, type WriterAhead } from './writer-ahead.ts';
import type { FromWriter, ToWriter, Unit, UnitFailure, WriterOptions } from './writer-protocol.ts';

export interface WriterEvents {
  /** The disk became full, or has room again. */
  readonly onRoom: (hasRoom: boolean, message: string) => void;
  /** A row had to be taken out of the database. */
  readonly onDamage?: (place: string) => void;
  /** Where the audit log ends, after a group that made it longer. */
  readonly onAudit?: (head: AuditHead) => void;
  /** A sync failed or the thread died: what is on disk is unknown, and the process must end. */
  readonly onFatal: (error: Error) => void;
}

type Committed = Extract<FromWriter, { kind: 'committed' }>;

interface Started {
  readonly ready: (hasRoom: boolean) => void;
  readonly refuse: (error: GatewayError) => void;
}

/** The main thread's end of the writer. */
export class WriterThread {
  readonly #worker: Worker;
  readonly #events: WriterEvents;
  readonly #started: Started;
  #committed: ((message: Committed) => void) | undefined;
  #closed: (() => void) | undefined;
  readonly #scrubbed: ((isClean: boolean) => void)[] = [];
  #state: 'starting' | 'running' | 'over' = 'starting';

  private constructor(options: WriterOptions, events: WriterEvents, started: Started, ahead: WriterAhead | undefined) {
    this.#events = events;
    this.#started = started;
    this.#worker = ahead?.take() ?? newWriter();
    this.#worker.on('message', (message: FromWriter) => this.#take(message));
    this.#worker.on('error', (error) => this.#die(error));
    this.#worker.on('exit', (code) => this.#die(new Error(`The store's thread ended with code ${code}.`)));
    this.#worker.postMessage(options);
  }

  /**
   * Has the thread open the database and bring it up to date.
   * @param ahead the thread, where it was started before
   * @throws GatewayError `misconfigured` when the database cannot be used
   */
  static async start(
    options: WriterOptions,
    events: WriterEvents,
    ahead?: WriterAhead,
  ): Promise<{ readonly writer: WriterThread; readonly hasRoom: boolean }> {
    return new Promise((resolve, reject) => {
      const started = { ready: (hasRoom: boolean) => resolve({ writer, hasRoom }), refuse: reject };
      const writer: WriterThread = new WriterThread(options, events, started, ahead);
    });
  }

  /** Entries of the audit log that come with units are written from now on. */
  keepAudit(key: Uint8Array, statement: number, end?: AuditHead): void {
    this.#post({ kind: 'keep_audit', key, statement, ...(end && { end }) });
  }

  /**
   * Makes the units durable in one group; one answer per unit, null when it is on disk. Undefined when all are. One group
   * at a time.
   */
  commit(units: readonly Unit[]): Promise<readonly (UnitFailure | null)[] | undefined> {
    return new Promise((resolve) => {
      this.#committed = ({ failures, audit }) => {
        if (audit !== null) this.#events.onAudit?.(audit);
        resolve(failures ?? undefined);
      };
      this.#post({ kind: 'commit', units: JSON.stringify(units) });
    });
  }

  /**
   * Moves everything from the log into the database and cuts the log off. What is deleted in the database is overwritten.
   * @throws GatewayError `storage_unavailable` when somebody else reads it, or the disk is full
   */
  async scrub(): Promise<void> {
    const isClean = await new Promise<boolean>((resolve) => {
      this.#scrubbed.push(resolve);
      this.#post({ kind: 'scrub' });
    });
    if (!isClean)
      throw new GatewayError(
        'storage_unavailable',
        'The log of the database could not be cut off: another program reads the database, or its disk is full. Until that is over it may hold what was deleted; ask again then.',
      );
  }

  /** Closes the database and ends the thread. */
  async close(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'over';
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
        this.#post({ kind: 'close' });
      });
    }
    await this.#worker.terminate();
  }

  #post(message: ToWriter): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromWriter): void {
    switch (message.kind) {
      case 'ready':
        this.#state = 'running';
        for (const place of message.takenOut) this.#events.onDamage?.(place);
        this.#started.ready(message.hasRoom);
        break;
      case 'unusable':
        this.#refuse(message.message);
        break;
      case 'committed':
        this.#committed?.(message);
        break;
      case 'room':
        this.#events.onRoom(message.hasRoom, message.message);
        break;
      case 'fatal':
        this.#die(new Error(`${message.message} (${message.code})`));
        break;
      case 'scrubbed':
        this.#scrubbed.shift()?.(message.isClean);
        break;
      case 'closed':
        this.#closed?.();
        break;
    }
  }

  #refuse(message: string, cause?: Error): void {
    this.#state = 'over';
    this.#started.refuse(new GatewayError('misconfigured', message, { cause }));
  }

  #die(error: Error): void {
    // Closing, it dies before it could say that it has closed: that must not be waited for.
    this.#closed?.();
    if (this.#state === 'starting') this.#refuse(`The store could not be started: ${error.message}`, error);
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#events.onFatal(error);
  }
}
