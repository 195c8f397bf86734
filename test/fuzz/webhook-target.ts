import { Duplex } from 'node:stream';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { WebhookClient } from '../../src/transports/webhook/webhook-client.ts';

/** Turns of the loop in which an answer that is over has been taken for one. */
const MOST_TURNS = 100;

/** What a receiver does with its side when it has said all that it says. */
const ends = ['closes', 'breaks off', 'says no more', 'goes on for ever'] as const;

/** A receiver that answers with these bytes, whatever it was sent. */
class StrangeReceiver extends Duplex {
  readonly #answer: Buffer;
  readonly #end: (typeof ends)[number];
  taken = 0;

  constructor(answer: Buffer, end: (typeof ends)[number]) {
    super();
    this.#answer = answer;
    this.#end = end;
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }

  override _read(): void {
    if (this.taken > 0) {
      if (this.#end === 'goes on for ever') this.#say(Buffer.alloc(4_096, 'x'));
      return;
    }
    this.#say(this.#answer);
    if (this.#end === 'closes') this.push(null);
    if (this.#end === 'breaks off') setImmediate(() => this.destroy(new Error('reset')));
  }

  /** What a socket has beside a stream: the HTTP client sets them. */
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #say(bytes: Buffer): void {
    this.taken += Math.max(1, bytes.length);
    this.push(bytes);
  }
}

/** So much an endless answer may be read of, in bytes: the client's limit, and what streams hold. */
const MOST_TAKEN = 1 << 20;

/** The first byte says how the answer ends, the others are the answer. */
export async function webhookAnswer(input: Buffer): Promise<void> {
  const end = ends[(input[0] ?? 0) % ends.length] ?? 'closes';
  const patience = new AbortController();
  let receiver: StrangeReceiver | undefined;
  const client = new WebhookClient({
    privateTargets: ['127.0.0.0/8'],
    createConnection: () => {
      receiver = new StrangeReceiver(input.subarray(1), end);
      return receiver;
    },
  });
  let outcome: number | Error | undefined;
  const request = { url: 'http://127.0.0.1:1/hook', headers: { 'content-type': 'application/json' }, body: '{}' };
  client.send(request, patience.signal).then(
    (status) => {
      outcome = status;
    },
    (error: Error) => {
      outcome = error;
    },
  );
  const settled = async () => {
    for (let turn = 0; turn < MOST_TURNS && outcome === undefined; turn++) await turnOfTheLoop();
    return outcome !== undefined;
  };
  // One that says no more is waited for until patience is over, and not a moment longer.
  if (end !== 'says no more' && end !== 'goes on for ever' && !(await settled()))
    throw new Error(`it ${end}, and is waited for`);
  if (end === 'goes on for ever') await settled();
  if ((receiver?.taken ?? 0) > MOST_TAKEN) throw new Error(`${receiver?.taken} bytes were read`);
  patience.abort(new Error('it took too long'));
  if (!(await settled())) throw new Error(`it ${end}, and is waited for although patience is over`);
  const isOutcome = outcome instanceof Error || (Number.isInteger(outcome) && Number(outcome) >= 0);
  if (!isOutcome) throw new Error(`the outcome is ${outcome}`);
  receiver?.destroy();
}
