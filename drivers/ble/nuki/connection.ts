import {
  type Clock,
  type GattSession,
  type ReadContext,
  type SendPermit,
  unlessAborted,
} from '../../../src/contract/index.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { Mailbox } from '../../../src/driver-kit/mailbox.ts';
import { characteristics, commands } from './catalogue.ts';
import {
  type Authorization,
  decodePlain,
  decrypt,
  EncryptedReassembler,
  encrypt,
  NONCE_BYTES,
  type NukiMessage,
  PlainReassembler,
} from './codec.ts';
import { requestData } from './codec-commands.ts';
import { type ErrorReport, readChallenge, readErrorReport } from './codec-replies.ts';
import { garbled, refusal, silent } from './failures.ts';

/** How long the lock may take for an answer that moves nothing, in milliseconds: reference clients give it 3 s to 5 s. */
export const REPLY_MS = 3_000;

export interface NukiConnectionOptions {
  readonly gatt: GattSession;
  readonly authorization: Authorization;
  readonly deviceName: string;
  readonly clock: Clock;
  readonly log: ReadContext['log'];
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Hears everything that arrives, in order, as it does; `asked` while somebody waits for an answer. */
export type Listener = (arrival: Arrival, asked: boolean) => void;

/** What arrived. An error report is one wherever it came from: encrypted, or in the clear. */
export type Arrival =
  | { readonly kind: 'message'; readonly message: NukiMessage }
  | { readonly kind: 'error'; readonly report: ErrorReport };

/** Questions and answers with a lock that knows us, on one connection. */
export class NukiConnection {
  readonly #options: NukiConnectionOptions;
  readonly #mailbox: Mailbox<Arrival>;
  /** Aborts when something unreadable came. */
  readonly #broken = new AbortController();
  #listener: Listener | undefined;
  #asking = 0;

  private constructor(options: NukiConnectionOptions) {
    this.#options = options;
    this.#mailbox = new Mailbox(options.clock, [options.gatt.signal], { keepsRest: true });
  }

  /** Begins to listen; the lock forgets listeners with each connection. */
  static async begin(options: NukiConnectionOptions): Promise<NukiConnection> {
    const { gatt, authorization } = options;
    const connection = new NukiConnection(options);
    const plain = new PlainReassembler();
    const sealed = new EncryptedReassembler();
    await gatt.subscribe(characteristics.keyturnerPlain, (chunk) =>
      connection.#hear(() => {
        const frame = plain.push(chunk);
        return frame && decodePlain(frame);
      }),
    );
    await gatt.subscribe(characteristics.keyturner, (chunk) =>
      connection.#hear(() => {
        const frame = sealed.push(chunk);
        return frame && decrypt(authorization, frame);
      }),
    );
    return connection;
  }

  /** Sends what cannot act and waits for the one answer. @throws GatewayError what the lock said, or `device_offline` */
  async ask(message: NukiMessage, answer: number): Promise<NukiMessage> {
    // What looks like the answer and came before the question is none.
    this.#mailbox.clear((arrival) => arrival.kind === 'message' && arrival.message.command === answer);
    this.#asking += 1;
    try {
      return await this.#ask(message, answer);
    } finally {
      this.#asking -= 1;
    }
  }

  async #ask(message: NukiMessage, answer: number): Promise<NukiMessage> {
    await this.send(message);
    const until = this.#options.clock.now() + REPLY_MS;
    for (;;) {
      const arrival = await this.next(until);
      if (arrival === undefined) throw silent(this.#options.deviceName, 'to a question');
      if (arrival.kind === 'error') {
        const { command, code } = arrival.report;
        // An error about something else says nothing of this.
        if (command === message.command || command === answer || command === 0)
          throw refusal(this.#options.deviceName, code);
        continue;
      }
      if (arrival.message.command === answer) return arrival.message;
    }
  }

  /** A fresh challenge: it serves one command, and the next message must be that command. */
  async challenge(): Promise<Buffer> {
    return readChallenge((await this.ask(requestData(commands.challenge), commands.challenge)).payload);
  }

  async send(message: NukiMessage): Promise<void> {
    await this.#options.gatt.query(characteristics.keyturner, this.#seal(message));
  }

  /** @throws GatewayError as {@link GattSession.command} */
  async act(permit: SendPermit, message: NukiMessage): Promise<void> {
    await this.#options.gatt.command(permit, characteristics.keyturner, this.#seal(message));
  }

  /**
   * What arrived next, or undefined when nothing did `until` (`Clock.now()`).
   * @throws GatewayError when the connection was lost, or something unreadable came
   */
  next(until: number): Promise<Arrival | undefined> {
    return this.#mailbox.next(until);
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  /** Resolves when the connection is lost, something unreadable came, or `signal` aborts. */
  async ended(signal: AbortSignal): Promise<void> {
    const never = new Promise<never>(() => undefined);
    const ends = [this.#options.gatt.signal, this.#broken.signal, signal];
    await underSignals(ends, (either) => unlessAborted(never, either)).catch(() => undefined);
  }

  /** Throws away what was not waited for. */
  clear(): void {
    this.#mailbox.clear();
  }

  close(): void {
    this.#mailbox.close();
  }

  #seal(message: NukiMessage): Buffer {
    const { authorization, randomBytes } = this.#options;
    return encrypt(authorization, randomBytes(NONCE_BYTES), message);
  }

  #hear(read: () => NukiMessage | undefined): void {
    const { deviceName, log } = this.#options;
    try {
      const message = read();
      if (message === undefined) return;
      const arrival: Arrival =
        message.command === commands.errorReport
          ? { kind: 'error', report: readErrorReport(message.payload) }
          : { kind: 'message', message };
      this.#mailbox.push(arrival);
      this.#listener?.(arrival, this.#asking > 0);
    } catch (error) {
      // Nothing after a damaged piece can be told apart any more.
      log.debug({ why: error instanceof Error ? error.message : 'unknown' }, 'a lock sent something unreadable');
      this.#mailbox.fail(garbled(deviceName, error));
      this.#broken.abort();
    }
  }
}
