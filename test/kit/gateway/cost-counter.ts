import { createHook } from 'node:async_hooks';
import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** What something cost this process: counts, and no times. */
export interface Cost {
  readonly promises: number;
  readonly abortControllers: number;
  readonly timers: number;
  /** Units that the store is asked to make durable. */
  readonly commits: number;
  readonly statements: number;
  /** Bytes of what the store hands to its thread. */
  readonly bytesToWriter: number;
  /** Times that something is handed to the broker's socket. */
  readonly brokerWrites: number;
}

/** Counts from when it is made until it is closed. */
export class CostCounter {
  readonly #count = {
    promises: 0,
    abortControllers: 0,
    timers: 0,
    commits: 0,
    statements: 0,
    bytesToWriter: 0,
    brokerWrites: 0,
  };
  readonly #undo: (() => void)[] = [];

  /** @param brokerPort where the broker listens, in a process of its own */
  constructor(brokerPort: number) {
    const count = this.#count;
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'PROMISE') count.promises += 1;
      },
    }).enable();
    this.#undo.push(() => hook.disable());
    const { AbortController: Original, setTimeout: original } = globalThis;
    class Counted extends Original {
      constructor() {
        super();
        count.abortControllers += 1;
      }
    }
    globalThis.AbortController = Counted;
    this.#undo.push(() => {
      globalThis.AbortController = Original;
    });
    this.#wrap(globalThis, 'setTimeout', (args) => {
      count.timers += 1;
      return Reflect.apply(original, globalThis, args);
    });
    const { postMessage } = Worker.prototype;
    this.#wrap(Worker.prototype, 'postMessage', function (this: Worker, args) {
      const [message] = args as [{ readonly kind?: string; readonly units?: string }];
      if (message.kind === 'commit' && message.units !== undefined) {
        const units = JSON.parse(message.units) as { readonly steps: readonly unknown[]; readonly audit?: unknown[] }[];
        count.commits += units.length;
        count.statements += units.reduce((sum, { steps, audit = [] }) => sum + steps.length + audit.length, 0);
        count.bytesToWriter += message.units.length;
      }
      return Reflect.apply(postMessage, this, args);
    });
    for (const method of ['_write', '_writev'] as const) {
      const before = Socket.prototype[method];
      if (before === undefined) throw new Error(`This Node’s sockets have no ${method}.`);
      this.#wrap(Socket.prototype, method, function (this: Socket, args) {
        if (this.remotePort === brokerPort) count.brokerWrites += 1;
        return Reflect.apply(before, this, args);
      });
    }
  }

  /** What has been counted so far. */
  get soFar(): Cost {
    return { ...this.#count };
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #wrap<Owner extends object>(
    owner: Owner,
    name: keyof Owner,
    replacement: (this: never, args: readonly unknown[]) => unknown,
  ): void {
    const before = owner[name];
    const wrapped = function (this: unknown, ...args: readonly unknown[]) {
      return Reflect.apply(replacement, this, [args]);
    };
    Object.defineProperty(owner, name, { value: wrapped, configurable: true, writable: true });
    this.#undo.push(() => {
      Object.defineProperty(owner, name, { value: before, configurable: true, writable: true });
    });
  }
}
