import {
  type DeviceReport,
  GatewayError,
  type Health,
  type OpenContext,
  Ratio,
  type Timer,
} from '../../../src/contract/index.ts';
import { commands, statusCodes } from './catalogue.ts';
import { requestLogEntries } from './codec-commands.ts';
import { type KeyturnerStates, type LogEntry, readLogEntry, readStatus } from './codec-replies.ts';
import { type Conversation, REPLY_MS } from './conversation.ts';
import { askStates, converse, credentialsOf, type DeviceAccess } from './device-access.ts';
import { refusal } from './failures.ts';
import { operatedFrom } from './log-events.ts';
import { readBeacon } from './recognise.ts';
import { doorOf, stateOf } from './states.ts';

/** A lock that announces a change is asked at most every so many milliseconds. A guess. */
const POLL_PAUSE_MS = 3_000;
/** A lock that was not heard for so long is out of range, in milliseconds. It advertises several times a second. */
const SILENCE_MS = 60_000;
/** How often silence is looked for, in milliseconds. */
const LISTEN_MS = 15_000;
/** So many reads must fail before a lock that is heard counts as not answering. A guess. */
const FAILURES = 2;
/** How many entries of the lock's log are read at a time. */
const LOG_PAGE = 10;

/** Knows how a lock is when nobody commands it: hears it, reads it, and tells who operated it. */
export class Watch {
  readonly #access: DeviceAccess;
  readonly #ctx: OpenContext;
  readonly #pollMs: number;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #told = new Map<string, string>();
  #poll: Timer | undefined;
  #listen: Timer | undefined;
  #polling = false;
  #lastPoll = Number.NEGATIVE_INFINITY;
  #lastHeard: number;
  #failures = 0;
  #lastLogIndex: number | undefined;
  #pinRefused = false;
  #closed = false;

  constructor(access: DeviceAccess, ctx: OpenContext) {
    this.#access = access;
    this.#ctx = ctx;
    this.#pollMs = access.settings.poll_s * 1_000;
    this.#lastHeard = ctx.clock.now();
    if (!this.#isPaired()) {
      this.#unsubscribe = [];
      return;
    }
    this.#unsubscribe = [
      access.link.onStateChange(() => this.#onLinkState()),
      access.link.onAdvertisement((advertisement) => {
        this.#lastHeard = ctx.clock.now();
        if (this.#told.get('health')?.includes('out_of_range')) this.#pollIn(0);
        if (readBeacon(advertisement)?.stateChanged) this.#pollIn(POLL_PAUSE_MS - (ctx.clock.now() - this.#lastPoll));
      }),
    ];
    this.#listen = this.#armListen();
    // Locks on one adapter are not all asked in the same moment.
    this.#pollIn(ctx.random() * POLL_PAUSE_MS);
    this.#onLinkState();
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
    this.#tell({ kind: 'lock_state', state: stateOf(states) });
    const door = doorOf(states);
    if (door !== undefined) this.#tell({ kind: 'door', contact: door });
    const { percent, critical } = states.battery;
    const level = percent === undefined ? undefined : Ratio.parse(percent / 100);
    this.#tell({ kind: 'battery', level, low: critical });
  }

  /** Without a pairing there is nothing to listen for; the device says so at once. */
  #isPaired(): boolean {
    try {
      credentialsOf(this.#access);
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #onLinkState(): void {
    const { state } = this.#access.link;
    if (state.status === 'down') this.#health({ status: 'offline', reason: 'link_down', hint: state.hint });
    else if (this.#told.get('health')?.includes('link_down')) this.#pollIn(0);
  }

  #armListen(): Timer {
    return this.#ctx.clock.setTimer(() => {
      this.#listen = this.#armListen();
      if (this.#access.link.state.status === 'down') this.#lastHeard = this.#ctx.clock.now();
      else if (this.#ctx.clock.now() - this.#lastHeard > SILENCE_MS)
        this.#health({
          status: 'offline',
          reason: 'out_of_range',
          hint: 'The lock is not heard over Bluetooth. Check its batteries, and that the gateway is near enough.',
        });
    }, LISTEN_MS);
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
    const { log } = this.#ctx;
    try {
      const signal = this.#access.closing;
      await converse(this.#access, { priority: 'poll', signal, log }, async (conversation) => {
        await askStates(this.#access, conversation);
        await this.#readLog(conversation);
      });
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#polling = false;
      this.#pollIn(this.#pollMs);
    }
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

  /** A lock gives out its log for its PIN alone; a wrong one is not said twice, since the lock counts. */
  async #readLog(conversation: Conversation): Promise<void> {
    const { pin, authorizationId } = credentialsOf(this.#access);
    if (pin === undefined || this.#pinRefused) return;
    try {
      const request = { startIndex: 0, count: LOG_PAGE, newestFirst: true };
      await conversation.send(requestLogEntries(request, await conversation.challenge(), pin));
      const entries = await this.#collectLog(conversation);
      const newest = Math.max(0, ...entries.map(({ index }) => index));
      const since = this.#lastLogIndex ?? newest;
      this.#lastLogIndex = newest;
      for (const entry of entries.filter(({ index }) => index > since).sort((a, b) => a.index - b.index)) {
        const report = operatedFrom(entry, authorizationId);
        if (report !== undefined) this.#ctx.report(report);
      }
    } catch (error) {
      if (!(error instanceof GatewayError) || error.type !== 'authentication_failed') throw error;
      this.#pinRefused = true;
      this.#ctx.log.warn({ hint: error.message }, 'the lock’s log is not read');
    }
  }

  async #collectLog(conversation: Conversation): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    const until = this.#ctx.clock.now() + REPLY_MS;
    for (;;) {
      const arrival = await conversation.next(until);
      if (arrival === undefined) return entries;
      if (arrival.kind === 'error') return entries.length > 0 ? entries : this.#noLog(arrival.report.code);
      const { command, payload } = arrival.message;
      if (command === commands.logEntry) entries.push(readLogEntry(payload));
      if (command === commands.status && readStatus(payload) === statusCodes.complete) return entries;
    }
  }

  #noLog(code: number): LogEntry[] {
    const refused = refusal(this.#ctx.name, code);
    if (refused.type === 'authentication_failed') throw refused;
    return [];
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
