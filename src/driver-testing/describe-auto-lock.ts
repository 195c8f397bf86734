import { expect } from 'vitest';
import { type AutoLock, type AutoLockCapability, type CodeCommandContext, GatewayError } from '../contract/index.ts';
import type { CommandOptions } from './command-context.ts';
import type { AutoLockTruth, DriverHarness, DriverSuite } from './driver-harness.ts';
import type { Runner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

/** What every driver owes the core whose lock can be told when to lock itself. */
export function describeAutoLock(suite: DriverSuite, { describe, it, beforeEach }: Runner): void {
  const limits = suite.code ?? suite.door;
  describe('auto-lock', () => {
    let h: DriverHarness;
    let truth: AutoLockTruth;
    let on: AutoLock;

    beforeEach(async () => {
      h = await suite.make();
      if (h.autoLock === undefined) throw new Error('the suite has an auto-lock but its harness none');
      truth = h.autoLock;
      on = { enabled: true, delaySeconds: Math.max(45, capability().delays?.min ?? 0) };
    });

    const capability = (): AutoLockCapability => {
      if (h.device.autoLock === undefined) throw new Error('the harness has an auto-lock, and the device none');
      return h.device.autoLock;
    };
    async function ask<T>(
      work: (autoLock: AutoLockCapability, ctx: CodeCommandContext) => Promise<T>,
      options: Partial<CommandOptions> = {},
    ) {
      const command = h.command({ ...limits, ...options });
      const startedAt = h.clock.now();
      const outcome = await h.clock.until(
        withinBounds(h.clock, work(capability(), command.ctx)).then(
          (value) => ({ value, error: undefined }),
          (error: unknown) => ({ value: undefined, error }),
        ),
      );
      command.end();
      const spent = command.permits.flatMap(({ spends }) => spends.filter(({ allowed }) => allowed));
      return { ...outcome, spent, passed: command.timesDoorsPassed, tookMs: h.clock.now() - startedAt };
    }
    const configure = (wanted: AutoLock, options?: Partial<CommandOptions>) =>
      ask((autoLock, ctx) => autoLock.configure(ctx, wanted), options);
    const read = () => ask((autoLock, ctx) => autoLock.read(ctx));
    const told = () => h.reports.findLast((report) => report.kind === 'auto_lock');
    const failure = ({ error }: { readonly error: unknown }): GatewayError => {
      expect(error).toBeInstanceOf(GatewayError);
      return error as GatewayError;
    };

    it('is known to be one that can be set', () => {
      expect(capability().delays).toMatchObject({ min: expect.any(Number), max: expect.any(Number) });
    });

    it('is switched on, read back and reported', async () => {
      const { value, error } = await configure(on);
      expect(error).toBeUndefined();
      expect(value).toEqual(on);
      expect(truth.kept()).toMatchObject(on);
      expect(told()).toMatchObject(on);
    });

    it('is switched off, read back and reported', async () => {
      await configure(on);
      const { value } = await configure({ enabled: false, delaySeconds: undefined });
      expect(value).toMatchObject({ enabled: false });
      expect(truth.kept()).toMatchObject({ enabled: false });
      expect(told()).toMatchObject({ enabled: false });
    });

    it('is asked for before each write, and lets doors pass', async () => {
      const { spent, passed } = await configure(on);
      expect(spent.length).toBeGreaterThan(0);
      expect(passed).toBeGreaterThan(0);
      expect(truth.writes()).toBeLessThanOrEqual(spent.length);
    });

    it('is what the lock keeps, not what it was told', async ({ skip }) => {
      if (truth.forget === undefined) return skip('this hardware keeps what it takes');
      truth.keep({ enabled: false, delaySeconds: undefined });
      truth.forget();
      const { value } = await configure(on);
      expect(value).not.toEqual(on);
      expect(told()).not.toMatchObject(on);
    });

    it('is not claimed when the lock refuses it', async ({ skip }) => {
      if (truth.refuse === undefined) return skip('this hardware takes whatever it is told');
      truth.keep({ enabled: false, delaySeconds: undefined });
      truth.refuse();
      const { value, error } = await configure(on);
      if (error === undefined) expect(value).not.toEqual(on);
      else expect(failure({ error }).delivery).not.toBe('not_sent');
      expect(truth.kept()).toMatchObject({ enabled: false });
    });

    it('is read from the lock, whoever set it', async () => {
      await configure(on);
      truth.keep({ enabled: false, delaySeconds: undefined });
      expect((await read()).value).toMatchObject({ enabled: false });
      expect(told()).toMatchObject({ enabled: false });
    });

    it('is not sent over a way that is broken', async () => {
      h.way.cut('lost');
      await h.clock.advance(10);
      const outcome = await configure(on);
      expect(failure(outcome).delivery).toBe('not_sent');
      expect(outcome.spent).toEqual([]);
      expect(truth.writes()).toBe(0);
    });

    it.each(['lost', 'arrives'] as const)(
      'ends in time when the way breaks as it leaves, which %s',
      async (onTheWay) => {
        truth.keep({ enabled: false, delaySeconds: undefined });
        const outcome = configure(on);
        await h.way.commandLeaves();
        h.way.cut(onTheWay);
        const { error, value, tookMs } = await outcome;
        if (error === undefined) expect(value).toMatchObject({ enabled: truth.kept().enabled });
        else expect(failure({ error }).delivery).not.toBe('not_sent');
        expect(tookMs).toBeLessThanOrEqual(limits.deadlineMs);
      },
    );

    it('stops at once when it may not go', async () => {
      const refuse = new GatewayError('superseded', 'A newer command took its place.');
      expect(failure(await configure(on, { refuse })).type).toBe('superseded');
      expect(truth.writes()).toBe(0);
    });

    it('leaves nothing behind', async () => {
      await configure(on);
      h.way.cut('lost');
      await configure({ enabled: false, delaySeconds: undefined });
      h.way.restore();
      await h.clock.advance(120_000);
      await h.device.close();
      await h.stopHardware();
      expect(h.leftovers()).toBe(0);
    });
  });
}
