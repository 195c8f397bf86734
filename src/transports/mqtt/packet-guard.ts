import type { Duplex } from 'node:stream';
import type { Clock, LinkState, Timer } from '../../contract/index.ts';
import { matches } from './topic-filter.ts';

/** A PUBLISH that was too large to be read. */
export interface OversizedMessage {
  readonly topic: string;
  readonly retained: boolean;
  /** Of the whole packet. */
  readonly bytes: number;
}

export interface PacketGuard {
  /** Bytes: the largest packet that is let through. */
  readonly limit: number;
  /** Called as soon as the topic is known, before the payload has come. */
  oversized(message: OversizedMessage): void;
  /** Something that is no MQTT, or too large and no PUBLISH: nothing after it can be read. */
  broken(): void;
}

const PUBLISH = 3;
const PUBACK = 0x40;
/** The longest fixed header: a byte and a length of four (MQTT 5, section 2.1.4). */
const LONGEST_HEADER = 5;

/**
 * Looks at the length of each packet before anything reads it (MQTT 3.1.1 and 5, section 2.2), and leaves out a PUBLISH
 * that is too large, byte by byte as it comes: the MQTT library would put it together in memory first. QoS 1 is
 * acknowledged, so that the broker does not wait for it. What is on the way behind it is heard.
 */
export function guardPackets(stream: Duplex, guard: PacketGuard): void {
  const reader = new PacketReader(guard, (packet) => void stream.write(packet));
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null) => {
    if (chunk === null) return push(null);
    const passed = reader.take(chunk);
    // Also when nothing is left of it: the stream asks for more only after a push.
    return push(passed);
  };
}

/** Splits a stream of bytes into packets, without keeping them. */
export class PacketReader {
  readonly #guard: PacketGuard;
  readonly #acknowledge: (packet: Buffer) => void;
  /** The fixed header as far as it came, or with the beginning of an oversized PUBLISH. */
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the packet under way that are still to come, and what becomes of them. */
  #left = 0;
  #passing = true;
  #broken = false;

  constructor(guard: PacketGuard, acknowledge: (packet: Buffer) => void) {
    this.#guard = guard;
    this.#acknowledge = acknowledge;
  }

  /** @returns what may be read of it */
  take(chunk: Buffer): Buffer {
    // The usual case costs nothing: everything in it belongs to packets that pass.
    const end = this.#endOfPackets(chunk);
    if (end !== undefined) {
      this.#left = end - chunk.length;
      return chunk;
    }
    const passed: Buffer[] = [];
    for (let rest = chunk; rest.length > 0 && !this.#broken; ) rest = this.#step(rest, passed);
    return passed.length === 1 && passed[0] !== undefined ? passed[0] : Buffer.concat(passed);
  }

  /** Where the last packet in it ends, which may be behind it; undefined where one is cut within its header, or does not pass. */
  #endOfPackets(chunk: Buffer): number | undefined {
    if (!this.#passing || this.#broken || this.#head.length > 0) return undefined;
    let end = this.#left;
    while (end < chunk.length) {
      const header = headerOf(chunk, end);
      if (header === undefined || header === 'broken') return undefined;
      const bytes = header.size + header.length;
      if (bytes > this.#guard.limit) return undefined;
      end += bytes;
    }
    return end;
  }

  #step(chunk: Buffer, passed: Buffer[]): Buffer {
    if (this.#left > 0 && this.#head.length === 0) {
      const taken = chunk.subarray(0, this.#left);
      if (this.#passing) passed.push(taken);
      this.#left -= taken.length;
      return chunk.subarray(taken.length);
    }
    const known = this.#head.length;
    const bytes = known === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const header = headerOf(bytes);
    if (header === 'broken') return this.#fail();
    if (header === undefined) {
      this.#head = Buffer.from(bytes);
      return Buffer.alloc(0);
    }
    const { length, size } = header;
    if (size + length <= this.#guard.limit) {
      this.#head = Buffer.alloc(0);
      this.#passing = true;
      // The whole of it, header and all; as much as there is goes at once.
      const taken = bytes.subarray(0, size + length);
      passed.push(taken);
      this.#left = size + length - taken.length;
      return bytes.subarray(taken.length);
    }
    return this.#refuse(bytes, header);
  }

  #refuse(bytes: Buffer, { size, length, type, flags }: Header): Buffer {
    if (type !== PUBLISH) return this.#fail();
    const qos = (flags >> 1) & 3;
    const topicEnd = bytes.length < size + 2 ? undefined : size + 2 + bytes.readUInt16BE(size);
    const end = topicEnd === undefined ? undefined : topicEnd + (qos > 0 ? 2 : 0);
    if (end !== undefined && end > size + length) return this.#fail();
    if (topicEnd === undefined || end === undefined || bytes.length < end) {
      this.#head = Buffer.from(bytes);
      return Buffer.alloc(0);
    }
    this.#head = Buffer.alloc(0);
    this.#passing = false;
    const taken = Math.min(bytes.length, size + length);
    this.#left = size + length - taken;
    if (qos === 1) this.#acknowledge(Buffer.from([PUBACK, 2, ...bytes.subarray(topicEnd, end)]));
    this.#guard.oversized({
      topic: bytes.toString('utf8', size + 2, topicEnd),
      retained: (flags & 1) === 1,
      bytes: size + length,
    });
    return bytes.subarray(taken);
  }

