// The store's own thread. Plain JavaScript: a worker does not start from TypeScript under tsx.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { chainBegin, chainHash, numbered } from './audit-chain.mjs';
import { clearBehindMark } from './damage.mjs';
import { rowSum } from './row-sum.mjs';
import { shortEntry } from './short-texts.mjs';
import { codeOf, lengthen, openDatabase, Reserve, scalar } from './writer-database.mjs';

/** @import { FromWriter, ToWriter, Unit, UnitFailure, WriterOptions } from './writer-protocol.ts' */
/** @import { Statement } from 'libsql' */
/** @import { Parameter } from './columns.ts' */

/** So long without a commit counts as idle, in milliseconds. A guess. */
const idleMs = 250;

/**
 * Checkpoints, counted in statements since the last: one writes 0.5 to 1 KiB of log, measured. When idle at the first
 * number, without waiting for idleness at the second, which the log is just long enough for: a checkpoint delays the
 * commits behind it, and so does making the log longer, which costs the disk four times the bytes.
 */
const checkpointIdle = 2_000;
const checkpointAtLast = 12_000;

/** How long checkpoints keep the write-ahead log, in bytes. */
const usualLogBytes = 12 << 20;

/** After so many statements the log is made a slice longer also under load: they write less than a slice. */
const statementsPerSlice = 500;

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** Awaited with everything loaded: the thread may be there before anybody knows its database. */
const [told] = await once(port, 'message');
const { path, migrations, statements, reserveBytes, probeMs, faults } = /** @type {WriterOptions} */ (told);
const planted = faults === undefined ? undefined : new Int32Array(faults);
const reserve = new Reserve(`${path}.reserve`, reserveBytes);

/** The disk is full. Thrown where SQLite has rolled the transaction back already. */
class NoRoom extends Error {}
/** Another program holds the database. */
class Busy extends Error {}

/** @param {FromWriter} message */
const tell = (message) => port.postMessage(message);

/** @param {Parameter} parameter */
const columnOf = (parameter) =>
  typeof parameter === 'object' && parameter !== null ? Buffer.from(parameter.hex, 'hex') : parameter;

/** @param {unknown} error @param {string} code of SQLite */
function classify(error, code) {
  // Growing the shared index of the log is the one place where SQLite reports a full disk otherwise.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return new NoRoom();
  if (code.startsWith('SQLITE_BUSY')) return new Busy();
  return error;
}

class Writer {
  /** @param {import('libsql').Database} database */
  constructor(database) {
    this.database = database;
    this.begin = database.prepare('BEGIN IMMEDIATE');
    this.commitAll = database.prepare('COMMIT');
    this.savepoint = database.prepare('SAVEPOINT unit');
    this.release = database.prepare('RELEASE unit');
    /** @type {Map<number, Statement<unknown[]>>} */
    this.prepared = new Map();
    this.hasRoom = reserve.take();
    this.dirty = 0;
    this.dirtyAtSlice = 0;
    this.plantedFull = false;
    /** @type {NodeJS.Timeout | undefined} */
    this.idleTimer = undefined;
    /** @type {NodeJS.Timeout | undefined} */
    this.probeTimer = this.hasRoom ? undefined : setInterval(() => this.probe(), probeMs);
    /** @type {{ readonly key: Uint8Array, readonly statement: number, seq: number, hash: Uint8Array } | undefined} */
    this.audit = undefined;
    this.pageBytes = Number(scalar(database, 'PRAGMA page_size'));
    this.armIdle();
  }

  /** @param {readonly Unit[]} units @returns {(UnitFailure | null)[] | null} */
  commit(units) {
    this.plantFull();
    /** @type {(UnitFailure | null)[]} */
    const failures = units.map(() => null);
    const all = units.map((_, index) => index);
    if (this.hasRoom) {
      try {
        this.transact(units, all, failures);
        return this.answer(failures);
      } catch (error) {
        if (!(error instanceof NoRoom)) return this.answer(this.busy(units, error));
        this.giveUpReserve();
        this.overwrite();
        failures.fill(null);
      }
    }
    for (const index of all) if (units[index]?.startsWork) failures[index] = noRoom();
    const underWay = all.filter((index) => failures[index] === null);
    try {
      this.transact(units, underWay, failures);
    } catch (error) {
      if (!(error instanceof NoRoom)) return this.answer(this.busy(units, error));
      this.oneByOne(units, underWay, failures);
    }
    return this.answer(failures);
  }

