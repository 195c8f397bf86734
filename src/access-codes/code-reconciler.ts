import type { Logger } from 'pino';
import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import { type Clock, type DeviceReport, GatewayError, type Timer, type Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Change, Store } from '../model/store.ts';
import { type BackupPoolOptions, replenish } from './backup-pool.ts';
import type { CodeAttempts } from './code-attempts.ts';
import type { CodeProgress } from './code-progress.ts';
import type { CodeRepository } from './code-repository.ts';
import { lateAfterMs, wantedSince } from './code-review.ts';
import { needsWork } from './next-step.ts';
import { SlotScan } from './slot-scan.ts';
import type { TrustedClock } from './trusted-clock.ts';
import { dueAt } from './wanted.ts';

/** Nothing waits longer than this to be looked at again: the wall clock may have jumped. In milliseconds, a guess. */
const longestSleepMs = 600_000;

/** How soon it is noticed that a device was put back into service, in milliseconds. A guess. */
const outOfServiceMs = 60_000;

export interface CodeReconcilerOptions extends BackupPoolOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly registry: DeviceRegistry;
  readonly attempts: AttemptRegistry;
  readonly book: CodeRepository;
  readonly time: TrustedClock;
}

/**
 * Keeps every lock with the codes it should hold: one comparison per device of what is wanted with what is there,
 * made whenever something may have changed it. Whatever differs becomes an attempt, one at a time per device, what
 * has to go before what has to come.
 */
export class CodeReconciler {
  readonly #options: CodeReconcilerOptions;
  readonly #codeAttempts: CodeAttempts;
  readonly #progress: CodeProgress;
  readonly #scans = new Map<string, SlotScan>();
  readonly #timers = new Map<string, Timer>();
  /** Devices at which an attempt of the reconciler's own is under way. */
  readonly #busy = new Set<string>();
  readonly #unsubscribe: Unsubscribe[] = [];
  #started = false;
  #closed = false;

  constructor(options: CodeReconcilerOptions, codeAttempts: CodeAttempts, progress: CodeProgress) {
    this.#options = options;
    this.#codeAttempts = codeAttempts;
    this.#progress = progress;
  }

