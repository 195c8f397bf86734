import type { Logger } from 'pino';
import { type Clock, type DeviceReport, GatewayError, type Timer } from '../contract/index.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';
import type { AccessCodeRecord, AttemptRecord } from '../model/records.ts';
import type { Change, Store } from '../model/store.ts';
import type { CodeAttempts } from './code-attempts.ts';
import type { CodeProgress } from './code-progress.ts';
import {
  type BackupPoolOptions,
  backupsWanted,
  type CodeFacts,
  type LockFacts,
  type LockPlan,
  newBackup,
  planOf,
  type RowStep,
} from './lock-plan.ts';
import { type Found, SlotScan } from './slot-scan.ts';

export interface LockReconcilerOptions extends BackupPoolOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
}

/** How long what found no room on disk waits before it is tried again, in milliseconds. A guess. */
const AGAIN_MS = 60_000;

/**
 * Keeps one lock with the codes it should hold: whenever something may have changed it asks for the plan, does what the
 * plan says, and asks again when that is over. It decides nothing itself.
 */
export class LockReconciler {
  readonly deviceId: string;
  /** Undefined for a lock that is no longer in the configuration: what is written down of its codes goes on. */
  readonly device: ManagedDevice | undefined;
  readonly #options: LockReconcilerOptions;
  readonly #attempts: CodeAttempts;
  readonly #progress: CodeProgress;
  readonly #scan: SlotScan | undefined;
  /** An attempt of its own is under way. */
  #isBusy = false;
  /** How often it was decided that something else is wanted of codes, and is not on disk yet. */
  #ordersUnderWay = 0;
  #timer: Timer | undefined;
  /** For what found no room on the disk. */
  #waiting: readonly Timer[] = [];
  #state: 'not_looked_yet' | 'looking' | 'closed' = 'not_looked_yet';

  constructor(
    lock: Pick<LockReconciler, 'deviceId' | 'device'>,
    options: LockReconcilerOptions,
    attempts: CodeAttempts,
    progress: CodeProgress,
  ) {
    this.deviceId = lock.deviceId;
    this.device = lock.device;
    this.#options = options;
    this.#attempts = attempts;
    this.#progress = progress;
    this.#scan = lock.device && new SlotScan(options, lock.device, (found) => this.#scanned(found));
  }

  close(): void {
    this.#state = 'closed';
    this.#timer?.cancel();
    for (const timer of this.#waiting) timer.cancel();
  }

  /** Does what the plan says. */
  look(): void {
    if (this.#state === 'closed') return;
    this.#state = 'looking';
    const { step, lookAgainMs } = this.#planAfterRows();
    if (step?.kind === 'bring_about') void this.#begin(step.code, step.by);
    else if (step) this.#scan?.begin();
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(() => this.look(), lookAgainMs);
  }

  heard(report: DeviceReport): void {
    const { repository } = this.#options;
    const { deviceId } = this;
    if (report.kind === 'health') {
      if (report.health.status === 'online') {
        this.#progress.tryAgain(deviceId);
        this.#scan?.reconnected();
      }
      this.look();
    } else if (report.kind === 'code_slot') {
      // Not by us: what is written down of the slot may be wrong, also when both say that it is occupied.
      const has = repository.atSlot(deviceId, report.slot) ?? repository.unmanagedAt(deviceId, report.slot);
      if (report.occupied || has) this.#scan?.doubt(report.slot, report.occupied);
    } else if (report.kind === 'lock_operated' && report.operation === 'unlocked' && report.slot !== undefined) {
      this.#used(report.slot);
    }
  }

  /** An attempt on one of the lock's codes is over. */
  settled({ settlement, actionType }: AttemptRecord): void {
    // Digits that the lock refused, or a slot, may have fallen free.
    if (settlement?.status === 'success' && actionType !== 'CREATE_ACCESS_CODE')
      this.#progress.tryAllAgain(this.deviceId);
    this.look();
  }

  /** Has the lock asked for one slot: what it holds may not be what is written down. */
  doubt(slot: number): void {
    this.#scan?.doubt(slot);
  }

  #scanned(found: Found): void {
    if (found === 'known') this.#progress.tryAllAgain(this.deviceId);
    else if (found === 'something') this.#progress.tryAgain(this.deviceId);
    // Before the first look the devices may not all be open yet.
    if (this.#state === 'looking') this.look();
  }

  #planAfterRows(): LockPlan {
    const plan = planOf(this.#facts());
    if (plan.rows.length === 0) return plan;
    this.#decide(() => plan.rows.flatMap((row) => this.#changesOf(row)));
    return planOf(this.#facts());
  }

  #facts(): LockFacts {
    const { repository, clock, settings } = this.#options;
    const { deviceId, device } = this;
    const snapshot = device?.snapshot;
    const circumstances = repository.circumstancesOf(deviceId);
    const holdings = repository.holdingsOf(deviceId);
    const workedOn = this.#attempts.workedOn(deviceId);
    const tries = this.#progress.at(deviceId);
    const codes: CodeFacts[] = [];
    for (const code of holdings.codes) {
      const { accessCodeId } = code;
      const isWorkedOn = workedOn.has(accessCodeId) || this.#progress.isHeld(accessCodeId);
      codes.push({ ...repository.evaluated(code, circumstances), tries: tries.get(accessCodeId), isWorkedOn });
    }
    return {
      moment: circumstances.moment,
      now: clock.now(),
      rules: snapshot?.capabilities.accessCodes,
      isOutOfService: snapshot?.outOfService ?? false,
      isBusy: this.#isBusy || this.#ordersUnderWay > 0,
      codes,
      holdings,
      backupsWanted: snapshot?.settings.backupPool === false ? undefined : backupsWanted(snapshot, settings),
      scanAt: snapshot && this.#scan?.dueAt(snapshot),
    };
  }

  #changesOf(row: RowStep): readonly Change[] {
    const { repository, clock } = this.#options;
    switch (row.kind) {
      case 'end':
        return repository.change(row.code.accessCodeId, { removal: { cause: 'ended', at: row.at } });
      case 'review':
        return repository.save(row.code);
      case 'forget':
        return repository.remove(row.code.accessCodeId);
      case 'withdraw':
        return repository.change(row.code.accessCodeId, { removal: { cause: 'requested', at: clock.wallTime() } });
      case 'add_backups':
        return this.#newBackups(row.count);
    }
  }

  #newBackups(count: number): readonly Change[] {
    const { log } = this.#options;
    const changes: Change[] = [];
    try {
      for (let added = 0; added < count; added++) changes.push(...newBackup(this.#options, this.deviceId));
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown';
      log.warn({ deviceId: this.deviceId, why }, 'no digits were found for a backup code; it is tried again');
    }
    return changes;
  }

  async #begin(code: AccessCodeRecord, by: 'schedule' | 'reconcile'): Promise<void> {
    const { log, repository } = this.#options;
    const { deviceId, accessCodeId } = code;
    this.#isBusy = true;
    try {
      await this.#attempts.bringAbout(code, { kind: by });
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown';
      log.warn({ deviceId, accessCodeId, why }, 'a code could not be worked on; it is tried again');
      const type = error instanceof GatewayError ? error.type : 'internal_error';
      if (repository.get(accessCodeId)) this.#attempts.failed(code, type);
    }
    this.#isBusy = false;
    this.look();
  }

  /** Somebody came in with the code of a slot. */
  #used(slot: number): void {
    const { repository, clock } = this.#options;
    const code = repository.atSlot(this.deviceId, slot)?.code;
    const most = code && (code.maxUses ?? (code.oneTimeUse ? 1 : undefined));
    if (!code || most === undefined || code.removal) return;
    const uses = (code.uses ?? 0) + 1;
    const removal = uses >= most ? ({ cause: 'used', at: clock.wallTime() } as const) : undefined;
    this.#noteUse(code.accessCodeId, repository.change(code.accessCodeId, { uses, removal }));
    this.look();
  }

