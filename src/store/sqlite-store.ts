import type { Logger } from 'pino';
import type { Clock, GatewayError, Unsubscribe } from '../contract/index.ts';
import type { AttemptRecord, EventRecord } from '../model/records.ts';
import type { AuditHead, Change, Store, StoreReader } from '../model/store.ts';
import { auditColumns } from './audit-columns.ts';
import { seenBeforeKept, startsWork } from './change-kinds.ts';
import {
  eventStep,
  indexAttempts,
  indexEvents,
  lateAttemptSteps,
  numbered,
  pruneSteps,
  raisePendingFrom,
  stepsOf,
} from './change-steps.ts';
import { CommitQueue, type CommitStats, type FlushOutcome } from './commit-queue.ts';
import { ProcessLock, prepareDatabaseFile } from './process-lock.ts';
import { type Bounds, Retention } from './retention.ts';
import { DamageList } from './row-connection.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { statementIndex, statementTexts } from './statements.ts';
import { alreadyAccepted, cannotApply, databaseBusy, diskFull, notPending, storeClosed } from './store-errors.ts';
import type { WriterAhead } from './writer-ahead.ts';
import type { WriterFaults } from './writer-faults.ts';
import type { Step, Unit, UnitFailure } from './writer-protocol.ts';
import { WriterThread } from './writer-thread.ts';

export interface SqliteStoreOptions {
  /** The database file. `.lock`, `.reserve`, `-wal` and `-shm` lie beside it. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * A sync failed or the writer died: what is on disk is unknown. The process must end with a non-zero code; commits
   * that were not answered stay so.
   */
  readonly onFatal: (error: Error) => void;
  /** How long ended attempts and events are kept; 90 days unless given. */
  readonly retentionDays?: number;
  /** The same of events; as long as attempts unless told. */
  readonly eventRetentionDays?: number;
  /** How many events are kept at most; 100,000 unless given. */
  readonly maxEvents?: number;
  /** Room kept for settlements on a full disk, in bytes; 4 MiB unless given. */
  readonly reserveBytes?: number;
  /** How often a full disk is looked at again, in milliseconds; 5 s unless given. */
  readonly probeMs?: number;
  /** How many rows are put into the index tables together; 512 unless given. */
  readonly rowsPerIndexing?: number;
  /** The thread that is to write, where it was started before. */
  readonly writerAhead?: WriterAhead | undefined;
  /** For tests. */
  readonly faults?: WriterFaults;
}

/** Enough for some 1,500 settlements at 2.6 KiB, measured. */
const usualReserveBytes = 4 << 20;
const usualProbeMs = 5_000;
const usualRetentionDays = 90;
/** At some 250 bytes each, 25 MB. A guess at what a site with a dozen doors makes in 90 days. */
const usualMaxEvents = 100_000;

/** A start reads that many rows to find the pending ones, at most about so many more than there are. */
const acceptancesPerMark = 1_000;

/** Enough that the pages of the index cost each row little, few enough that commits behind wait for milliseconds. */
const usualRowsPerIndexing = 512;

/** Of tables that may be large, at a start: some 50 ms of reading. A guess. */
const rowsLookedAt = 5_000;

/**
 * So long an event waits for a commit to ride with, in milliseconds: a bolt that moved is told a moment before the attempt
 * that moved it has ended, and would have that end wait behind a sync of its own. A guess.
 */
const newsPatienceMs = 5;

const isNewsAlone = (changes: readonly Change[]) => changes.every(({ kind }) => kind === 'event_put');

/** Deleting that many rows takes a few milliseconds of the writer's time. */
const rowsPerPrune = 100;

/** The store on disk: a thread that writes, and a connection on this one that reads. */
export class SqliteStore implements Store {
  readonly read: StoreReader;
  readonly #path: string;
  readonly #lock: ProcessLock;
  readonly #writer: WriterThread;
  readonly #reader: SqliteReader;
  readonly #queue: CommitQueue<WaitingSteps>;
  readonly #retention: Retention;
  readonly #condition: Condition;
  readonly #damage: DamageList;
  /** Since the mark was raised. */
  #acceptances = 0;
  readonly #rowsPerIndexing: number;
  #isIndexing = false;
  /** The highest one asked for: the mark never lies above the next. */
  #highestSeq: number;
  #lastEventSeq: number;
  readonly #eventListeners = new Set<(events: readonly EventRecord[]) => void>();
  readonly #auditListeners = new Set<(head: AuditHead) => void>();
  #isClockSure = () => true;
  #closing: Promise<void> | undefined;

