import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

interface Pair {
  readonly inside: Socket;
  readonly outside: Socket;
}

/**
 * A TCP proxy in front of a broker that does to the line what networks do: breaks it, goes silent on it, loses
 * acknowledgements. It copies bytes; only to lose PUBACKs does it look for where MQTT packets begin.
 */
export class TcpProxy {
  /** Broker to client: PUBACKs are swallowed. */
  losePubacks = false;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #accepting = true;
  #silent = false;
  readonly #server = createServer({ noDelay: true }, (socket) => this.#join(socket));

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** @param target the broker's port on this machine; use {@link TcpProxy.start} */
  constructor(target: number) {
    this.#target = target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Breaks every connection and refuses new ones until {@link restore}. */
  cut(): void {
    this.#accepting = false;
    this.drop();
  }

  /** Breaks every connection; new ones are welcome. */
  drop(): void {
    for (const { inside, outside } of this.#pairs) {
      inside.destroy();
      outside.destroy();
    }
  }

  /**
   * Nothing passes any more, in either direction, and nobody is told: connections stay open, what the client sends
   * waits in its kernel and in ours. {@link restore} lets what waited pass on, as a network does that comes back.
   */
  goSilent(): void {
    this.#silent = true;
    for (const { inside, outside } of this.#pairs) {
      inside.pause();
      outside.pause();
    }
  }

  restore(): void {
    this.#accepting = true;
    this.#silent = false;
    for (const { inside, outside } of this.#pairs) {
      inside.resume();
      outside.resume();
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #join(outside: Socket): void {
    if (!this.#accepting) {
      outside.destroy();
      return;
    }
    const inside = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const pair = { inside, outside };
    this.#pairs.add(pair);
    const packets = new PacketSplitter();
    outside.on('data', (bytes) => inside.write(bytes));
    inside.on('data', (bytes) => {
      for (const packet of packets.take(bytes))
        if (!(this.losePubacks && (packet[0] ?? 0) >> 4 === PUBACK)) outside.write(packet);
    });
    for (const [end, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      end.on('end', () => other.end());
      end.on('error', () => other.destroy());
      end.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    if (this.#silent) {
      inside.pause();
      outside.pause();
    }
  }
}

const PUBACK = 4;

/** Cuts a stream at MQTT packet borders: one type byte, a length in 7-bit groups, the rest. */
class PacketSplitter {
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Buffer): Buffer[] {
    const packets: Buffer[] = [];
    let data = Buffer.concat([this.#rest, bytes]);
    for (let end = packetEnd(data); end !== undefined && end <= data.length; end = packetEnd(data)) {
      packets.push(data.subarray(0, end));
      data = data.subarray(end);
    }
    this.#rest = data;
    return packets;
  }
}

function packetEnd(data: Buffer): number | undefined {
  let length = 0;
  for (let index = 1; index < Math.min(data.length, 5); index++) {
    const byte = data.readUInt8(index);
    length += (byte & 0x7f) * 128 ** (index - 1);
    if ((byte & 0x80) === 0) return index + 1 + length;
  }
  return undefined;
}
