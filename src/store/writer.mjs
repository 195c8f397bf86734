// The store's own thread. Plain JavaScript: a worker does not start from TypeScript under tsx.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { ChainEnd } from './audit-chain.mjs';
import { clearBehindMark } from './damage.mjs';
import { Busy, classify, codeOf, NoRoom, openDatabase, Reserve, scalar } from './writer-database.mjs';
import { WriteAheadLog } from './writer-log.mjs';

/** @import { FromWriter, ToWriter, Unit, UnitFailure, WriterOptions } from './writer-protocol.ts' */
/** @import { Statement } from 'libsql' */
/** @import { Parameter } from './columns.ts' */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** Awaited with everything loaded: the thread may be there before anybody knows its database. */
const [told] = await once(port, 'message');
const { path, migrations, statements, reserveBytes, probeMs, faults } = /** @type {WriterOptions} */ (told);
const planted = faults === undefined ? undefined : new Int32Array(faults);
const reserve = new Reserve(`${path}.reserve`, reserveBytes);

/** @param {FromWriter} message */
const tell = (message) => port.postMessage(message);

/** @param {Parameter} parameter */
const columnOf = (parameter) =>
  typeof parameter === 'object' && parameter !== null ? Buffer.from(parameter.hex, 'hex') : parameter;

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
    this.log = new WriteAheadLog(database, `${path}-wal`, {
      hasRoom: () => this.hasRoom,
      onFull: () => this.giveUpReserve(),
    });
    this.plantedFull = false;
    /** @type {NodeJS.Timeout | undefined} */
    this.probeTimer = this.hasRoom ? undefined : setInterval(() => this.probe(), probeMs);
    /** @type {ChainEnd | undefined} */
    this.audit = undefined;
    this.pageBytes = Number(scalar(database, 'PRAGMA page_size'));
    this.log.armIdle();
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
    const before = this.audit?.head;
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
      const head = this.audit?.head;
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
    this.log.grew(dirty);
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
    if (this.audit === undefined || unit.audit === undefined) return undefined;
    try {
      this.audit.add(unit.audit);
    } catch (error) {
      throw classify(error, codeOf(error));
    }
    return undefined;
  }

  /** @param {{ readonly seq: number, readonly hash: Uint8Array } | undefined} head */
  auditFrom(head) {
    if (head !== undefined) this.audit?.backTo(head);
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
    this.log.armIdle();
    tell({ kind: 'room', hasRoom: true, message: `the disk holding ${path} has room again` });
  }

  rest() {
    clearInterval(this.probeTimer);
    this.log.rest();
  }

  close() {
    this.rest();
    // libsql keeps a connection until its statements are garbage, so SQLite does not tidy up behind the last one.
    this.log.checkpoint('TRUNCATE');
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
        const { key, statement, end } = message;
        writer.audit = new ChainEnd(writer.database, key, writer.statement(statement), end);
        return;
      }
      if (message.kind === 'scrub') {
        tell({ kind: 'scrubbed', isClean: writer.log.scrub() });
        return;
      }
      const before = writer.audit?.seq;
      const failures = writer.commit(JSON.parse(message.units));
      const { audit } = writer;
      const grew = audit !== undefined && audit.seq !== before;
      const head = grew ? { seq: audit.seq, hash: Buffer.from(audit.hash).toString('hex') } : null;
      tell({ kind: 'committed', failures, audit: head });
      writer.log.checkpointWhenDue();
    } catch (error) {
      // Nothing is tried after this: what the disk holds now is for the next start to find out.
      writer.rest();
      tell({ kind: 'fatal', code: codeOf(error), message: error instanceof Error ? error.message : String(error) });
      port.close();
    }
  });
  tell({ kind: 'ready', hasRoom: writer.hasRoom, takenOut });
  // The first commits come before anybody is idle.
  if (writer.hasRoom) writer.log.lengthen();
}