  /**
   * What fits goes through, though not everything does.
   * @param {readonly Unit[]} units @param {number[]} indexes @param {(UnitFailure | null)[]} failures
   */
  oneByOne(units, indexes, failures) {
    for (const index of indexes) {
      failures[index] = null;
      try {
        this.transact(units, [index], failures);
      } catch (error) {
        if (error instanceof NoRoom) failures[index] = noRoom();
        else throw error;
      }
    }
    if (indexes.some((index) => failures[index] !== null)) this.overwrite();
  }

  /**
   * One transaction, one sync; each unit on its own merits. Hardly ever does a unit fail when some of it was done already:
   * what costs each of them two statements is done only for a group that has such a one.
   * @param {readonly Unit[]} units @param {number[]} indexes @param {(UnitFailure | null)[]} failures
   */
  transact(units, indexes, failures) {
    if (indexes.length === 0) return;
    const before = this.auditHead();
    const earlier = indexes.map((index) => failures[index] ?? null);
    try {
      if (this.transactAll(units, indexes, failures, false)) return;
      this.auditFrom(before);
      for (const [nth, index] of indexes.entries()) failures[index] = earlier[nth] ?? null;
      this.transactAll(units, indexes, failures, true);
    } catch (error) {
      // None of it was kept: the chain goes on from where it was.
      this.auditFrom(before);
      throw error;
    }
  }

  /**
   * @param {readonly Unit[]} units @param {number[]} indexes @param {(UnitFailure | null)[]} failures
   * @param {boolean} careful a unit that fails half way is taken back alone
   * @returns {boolean} whether it is done; otherwise nothing is, and it is to be done with care
   */
  transactAll(units, indexes, failures, careful) {
    this.step(this.begin);
    let dirty = 0;
    for (const index of indexes) {
      const unit = /** @type {Unit} */ (units[index]);
      const savepoint = careful && unit.steps.length > 1 && indexes.length > 1;
      if (savepoint) this.step(this.savepoint);
      const head = this.auditHead();
      const failure = this.tryUnit(unit);
      if (failure !== undefined) this.auditFrom(head);
      if (failure !== undefined) failures[index] = failure;
      if (failure !== undefined && indexes.length === 1) {
        this.run('ROLLBACK');
        return true;
      }
      // A statement that fails has changed nothing; those before it in the unit have.
      if (failure !== undefined && failure.step > 0 && !careful) {
        this.run('ROLLBACK');
        return false;
      }
      if (savepoint && failure !== undefined) this.run('ROLLBACK TO unit');
      if (savepoint) this.step(this.release);
      dirty += unit.steps.length;
    }
    this.delaySync();
    this.step(this.commitAll);
    this.dirty += dirty;
    return true;
  }

