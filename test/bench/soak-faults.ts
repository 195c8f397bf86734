import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedLock, SimulatedNoiseSensor } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import type { Mosquitto } from '../peers/kit/mosquitto.ts';
import { doorSlugs, idOf, type SoakCaller } from './soak-site.ts';

/** The first bytes of a TLS handshake (RFC 8446, section 5.1), and no more. */
const HALF_HELLO = Buffer.from('16030102000100', 'hex');

export interface FaultyHouse {
  readonly port: number;
  readonly broker: Mosquitto;
  readonly lock: SimulatedLock;
  readonly sensor: SimulatedNoiseSensor;
  readonly caller: SoakCaller;
}

/** What goes wrong in a house, each at its own beat, for as long as the soak lasts. */
export class SoakFaults {
  readonly counts = new Map<string, number>();
  readonly #house: FaultyHouse;
  readonly #gone = new AbortController();
  readonly #sockets = new Set<Socket>();
  #running: Promise<void>[] = [];

  constructor(house: FaultyHouse) {
    this.#house = house;
  }

  begin(): void {
    const { lock, broker, sensor, port } = this.#house;
    this.#each('silent lock', 60_000, async () => {
      lock.misbehave({ deaf: true });
      await this.#pause(20_000);
      lock.behave();
    });
    this.#each('broker gone', 240_000, async () => {
      await broker.stop('SIGKILL');
      await this.#pause(10_000);
      await broker.start();
    });
    this.#each('hung up', 2_000, async () => {
      const of = { device_id: idOf(doorSlugs[0] ?? '') };
      await this.#house.caller.call('/locks/unlock_door', of, 40).catch(() => undefined);
    });
    this.#each('stream left', 5_000, async () => {
      await this.#house.caller.call('/events/stream', undefined, 300).catch(() => undefined);
    });
    this.#each('half handshakes', 10_000, async () => {
      for (let index = 0; index < 10; index++) {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
        socket.resume();
        if (index % 3 === 1) socket.write(HALF_HELLO);
        if (index % 3 === 2) socket.end(HALF_HELLO);
      }
    });
    this.#each('wrong key', 3_000, async () => {
      const stranger = connect({ port, host: '127.0.0.1' });
      this.#sockets.add(stranger);
      stranger.on('error', () => undefined);
      stranger.on('close', () => this.#sockets.delete(stranger));
      // Plain HTTP on a port that speaks TLS.
      stranger.end('GET /devices/list HTTP/1.1\r\nAuthorization: Bearer sp_none\r\n\r\n');
    });
    this.#each('noise', 1_000, async () => sensor.measure(40 + Math.random() * 40));
    this.#each('talkative sensor', 120_000, async () => {
      for (let index = 0; index < 2_000; index++) sensor.measure(50 + (index % 30));
    });
  }

  async end(): Promise<void> {
    this.#gone.abort();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#running);
    this.#running = [];
  }

  #pause(ms: number): Promise<unknown> {
    return sleep(ms, undefined, { signal: this.#gone.signal }).catch(() => undefined);
  }

  #each(what: string, ms: number, step: () => Promise<unknown>): void {
    const loop = async () => {
      // Not all at once, when it begins.
      await this.#pause(ms / 2);
      while (!this.#gone.signal.aborted) {
        this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
        await step();
        await this.#pause(ms);
      }
    };
    this.#running.push(loop());
  }
}

/** Who is sent webhooks: a minute well, a minute refusing, a minute without a word. */
export class FaultyReceiver {
  readonly #server: Server;
  readonly #held = new Set<ServerResponse>();
  received = 0;

  static async start(): Promise<FaultyReceiver> {
    const receiver = new FaultyReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  constructor() {
    this.#server = createServer((asked, answer) => {
      this.received += 1;
      asked.resume();
      const mood = Math.floor(performance.now() / 60_000) % 3;
      if (mood === 2) {
        this.#held.add(answer);
        answer.on('close', () => this.#held.delete(answer));
        return;
      }
      answer.statusCode = mood === 1 ? 503 : 200;
      answer.end();
    });
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
