import type { Driver, ZWaveNode } from 'zwave-js';
import {
  type LinkState,
  Secret,
  type SendPermit,
  type Unsubscribe,
  unlessAborted,
  type ZwaveCommand,
  type ZwaveFeatures,
  type ZwaveLink,
  type ZwaveNodeStatus,
  type ZwaveQueryOptions,
  type ZwaveQuestions,
  type ZwaveReport,
  type ZwaveVerdict,
} from '../../contract/index.ts';
import { featuresOf, questions, type SendOptions, send } from './calls.ts';
import { fail, failureOf, isOutOfStep, isStickTrouble, isUnsent, linkDown } from './failures.ts';
import type { ZwaveLibrary } from './library.ts';
import { listenTo } from './reports.ts';

/** zwave-js, `NodeStatus`. */
const nodeStatus = { asleep: 1, dead: 3 } as const;
/** zwave-js, `MessagePriority`: the lower goes first; 7 is what interviews have. */
const priorities = { door: 6, code: 7, poll: 8 } as const;
/** How long a question may wait for its turn and its answer, in milliseconds. A guess: a beam, a nonce, a repeat. */
const QUESTION_MS = 10_000;

/** What a node needs of the stick it is behind. */
export interface NodeHost {
  readonly name: string;
  readonly state: LinkState;
  readonly library: ZwaveLibrary;
  now(): number;
  /** The stick failed in the middle of something: it is opened anew, and what it had in hand is dropped. */
  distrust(why: string): void;
}

/** One node, over every opening of its stick. */
export class NodeLink {
  readonly #id: number;
  readonly #host: NodeHost;
  readonly #changeListeners = new Set<() => void>();
  readonly #reportListeners = new Set<(report: ZwaveReport) => void>();
  #node: ZWaveNode | undefined;
  #driver: Driver | undefined;
  #detach: Unsubscribe = () => undefined;
  #features: ZwaveFeatures | undefined;
  /** It answered since it was attached, and has understood everything since. */
  #understood = false;
  /** How many questions about the bolt are under way. */
  #boltQuestions = 0;

  constructor(id: number, host: NodeHost) {
    this.#id = id;
    this.#host = host;
  }

  /** The stick is there. Its network may have no node of this number. */
  attach(driver: Driver): void {
    this.#detach();
    const node = driver.controller.nodes.get(this.#id);
    this.#driver = driver;
    this.#node = node;
    this.#understood = false;
    if (node === undefined) {
      this.#changed();
      return;
    }
    const changed = () => this.#changed();
    const events = ['ready', 'interview completed', 'interview failed', 'alive', 'dead', 'wake up', 'sleep'] as const;
    for (const event of events) node.on(event, changed);
    const stop = listenTo(node, {
      tell: (report) => {
        for (const listener of this.#reportListeners) listener(report);
      },
      isBoltAsked: () => this.#boltQuestions > 0,
      slots: () => this.#features?.codes?.slots,
    });
    this.#detach = () => {
      for (const event of events) node.off(event, changed);
      stop();
      this.#detach = () => undefined;
    };
    this.#changed();
  }

  detach(): void {
    this.#detach();
    this.#node = undefined;
    this.#changed();
  }

  /** What a device gets. */
  link(onStateChange: ZwaveLink['onStateChange']): ZwaveLink {
    const self = this;
    return {
      kind: 'zwave',
      node: this.#id,
      get state() {
        return self.#host.state;
      },
      onStateChange,
      get nodeStatus() {
        return self.#status;
      },
      onNodeChange: (listener) => subscribe(self.#changeListeners, listener),
      get features() {
        return self.#features;
      },
      onReport: (listener) => subscribe(self.#reportListeners, listener),
      knownSlotOf: (code) => self.#knownSlotOf(code),
      reach: (options) => self.#reach(options),
      query: (question, ask, options) => self.#query(question, ask, options),
      command: (permit, command, signal) => self.#command(permit, command, signal),
    };
  }

  get #status(): ZwaveNodeStatus {
    const node = this.#node;
    if (node === undefined) return 'missing';
    if (node.status === nodeStatus.dead) return 'dead';
    if (node.status === nodeStatus.asleep) return 'asleep';
    return node.ready ? 'ready' : 'interviewing';
  }

  #changed(): void {
    const node = this.#node;
    this.#features = node?.ready ? featuresOf(node) : undefined;
    for (const listener of this.#changeListeners) listener();
  }

  /** @throws GatewayError `not_sent` unless the node is there, awake, and was interviewed */
  #speakable(): ZWaveNode {
    const node = this.#present();
    if (node.ready) return node;
    throw this.#status === 'dead' ? this.#silent() : this.#unready();
  }

  /** @throws GatewayError `not_sent` unless the node may be pinged */
  #present(): ZWaveNode {
    const { name, state } = this.#host;
    if (state.status === 'down') throw linkDown(name, state.hint);
    const node = this.#node;
    if (node === undefined)
      throw fail(
        'misconfigured',
        `The Z-Wave stick ${name} has no node ${this.#id}. Correct the device's link, or include the device.`,
        'not_sent',
      );
    if (this.#status === 'asleep')
      throw fail(
        'device_not_ready',
        `Node ${this.#id} of the Z-Wave stick ${name} is asleep. It can be spoken to only when it wakes up by itself.`,
        'not_sent',
      );
    if (this.#status === 'interviewing') throw this.#unready();
    return node;
  }

  #unready() {
    return fail(
      'device_not_ready',
      `Node ${this.#id} of the Z-Wave stick ${this.#host.name} is still being asked what it can do. Try again in a few minutes.`,
      'not_sent',
    );
  }

  /** A node that was away since the stick was opened is interviewed when it answers: it is not ready then. */
  async #reach({ signal }: ZwaveQueryOptions): Promise<void> {
    signal.throwIfAborted();
    const node = this.#present();
    const ping = node.ping().catch((error: unknown) => {
      throw this.#noted(error, false);
    });
    const answers = await unlessAborted(ping, signal);
    if (!answers) {
      this.#present();
      throw this.#silent();
    }
    this.#speakable();
  }

