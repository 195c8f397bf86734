import {
  afterSilence,
  type DeviceReport,
  GatewayError,
  type Health,
  type LockState,
  type OpenContext,
  Ratio,
  type Timer,
} from '../../../src/contract/index.ts';
import { errorCodes, idTypes } from './catalogue.ts';
import { type LockTime, NO_TIME } from './codec-fields.ts';
import type { KeyturnerStates } from './codec-replies.ts';
import type { NukiConnection } from './connection.ts';
import type { NukiCredentials } from './credentials.ts';
import { askStates, credentialsOf, type DeviceSession, onConnection } from './device-session.ts';
import { LockRefusal } from './failures.ts';
import { askLogPage, type LogPage, LogReader, OwnRecord, operatedFrom } from './lock-log.ts';
import { readBeacon } from './recognise.ts';
import { doorOf, isDoorSensorTampered, isMoving, stateOf } from './states.ts';

/** A lock that announces a change is asked at most every so many milliseconds. A guess. */
const POLL_PAUSE_MS = 3_000;
/** After a read of a change that failed, in milliseconds: doubled up to the ordinary pause. A guess. */
const RETRY_MS = 15_000;
/** A bolt under way is read again so often at most. A motor runs for 4 s. */
const MOVING_READS = 5;
/** A lock that was not heard for so long is out of range, in milliseconds. It advertises several times a second. */
const SILENCE_MS = 60_000;
/** How often silence is looked for, in milliseconds. */
const LISTEN_MS = 15_000;
/** So many reads must fail before a lock that is heard counts as not answering. A guess. */
const FAILURES = 2;

/** The log is closed to us: asking again would lock it up, since the lock counts. */
const pinRefusals: ReadonlySet<number> = new Set([errorCodes.badPin, errorCodes.tooManyPinAttempts]);

/** Knows how a lock is when nobody commands it: hears it, reads it, and tells who operated it. */
export class NukiWatch {
  readonly #access: DeviceSession;
  readonly #ctx: OpenContext;
  readonly #learn: (connection: NukiConnection) => Promise<void>;
  readonly #pollMs: number;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #told = new Map<string, string>();
  readonly #log = new LogReader();
  readonly #bit: ChangeBit;
  #poll: Timer | undefined;
  #listen: Timer | undefined;
  #polling = false;
  /** The lock has something to tell that was not read yet. */
  #owed = false;
  #lastPoll = Number.NEGATIVE_INFINITY;
  #lastHeard: number;
  #failures = 0;
  #movingReads = 0;
  #pinRefused = false;
  #closed = false;
  /** Somebody reads the log on: one at a time, for each entry to be told once. */
  #reading = false;
  readonly #own: OwnRecord | undefined;
  readonly #hasPin: boolean;
  #state: LockState = 'unknown';

