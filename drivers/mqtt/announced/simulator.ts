import type { Clock, MqttMessage, Timer, Unsubscribe } from '../../../src/contract/index.ts';

/** A connection of the simulated lock's own to the broker. */
export interface LockMqtt {
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): void;
  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe;
}

export interface SimulatedLockOptions {
  readonly mqtt: LockMqtt;
  readonly clock: Clock;
  /** Its own topics are below this; `locks/front` unless told. */
  readonly base?: string;
  /** Where it announces itself; `homeassistant/lock/front/config` unless told. */
  readonly discoveryTopic?: string;
  /** What it announces; a lock below its base with the usual words unless told. */
  readonly announcement?: Readonly<Record<string, unknown>>;
  /** Default 700. */
  readonly motorMs?: number;
}

export interface LockMisbehaviour {
  /** Does nothing, and says nothing. */
  ignores?: boolean;
  jams?: boolean;
  actsLateMs?: number;
  tellsLateMs?: number;
  /** Acts, and never tells anything. */
  isMute?: boolean;
}

/**
 * A lock that announces itself, as ESPHome's do: its state and its availability are retained, its state is told when it
 * changes, when it connects, and again after each command. It obeys a retained command at each connection, as they do.
 */
export class SimulatedAnnouncedLock {
  bolt: 'locked' | 'unlocked' | 'between' = 'locked';
  readonly movements: { readonly at: number; readonly to: string }[] = [];
  /** Commands as they arrived, retained ones too. */
  readonly commands: { readonly at: number; readonly payload: string }[] = [];
  /** What it does about each message: one behaviour each, so that a test can put another in its place. */
  readonly behaviours = new Map([
    ['LOCK', () => this.#obey('locked')],
    ['UNLOCK', () => this.#obey('unlocked')],
  ]);
  readonly #options: SimulatedLockOptions;
  readonly #base: string;
  readonly #timers = new Set<Timer>();
  #misbehaviour: LockMisbehaviour = {};
  #unsubscribe: Unsubscribe | undefined;

  constructor(options: SimulatedLockOptions) {
    this.#options = options;
    this.#base = options.base ?? 'locks/front';
  }

  /** What it announces of itself unless it was told otherwise. */
  get usual() {
    return {
      name: 'Front',
      unique_id: this.#base,
      command_topic: `${this.#base}/command`,
      state_topic: `${this.#base}/state`,
      availability_topic: `${this.#base}/status`,
    };
  }

  start(): void {
    const { mqtt, announcement = this.usual } = this.#options;
    this.announce(announcement);
    this.#unsubscribe = mqtt.subscribe(`${this.#base}/command`, ({ payload }) => this.#told(payload.toString()));
    mqtt.publish(`${this.#base}/status`, 'online', { retain: true });
    this.say();
  }

  announce(announcement: Readonly<Record<string, unknown>> | undefined): void {
    const topic = this.#options.discoveryTopic ?? 'homeassistant/lock/front/config';
    this.#options.mqtt.publish(topic, announcement === undefined ? '' : JSON.stringify(announcement), { retain: true });
  }

  misbehave(misbehaviour: LockMisbehaviour): void {
    this.#misbehaviour = misbehaviour;
  }

  /** Tells its state, asked by nobody. */
  say(word: string = { locked: 'LOCKED', unlocked: 'UNLOCKED', between: 'JAMMED' }[this.bolt]): void {
    this.#options.mqtt.publish(`${this.#base}/state`, word, { retain: true });
  }

  /** Somebody turns it by hand. */
  turn(bolt: 'locked' | 'unlocked'): void {
    this.bolt = bolt;
    this.movements.push({ at: this.#options.clock.now(), to: bolt });
    this.say();
  }

  presence(word: 'online' | 'offline'): void {
    this.#options.mqtt.publish(`${this.#base}/status`, word, { retain: true });
  }

  stop(): void {
    this.#unsubscribe?.();
    for (const timer of this.#timers) timer.cancel();
  }

  #told(payload: string): void {
    this.commands.push({ at: this.#options.clock.now(), payload });
    if (!this.#misbehaviour.ignores) this.behaviours.get(payload)?.();
  }

  #obey(target: 'locked' | 'unlocked'): void {
    const { motorMs = 700 } = this.#options;
    this.#in((this.#misbehaviour.actsLateMs ?? 0) + motorMs, () => this.#move(target));
  }

  #move(target: 'locked' | 'unlocked'): void {
    const to = this.#misbehaviour.jams ? 'between' : target;
    if (this.bolt !== to) this.movements.push({ at: this.#options.clock.now(), to });
    this.bolt = to;
    if (!this.#misbehaviour.isMute) this.#in(this.#misbehaviour.tellsLateMs ?? 0, () => this.say());
  }

  #in(ms: number, what: () => void): void {
    const timer = this.#options.clock.setTimer(() => {
      this.#timers.delete(timer);
      what();
    }, ms);
    this.#timers.add(timer);
  }
}