  #silent() {
    return fail(
      'device_offline',
      `Node ${this.#id} of the Z-Wave stick ${this.#host.name} does not answer. Check its battery and its distance to the next node.`,
      'not_sent',
    );
  }

  async #query<Q extends keyof ZwaveQuestions>(
    question: Q,
    ask: ZwaveQuestions[Q]['ask'],
    { priority, signal }: ZwaveQueryOptions,
  ): Promise<ZwaveQuestions[Q]['answer']> {
    signal.throwIfAborted();
    const node = this.#speakable();
    const options: SendOptions = { priority: priorities[priority], expire: QUESTION_MS };
    const isBolt = question === 'bolt';
    if (isBolt) this.#boltQuestions += 1;
    const asked = questions[question](node, ask, options)
      .catch((error: unknown) => {
        throw this.#noted(error, false);
      })
      .finally(() => {
        if (isBolt) this.#boltQuestions -= 1;
      });
    const answer = await unlessAborted(asked, signal);
    if (answer === undefined) throw this.#silent();
    this.#understood = true;
    return answer;
  }

  async #command(permit: SendPermit, command: ZwaveCommand, signal: AbortSignal): Promise<ZwaveVerdict> {
    signal.throwIfAborted();
    const node = this.#speakable();
    const driver = this.#driver;
    if (driver === undefined) throw linkDown(this.#host.name, 'It is being opened.');
    permit.spend();
    const flight = new Flight(() => this.#host.now() > permit.sendBy);
    const options: SendOptions = {
      priority: command.do === 'lock' || command.do === 'unlock' ? priorities.door : priorities.code,
      // Two equal commands are two, and a later one does not swallow an earlier.
      preventDeduplication: true,
      expire: Math.max(1, permit.sendBy - this.#host.now()),
      onProgress: ({ state }) => {
        const wrong = flight.turn(Number(state));
        if (wrong !== undefined) this.#host.distrust(wrong);
      },
    };
    const sent = send({ node, driver, library: this.#host.library }, command, options).catch((error: unknown) => {
      if (!flight.left || isUnsent(error)) permit.withdraw();
      throw this.#noted(error, flight.left);
    });
    return unlessAborted(sent, signal);
  }

  #knownSlotOf(code: Secret): number | undefined {
    if (!this.#node?.ready || this.#features?.codes === undefined) return undefined;
    return this.#node.accessControl?.getAllCredentialsCached().find(({ data }) => {
      const text =
        typeof data === 'string' ? data : data === undefined ? undefined : Buffer.from(data).toString('latin1');
      return text !== undefined && code.equals(new Secret(text));
    })?.slot;
  }

  #noted(error: unknown, left: boolean): unknown {
    if (isStickTrouble(error)) this.#host.distrust('it did not answer');
    const understood = this.#understood;
    // One that does not understand the next question either has another key by now.
    if (isOutOfStep(error)) this.#understood = false;
    return failureOf(error, { stick: this.#host.name, node: this.#id, understood }, left);
  }
}

function subscribe<T>(listeners: Set<T>, listener: T): Unsubscribe {
  // Each subscription is its own, also of one listener twice.
  const own = ((...args: never[]) => (listener as (...args: never[]) => void)(...args)) as T;
  listeners.add(own);
  return () => listeners.delete(own);
}

/** zwave-js, `TransactionState`. */
const state = { active: 1, completed: 2 } as const;

/**
 * Follows one command through zwave-js: whether its bytes went out, and that they do so once and in time. A command
 * whose supervision the node does not know goes out once more without it, after the node refused the first.
 */
export class Flight {
  readonly #isLate: () => boolean;
  #left = false;
  #completed = false;

  constructor(isLate: () => boolean) {
    this.#isLate = isLate;
  }

  /** A byte may have left. */
  get left(): boolean {
    return this.#left;
  }

  /**
   * To be called, at once, with each state that zwave-js tells.
   * @returns why nothing must leave any more, when that is so
   */
  turn(now: number): string | undefined {
    if (now === state.completed) this.#completed = true;
    if (now !== state.active) return undefined;
    if (this.#isLate()) return 'it was about to send a command too late';
    // After a reset of the stick zwave-js sends what was under way again, and nobody knows whether it had arrived.
    if (this.#left && !this.#completed) return 'it was about to send a command a second time';
    this.#left = true;
    this.#completed = false;
    return undefined;
  }
}
