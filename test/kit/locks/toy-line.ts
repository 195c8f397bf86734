import { pino } from 'pino';
import { GatewayError, type SendPermit, type SerialRequest } from '../../../src/contract/index.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { inProcessCarrier, type SimulatedWire } from '../../../src/transports/serial/in-process-carrier.ts';
import type { LineSettings } from '../../../src/transports/serial/line-timing.ts';
import { SerialBus } from '../../../src/transports/serial/serial-bus.ts';

export const line: LineSettings = { baudRate: 9600, parity: 'none', stopBits: 1 };
const text = (value: string) => Buffer.from(value, 'latin1');

/** A toy protocol: the answer to `?a;` is `=a;`. A switch `!a;` is answered by itself. */
export const ask = (name: string): SerialRequest<string> => toy(`?${name};`, `=${name};`);
export const turn = (name: string): SerialRequest<string> => toy(`!${name};`, `!${name};`);

function toy(question: string, answer: string): SerialRequest<string> {
  return {
    bytes: text(question),
    replyKind: question.slice(0, 1),
    replyTimeoutMs: 300,
    scan: (received) =>
      received.includes(answer)
        ? { found: true, value: answer }
        : { found: false, saw: received.length === 0 ? undefined : 'something else' },
  };
}

export class ToyWire implements SimulatedWire {
  plugged = true;
  readonly heard: { at: number; text: string }[] = [];
  #bytes: ((bytes: Buffer) => void)[] = [];
  #unplugged: (() => void)[] = [];
  /** What the units do with what they hear. */
  answer: (question: string) => void = () => undefined;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  receive(bytes: Buffer): void {
    const question = bytes.toString('latin1');
    this.heard.push({ at: this.#clock.now(), text: question });
    this.answer(question);
  }

  say(value: string, afterMs = 0): void {
    this.#clock.setTimer(() => {
      for (const listener of this.#bytes) listener(text(value));
    }, afterMs);
  }

  /** A healthy line: every question is answered after `afterMs`. */
  answerAll(afterMs = 20): void {
    this.answer = (question) => this.say(question.replace('?', '='), afterMs);
  }

  unplug(): void {
    this.plugged = false;
    for (const listener of [...this.#unplugged]) listener();
    // A real port tells twice.
    for (const listener of [...this.#unplugged]) listener();
  }

  onBytes(listener: (bytes: Buffer) => void): () => void {
    this.#bytes.push(listener);
    return () => {
      this.#bytes = this.#bytes.filter((other) => other !== listener);
    };
  }

  onUnplugged(listener: () => void): () => void {
    this.#unplugged.push(listener);
    return () => {
      this.#unplugged = this.#unplugged.filter((other) => other !== listener);
    };
  }
}

export async function openToyLine() {
  const clock = new SimulatedClock();
  const wire = new ToyWire(clock);
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (entry: string) => logged.push(entry) });
  const carrier = inProcessCarrier('/dev/simulated', wire, line, clock);
  const bus = new SerialBus({ name: 'bus1', carrier, line, clock, random: () => 0, log });
  const link = bus.link(1);
  const { signal } = new AbortController();
  const spent: number[] = [];
  const permit: SendPermit = {
    sendBy: Number.POSITIVE_INFINITY,
    spend: () => spent.push(clock.now()),
    withdraw: () => undefined,
  };
  const query = (name: string, priority: 'door' | 'poll' = 'poll') =>
    link.query(ask(name), { priority, signal: new AbortController().signal });
  const command = (name: string, with_: SendPermit = permit) => link.command(with_, turn(name), signal);
  bus.start();
  await clock.settle();
  return { clock, wire, bus, link, query, command, permit, spent, logged, signal };
}

/** What became of a promise, without making a rejection an unhandled one. */
export const outcome = async (promise: Promise<unknown>) => {
  try {
    return { value: await promise };
  } catch (error) {
    if (!(error instanceof GatewayError)) return { error };
    return { type: error.type, delivery: error.delivery, message: error.message };
  }
};