  private constructor(options: SqliteStoreOptions, { lock, writer, reader, condition, damage }: Parts) {
    this.#damage = damage;
    reader.lookAtRows(rowsLookedAt);
    this.#path = options.path;
    this.#lock = lock;
    this.#writer = writer;
    this.#reader = reader;
    this.read = reader;
    this.#condition = condition;
    this.#rowsPerIndexing = options.rowsPerIndexing ?? usualRowsPerIndexing;
    condition.tellAudit = (head) => {
      for (const tell of this.#auditListeners) tell(head);
    };
    this.#highestSeq = reader.highestSeq();
    this.#lastEventSeq = reader.highestEventSeq();
    this.#queue = new CommitQueue((waiting) => this.#flush(waiting));
    this.#retention = new Retention({
      clock: options.clock,
      days: options.retentionDays ?? usualRetentionDays,
      eventDays: options.eventRetentionDays ?? options.retentionDays ?? usualRetentionDays,
      events: options.maxEvents ?? usualMaxEvents,
      isIdle: () => this.#queue.isIdle && condition.hasRoom,
      isClockSure: () => this.#isClockSure(),
      pruneSome: (bounds) => this.#pruneSome(bounds),
      onError: (error) => options.log.warn({ err: error }, 'old rows could not be deleted; trying again later'),
    });
  }

  /**
   * Opens the database, creating it and its directory when they are missing, and brings it up to date.
   * @throws GatewayError `misconfigured`: in use by another process, newer than this program, damaged, of another
   * program, or not allowed
   */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const { path, log, reserveBytes = usualReserveBytes, probeMs = usualProbeMs } = options;
    prepareDatabaseFile(path);
    const lock = ProcessLock.take(path);
    const damage = new DamageList(path, log);
    const condition: Condition = { hasRoom: true, isDead: false, tellAudit: () => undefined };
    let writer: WriterThread | undefined;
    try {
      const started = await WriterThread.start(
        {
          path,
          migrations: new URL('./migrations/', import.meta.url).href,
          statements: statementTexts,
          reserveBytes,
          probeMs,
          ...(options.faults && { faults: options.faults.shared }),
        },
        {
          onRoom: (hasRoom, message) => {
            condition.hasRoom = hasRoom;
            log.warn(message);
          },
          onDamage: (place) => damage.found(place),
          onAudit: (head) => condition.tellAudit(head),
          onFatal: (error) => {
            condition.isDead = true;
            options.onFatal(error);
          },
        },
        options.writerAhead,
      );
      writer = started.writer;
      condition.hasRoom = started.hasRoom;
      return new SqliteStore(options, {
        lock,
        writer,
        reader: new SqliteReader(path, (place) => damage.found(place)),
        condition,
        damage,
      });
    } catch (error) {
      await writer?.close();
      lock.release();
      throw error;
    }
  }

  commit(changes: readonly Change[]): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(storeClosed());
    const waiting = this.#unitOf(changes);
    if (waiting.unit.startsWork && !this.#condition.hasRoom) return Promise.reject(diskFull(this.#path));
    const isSeen = seenBeforeKept(changes);
    if (isSeen) this.#reader.forgetLooked();
    const committed = isSeen
      ? this.#queue.addSeen(waiting)
      : this.#queue.add(waiting, isNewsAlone(changes) ? newsPatienceMs : 0);
    if (this.#acceptances >= acceptancesPerMark) this.#raiseMark();
    return committed;
  }

  kept(): true | Promise<boolean> {
    return this.#queue.kept();
  }

  onEvents(listener: (events: readonly EventRecord[]) => void): Unsubscribe {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** Waits for what is under way, which comes before. */
  async keepAudit(key: Uint8Array, end?: AuditHead): Promise<void> {
    await this.#queue.drained();
    this.#writer.keepAudit(key, statementIndex.auditPut, end);
  }

  onAudit(listener: (head: AuditHead) => void): Unsubscribe {
    this.#auditListeners.add(listener);
    return () => this.#auditListeners.delete(listener);
  }

  /** Waits for what is under way, which comes before. */
  async scrub(): Promise<void> {
    await this.#queue.drained();
    await this.#writer.scrub();
  }

  /** Nothing is deleted for its age while the clock is in doubt. */
  keepAllUnless(isClockSure: () => boolean): void {
    this.#isClockSure = isClockSure;
  }

  get accepting(): boolean {
    const { hasRoom, isDead } = this.#condition;
    return hasRoom && !isDead && this.#closing === undefined;
  }

  /** Rows that are not as they were written, as far as they were come across: they are left out. */
  get damaged(): readonly string[] {
    return this.#damage.places;
  }

  get stats(): CommitStats {
    return this.#queue.stats;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#retention.stop();
    if (!this.#condition.isDead) await this.#queue.drained();
    // Before the writer, which then finds nobody in the way of the last checkpoint.
    this.#reader.close();
    await this.#writer.close();
    this.#lock.release();
  }

  async #flush(waiting: readonly WaitingSteps[]): Promise<FlushOutcome> {
    const failures = await this.#writer.commit(waiting.map(({ unit }) => unit));
    for (let index = 0; index < waiting.length; index++) {
      const kept = waiting[index];
      if (kept !== undefined && !failures?.[index]) this.#isOnDisk(kept);
    }
    this.#indexWhenDue();
    return failures?.map((failure, index) => {
      const changeOfStep = waiting[index]?.changeOfStep;
      return failure === null ? undefined : this.#errorOf(failure, changeOfStep?.[failure.step]);
    });
  }

  #isOnDisk({ accepted, events }: WaitingSteps): void {
    const { recentAttempts, recentEvents } = this.#reader;
    for (const { actionAttemptId, seq, deviceId } of accepted)
      recentAttempts.add({ id: actionAttemptId, seq, deviceId });
    if (events.length === 0) return;
    for (const { eventId, seq } of events) recentEvents.add({ id: eventId, seq });
    for (const tell of this.#eventListeners) tell(events);
  }

  #errorOf({ reason, message }: UnitFailure, change: Change | undefined): GatewayError {
    if (reason === 'no_room') return diskFull(this.#path);
    if (reason === 'busy') return databaseBusy(this.#path);
    switch (change?.kind) {
      case 'attempt_accepted':
        return alreadyAccepted(change.attempt.actionAttemptId, change.attempt.seq);
      case 'attempt_intent':
      case 'attempt_settled':
        return notPending(change.actionAttemptId);
      case 'event_put':
        // Its id is all of it that can be there already.
        return cannotApply(change.kind, 'SQLITE_CONSTRAINT_UNIQUE');
      default:
        return cannotApply(change?.kind ?? 'change', message);
    }
  }

  #unitOf(changes: readonly Change[]): WaitingSteps {
    const steps: Step[] = [];
    const changeOfStep: Change[] = [];
    const events: EventRecord[] = [];
    let audit: [string, string | null][] | undefined;
    const accepted: AttemptRecord[] = [];
    for (const change of changes) {
      if (change.kind === 'audit_put') {
        audit ??= [];
        audit.push(auditColumns(change.entry));
      } else if (change.kind === 'event_put') {
        const event = numbered(change.event, ++this.#lastEventSeq);
        events.push(event);
        steps.push(eventStep(event));
      } else {
        for (const step of stepsOf(change)) steps.push(step);
      }
      if (change.kind === 'attempt_accepted') {
        accepted.push(change.attempt);
        steps.push(...this.#markSteps(change.attempt.seq));
      }
      while (changeOfStep.length < steps.length) changeOfStep.push(change);
    }
    const started = startsWork(changes);
    const unit: Unit = audit === undefined ? { steps, startsWork: started } : { steps, startsWork: started, audit };
    return { unit, changeOfStep, accepted, events };
  }

  #markSteps(seq: number): readonly Step[] {
    this.#acceptances += 1;
    if (seq <= this.#highestSeq) return lateAttemptSteps(seq);
    this.#highestSeq = seq;
    return [];
  }

  /** Rides along with what is committed anyway. */
  #raiseMark(): void {
    this.#acceptances = 0;
    // Nobody waits for it, and the next one makes up for it.
    this.#queue.add(housework(raisePendingFrom)).catch(() => undefined);
  }

  /** Rides along as well. On a full disk it waits until there is room. */
  #indexWhenDue(): void {
    const { recentAttempts, recentEvents } = this.#reader;
    if (this.#isIndexing || this.#closing !== undefined || !this.#condition.hasRoom) return;
    if (Math.max(recentAttempts.size, recentEvents.size / 2) < this.#rowsPerIndexing) return;
    this.#isIndexing = true;
    const attemptsUpTo = this.#highestSeq;
    const eventsUpTo = this.#lastEventSeq;
    const steps = [...indexAttempts(attemptsUpTo), ...indexEvents(eventsUpTo)];
    this.#queue
      .add(housework(steps, true))
      .then(() => {
        recentAttempts.forgetUpTo(attemptsUpTo);
        recentEvents.forgetUpTo(eventsUpTo);
      })
      // The next commit tries again.
      .catch(() => undefined)
      .finally(() => {
        this.#isIndexing = false;
      });
  }

  async #pruneSome(bounds: Bounds): Promise<boolean> {
    if (!this.#reader.hasOlder(rowsPerPrune, bounds)) return false;
    await this.#queue.add(housework(pruneSteps(rowsPerPrune, bounds)));
    return true;
  }
}

interface Condition {
  hasRoom: boolean;
  /** The writer is: nothing that waits for it will ever be answered. */
  isDead: boolean;
  tellAudit: (head: AuditHead) => void;
}

interface Parts {
  readonly lock: ProcessLock;
  readonly writer: WriterThread;
  readonly reader: SqliteReader;
  readonly condition: Condition;
  readonly damage: DamageList;
}

interface WaitingSteps {
  readonly unit: Unit;
  /** The change each step belongs to, for the error's sake. */
  readonly changeOfStep: readonly Change[];
  readonly accepted: readonly AttemptRecord[];
  readonly events: readonly EventRecord[];
}

/** @param canWait it is refused first on a full disk */
const housework = (steps: readonly Step[], canWait = false): WaitingSteps => ({
  unit: { steps, startsWork: canWait },
  changeOfStep: [],
  accepted: [],
  events: [],
});
