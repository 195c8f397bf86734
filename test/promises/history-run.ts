import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import type { Core } from '../../src/composition/core.ts';
import { MemoryMqtt } from '../../src/driver-testing/memory-mqtt.ts';
import type { MemoryMqttLink } from '../../src/driver-testing/memory-mqtt-link.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import type { AttemptRecord, AttemptStatus } from '../../src/model/records.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { MortalClock } from '../kit/clock/mortal-clock.ts';
import { coreFixture, type FixtureDevice } from '../kit/gateway/core-fixture.ts';
import { seededRandom } from '../kit/seeded-random.ts';

export type DoorAction = 'LOCK_DOOR' | 'UNLOCK_DOOR';

/** A request that was answered: from then on the gateway owes it an end. */
export interface Answered {
  readonly id: string;
  readonly action: DoorAction;
  readonly receivedAt: number;
  readonly answeredAt: number;
}

/** Everything that a history left behind, for judging it. */
export interface HistoryTrace {
  readonly seed: number;
  readonly steps: readonly string[];
  readonly answered: readonly Answered[];
  /** What the store holds at the end. */
  readonly attempts: readonly AttemptRecord[];
  readonly lock: SimulatedLock;
  /** Every door command that left the gateway, whether it arrived or not. */
  readonly left: readonly { readonly at: number; readonly action: DoorAction }[];
  /** When the gateway was started, on the simulated clock. */
  readonly starts: readonly number[];
  /** Every public status that anybody was shown, in order, per attempt. */
  readonly shown: ReadonlyMap<string, readonly AttemptStatus[]>;
  /** Attempts of which a final status was shown before it was on disk. */
  readonly shownTooEarly: readonly string[];
  /** `acceptedAt` and `settledAt` minus this are times on the simulated clock. */
  readonly wallOffset: number;
}

interface Process {
  readonly core: Core;
  readonly clock: MortalClock;
  readonly link: MemoryMqttLink;
  readonly store: MemoryStore;
}

function doorCommand({ at, payload }: { at: number; payload: string }): { at: number; action: DoorAction } {
  const { state } = JSON.parse(payload) as { state: 'LOCK' | 'UNLOCK' };
  return { at, action: `${state}_DOOR` };
}

/** A random life of one gateway and one lock, repeatable by its seed. */
export class HistoryRun {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #clock = new SimulatedClock();
  readonly #broker: MemoryMqtt;
  readonly #bridge: Zigbee2MqttSimulator;
  readonly #lock: SimulatedLock;
  readonly #driver: FixtureDevice['driver'];
  readonly #settings: unknown;
  readonly #steps: string[] = [];
  readonly #answered: Answered[] = [];
  readonly #starts: number[] = [];
  readonly #links: MemoryMqttLink[] = [];
  readonly #shown = new Map<string, AttemptStatus[]>();
  readonly #shownTooEarly: string[] = [];
  #process: Process | undefined;
  #commitMs = 2;

