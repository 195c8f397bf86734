import {
  type CommandContext,
  type Device,
  type DeviceReport,
  defineDriver,
  GatewayError,
  type LockMethod,
  type LockOutcome,
  type OpenContext,
  type SerialLink,
  unlessAborted,
} from '../../../src/contract/index.ts';
import { type Answered, EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Goal, Plan, Traits } from '../../../src/driver-kit/evidence/claims.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { doorOutcome } from '../../../src/driver-kit/lock-sentences.ts';
import { observedPermit, type PermitObserver } from '../../../src/driver-kit/observed-permit.ts';
import { Poller } from '../../../src/driver-kit/poller.ts';
import { named } from '../modbus/ask.ts';
import { exceptionName } from '../modbus/exceptions.ts';
import { release, secure } from './board-codec.ts';
import { closedMeanwhile, doorNotClosed, notReached, type RelayTarget, readTooLate, refusal } from './failures.ts';
import { type Look, lookAt, type RelaySession, readingOf } from './relay-session.ts';
import { fittingOf, profileOf, type RelaySettings, settings } from './settings.ts';

export const modbusRelay = defineDriver({
  id: 'serial/modbus-relay',
  title: 'Strikes and magnets behind Modbus RTU relay boards',
  link: 'serial',
  settings,
  describe: ({ profile }) => {
    const { manufacturer, model } = profileOf(profile);
    return { deviceType: 'modbus_relay', manufacturer, model };
  },
  part: ({ channel }) => `relay ${channel}`,
  open: async (link, chosen, ctx) => openDoor(link, chosen, ctx),
});

function openDoor(link: SerialLink, chosen: RelaySettings, ctx: OpenContext): Device {
  const { name, clock, random, log, closing } = ctx;
  const door: RelaySession = { name, link, fitting: fittingOf(chosen), clock, closing };
  const watch = new DoorWatch(door, log, (report) => ctx.report(report));
  const saw = (look: Look) => {
    if (poller.afterOutage) watch.outage();
    poller.heard();
    watch.saw(look);
  };
  const poller = new Poller({
    link,
    clock,
    random,
    log,
    intervalMs: chosen.poll_s * 1000,
    report: (report) => ctx.report(report),
    async look() {
      saw(await lookAt(door, { priority: 'poll', signal: closing }));
      await watch.endOverdue(closing);
    },
  });
  const evidence = new EvidenceBook<GatewayError>({ clock, closing, lateByMs: 0 });
  const books: CommandObserver = { evidence, saw, ordered: (target) => watch.ordered(target) };
  return {
    lock: {
      observes: 'actuator',
      lock: (command) => watch.whileCommanding(() => operate(door, 'secured', command, books)),
      unlock: (command) => watch.whileCommanding(() => operate(door, 'released', command, books)),
      async read({ signal }) {
        const look = await underSignals([signal, closing], (either) =>
          lookAt(door, { priority: 'door', signal: either }),
        );
        saw(look);
        return readingOf(look);
      },
    },
    async close() {
      poller.close();
    },
  };
}

/** The board's timer gets this much longer than it was given before the gateway ends the release. A guess. */
const OVERRUN_MS = 500;
/** A relay that cannot be returned to rest is tried again this rarely. A guess. */
const RESTORE_AGAIN_MS = 10_000;

/**
 * Keeps the books on the relay: what it did and on whose account, and that no release stays on that nobody accounts
 * for. One that is found on at start or after an outage may be a release of before that still runs: it gets one
 * release's time, then it is ended and reported.
 */
class DoorWatch implements Omit<CommandObserver, 'evidence'> {
  readonly #door: RelaySession;
  readonly #log: OpenContext['log'];
  readonly #report: (report: DeviceReport) => void;
  #last: Look | undefined;
  #contact: Look['door'];
  #lastCommand: RelayTarget | undefined;
  #blind = true;
  /** `Clock.now()` after which a release is one too long; undefined while none is on that is ours to end. */
  #restoreAt: number | undefined;
  #busy = 0;

  constructor(door: RelaySession, log: OpenContext['log'], report: (report: DeviceReport) => void) {
    this.#door = door;
    this.#log = log;
    this.#report = report;
  }

  ordered(target: RelayTarget): void {
    const { clock, fitting } = this.#door;
    this.#lastCommand = target;
    if (target === 'released') this.#restoreAt = clock.now() + fitting.releaseMs + OVERRUN_MS;
  }

