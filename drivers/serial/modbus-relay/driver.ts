import {
  type Device,
  type DeviceReport,
  defineDriver,
  type GatewayError,
  type LockMethod,
  type OpenContext,
  type SerialLink,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { Poller } from '../../../src/driver-kit/poller.ts';
import { secure } from './board-codec.ts';
import { type CommandObserver, operate } from './door-command.ts';
import type { Target } from './failures.ts';
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
  #lastCommand: Target | undefined;
  #blind = true;
  /** `Clock.now()` after which a release is one too long; undefined while none is on that is ours to end. */
  #restoreAt: number | undefined;
  #busy = 0;

  constructor(door: RelaySession, log: OpenContext['log'], report: (report: DeviceReport) => void) {
    this.#door = door;
    this.#log = log;
    this.#report = report;
  }

  ordered(target: Target): void {
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