  constructor(seed: number, driver: FixtureDevice['driver'], settings: unknown) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#driver = driver;
    this.#settings = settings;
    this.#broker = new MemoryMqtt({
      clock: this.#clock,
      random: this.#random,
      latencyMs: 1,
      jitterMs: this.#chance(0.3) ? 300 : 10,
      protocol: this.#chance(0.7) ? 5 : 4,
    });
    this.#bridge = new Zigbee2MqttSimulator({ mqtt: this.#broker.peer(), clock: this.#clock });
    this.#lock = this.#bridge.addLock({
      friendlyName: 'Front Door',
      bolt: this.#chance(0.5) ? 'locked' : 'unlocked',
    });
  }

  async run(): Promise<HistoryTrace> {
    this.#bridge.start();
    await this.#start(new MemoryStore({ clock: this.#clock, commitMs: () => this.#commitMs }));
    await this.#clock.advance(200);
    const count = 8 + Math.floor(this.#random() * 25);
    for (let step = 0; step < count; step++) {
      await this.#step();
      await this.#clock.advance(this.#pick([0, 5, 60, 400, 1_500, 4_000]) * (0.5 + this.#random()));
      this.#look();
    }
    // In the end everything is well again, and everything owed must be paid.
    this.#lock.behave();
    this.#commitMs = 2;
    this.#process?.store.freeDisk();
    this.#process?.link.restore();
    await this.#clock.advance(40_000);
    this.#look();
    const { store } = this.#living;
    return {
      seed: this.#seed,
      steps: this.#steps,
      answered: this.#answered,
      attempts: store.read.attempts({ limit: 10_000 }),
      lock: this.#lock,
      left: this.#links.flatMap(({ sent }) =>
        sent.filter(({ kind, withdrawn }) => kind === 'command' && !withdrawn).map(doorCommand),
      ),
      starts: this.#starts,
      shown: this.#shown,
      shownTooEarly: this.#shownTooEarly,
      wallOffset: this.#clock.wallTime() - this.#clock.now(),
    };
  }

  async #step(): Promise<void> {
    const kind = this.#pick([
      ...Array<string>(8).fill('command'),
      ...['cut', 'black hole', 'lost acknowledgements', 'restore', 'restore', 'restore'],
      ...['misbehave', 'misbehave', 'behave', 'offline', 'online', 'by hand', 'battery'],
      ...['crash', 'slow disk', 'full disk', 'restore'],
    ]);
    this.#steps.push(`${this.#clock.now().toFixed(0)} ${kind}`);
    const { link, store } = this.#living;
    switch (kind) {
      case 'command':
        for (let burst = this.#chance(0.2) ? 3 : 1; burst > 0; burst--) this.#command();
        return;
      case 'cut':
        return link.cut({ onTheWay: this.#pick(['lost', 'arrives'] as const) });
      case 'black hole':
        return link.blackHole(this.#chance(0.5) ? {} : { deliverAfterMs: 900 * this.#random() });
      case 'lost acknowledgements':
        return link.loseAcknowledgements(1 + Math.floor(this.#random() * 2));
      case 'restore':
        store.freeDisk();
        return link.restore();
      case 'misbehave':
        return this.#misbehave();
      case 'behave':
        this.#commitMs = 2;
        return this.#lock.behave();
      case 'offline':
        return this.#lock.goOffline();
      case 'online':
        return this.#lock.comeOnline();
      case 'by hand':
        return this.#lock.turnByHand(this.#pick(['locked', 'unlocked'] as const));
      case 'battery':
        return this.#lock.reportBattery();
      case 'slow disk':
        this.#commitMs = this.#pick([50, 300, 2_000, 6_000]);
        return;
      case 'full disk':
        return store.fillDisk();
      case 'crash':
        return this.#crash();
    }
  }

  #command(): void {
    const action = this.#pick(['LOCK_DOOR', 'UNLOCK_DOOR'] as const);
    const receivedAt = this.#clock.now();
    const { core } = this.#living;
    const origin = { actor: { kind: 'cli' as const, name: 'history' }, receivedAt };
    const accepted = action === 'LOCK_DOOR' ? core.doors.lock('front', origin) : core.doors.unlock('front', origin);
    accepted.then(
      (attempt) => {
        this.#answered.push({ id: attempt.actionAttemptId, action, receivedAt, answeredAt: this.#clock.now() });
        this.#show(attempt);
      },
      () => {}, // refused: nothing is owed
    );
  }

  #misbehave(): void {
    const late = () => this.#pick([500, 2_500, 4_500, 7_500, 12_000]);
    this.#lock.misbehave(
      this.#pick([
        { deaf: true },
        { refusesSilently: true },
        { jams: true },
        { reportsHalfWay: true },
        { actsLateMs: late() },
        { reportsLateMs: late() },
        { neverReports: true },
        { neverReports: true, ignoresReads: true },
        { sendsNoActions: true },
        { relocksAfterMs: 300 + 3_000 * this.#random() },
        { relocksAfterMs: 300, hidesUnlock: true },
        { relocksAfterMs: 300, hidesUnlock: true, hidesRelock: true },
        { commandError: { afterMs: late(), reason: 'Delivery failed' } },
        { readError: { afterMs: late(), reason: 'Timeout' } },
        { batteryReportsAfterMs: [20, 400, 3_100] },
        { batteryReportsAfterMs: [20, 400, 3_100], batteryReportsAlike: true },
      ]),
    );
  }

  async #crash(): Promise<void> {
    const { clock, link, store } = this.#living;
    clock.kill();
    link.dispose();
    const survivor = store.crash(this.#pick(['lost', 'kept'] as const));
    this.#process = undefined;
    await this.#clock.advance(this.#pick([10, 1_000, 8_000]));
    await this.#start(survivor);
  }

  async #start(store: MemoryStore): Promise<void> {
    const clock = new MortalClock(this.#clock);
    const link = this.#broker.link();
    this.#links.push(link);
    const { core } = coreFixture({
      clock: this.#clock,
      processClock: clock,
      store,
      seed: this.#seed + this.#starts.length,
      devices: [{ slug: 'front', driver: this.#driver, settings: this.#settings, link }],
    });
    this.#process = { core, clock, link, store };
    this.#starts.push(this.#clock.now());
    core.attempts.onChange((attempt) => this.#show(attempt));
    await core.start();
  }

  get #living(): Process {
    if (!this.#process) throw new Error('the process is dead');
    return this.#process;
  }

  /** What anybody who asks would be shown now. */
  #look(): void {
    for (const { id } of this.#answered) {
      const attempt = this.#living.core.attempts.get(id);
      if (attempt) this.#show(attempt);
    }
  }

  #show(attempt: AttemptRecord): void {
    const id = attempt.actionAttemptId;
    const status = attempt.settlement?.status ?? 'pending';
    const seen = this.#shown.get(id) ?? [];
    if (seen.at(-1) !== status) this.#shown.set(id, [...seen, status]);
    if (status !== 'pending' && !this.#living.store.read.attempt(id)?.settlement) this.#shownTooEarly.push(id);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#random() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}