  /** While a command is under way nothing is returned to rest behind its back. */
  async whileCommanding<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
    }
  }

  /** Nothing was heard of the board for a while: what it did meanwhile nobody saw. */
  outage(): void {
    this.#blind = true;
  }

  saw(look: Look): void {
    const before = this.#last;
    const found = this.#blind;
    this.#last = look;
    this.#blind = false;
    if (look.door && look.door !== this.#contact) this.#report({ kind: 'door', contact: look.door });
    this.#contact = look.door ?? this.#contact;
    if (before?.released !== look.released) {
      this.#report({ kind: 'lock_state', state: look.released ? 'unlocked' : 'locked' });
      if (look.released) this.#operated('unlocked', this.#isOurs ? 'remote' : 'unknown');
      else if (before) this.#operated('locked', this.#lastCommand === 'secured' ? 'remote' : 'automatic');
    }
    if (!look.released) {
      this.#restoreAt = undefined;
      this.#lastCommand = undefined;
    } else if (!this.#isOurs) this.#strangeRelease(found, before?.released ?? false);
  }

  /** Ends a release that went on for too long. */
  async endOverdue(signal: AbortSignal): Promise<void> {
    const { clock, link, fitting, name } = this.#door;
    const due = this.#restoreAt !== undefined && clock.now() >= this.#restoreAt;
    if (!due || !this.#last?.released || this.#busy > 0) return;
    this.#restoreAt = clock.now() + RESTORE_AGAIN_MS;
    const reason = `the release of ${name} was found on and no command accounts for it`;
    await link.restore(secure(link.unit, fitting), reason, signal);
    const look = await lookAt(this.#door, { priority: 'door', signal });
    this.saw(look);
    if (look.released) this.#log.error(`${name} stays released: its relay does not return to rest. Look at the board.`);
  }

  /** The release that is on, if one is, was ordered by a command of this run. */
  get #isOurs(): boolean {
    return this.#lastCommand === 'released';
  }

  #strangeRelease(found: boolean, knownBefore: boolean): void {
    const { clock, fitting, name } = this.#door;
    if (found && this.#restoreAt === undefined) {
      this.#restoreAt = clock.now() + fitting.releaseMs + OVERRUN_MS;
      this.#log.warn(`${name} was found released. If it is still so after one release's time, it is secured.`);
    } else if (!found && !knownBefore) this.#log.warn(`${name} was released, and not by this gateway.`);
  }

  #operated(operation: 'locked' | 'unlocked', method: LockMethod): void {
    this.#report({ kind: 'lock_operated', operation, method });
  }
}

/** A relay moves within 10 ms; a board that acknowledged is looked at again for so long. A guess. */
const SETTLE_MS = 500;
const LOOK_AGAIN_MS = 100;
/** The board's timer and ours may differ; what is read this shortly before the end may be after it. A guess. */
const TIMER_SLACK_MS = 200;
/** So long before the deadline the truth is told. */
const MARGIN_MS = 100;

/** The bus believes no reply that could be another's; a board says nothing unasked. */
const traits: Traits = {
  answers: 'correlated',
  lateByMs: 0,
  oldByMs: 0,
  acknowledgedBy: 'nobody',
  tellsChanges: false,
  echoes: false,
};

/** Who is told of what happens on the way. */
export interface CommandObserver {
  readonly evidence: EvidenceBook<GatewayError>;
  saw(look: Look): void;
  /** The command is leaving now. */
  ordered(target: RelayTarget): void;
}

/**
 * Releases or secures the door, and stays until it is known what became of it: the write goes out once, whatever
 * happens to its reply, and reads tell the rest.
 *
 * @throws GatewayError as the error table has it
 */