  /** @param learn asks what is asked of a lock once, after what is asked each time */
  constructor(access: DeviceSession, ctx: OpenContext, learn: (connection: NukiConnection) => Promise<void>) {
    this.#access = access;
    this.#learn = learn;
    this.#ctx = ctx;
    this.#pollMs = access.settings.poll_s * 1_000;
    this.#lastHeard = ctx.clock.now();
    const credentials = this.#credentials();
    this.#hasPin = credentials?.pin !== undefined;
    this.#own = credentials && new OwnRecord(credentials.authorizationId);
    this.#bit = new ChangeBit(credentials?.idType === idTypes.bridge);
    if (credentials === undefined) {
      this.#unsubscribe = [];
      return;
    }
    this.#unsubscribe = [
      access.link.onStateChange(() => this.#onLinkState()),
      access.link.onAdvertisement((advertisement) => {
        this.#lastHeard = ctx.clock.now();
        if (access.identity.heard(advertisement)) this.#onIdentity();
        if (this.#told.get('health')?.includes('out_of_range')) this.#pollIn(0);
        const beacon = readBeacon(advertisement);
        if (beacon && this.#bit.heard(beacon.stateChanged)) this.#owe();
      }),
    ];
    this.#listen = this.#armListen();
    // Locks on one adapter are not all asked in the same moment.
    this.#pollIn(ctx.random() * POLL_PAUSE_MS);
    this.#onLinkState();
  }

  /** A command of ours leaves. */
  sent(): void {
    this.#own?.sent(this.#ctx.clock.now());
  }

  /** Whether the lock's log can be read. */
  get isOpen(): boolean {
    return !this.#pinRefused && this.#hasPin;
  }

  /** The lock said last that it is stuck, or does not know: it may say so again whatever it is told. */
  get isInDoubt(): boolean {
    return this.#state !== 'locked' && this.#state !== 'unlocked';
  }

  /** How our last command ended, as the lock's log has it; undefined when it cannot be told. */
  async completionOf(action: number, connection: NukiConnection): Promise<number | undefined> {
    if (!this.isOpen || this.#reading) return undefined;
    this.#reading = true;
    try {
      await this.#tellLog((startIndex) => this.#page(connection, startIndex), NO_TIME);
    } finally {
      this.#reading = false;
    }
    return this.#own?.completionOf(action);
  }

  close(): void {
    this.#closed = true;
    this.#poll?.cancel();
    this.#listen?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** Tells what a state says, whoever asked for it. */
  heard(states: KeyturnerStates): void {
    this.#lastHeard = this.#ctx.clock.now();
    this.#failures = 0;
    this.#health({ status: 'online' });
    this.#state = stateOf(states);
    this.#tell({ kind: 'lock_state', state: this.#state });
    const door = doorOf(states);
    // A sensor that was there and is not any more cannot tell either.
    if (door !== undefined || this.#told.has('door')) this.#tell({ kind: 'door', contact: door ?? 'unknown' });
    if (isDoorSensorTampered(states)) this.#tell({ kind: 'tamper' });
    else this.#told.delete('tamper');
    const { percent, critical } = states.battery;
    const level = percent === undefined ? undefined : Ratio.parse(percent / 100);
    this.#tell({ kind: 'battery', level, low: critical });
    // A state without the byte says nothing of a keypad; one that tells of its battery has one.
    const low = states.keypadBatteryCritical;
    if (low !== undefined) this.#tell({ kind: 'accessory_keypad', connected: true, low });
    else if (states.tellsOfKeypad && this.#told.has('accessory_keypad'))
      this.#tell({ kind: 'accessory_keypad', connected: false });
  }

  /** Without a pairing there is nothing to listen for; the device says so at once. */
  #credentials(): NukiCredentials | undefined {
    try {
      return credentialsOf(this.#access);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** Another lock answers at the address, or ours does again. */
  #onIdentity(): void {
    try {
      this.#access.identity.assertOurs();
      this.#pollIn(0);
    } catch (error) {
      this.#failed(error);
    }
  }

  #onLinkState(): void {
    const { state } = this.#access.link;
    if (state.status === 'down') {
      this.#access.identity.lost();
      this.#health({ status: 'offline', reason: 'link_down', hint: state.hint });
    } else if (this.#told.get('health')?.includes('link_down')) this.#pollIn(0);
  }

  #armListen(): Timer {
    const judge = () => {
      this.#listen = this.#armListen();
      if (this.#access.link.state.status === 'down') this.#lastHeard = this.#ctx.clock.now();
      else if (this.#ctx.clock.now() - this.#lastHeard > SILENCE_MS) {
        this.#access.identity.lost();
        this.#health({
          status: 'offline',
          reason: 'out_of_range',
          hint: 'The lock is not heard over Bluetooth. Check its batteries, and that the gateway is near enough.',
        });
      }
    };
    return afterSilence(this.#ctx.clock, judge, LISTEN_MS);
  }

  /** The lock says that something has changed: it is read once for that, soon. */
  #owe(): void {
    this.#owed = true;
    if (!this.#polling) this.#pollIn(POLL_PAUSE_MS - (this.#ctx.clock.now() - this.#lastPoll));
  }

  #pollIn(ms: number): void {
    if (this.#closed) return;
    this.#poll?.cancel();
    this.#poll = this.#ctx.clock.setTimer(() => void this.#pollNow(), Math.max(0, ms));
  }

  async #pollNow(): Promise<void> {
    if (this.#polling || this.#closed) return;
    this.#polling = true;
    this.#lastPoll = this.#ctx.clock.now();
    const wasOwed = this.#owed;
    this.#owed = false;
    let next = this.#pollMs;
    try {
      const before = this.#told.get('lock_state');
      const { states, first } = await this.#session(async (connection) => {
        this.#reading = true;
        const now = await askStates(this.#access, connection);
        const page = await this.#page(connection, 0);
        await this.#learn(connection);
        return { states: now, first: page };
      });
      const hasNews = await this.#tellLog((startIndex) => this.#pageAfter(first, startIndex), states.time);
      this.#movingReads = isMoving(states) ? this.#movingReads + 1 : 0;
      if (isMoving(states) && this.#movingReads <= MOVING_READS) next = POLL_PAUSE_MS;
      else this.#bit.read(hasNews || before !== this.#told.get('lock_state'));
    } catch (error) {
      this.#failed(error);
      this.#owed ||= wasOwed;
      if (wasOwed) next = Math.min(this.#pollMs, RETRY_MS * 2 ** Math.min(10, Math.max(0, this.#failures - 1)));
    } finally {
      this.#polling = false;
      this.#reading = false;
      this.#pollIn(this.#owed && !wasOwed ? POLL_PAUSE_MS : next);
    }
  }

  #session<T>(use: (connection: NukiConnection) => Promise<T>): Promise<T> {
    const { closing } = this.#access;
    return onConnection(this.#access, { priority: 'poll', signal: closing, log: this.#ctx.log }, use);
  }

  #failed(error: unknown): void {
    if (this.#closed || !(error instanceof GatewayError)) return;
    this.#ctx.log.debug({ why: error.message }, 'the lock could not be read');
    const hint = error.message;
    if (error.type === 'misconfigured') this.#health({ status: 'misconfigured', reason: 'wrong_settings', hint });
    else if (error.type === 'authentication_failed')
      this.#health({ status: 'misconfigured', reason: 'key_refused', hint });
    else if (error.type !== 'link_unavailable') {
      this.#failures += 1;
      const heard = this.#ctx.clock.now() - this.#lastHeard <= SILENCE_MS;
      if (this.#failures >= FAILURES && heard) this.#health({ status: 'offline', reason: 'not_answering', hint });
    }
  }

  /** A lock gives out its log for its PIN alone. Undefined when it does not: nothing is known of what it holds then. */
  async #page(connection: NukiConnection, startIndex: number): Promise<LogPage | undefined> {
    const { pin } = credentialsOf(this.#access);
    if (pin === undefined || this.#pinRefused) return undefined;
    try {
      return await askLogPage(connection, this.#access, startIndex, pin);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#pinRefused = error instanceof LockRefusal && pinRefusals.has(error.code);
      if (this.#pinRefused) this.#ctx.log.warn({ hint: error.message }, 'the lock’s log is not read');
      else this.#ctx.log.debug({ why: error.message }, 'the lock’s log could not be read; it is read in its next turn');
      return undefined;
    }
  }

  /**
   * Older pages are read on connections of their own, so that a door does not wait for the whole of a long log.
   */
  async #pageAfter(first: LogPage | undefined, startIndex: number): Promise<LogPage | undefined> {
    if (startIndex === 0 || first === undefined) return first;
    return this.#session((connection) => this.#page(connection, startIndex));
  }

  /** Tells what is new in the log. @returns whether there was anything */
  async #tellLog(page: (startIndex: number) => Promise<LogPage | undefined>, lockTime: LockTime): Promise<boolean> {
    const { authorizationId } = credentialsOf(this.#access);
    const news = await this.#log.read(page, lockTime);
    if (news === undefined || this.#closed) return false;
    const { entries, missing } = news;
    this.#own?.read(entries);
    if (missing > 0) this.#ctx.report({ kind: 'operations_missed', count: missing });
    for (const entry of entries) {
      const report = operatedFrom(entry, authorizationId);
      if (report !== undefined) this.#ctx.report(report);
    }
    return entries.length > 0;
  }

  #health(health: Health): void {
    this.#tell({ kind: 'health', health });
  }

  /** Only what is new is told. */
  #tell(report: DeviceReport): void {
    const text = JSON.stringify(report);
    if (this.#closed || this.#told.get(report.kind) === text) return;
    this.#told.set(report.kind, text);
    this.#ctx.report(report);
  }
}

/**
 * What a lock's advertised "state changed" bit is good for. It is a level: a lock resets it when its state is read with
 * the authorization of a bridge, and for nobody else (Nuki developer forum, topic 1109). So it says of a change only
 * once, when it rises; while it stays set nothing can be seen in it, and the lock is read in its ordinary turn.
 */
export class ChangeBit {
  readonly #resetsIt: boolean;
  #isSet = false;
  /** Reads in a row that should have reset it and did not. */
  #unreset = 0;

  /** @param resetsIt our reads are those of a bridge */
  constructor(resetsIt: boolean) {
    this.#resetsIt = resetsIt;
  }

  /** The bit as it was heard. @returns whether the lock has something new to tell */
  heard(isSet: boolean): boolean {
    const rose = isSet && !this.#isSet;
    this.#isSet = isSet;
    if (!isSet) this.#unreset = 0;
    return rose;
  }

  /**
   * The lock was read at rest. A bridge's read has reset the bit: when it is heard set again, something changed since.
   * A lock that goes on showing it set is not believed to have changed for ever.
   *
   * @param isNew the read told something new
   */
  read(isNew: boolean): void {
    if (!this.#resetsIt || !this.#isSet) return;
    this.#unreset = isNew ? 0 : this.#unreset + 1;
    if (this.#unreset < 2) this.#isSet = false;
  }
}
