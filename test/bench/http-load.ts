import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How one load went. */
export interface LoadResult {
  /** Milliseconds each, of those that succeeded. */
  readonly latencies: readonly number[];
  readonly ms: number;
  readonly failures: number;
  /** The first answer that was none of success. */
  readonly firstFailure?: string;
}

export interface Load {
  /** Requests under way at a time. */
  readonly clients: number;
  /** They go round so many devices. */
  readonly devices: number;
  readonly ms: number;
}

/** One kept-alive connection: a client that costs a fraction of what it measures, as no HTTP library does. */
class HttpConnection {
  readonly #socket: Socket;
  #received = '';
  #answered: ((body: string) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')));
    socket.on('error', (error) => this.#failed?.(error));
  }

  static async open(url: URL): Promise<HttpConnection> {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  /** Resolves with the answer's head and body. */
  exchange(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(request);
    });
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1]);
    if (this.#received.length < end + 4 + length) return;
    const answer = this.#received;
    this.#received = '';
    this.#answered?.(answer);
  }
}

export interface HttpTarget {
  readonly url: string;
  /** `device_id` by index. */
  readonly deviceIds: readonly string[];
  readonly apiKey: string;
}

function doorRequest(target: HttpTarget, deviceId: string, action: 'lock' | 'unlock'): string {
  const body = JSON.stringify({ device_id: deviceId });
  return [
    `POST /locks/${action}_door HTTP/1.1`,
    `Host: ${new URL(target.url).host}`,
    `Authorization: Bearer ${target.apiKey}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

const succeeded = (answer: string): boolean => answer.includes('"status":"success"');

/** One door, told to lock and to unlock in turn: what it was told last, it would have nothing new to say to. */
class Door {
  readonly #requests: readonly [lock: string, unlock: string];
  #unlocked: boolean;

  constructor(target: HttpTarget, deviceId: string, unlocked: boolean) {
    this.#requests = [doorRequest(target, deviceId, 'lock'), doorRequest(target, deviceId, 'unlock')];
    this.#unlocked = unlocked;
  }

  next(): string {
    this.#unlocked = !this.#unlocked;
    return this.#requests[this.#unlocked ? 1 : 0];
  }
}

/** Keeps its connections open over all its loads, and opens those again that the server closed meanwhile. */
export class HttpLoader {
  readonly #target: HttpTarget;
  readonly #doors: readonly Door[];
  readonly #connections: HttpConnection[] = [];

  /** @param target whose first door stands open ({@link firstSuccess}) */
  constructor(target: HttpTarget) {
    this.#target = target;
    this.#doors = target.deviceIds.map((id, index) => new Door(target, id, index === 0));
  }

  async run({ clients, devices, ms }: Load): Promise<LoadResult> {
    const until = (count: number, from: number) => count >= 0 && performance.now() - from < ms;
    return this.#run(clients, devices, until);
  }

  /** So many round trips instead of so long a time. */
  async runCount({ clients, devices }: Omit<Load, 'ms'>, attempts: number): Promise<LoadResult> {
    return this.#run(clients, devices, (count) => count < attempts);
  }

  close(): void {
    for (const connection of this.#connections.splice(0)) connection.close();
  }

  async #run(clients: number, devices: number, goesOn: (begun: number, from: number) => boolean): Promise<LoadResult> {
    const url = new URL(this.#target.url);
    for (let client = 0; client < clients; client++)
      if (this.#connections[client]?.closed !== false) this.#connections[client] = await HttpConnection.open(url);
    const latencies: number[] = [];
    const failed: string[] = [];
    let begun = 0;
    const from = performance.now();
    await Promise.all(
      this.#connections.slice(0, clients).map(async (connection, client) => {
        const own = this.#doors.slice(0, devices).filter((_, index) => index % clients === client);
        for (let turn = 0; goesOn(begun, from); turn++) {
          begun += 1;
          const request = own[turn % own.length]?.next() ?? '';
          const start = performance.now();
          const answer = await connection.exchange(request);
          if (succeeded(answer)) latencies.push(performance.now() - start);
          else failed.push(answer);
        }
      }),
    );
    const ms = performance.now() - from;
    const [firstFailure] = failed;
    return { latencies, ms, failures: failed.length, ...(firstFailure !== undefined && { firstFailure }) };
  }
}

/** Asks again and again until one round trip succeeds, as soon as anybody listens. */
export async function firstSuccess(target: HttpTarget): Promise<void> {
  const request = doorRequest(target, target.deviceIds[0] ?? '', 'unlock');
  for (;;) {
    try {
      const connection = await HttpConnection.open(new URL(target.url));
      const answer = await connection.exchange(request);
      connection.close();
      if (succeeded(answer)) return;
    } catch {
      // Nobody listens yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
