import { expect } from 'vitest';
import { GatewayError, type LockCapability } from '../contract/index.ts';
import type { CommandOptions } from './command-context.ts';
import { describeAutoLock, describeKeypad } from './describe-keypad.ts';
import type { DriverHarness, DriverSuite } from './driver-harness.ts';
import { type Runner, vitestRunner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

interface Ended {
  readonly confirmed?: boolean;
  readonly error?: unknown;
  readonly tookMs: number;
  /** `Clock.now()` of every permit that was spent. */
  readonly spent: readonly number[];
}

/**
 * What every driver owes the core, checked with its own simulator: a driver's own tests hold only what is peculiar to
 * it. A lock is assumed; its keypad is checked where it has one.
 */
export function describeDriver(suite: DriverSuite, runner: Runner = vitestRunner): void {
  runner.describe(`${suite.title}: the driver contract`, () => {
    const bench = doorBench(suite, runner);
    describeDoors(bench, runner);
    describePermits(bench, runner);
    describeAbort(bench, runner);
    describeWay(bench, runner);
    describeDisappointments(bench, runner);
    describeEnd(bench, runner);
    const { code } = suite;
    if (code !== undefined) describeKeypad({ ...suite, code }, runner);
    if (suite.autoLock === true) describeAutoLock(suite, runner);
  });
}

/** A driver with its hardware, anew for each test, and how doors are asked of it. */
type DoorBench = ReturnType<typeof doorBench>;

function doorBench(suite: DriverSuite, { beforeEach }: Runner) {
  let h: DriverHarness | undefined;
  beforeEach(async () => {
    h = await suite.make();
  });
  const bench = {
    get h(): DriverHarness {
      if (h === undefined) throw new Error('the driver was not opened yet');
      return h;
    },
    set h(another: DriverHarness) {
      h = another;
    },
  };

  const lock = (): LockCapability => {
    if (bench.h.device.lock === undefined) throw new Error('the device has no lock');
    return bench.h.device.lock;
  };

  function start(action: 'lock' | 'unlock', options: Partial<CommandOptions> = {}) {
    const command = bench.h.command({ ...suite.door, ...options });
    const startedAt = bench.h.clock.now();
    const work = lock()[action](command.ctx);
    const ended: Promise<Ended> = withinBounds(bench.h.clock, work)
      .then(
        ({ wasConfirmedByDevice }) => ({ confirmed: wasConfirmedByDevice }),
        (error: unknown) => ({ error }),
      )
      .then((outcome) => {
        command.end();
        const spends = command.permits.flatMap(({ spends }) => spends);
        const spent = spends.filter(({ allowed }) => allowed).map(({ at }) => at);
        return { ...outcome, tookMs: bench.h.clock.now() - startedAt, spent };
      });
    return { command, ended, settle: () => bench.h.clock.until(ended) };
  }

  const run = (action: 'lock' | 'unlock', options?: Partial<CommandOptions>) => start(action, options).settle();

  /** An error of the table, with the delivery that the truth allows. */
  function expectFailure(ended: Ended, deliveries: readonly GatewayError['delivery'][]): GatewayError {
    expect(ended.error).toBeInstanceOf(GatewayError);
    const error = ended.error as GatewayError;
    expect(deliveries).toContain(error.delivery);
    expect(error.message).toMatch(/\.$/);
    return error;
  }

  /** Success only for what the bolt did; a failure that claims nothing happened only when nothing did. */
  function expectNoLie(ended: Ended, target: 'locked' | 'unlocked'): void {
    if (ended.error === undefined) {
      if (ended.confirmed === true) expect(bench.h.truth.bolt()).toBe(target);
      return;
    }
    const error = ended.error as GatewayError;
    if (error.delivery === 'not_sent' || error.delivery === 'refused') expect(bench.h.truth.movements()).toBe(0);
  }

  return Object.assign(bench, { suite, lock, start, run, expectFailure, expectNoLie });
}

function describeDoors(bench: DoorBench, { describe, it }: Runner): void {
  const { lock, run, suite } = bench;
  describe('doors', () => {
    it('locks and unlocks, and sees it', async () => {
      const unlocked = await run('unlock');
      expect(unlocked).toMatchObject({ confirmed: lock().observes !== 'nothing' });
      expect(bench.h.truth.bolt()).toBe('unlocked');
      await run('lock');
      expect(bench.h.truth.bolt()).toBe('locked');
      expect(bench.h.truth.movements()).toBe(2);
    });

    it('reads the hardware, not a cache', async ({ skip }) => {
      const read = lock().read?.bind(lock());
      if (read === undefined) return skip('this lock cannot be asked');
      const reading = async () => {
        const { ctx, end } = bench.h.command(suite.door);
        const { state } = await bench.h.clock.until(read(ctx));
        end();
        return state;
      };
      expect(await reading()).toBe('locked');
      await run('unlock');
      expect(await reading()).toBe('unlocked');
    });

    it('reports what the device says of itself', async () => {
      await run('unlock');
      await bench.h.clock.advance(1_000);
      expect(bench.h.reports).toContainEqual({ kind: 'health', health: { status: 'online' } });
      expect(bench.h.reports).toContainEqual({ kind: 'lock_state', state: 'unlocked' });
    });
  });
}

function describePermits(bench: DoorBench, { describe, it }: Runner): void {
  const { run, expectFailure, suite } = bench;
  describe('permits', () => {
    it.each(['lock', 'unlock'] as const)('%s spends one, before anything acts', async (action) => {
      const { spent } = await run(action);
      expect(spent).toHaveLength(1);
      for (const at of bench.h.truth.commands())
        expect(at).toBeGreaterThanOrEqual(spent[0] ?? Number.POSITIVE_INFINITY);
    });

    it('nothing acts when the core says no', async () => {
      const refuse = new GatewayError('superseded', 'A newer command took its place.');
      expectFailure(await run('unlock', { refuse }), ['not_sent']);
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands()).toEqual([]);
    });

    it('nothing acts when the intent is on disk too late', async () => {
      const { sendByMs, deadlineMs } = suite.door;
      expectFailure(await run('unlock', { commitMs: sendByMs + 1, deadlineMs }), ['not_sent']);
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands()).toEqual([]);
    });

    it('one door command at most arrives per permit, however the hardware behaves', async () => {
      bench.h.disappoint.fallSilent?.();
      const { spent } = await run('unlock');
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands().length).toBeLessThanOrEqual(spent.length);
    });
  });
}