  #fail(): Buffer {
    this.#broken = true;
    this.#guard.broken();
    return Buffer.alloc(0);
  }
}

interface Header {
  readonly type: number;
  readonly flags: number;
  /** Of the fixed header, in bytes. */
  readonly size: number;
  /** Of what follows it, in bytes. */
  readonly length: number;
}

/** Undefined while more bytes are needed. */
function headerOf(bytes: Buffer, start = 0): Header | 'broken' | undefined {
  let length = 0;
  for (let at = 1; at < LONGEST_HEADER; at++) {
    const byte = bytes[start + at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** (at - 1);
    const first = bytes[start] ?? 0;
    if (byte < 0x80) return { type: first >> 4, flags: first & 0x0f, size: at + 1, length };
  }
  return 'broken';
}

/**
 * How long a topic is not listened to, in milliseconds. A guess: one look in a quarter of an hour is bearable, and who
 * cleared the message need not restart the gateway.
 */
const SHUNNED_MS = 900_000;

interface Shunned {
  readonly bytes: number;
  readonly timer: Timer;
}

/**
 * Topics on which a message was too large to be read. Kept by the broker, it would come again with each connection, and
 * over a slow line no connection would live to its end: so nobody listens there for a while.
 */
export class ShunnedTopics {
  readonly #clock: Clock;
  readonly #onOver: (topic: string) => void;
  readonly #topics = new Map<string, Shunned>();

  /** @param onOver called when a topic may be listened to again */
  constructor(clock: Clock, onOver: (topic: string) => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  add(topic: string, bytes: number): void {
    this.#topics.get(topic)?.timer.cancel();
    const timer = this.#clock.setTimer(() => {
      this.#topics.delete(topic);
      this.#onOver(topic);
    }, SHUNNED_MS);
    this.#topics.set(topic, { bytes, timer });
  }

  /** Why one of these is not listened to; undefined when all are. */
  reasonFor(listened: Iterable<{ readonly filter: string }>): (LinkState & { readonly status: 'down' }) | undefined {
    if (this.#topics.size === 0) return undefined;
    for (const { filter } of listened)
      for (const [topic, { bytes }] of this.#topics)
        if (matches(filter, topic))
          return { status: 'down', reason: 'message_too_large', hint: tooLarge(topic, bytes) };
    return undefined;
  }

  close(): void {
    for (const { timer } of this.#topics.values()) timer.cancel();
    this.#topics.clear();
  }
}

/** What to do about it, for people. */
export const tooLarge = (topic: string, bytes: number): string =>
  `A message of ${bytes} bytes is on ${topic}, which is more than is read. Find out who publishes there; if the broker ` +
  'keeps it, publish an empty retained message there.';