  /**
   * Writes down what follows from the time and the lock alone. What did not get to the disk is decided again later; nobody
   * acts on it before.
   */
  #decide(decide: () => readonly Change[]): void {
    const { repository, store } = this.#options;
    const before = new Map(repository.list(this.deviceId).map((code) => [code.accessCodeId, code]));
    const { changes, undo } = repository.noting(decide);
    const ids = new Set(
      changes.flatMap((change) => {
        if (change.kind === 'access_code_put') return change.code.accessCodeId;
        return change.kind === 'access_code_removed' ? change.accessCodeId : [];
      }),
    );
    const after = new Map([...ids].map((id) => [id, repository.get(id)]));
    // A code that is only told of otherwise is wanted as before.
    const isOrder = [...after].some(([id, code]) => !isWantedAs(before.get(id), code));
    if (isOrder) this.#ordersUnderWay += 1;
    const over = () => {
      if (isOrder) this.#ordersUnderWay -= 1;
    };
    store.commit(changes).then(
      () => {
        over();
        if (isOrder) this.look();
      },
      (error: unknown) => {
        over();
        undo();
        // What somebody else changed meanwhile stays.
        for (const [id, code] of after) if (repository.get(id) === code) repository.restore(id, before.get(id));
        this.#notWritten(error, () => this.look());
      },
    );
  }

  /** The lock told of it and will not again: it is written until it is on the disk. */
  #noteUse(accessCodeId: string, changes: readonly Change[]): void {
    const { repository, store } = this.#options;
    store.commit(changes).catch((error: unknown) => {
      this.#notWritten(error, () => {
        const code = repository.get(accessCodeId);
        if (code) this.#noteUse(accessCodeId, repository.save(code));
      });
    });
  }

  #notWritten(error: unknown, again: () => void): void {
    this.#options.log.error({ err: error }, 'what became of codes could not be written down; it is tried again');
    const timer = this.#options.clock.setTimer(() => {
      this.#waiting = this.#waiting.filter((other) => other !== timer);
      if (this.#state !== 'closed') again();
    }, AGAIN_MS);
    this.#waiting = [...this.#waiting, timer];
  }
}

const isWantedAs = (before: AccessCodeRecord | undefined, after: AccessCodeRecord | undefined): boolean =>
  after === undefined || (before !== undefined && before.removal === after.removal);