  /** Call it once the devices are open and what an earlier run left has been taken up. */
  start(): void {
    const { registry, time, attempts } = this.#options;
    this.#started = true;
    this.#unsubscribe.push(registry.onReport((snapshot, report) => this.#heard(snapshot, report)));
    time.onChange(() => this.lookAtAll());
    this.#unsubscribe.push(
      attempts.onChange(({ settlement, subject, deviceId, actionType }) => {
        if (!settlement || subject?.kind !== 'access_code') return;
        // Digits that the lock refused, or a slot, may have fallen free.
        if (settlement.status === 'success' && actionType !== 'CREATE_ACCESS_CODE')
          this.#progress.tryAllAgain(deviceId);
        this.look(deviceId);
      }),
    );
    this.lookAtAll();
  }

  close(): void {
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** Other devices are configured: those that went, or are others now, are let go of. */
  rosterChanged(): void {
    const { registry } = this.#options;
    for (const deviceId of [...this.#scans.keys(), ...this.#timers.keys()]) {
      if (registry.get(deviceId) !== undefined) continue;
      this.#scans.delete(deviceId);
      this.#timers.get(deviceId)?.cancel();
      this.#timers.delete(deviceId);
    }
    this.lookAtAll();
  }

  lookAtAll(): void {
    for (const { deviceId } of this.#options.registry.list()) this.look(deviceId);
  }

  /** Keeps the reconciler's hands off codes while a request about them is being accepted. */
  async holding<T>(accessCodeIds: readonly string[], accept: () => Promise<T>): Promise<T> {
    this.#progress.hold(accessCodeIds);
    try {
      return await accept();
    } finally {
      this.#progress.release(accessCodeIds);
      const devices = new Set(accessCodeIds.flatMap((id) => this.#options.book.get(id)?.deviceId ?? []));
      for (const deviceId of devices) this.look(deviceId);
    }
  }

  /** Has the lock asked for one slot: what it holds may not be what the book says. */
  doubt(deviceId: string, slot: number): void {
    this.#scan(deviceId).doubt(slot);
  }

  /** Looks at one device again. */
  look(deviceId: string): void {
    if (!this.#started || this.#closed) return;
    this.#freshen(deviceId);
    const wakeIn = this.#act(deviceId);
    this.#timers.get(deviceId)?.cancel();
    if (wakeIn === undefined) return;
    this.#timers.set(
      deviceId,
      this.#options.clock.setTimer(() => this.look(deviceId), Math.min(wakeIn, longestSleepMs)),
    );
  }

  #heard({ deviceId }: DeviceSnapshot, report: DeviceReport): void {
    const { book } = this.#options;
    if (report.kind === 'health') {
      if (report.health.status === 'online') {
        this.#progress.tryAgain(deviceId);
        this.#scan(deviceId).reconnected();
      }
      this.look(deviceId);
    } else if (report.kind === 'code_slot') {
      // Not by us: what the book says of the slot may be wrong, also when both say that it is occupied.
      const has = book.atSlot(deviceId, report.slot) ?? book.unmanagedAt(deviceId, report.slot);
      if (report.occupied || has) this.doubt(deviceId, report.slot);
    } else if (report.kind === 'lock_operated' && report.operation === 'unlocked' && report.slot !== undefined) {
      this.#used(deviceId, report.slot);
    }
  }

  #used(deviceId: string, slot: number): void {
    const { book, clock } = this.#options;
    const code = book.atSlot(deviceId, slot)?.code;
    const most = code && (code.maxUses ?? (code.oneTimeUse ? 1 : undefined));
    if (!code || most === undefined || code.removal) return;
    const uses = (code.uses ?? 0) + 1;
    const removal = uses >= most ? ({ cause: 'used', at: clock.wallTime() } as const) : undefined;
    this.#commit(book.change(code.accessCodeId, { uses, removal }));
    this.look(deviceId);
  }

  /** What the time alone changes: codes that have ended, begun, or are late. */
  #freshen(deviceId: string): void {
    const { book, time } = this.#options;
    const changes: Change[] = [];
    const { at, sure } = time.moment();
    for (const code of book.list(deviceId)) {
      if (sure && code.endsAt !== undefined && at >= code.endsAt && !code.removal) {
        changes.push(...book.change(code.accessCodeId, { removal: { cause: 'ended', at: code.endsAt } }));
      } else if (book.isStale(code)) changes.push(...book.save(code));
      const { removal, placements } = book.require(code.accessCodeId);
      // A lock that never held it need not be asked.
      if (removal && placements.length === 0 && !this.#isBeingWorkedOn(code)) {
        changes.push(...book.remove(code.accessCodeId));
      }
    }
    changes.push(...replenish(this.#options, deviceId, at));
    if (changes.length > 0) this.#commit(changes);
  }

  /** Begins what can be begun. Answers in how many milliseconds to look again; undefined when something else will. */
  #act(deviceId: string): number | undefined {
    const { clock, registry } = this.#options;
    const device = registry.get(deviceId);
    const rules = device?.capabilities.accessCodes;
    if (!device || !rules) return longestSleepMs;
    if (device.outOfService) return outOfServiceMs;
    if (this.#busy.has(deviceId)) return longestSleepMs;
    const now = clock.now();
    const next = this.#candidates(device).find((code) => (this.#progress.of(code)?.nextAt ?? now) <= now);
    if (next) {
      void this.#bring(next);
      return longestSleepMs;
    }
    const scan = this.#scan(deviceId);
    const { dueAt: scanAt } = scan;
    if (scanAt !== undefined && scanAt <= now) scan.begin();
    return this.#wakeIn(device, scanAt);
  }

  /** The codes of a device that are not as they should be: those that have to go first, then by their beginning. */
  #candidates({ deviceId, capabilities }: DeviceSnapshot): AccessCodeRecord[] {
    const { book } = this.#options;
    const rules = capabilities.accessCodes;
    if (!rules) return [];
    return book
      .list(deviceId)
      .filter((code) => !this.#isBeingWorkedOn(code) && needsWork(book, code, rules))
      .sort((a, b) => urgency(a) - urgency(b));
  }

  async #bring(code: AccessCodeRecord): Promise<void> {
    const { log, book } = this.#options;
    const { deviceId, accessCodeId } = code;
    this.#busy.add(deviceId);
    const isScheduled =
      this.#progress.of(code) === undefined &&
      (code.removal
        ? code.removal.cause === 'ended'
        : code.startsAt !== undefined && code.placements.length === 0 && code.errors.length === 0);
    try {
      await this.#codeAttempts.bringAbout(code, { kind: isScheduled ? 'schedule' : 'reconcile' });
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown';
      log.warn({ deviceId, accessCodeId, why }, 'a code could not be worked on; it is tried again');
      const type = error instanceof GatewayError ? error.type : 'internal_error';
      if (book.get(accessCodeId)) this.#codeAttempts.failed(code, type);
    }
    this.#busy.delete(deviceId);
    this.look(deviceId);
  }

  #isBeingWorkedOn({ accessCodeId, deviceId }: AccessCodeRecord): boolean {
    if (this.#progress.isHeld(accessCodeId)) return true;
    for (const { facts } of this.#options.attempts.livingOf(deviceId)) {
      if (facts.subject?.kind === 'access_code' && facts.subject.accessCodeId === accessCodeId) return true;
    }
    return false;
  }

  #wakeIn({ deviceId }: DeviceSnapshot, scanAt: number | undefined): number {
    const { book, clock, time } = this.#options;
    const now = clock.now();
    const { at } = time.moment();
    const instants = book.list(deviceId).flatMap((code) => {
      const tries = this.#progress.of(code);
      const { plan } = book.standing(code);
      const wall = [
        dueAt(plan, plan.leadMs),
        plan.startsAt,
        plan.endsAt,
        plan.schedule?.endsAt,
        code.endsAt,
        wantedSince(code, plan) + lateAfterMs,
        plan.lastUntil && plan.lastUntil + lateAfterMs,
        code.removal && code.removal.at + lateAfterMs,
      ];
      return [
        ...wall.flatMap((instant) => (instant !== undefined && instant > at ? [instant - at] : [])),
        ...(tries && tries.nextAt > now ? [tries.nextAt - now] : []),
      ];
    });
    if (scanAt !== undefined && scanAt > now) instants.push(scanAt - now);
    return Math.max(1, Math.min(longestSleepMs, ...instants));
  }

  #scan(deviceId: string): SlotScan {
    const device = this.#options.registry.require(deviceId);
    const known = this.#scans.get(deviceId);
    if (known?.isOf(device)) return known;
    const scan = new SlotScan(this.#options, device, (found) => {
      if (found === 'known') this.#progress.tryAllAgain(deviceId);
      else if (found === 'something') this.#progress.tryAgain(deviceId);
      this.look(deviceId);
    });
    this.#scans.set(deviceId, scan);
    return scan;
  }

  #commit(changes: readonly Change[]): void {
    this.#options.store.commit(changes).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'what became of codes could not be written down');
    });
  }
}

const urgency = ({ removal, startsAt, createdAt }: AccessCodeRecord): number =>
  removal ? removal.at - Number.MAX_SAFE_INTEGER : (startsAt ?? createdAt);