function describeAbort(bench: DoorBench, { describe, it }: Runner): void {
  const { lock, start, suite } = bench;
  describe('abort', () => {
    it('before the send: at once, and nothing leaves afterwards', async () => {
      const { command, settle } = start('unlock', { commitMs: 100 });
      await bench.h.clock.advance(50);
      command.abort();
      expect(await settle()).toMatchObject({ error: expect.objectContaining({ type: 'superseded' }), tookMs: 50 });
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands()).toEqual([]);
    });

    it('of a command that was aborted before it began', async () => {
      const command = bench.h.command(suite.door);
      command.abort();
      await expect(bench.h.clock.until(lock().unlock(command.ctx))).rejects.toThrow();
      command.end();
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands()).toEqual([]);
    });

    it('after the send: at once', async () => {
      bench.h.disappoint.fallSilent?.();
      const { command, ended, settle } = start('unlock');
      await bench.h.way.commandLeaves();
      const abortedAt = bench.h.clock.now();
      command.abort();
      await bench.h.clock.until(ended);
      expect(bench.h.clock.now()).toBe(abortedAt);
      expect((await settle()).error).toBeDefined();
    });

    it('of a read', async ({ skip }) => {
      const ask = lock().read?.bind(lock());
      if (ask === undefined) return skip('this lock cannot be asked');
      bench.h.disappoint.fallSilent?.();
      const command = bench.h.command(suite.door);
      const read = ask(command.ctx).then(
        () => 'answered',
        () => 'aborted',
      );
      command.abort();
      expect(await bench.h.clock.until(read)).toBe('aborted');
      command.end();
    });
  });
}

function describeWay(bench: DoorBench, { describe, it }: Runner): void {
  const { start, run, expectFailure, expectNoLie, suite } = bench;
  describe('the way to the hardware', () => {
    it('is broken before: told at once, and nothing is kept for later', async () => {
      bench.h.way.cut('lost');
      await bench.h.clock.advance(10);
      const ended = await run('unlock');
      const error = expectFailure(ended, ['not_sent']);
      expect(['link_unavailable', 'device_offline', 'device_not_ready']).toContain(error.type);
      bench.h.way.restore();
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands()).toEqual([]);
    });

    it('breaks while the intent is written', async () => {
      const { settle } = start('unlock', { commitMs: 100 });
      await bench.h.clock.advance(50);
      bench.h.way.cut('lost');
      expectFailure(await settle(), ['not_sent']);
      bench.h.way.restore();
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands()).toEqual([]);
    });

    it.each(['lost', 'arrives'] as const)('breaks after the command left, which %s', async (onTheWay) => {
      const { settle } = start('unlock');
      await bench.h.way.commandLeaves();
      bench.h.way.cut(onTheWay);
      const ended = await settle();
      expect(ended.tookMs).toBeLessThanOrEqual(suite.door.deadlineMs);
      expectFailure(ended, ['maybe_sent']);
      bench.h.way.restore();
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.commands().length).toBeLessThanOrEqual(1);
    });

    it.each(['lost', 'arrives'] as const)(
      'breaks for two seconds as the command leaves, which %s',
      async (onTheWay) => {
        const { settle } = start('unlock');
        await bench.h.way.commandLeaves();
        bench.h.way.cut(onTheWay);
        await bench.h.clock.advance(2_000);
        bench.h.way.restore();
        const ended = await settle();
        expectNoLie(ended, 'unlocked');
        await bench.h.clock.advance(60_000);
        expect(bench.h.truth.commands().length).toBeLessThanOrEqual(1);
        expect(bench.h.truth.movements()).toBeLessThanOrEqual(1);
      },
    );

    it('comes back, and so does the device', async () => {
      bench.h.way.cut('lost');
      await bench.h.clock.advance(10_000);
      expect(bench.h.reports.filter(({ kind }) => kind === 'health').at(-1)).toMatchObject({
        health: { status: 'offline' },
      });
      bench.h.way.restore();
      await bench.h.clock.advance(30_000);
      expect(bench.h.reports.filter(({ kind }) => kind === 'health').at(-1)).toMatchObject({
        health: { status: 'online' },
      });
      expect(await run('unlock')).not.toHaveProperty('error');
    });
  });
}

