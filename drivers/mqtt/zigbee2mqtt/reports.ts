import { isDeepStrictEqual } from 'node:util';
import {
  afterSilence,
  type Clock,
  type DeviceReport,
  type LockMethod,
  Ratio,
  type Timer,
} from '../../../src/contract/index.ts';
import type { LastMover, LockEvent, StateMessage } from './codec.ts';
import type { HeardMessage } from './device-feed.ts';
import type { OwnTraffic } from './own-traffic.ts';
import { isUntold } from './slot-status.ts';
import { slotAbout } from './testimony.ts';

/** Below this share a battery counts as low where the lock does not say so itself. A guess. */
const lowBattery = 0.15;

/** Tells what is new of a device, whether it says it once or in every message. */
export class Reporter {
  readonly #report: (report: DeviceReport) => void;
  /** What was passed on last of each: all in one object of one shape, for there are thousands. */
  readonly #last: Record<StateKind, DeviceReport | undefined> = {
    lock_state: undefined,
    battery: undefined,
    door: undefined,
    health: undefined,
    auto_lock: undefined,
  };
  #count = 0;

  constructor(report: (report: DeviceReport) => void) {
    this.#report = report;
  }

  /** States ride in every message: only what differs from the last is passed on. Events always are. */
  tell(report: DeviceReport, isHearsay = false): void {
    const { kind } = report;
    if (isState(kind)) {
      if (isAsBefore(this.#last[kind], report)) return;
      this.#last[kind] = report;
    }
    this.#count += 1;
    this.#report(isHearsay ? { ...report, hearsay: true } : report);
  }

  /** How often it passed something on: whoever tells what a message says sees by it whether that was anything. */
  get count(): number {
    return this.#count;
  }

  /** The device spoke, and said nothing new. */
  heard(): void {
    this.#report({ kind: 'heard' });
  }
}

/** What rides in every message is compared by hand, which takes a tenth of the time. */
function isAsBefore(last: DeviceReport | undefined, report: DeviceReport): boolean {
  if (last?.kind === 'lock_state' && report.kind === 'lock_state') return last.state === report.state;
  if (last?.kind === 'battery' && report.kind === 'battery')
    return last.level === report.level && last.low === report.low;
  return isDeepStrictEqual(last, report);
}

type StateKind = Extract<DeviceReport['kind'], 'lock_state' | 'battery' | 'door' | 'health' | 'auto_lock'>;

const states: ReadonlySet<DeviceReport['kind']> = new Set<StateKind>([
  'lock_state',
  'battery',
  'door',
  'health',
  'auto_lock',
]);

const isState = (kind: DeviceReport['kind']): kind is StateKind => states.has(kind);

/** What a lock tells of itself. */
export class LockReports {
  readonly #own: OwnTraffic;
  readonly #reporter: Reporter;
  readonly #operations: Operations;
  #isTampered = false;
  /** Where the bolt was told to be last, and where it was heard to be. */
  #told: HeardMessage['bolt'];
  #bolt: HeardMessage['bolt'];
  /** The message before was one that the broker kept. */
  #wasKept = false;

  constructor(clock: Clock, own: OwnTraffic, reporter: Reporter) {
    this.#own = own;
    this.#reporter = reporter;
    this.#operations = new Operations(clock, (report) => reporter.tell(report));
  }

  hear(heard: HeardMessage): void {
    const { bolt, isEcho, isOwnWord } = heard;
    const isNews = heard.isNews || heard.changed === undefined;
    const before = this.#reporter.count;
    // What the broker kept or the bridge remembers is hearsay: it may be of long ago.
    if (bolt !== undefined && !isEcho && bolt !== this.#told) {
      this.#told = bolt;
      this.#reporter.tell({ kind: 'lock_state', state: bolt === 'not_fully_locked' ? 'jammed' : bolt }, !isOwnWord);
    }
    // What was kept is compared with, and was not read as what the lock says.
    if (isNews || this.#wasKept || (bolt !== undefined && bolt !== this.#bolt)) this.#hearNews(heard);
    this.#wasKept = heard.retained;
    this.#bolt = bolt ?? this.#bolt;
    if (isOwnWord && this.#reporter.count === before) this.#reporter.heard();
  }

  #hearNews(heard: HeardMessage): void {
    const { message, retained, isOwnWord } = heard;
    const reporter = this.#reporter;
    if (message.door !== undefined) reporter.tell({ kind: 'door', contact: message.door }, !isOwnWord);
    const battery = batteryReport(message);
    if (battery !== undefined) reporter.tell(battery, !isOwnWord);
    if (retained) return;
    // It stays on until the lock says otherwise: only its beginning is an event.
    if (message.tamper === true && !this.#isTampered) reporter.tell({ kind: 'tamper' }, !isOwnWord);
    this.#isTampered = message.tamper ?? this.#isTampered;
    this.#operations.hear(heard);
    this.#hearSlots(heard);
  }

  close(): void {
    this.#operations.close();
  }

  /** A keypad's user, or another program over the same bridge, changed a slot. */
  #hearSlots({ message: { event, slots }, changedSlots, isOwnWord }: HeardMessage): void {
    if (event?.kind === 'programmed' && event.slot !== undefined) {
      const { slot, occupied, remote } = event;
      if (!remote || !this.#own.accountsForWrite(slot, occupied))
        this.#reporter.tell({ kind: 'code_slot', slot, occupied }, !isOwnWord);
    }
    for (const slot of changedSlots) {
      const status = slots.get(slot);
      if (status === undefined || this.#own.takeAnswerAbout(slotAbout(slot)) || isUntold(status)) continue;
      this.#reporter.tell({ kind: 'code_slot', slot, occupied: status.status !== 'available' }, !isOwnWord);
    }
  }
}

export function batteryReport({ battery, batteryLow }: StateMessage): DeviceReport | undefined {
  if (battery === undefined && batteryLow === undefined) return undefined;
  const level = battery === undefined ? undefined : Ratio.parse(battery / 100);
  return { kind: 'battery', level, low: batteryLow ?? (level !== undefined && level < lowBattery) };
}

type Operated = Extract<DeviceReport, { kind: 'lock_operated' }>;
type Way = 'locked' | 'unlocked';

/** A bolt that arrives within this time of its event, before or after, was moved by it. A guess. */
const togetherMs = 3_000;
/** The same operation told again within this time, while the bolt did not move again, is the same one. A guess. */
const repeatedMs = 30_000;
/** Nobody types a wrong code twice within this time. A guess. */
const denialMs = 2_000;
/** Some locks say what was done, and a moment later in an attribute who did it. A guess. */
const moverMs = 1_500;

interface Told {
  readonly way: Way;
  readonly method: LockMethod;
  readonly slot: number | undefined;
  /** `Clock.now()` */
  readonly at: number;
}

const neverArrived: Readonly<Record<Way, number>> = {
  locked: Number.NEGATIVE_INFINITY,
  unlocked: Number.NEGATIVE_INFINITY,
};

/**
 * Who operated the lock, each time once. A lock may tell an operation again seconds later, in a message that looks new;
 * some tell it in two messages, an event without the user and an attribute with it.
 */
class Operations {
  readonly #clock: Clock;
  readonly #report: (report: Operated) => void;
  #told: readonly Told[] = [];
  #denied: { readonly report: Operated; readonly at: number } | undefined;
  #arrivedAt = neverArrived;
  #bolt: HeardMessage['bolt'];
  #namesMovers = false;
  #held: { readonly way: Way; readonly method: LockMethod; readonly timer: Timer } | undefined;

  constructor(clock: Clock, report: (report: Operated) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  hear(heard: HeardMessage): void {
    const { message, bolt, retained, changed } = heard;
    if (retained) return;
    this.#follow(bolt);
    const { event, lastUnlock, lastLock } = message;
    if (lastUnlock !== undefined || lastLock !== undefined) this.#namesMovers = true;
    if (event?.kind === 'operated') this.#happened(event);
    if (lastUnlock !== undefined && isNews(changed, 'last_unlock')) this.#moved('unlocked', lastUnlock);
    if (lastLock !== undefined && isNews(changed, 'last_lock')) this.#moved('locked', lastLock);
  }

  close(): void {
    this.#letGo();
  }

  #follow(bolt: HeardMessage['bolt']): void {
    if (bolt === undefined) return;
    const before = this.#bolt;
    this.#bolt = bolt;
    if (before === undefined || before === bolt || (bolt !== 'locked' && bolt !== 'unlocked')) return;
    this.#arrivedAt = { ...this.#arrivedAt, [bolt]: this.#clock.now() };
  }

  #happened({ operation, method, slot, denial }: Extract<LockEvent, { kind: 'operated' }>): void {
    if (operation === 'access_denied' || operation === 'jammed') {
      const report: Operated = { kind: 'lock_operated', operation, method, ...fields({ slot, denial }) };
      this.#deny(report);
      return;
    }
    const isSomebody = (method === 'keycode' || method === 'card') && slot === undefined;
    if (isSomebody && this.#namesMovers && !this.#isTold(operation, method, slot)) this.#hold(operation, method);
    else this.#tell(operation, method, slot);
  }

  #moved(way: Way, { method, slot }: LastMover): void {
    if (this.#held?.way === way) {
      const { timer, method: said } = this.#held;
      timer.cancel();
      this.#held = undefined;
      this.#tell(way, method === 'unknown' ? said : method, slot);
    } else this.#tell(way, method, slot);
  }

  #hold(way: Way, method: LockMethod): void {
    this.#letGo();
    this.#held = { way, method, timer: afterSilence(this.#clock, () => this.#letGo(), moverMs) };
  }

  #letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    held.timer.cancel();
    this.#tell(held.way, held.method, undefined);
  }

  #tell(way: Way, method: LockMethod, slot: number | undefined): void {
    if (this.#isTold(way, method, slot)) return;
    const at = this.#clock.now();
    const isLater = (told: Told) => told.way === way && told.method === method && told.slot === slot;
    this.#told = [
      ...this.#told.filter((told) => told.at > at - repeatedMs && !isLater(told)),
      { way, method, slot, at },
    ];
    this.#report({ kind: 'lock_operated', operation: way, method, ...fields({ slot }) });
  }

  /** The bolt that arrived with the operation does not make a repetition of it a new one; a later arrival does. */
  #isTold(way: Way, method: LockMethod, slot: number | undefined): boolean {
    const now = this.#clock.now();
    const same = this.#told.findLast(
      (told) => told.way === way && told.method === method && (told.slot === slot || slot === undefined),
    );
    if (same === undefined || now - same.at > repeatedMs) return false;
    // What the lock itself, a hand or a command did before may be done again without a word in between.
    const other = this.#told.findLast((told) => told.way !== way);
    if (other !== undefined && other.at > same.at && this.#bolt === undefined) return false;
    return this.#arrivedAt[way] <= same.at + togetherMs;
  }

  #deny(report: Operated): void {
    const now = this.#clock.now();
    const before = this.#denied;
    this.#denied = { report, at: now };
    const isSame = before?.report.slot === report.slot && before?.report.operation === report.operation;
    if (before !== undefined && isSame && now - before.at < denialMs) return;
    this.#report(report);
  }
}

const fields = ({
  slot,
  denial,
}: {
  readonly slot: number | undefined;
  readonly denial?: Operated['denial'] | undefined;
}) => ({
  ...(slot === undefined ? {} : { slot }),
  ...(denial && { denial }),
});

/** The digits that were typed tell one use of a slot from the next by the same user. */
const isNews = (changed: ReadonlySet<string> | undefined, which: 'last_unlock' | 'last_lock'): boolean =>
  changed !== undefined &&
  [`${which}_user`, `${which}_source`, ...(which === 'last_unlock' ? ['last_used_pin_code'] : [])].some((key) =>
    changed.has(key),
  );