  /** @param {Unit} unit @returns {UnitFailure | undefined} */
  tryUnit(unit) {
    for (const [step, [statement, parameters, mustChange]] of unit.steps.entries()) {
      try {
        const done = this.statement(statement).run(parameters.map(columnOf));
        if (mustChange && done.changes === 0) return { reason: 'refused', step, message: 'no row was changed' };
      } catch (error) {
        const code = codeOf(error);
        if (!/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)) throw classify(error, code);
        return { reason: 'refused', step, message: code };
      }
    }
    if (this.audit !== undefined && unit.audit !== undefined) this.chain(unit.audit);
    return undefined;
  }

  /** @param {NonNullable<Unit['audit']>} entries */
  chain(entries) {
    const { audit } = this;
    if (audit === undefined) return;
    for (const [bare, name] of entries) {
      const seq = audit.seq + 1;
      const text = numbered(seq, bare);
      const hash = chainHash(audit.key, audit.hash, seq, text);
      try {
        const entry = shortEntry(text);
        this.statement(audit.statement).run([seq, entry, name, hash, rowSum([seq, entry, hash])]);
      } catch (error) {
        throw classify(error, codeOf(error));
      }
      audit.seq = seq;
      audit.hash = hash;
    }
  }

  auditHead() {
    return this.audit === undefined ? undefined : { seq: this.audit.seq, hash: this.audit.hash };
  }

  /** @param {{ readonly seq: number, readonly hash: Uint8Array } | undefined} head */
  auditFrom(head) {
    if (this.audit !== undefined && head !== undefined) Object.assign(this.audit, head);
  }

  /**
   * What stood between the last row and the end that is vouched for was cut off: it stays missing, since numbers go on
   * behind it.
   *
   * @param {Uint8Array} key @param {number} statement
   * @param {{ readonly seq: number, readonly hash: string }} [end]
   */
  keepAudit(key, statement, end) {
    const row = /** @type {[number, Uint8Array] | undefined} */ (
      this.database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').raw().get([])
    );
    const seq = row?.[0] ?? this.prunedTo();
    const isCut = end !== undefined && end.seq > seq;
    const from = isCut ? { seq: end.seq, hash: Buffer.from(end.hash, 'hex') } : { seq, hash: row?.[1] ?? chainBegin };
    this.audit = { key, statement, ...from };
  }

  /** Numbers go on also where every entry was too old to be kept. */
  prunedTo() {
    const row = /** @type {[string] | undefined} */ (
      this.database.prepare("SELECT value FROM facts WHERE name = 'audit_anchor'").raw().get([])
    );
    return Number.parseInt(row?.[0] ?? '0', 10);
  }

  /** @param {number} index @returns {Statement<unknown[]>} */
  statement(index) {
    let statement = this.prepared.get(index);
    if (statement === undefined) {
      statement = this.database.prepare(/** @type {string} */ (statements[index]));
      this.prepared.set(index, statement);
    }
    return statement;
  }

  /** @param {Statement<unknown[]>} statement prepared, of what every group needs */
  step(statement) {
    try {
      statement.run([]);
    } catch (error) {
      throw classify(error, codeOf(error));
    }
  }

  /** @param {string} sql */
  run(sql) {
    try {
      this.database.exec(sql);
    } catch (error) {
      throw classify(error, codeOf(error));
    }
  }

  /** @param {readonly Unit[]} units @param {unknown} error @returns {UnitFailure[]} */
  busy(units, error) {
    if (!(error instanceof Busy)) throw error;
    if (this.database.inTransaction) this.run('ROLLBACK');
    return units.map(() => ({ reason: 'busy', step: -1, message: 'another program is writing' }));
  }

  /** @param {(UnitFailure | null)[]} failures */
  answer(failures) {
    return failures.some((failure) => failure !== null) ? failures : null;
  }

  /**
   * A group that failed while the log's index was made longer lies in the log as if it had been committed, and would
   * come back after a crash, though it was refused. The next frames take its place, and the rest of it is cleared.
   */
  overwrite() {
    if (this.database.inTransaction) this.run('ROLLBACK');
    try {
      this.run('BEGIN IMMEDIATE');
      this.run(`PRAGMA user_version = ${Number(scalar(this.database, 'PRAGMA user_version'))}`);
      this.run('COMMIT');
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
    }
    this.clearRefused();
  }

  /** It is a commit of page 1 alone that {@link overwrite} leaves at the end of the log. */
  clearRefused() {
    try {
      this.run('BEGIN IMMEDIATE');
      clearBehindMark(path);
    } catch {
      // What is left there is refused at a start only where it looks like two commits.
    }
    if (this.database.inTransaction) this.run('ROLLBACK');
  }

  giveUpReserve() {
    reserve.giveUp();
    if (this.plantedFull) this.limitPages(Math.floor(reserveBytes / this.pageBytes));
    this.hasRoom = false;
    this.probeTimer ??= setInterval(() => this.probe(), probeMs);
    tell({ kind: 'room', hasRoom: false, message: `the disk holding ${path} is full` });
  }

  /** Looks whether there is room again. */
  probe() {
    this.plantFull();
    if (this.hasRoom || this.plantedFull || !reserve.take()) return;
    this.hasRoom = true;
    clearInterval(this.probeTimer);
    this.probeTimer = undefined;
    this.armIdle();
    tell({ kind: 'room', hasRoom: true, message: `the disk holding ${path} has room again` });
  }

  armIdle() {
    if (this.idleTimer === undefined) this.idleTimer = setTimeout(() => this.idle(), idleMs);
    else this.idleTimer.refresh();
  }

  /** Work nobody waits for, a little at a time. */
  idle() {
    if (!this.hasRoom) return;
    if (this.dirty >= checkpointIdle) this.checkpoint();
    if (this.lengthenLog()) this.armIdle();
  }

  /** @returns {boolean} whether there is more to do */
  lengthenLog() {
    this.dirtyAtSlice = this.dirty;
    try {
      return lengthen(`${path}-wal`, usualLogBytes);
    } catch {
      // It is a convenience; a full disk shows at the next commit.
      return false;
    }
  }

  checkpointWhenDue() {
    // A checkpoint makes the database longer: on a full disk that would take the room that settlements need.
    if (this.dirty >= checkpointAtLast && this.hasRoom) this.checkpoint();
    else if (this.dirty - this.dirtyAtSlice >= statementsPerSlice && this.hasRoom) this.lengthenLog();
    this.armIdle();
  }

  /** @param {'PASSIVE' | 'TRUNCATE'} mode */
  checkpoint(mode = 'PASSIVE') {
    this.dirty = 0;
    this.dirtyAtSlice = 0;
    try {
      this.run(`PRAGMA wal_checkpoint(${mode})`);
    } catch (error) {
      if (error instanceof NoRoom) this.giveUpReserve();
      else if (!(error instanceof Busy)) throw error;
    }
  }

  /** @returns {boolean} whether the log is empty: what it held is in the database, where deleting overwrites */
  scrub() {
    this.dirty = 0;
    try {
      const [busy] = /** @type {unknown[]} */ (this.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').raw().get([]));
      return busy === 0;
    } catch (error) {
      const classified = classify(error, codeOf(error));
      if (classified instanceof NoRoom || classified instanceof Busy) return false;
      throw error;
    } finally {
      this.armIdle();
    }
  }

  rest() {
    clearInterval(this.probeTimer);
    clearTimeout(this.idleTimer);
  }

  close() {
    this.rest();
    // libsql keeps a connection until its statements are garbage, so SQLite does not tidy up behind the last one.
    this.checkpoint('TRUNCATE');
    this.database.close();
  }

  delaySync() {
    if (planted === undefined) return;
    const ms = Atomics.load(planted, 0);
    if (ms > 0) Atomics.wait(planted, 0, ms, ms);
    const fault = Atomics.exchange(planted, 1, 0);
    if (fault === 1) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
    if (fault === 2) process.exit(9);
  }

  plantFull() {
    if (planted === undefined) return;
    const full = Atomics.load(planted, 2) === 1;
    if (full === this.plantedFull) return;
    this.plantedFull = full;
    if (full) this.limitPages(0);
    else this.run('PRAGMA max_page_count = 4294967294');
  }

  /** @param {number} more pages than there are now */
  limitPages(more) {
    this.run(`PRAGMA max_page_count = ${Number(scalar(this.database, 'PRAGMA page_count')) + more}`);
  }
}

