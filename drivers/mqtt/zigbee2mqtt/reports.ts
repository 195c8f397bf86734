import { isDeepStrictEqual } from 'node:util';
import { type Clock, type DeviceReport, Ratio } from '../../../src/contract/index.ts';
import { type StateMessage, slotKey } from './codec.ts';
import type { HeardMessage } from './device-feed.ts';
import { Operations } from './operations.ts';
import type { OwnTraffic } from './own-traffic.ts';
import { isUntold } from './slot-status.ts';
import { slotAbout } from './testimony.ts';

/** Below this share a battery counts as low where the lock does not say so itself. A guess. */
const lowBattery = 0.15;

/** Tells what is new of a device, whether it says it once or in every message. */
export class Reporter {
  readonly #report: (report: DeviceReport) => void;
  readonly #last = new Map<DeviceReport['kind'], DeviceReport>();
  #count = 0;

  constructor(report: (report: DeviceReport) => void) {
    this.#report = report;
  }

  /** States ride in every message: only what differs from the last is passed on. Events always are. */
  tell(report: DeviceReport, isHearsay = false): void {
    if (states.has(report.kind)) {
      if (isDeepStrictEqual(this.#last.get(report.kind), report)) return;
      this.#last.set(report.kind, report);
    }
    this.#count += 1;
    this.#report(isHearsay ? { ...report, hearsay: true } : report);
  }

  /**
   * Tells what a message says, and that the device was heard when it says nothing new. What the broker kept or the
   * bridge remembers is hearsay: it may be of long ago.
   */
  hear({ isOwnWord }: HeardMessage, say: (tell: (report: DeviceReport) => void) => void): void {
    const before = this.#count;
    say((report) => this.tell(report, !isOwnWord));
    if (isOwnWord && this.#count === before) this.#report({ kind: 'heard' });
  }
}

const states: ReadonlySet<DeviceReport['kind']> = new Set<DeviceReport['kind']>([
  'lock_state',
  'battery',
  'door',
  'health',
  'auto_lock',
]);

/** What a lock tells of itself. */
export class LockReports {
  readonly #own: OwnTraffic;
  readonly #reporter: Reporter;
  readonly #operations: Operations;
  #isTampered = false;

  constructor(clock: Clock, own: OwnTraffic, reporter: Reporter) {
    this.#own = own;
    this.#reporter = reporter;
    this.#operations = new Operations(clock, (report) => reporter.tell(report));
  }

  hear(heard: HeardMessage): void {
    this.#reporter.hear(heard, (tell) => {
      const { message, bolt, retained, isEcho } = heard;
      if (bolt !== undefined && !isEcho)
        tell({ kind: 'lock_state', state: bolt === 'not_fully_locked' ? 'jammed' : bolt });
      if (message.door !== undefined) tell({ kind: 'door', contact: message.door });
      const battery = batteryReport(message);
      if (battery !== undefined) tell(battery);
      if (retained) return;
      // It stays on until the lock says otherwise: only its beginning is an event.
      if (message.tamper === true && !this.#isTampered) tell({ kind: 'tamper' });
      this.#isTampered = message.tamper ?? this.#isTampered;
      this.#operations.hear(heard);
      for (const slot of this.#slotsOfOthers(heard)) tell(slot);
    });
  }

  close(): void {
    this.#operations.close();
  }

  /** A keypad's user, or another program over the same bridge, changed a slot. */
  #slotsOfOthers({ message: { event, slots }, changed }: HeardMessage): readonly DeviceReport[] {
    const told: DeviceReport[] = [];
    if (event?.kind === 'programmed' && event.slot !== undefined) {
      const { slot, occupied, remote } = event;
      if (!remote || !this.#own.accountsForWrite(slot, occupied)) told.push({ kind: 'code_slot', slot, occupied });
    }
    for (const [slot, status] of slots) {
      if (changed?.has(slotKey(slot)) !== true || this.#own.takeAnswerAbout(slotAbout(slot))) continue;
      if (!isUntold(status)) told.push({ kind: 'code_slot', slot, occupied: status.status !== 'available' });
    }
    return told;
  }
}

export function batteryReport({ battery, batteryLow }: StateMessage): DeviceReport | undefined {
  if (battery === undefined && batteryLow === undefined) return undefined;
  const level = battery === undefined ? undefined : Ratio.parse(battery / 100);
  return { kind: 'battery', level, low: batteryLow ?? (level !== undefined && level < lowBattery) };
}