export async function operate(
  door: RelaySession,
  target: RelayTarget,
  ctx: CommandContext,
  books: CommandObserver,
): Promise<LockOutcome> {
  const plan = planOf(door);
  let last: Look | undefined;
  let sentAt: number | undefined;
  /** Set when a look after the send was lost with the port: a pulse would be over before its reply cannot come any more. */
  let since: number | undefined;
  const look = async (signal: AbortSignal, contact: 'always' | 'unless_released' | 'never') => {
    last = await lookAt(door, { priority: 'door', since, signal, contact });
    books.saw(last);
    return last;
  };
  // An absent board is found out before anything was sent, and what the relay did is told from what it was.
  const contact = target === 'released' ? 'always' : 'never';
  const before = async (_: ReadonlySet<string>, signal: AbortSignal) => claimsOf(await look(signal, contact));
  await books.evidence.ask({ about: 'relay', traits, plan, ctx, ask: before });
  let said = 'the command was not acknowledged';
  let line: string | undefined;
  const noting = (error: unknown) => {
    if (error instanceof GatewayError) line = error.message;
    if (error instanceof GatewayError && error.type === 'link_unavailable' && target === 'released') since = sentAt;
    throw error;
  };
  const spent = () => {
    sentAt = door.clock.now();
  };
  const verdict = await books.evidence.judge({
    goal: goalOf(door, target),
    traits,
    plan,
    ctx,
    marginMs: MARGIN_MS,
    send: async (observe, tell) => {
      said = await send(door, target, ctx, { observe, tell, books, spent }).catch(noting);
    },
    // A closed door says nothing of the relay.
    ask: async (_, signal) => {
      const claims = claimsOf(await look(signal, 'unless_released').catch(noting));
      return claims
        .filter(({ value }) => value !== 'closed')
        .map((claim) => (since === undefined ? claim : { ...claim, notBefore: since }));
    },
  });
  switch (verdict.end) {
    case 'confirmed':
    case 'unconfirmed':
      if (target === 'secured' && last?.door === 'open') throw doorNotClosed(door);
      return doorOutcome(verdict, { name: door.name, target: target === 'secured' ? 'locked' : 'unlocked' });
    case 'refused':
      throw verdict.reason ?? notReached(door, target, said);
    case 'unknown':
      throw verdict.why === 'closed' ? closedMeanwhile(door, target) : readTooLate(door, target, said, line);
    default:
      throw notReached(door, target, said);
  }
}

interface Sending {
  readonly observe: PermitObserver;
  readonly tell: (answer: Answered<GatewayError>) => void;
  readonly books: CommandObserver;
  /** Told when the command leaves. */
  readonly spent: () => void;
}

/** @returns what the board said, in words @throws GatewayError; `maybe_sent` when nothing came back */
async function send(
  door: RelaySession,
  target: RelayTarget,
  ctx: CommandContext,
  { observe, tell, books, ...on }: Sending,
) {
  const { link, fitting, closing } = door;
  return underSignals([ctx.signal, closing], async (signal) => {
    const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
    const spent = () => {
      on.spent();
      books.ordered(target);
      observe.spent();
    };
    const request = target === 'released' ? release(link.unit, fitting) : secure(link.unit, fitting);
    const reply = await link.command(observedPermit(permit, { ...observe, spent }), request, signal).catch((error) => {
      throw signal.aborted ? error : named(error, door.name);
    });
    if (!reply.ok) {
      const reason = refusal(door, reply.exception);
      tell(reason ? { word: 'refused', reason } : { word: 'unclear' });
      return `the board answered ${exceptionName(reply.exception)}`;
    }
    if (reply.value === 'otherwise') {
      tell({ word: 'unclear' });
      return 'the board repeated another command than it got';
    }
    // MODBUS Application Protocol V1.1b3, sections 6.5, 6.6, 6.12: the reply comes after the coil or register was written.
    tell({ word: 'done' });
    return 'the board acknowledged the command';
  });
}

function goalOf({ fitting }: RelaySession, target: RelayTarget): Goal {
  if (target === 'secured') return { proof: [{ about: 'relay', value: 'secured' }] };
  const opened = { about: 'contact', value: 'open', ifBefore: { about: 'contact', value: 'closed' } };
  const lastsMs = fitting.releaseMs - TIMER_SLACK_MS;
  return { proof: [{ about: 'relay', value: 'released' }, opened], lastsMs };
}

function planOf({ fitting }: RelaySession): Plan {
  return {
    // Its reply to the write comes first, and wakes the judge.
    firstAskMs: SETTLE_MS,
    betweenMs: LOOK_AGAIN_MS,
    longestBetweenMs: LOOK_AGAIN_MS,
    patienceMs: 0,
    travelMs: Math.min(SETTLE_MS, fitting.releaseMs / 2),
    halfWayMs: 0,
    witnessMs: 0,
    reasonMs: 0,
    knownForMs: 10_000,
    // Neither a relay that did not move nor a pulse comes later.
    earlyUntil: Number.POSITIVE_INFINITY,
  };
}

function claimsOf({ released, door, at }: Look): readonly Claim[] {
  const relay: Claim = { about: 'relay', value: released ? 'released' : 'secured', at };
  return door === undefined ? [relay] : [relay, { about: 'contact', value: door, at }];
}