function describeDisappointments(bench: DoorBench, { describe, it }: Runner): void {
  const { run, expectFailure, suite } = bench;
  describe('hardware that disappoints', () => {
    const cases = [
      ['refuses', (d: DriverHarness['disappoint']) => d.refuse, ['refused', 'maybe_sent', 'acted']],
      ['says no', (d: DriverHarness['disappoint']) => d.sayNo, ['refused']],
      ['jams', (d: DriverHarness['disappoint']) => d.jam, ['acted']],
    ] as const;
    it.for(cases)('%s', async ([, pick, deliveries], { skip }) => {
      const disappoint = pick(bench.h.disappoint);
      if (disappoint === undefined) return skip('this hardware cannot');
      disappoint.call(bench.h.disappoint);
      const ended = await run('unlock');
      const error = expectFailure(ended, deliveries);
      if (error.delivery !== 'maybe_sent') expect(error.type).not.toBe('outcome_unknown');
      expect(bench.h.truth.bolt()).not.toBe('unlocked');
    });

    it('says so late, but in time', async ({ skip }) => {
      if (bench.h.disappoint.tellLate === undefined) return skip('this hardware cannot');
      bench.h.disappoint.tellLate(suite.door.deadlineMs / 3);
      expect(await run('unlock')).toMatchObject({ confirmed: true });
    });

    it('acts after the deadline: never called done, and nothing is sent again', async ({ skip }) => {
      if (bench.h.disappoint.actLate === undefined) return skip('this hardware cannot');
      bench.h.disappoint.actLate(suite.door.deadlineMs + 2_000);
      const ended = await run('unlock');
      expect(ended.tookMs).toBeLessThanOrEqual(suite.door.deadlineMs);
      expectFailure(ended, ['maybe_sent']);
      await bench.h.clock.advance(60_000);
      expect(bench.h.truth.movements()).toBeLessThanOrEqual(1);
    });

    it('says nothing at all: the command ends in time, and claims nothing', async ({ skip }) => {
      if (bench.h.disappoint.fallSilent === undefined) return skip('this hardware cannot');
      bench.h.disappoint.fallSilent();
      const ended = await run('unlock');
      expect(ended.tookMs).toBeLessThanOrEqual(suite.door.deadlineMs);
      expect(expectFailure(ended, ['maybe_sent']).type).toBe('outcome_unknown');
    });
  });
}

function describeEnd(bench: DoorBench, { describe, it }: Runner): void {
  const { start, run, expectFailure, suite } = bench;
  describe('the end', () => {
    it('may come twice, and leaves nothing behind', async () => {
      await run('unlock');
      await bench.h.device.close();
      await bench.h.device.close();
      await bench.h.stopHardware();
      expect(bench.h.leftovers()).toBe(0);
    });

    it('may come as soon as the device was opened', async () => {
      bench.h = await suite.make('opened');
      await bench.h.device.close();
      await bench.h.stopHardware();
      expect(bench.h.leftovers()).toBe(0);
    });

    it.each([
      ['before the command left', 'not_sent'],
      ['after the command left', 'maybe_sent'],
    ] as const)('ends what is under way: %s', async (_, delivery) => {
      bench.h.disappoint.fallSilent?.();
      const { command, ended } = start('unlock', delivery === 'not_sent' ? { commitMs: 100 } : {});
      if (delivery === 'maybe_sent') await bench.h.way.commandLeaves();
      await bench.h.device.close();
      expectFailure(await bench.h.clock.until(ended), [delivery]);
      command.end();
      await bench.h.clock.advance(100);
      await bench.h.stopHardware();
      expect(bench.h.leftovers()).toBe(0);
      if (delivery === 'not_sent') expect(bench.h.truth.commands()).toEqual([]);
    });

    it('leaves nothing behind after failures and aborts either', async () => {
      bench.h.disappoint.fallSilent?.();
      await run('unlock');
      const { command, ended } = start('lock');
      command.abort();
      await bench.h.clock.until(ended);
      await bench.h.clock.advance(60_000);
      await bench.h.device.close();
      await bench.h.stopHardware();
      expect(bench.h.leftovers()).toBe(0);
    });
  });
}