/** @returns {UnitFailure} */
function noRoom() {
  return { reason: 'no_room', step: -1, message: 'the disk is full' };
}

function start() {
  try {
    return new Writer(open());
  } catch (error) {
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    tell({ kind: 'unusable', message: code === '' ? message : cannotOpen(message, code) });
    port.close();
    return undefined;
  }
}

/** @type {string[]} */
const takenOut = [];
/** @param {string} place */
const gone = (place) => takenOut.push(place);

/** A full disk has no room for the log either: what was left pending must be settled all the same. */
function open() {
  try {
    return openDatabase(path, migrations, gone);
  } catch (error) {
    if (!(classify(error, codeOf(error)) instanceof NoRoom)) throw error;
    reserve.giveUp();
    return openDatabase(path, migrations, gone);
  }
}

/** @param {string} message @param {string} code */
const cannotOpen = (message, code) =>
  `The database ${path} cannot be opened: ${message} (${code}). Check the disk and whether it is full, then start again.`;

const writer = start();
if (writer !== undefined) {
  port.on('message', (/** @type {ToWriter} */ message) => {
    try {
      if (message.kind === 'close') {
        writer.close();
        tell({ kind: 'closed' });
        port.close();
        return;
      }
      if (message.kind === 'keep_audit') {
        writer.keepAudit(message.key, message.statement, message.end);
        return;
      }
      if (message.kind === 'scrub') {
        tell({ kind: 'scrubbed', isClean: writer.scrub() });
        return;
      }
      const before = writer.audit?.seq;
      const failures = writer.commit(JSON.parse(message.units));
      const { audit } = writer;
      const grew = audit !== undefined && audit.seq !== before;
      const head = grew ? { seq: audit.seq, hash: Buffer.from(audit.hash).toString('hex') } : null;
      tell({ kind: 'committed', failures, audit: head });
      writer.checkpointWhenDue();
    } catch (error) {
      // Nothing is tried after this: what the disk holds now is for the next start to find out.
      writer.rest();
      tell({ kind: 'fatal', code: codeOf(error), message: error instanceof Error ? error.message : String(error) });
      port.close();
    }
  });
  tell({ kind: 'ready', hasRoom: writer.hasRoom, takenOut });
  // The first commits come before anybody is idle.
  if (writer.hasRoom) writer.lengthenLog();
}
