import { expect } from 'vitest';
import {
  type AccessCodeCapability,
  type AutoLock,
  type AutoLockCapability,
  type CodeCommandContext,
  GatewayError,
  Secret,
} from '../contract/index.ts';
import type { CommandOptions } from './command-context.ts';
import type { AutoLockTruth, DriverHarness, DriverSuite, KeypadTruth } from './driver-harness.ts';
import type { Runner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

/** What every driver with access codes owes the core. */
export function describeKeypad(
  suite: DriverSuite & { readonly code: NonNullable<DriverSuite['code']> },
  { describe, it, beforeEach }: Runner,
): void {
  describe('access codes', () => {
    let h: DriverHarness;
    let keypad: KeypadTruth;
    let first: number;
    let second: number;

    beforeEach(async () => {
      h = await suite.make();
      if (h.keypad === undefined) throw new Error('the suite has time limits for codes but its harness no keypad');
      keypad = h.keypad;
      first = keypad.slots[0] ?? 0;
      second = keypad.slots[1] ?? 0;
    });

    async function ask<T>(
      work: (codes: AccessCodeCapability, ctx: CodeCommandContext) => Promise<T>,
      options: Partial<CommandOptions> = {},
    ) {
      const command = h.command({ ...suite.code, ...options });
      const codes = h.device.accessCodes;
      if (codes === undefined) throw new Error('the device takes no codes');
      const startedAt = h.clock.now();
      const outcome = await h.clock.until(
        work(codes, command.ctx).then(
          (value) => ({ value, error: undefined }),
          (error: unknown) => ({ value: undefined, error }),
        ),
      );
      command.end();
      const spent = command.permits.flatMap(({ spends }) => spends.filter(({ allowed }) => allowed));
      return { ...outcome, spent, passed: command.timesDoorsPassed, tookMs: h.clock.now() - startedAt };
    }
    const assigns = () => h.device.accessCodes?.rules.slots === 'device';
    const set = (slot: number, pin: string, options?: Partial<CommandOptions>) =>
      ask(
        (codes, ctx) => codes.set(ctx, { slot: assigns() ? undefined : slot, label: 'sp-1', code: new Secret(pin) }),
        options,
      );
    const clear = (slot: number) => ask((codes, ctx) => codes.clear(ctx, slot));
    const read = (slot: number) => ask(async (codes, ctx) => codes.read?.(ctx, slot));
    const failure = (outcome: { error: unknown }): GatewayError => {
      expect(outcome.error).toBeInstanceOf(GatewayError);
      return outcome.error as GatewayError;
    };

    it('are written, read and removed, digit by digit', async () => {
      const written = await set(first, keypad.pins[0]);
      const slot = written.value?.slot ?? first;
      expect(written).toMatchObject({ error: undefined, value: { occupied: true } });
      expect(keypad.held(slot)).toBe(keypad.pins[0]);
      expect((await read(slot)).value).toMatchObject({ slot, occupied: true });
      expect((await clear(slot)).error).toBeUndefined();
      expect(keypad.held(slot)).toBeUndefined();
      expect((await read(slot)).value).toMatchObject({ occupied: false });
    });

    it('are written once, and only where they are to be', async () => {
      const { value } = await set(first, keypad.pins[0]);
      expect(keypad.writes()).toEqual([{ slot: value?.slot ?? first, code: keypad.pins[0] }]);
    });

    it('that are there already are neither written again nor away in between', async ({ skip }) => {
      if (assigns()) return skip('the device assigns its slots');
      await set(first, keypad.pins[0]);
      const { error } = await set(first, keypad.pins[0]);
      // A lock that does not show its digits cannot tell whose code it is.
      if (error !== undefined) expect(failure({ error }).type).toBe('slot_conflict');
      expect(keypad.writes()).toHaveLength(1);
      expect(keypad.held(first)).toBe(keypad.pins[0]);
    });

    it('that the device says it stored, and did not, are not claimed', async ({ skip }) => {
      if (keypad.forget === undefined) return skip('this hardware keeps what it takes');
      keypad.forget();
      expect(failure(await set(first, keypad.pins[0])).type).toBe('code_not_stored');
    });

    it('that somebody took away are read, not remembered', async () => {
      const slot = (await set(first, keypad.pins[0])).value?.slot ?? first;
      keypad.hold(slot, undefined);
      expect((await read(slot)).value).toMatchObject({ occupied: false });
    });

    it('let doors pass between the steps, and ask before each write', async () => {
      const { passed, spent } = await set(first, keypad.pins[0]);
      expect(passed).toBeGreaterThan(0);
      expect(h.truth.commands().length).toBeLessThanOrEqual(spent.length);
    });

    it('that are not ours stay untouched', async ({ skip }) => {
      if (assigns()) return skip('the device assigns its slots');
      keypad.hold(first, keypad.pins[1]);
      const outcome = await set(first, keypad.pins[0]);
      expect(failure(outcome).type).toBe('slot_conflict');
      expect(outcome.spent).toEqual([]);
      expect(keypad.held(first)).toBe(keypad.pins[1]);
    });

    it('are never claimed when the device holds the same one elsewhere and refuses it', async () => {
      keypad.hold(second, keypad.pins[0]);
      const outcome = await set(first, keypad.pins[0]);
      if (outcome.error === undefined) expect(keypad.held(outcome.value?.slot ?? first)).toBe(keypad.pins[0]);
      else expect(['code_not_stored', 'duplicate_code_on_device']).toContain(failure(outcome).type);
    });

    it('find no room on a full device', async () => {
      for (const slot of keypad.slots) keypad.hold(slot, String(1_000_000 + slot));
      const outcome = await set(first, keypad.pins[0]);
      expect(['slot_conflict', 'no_space_for_access_code_on_device', 'code_not_stored']).toContain(
        failure(outcome).type,
      );
      expect([...keypad.slots].map((slot) => keypad.held(slot))).not.toContain(keypad.pins[0]);
    });

    it('that the device refuses are not claimed', async ({ skip }) => {
      if (keypad.refuse === undefined) return skip('this hardware always takes it');
      keypad.refuse();
      expect(failure(await set(first, keypad.pins[0])).delivery).not.toBe('not_sent');
      expect(keypad.held(first)).toBeUndefined();
    });

    it('are deleted from an empty slot without ado', async () => {
      expect((await clear(second)).error).toBeUndefined();
    });

    it('are not sent over a way that is broken', async () => {
      h.way.cut('lost');
      await h.clock.advance(10);
      const outcome = await set(first, keypad.pins[0]);
      expect(failure(outcome).delivery).toBe('not_sent');
      expect(outcome.spent).toEqual([]);
    });

    it('end in time when the way breaks as they leave', async () => {
      const outcome = set(first, keypad.pins[0]);
      await h.way.commandLeaves();
      h.way.cut('arrives');
      const { error, tookMs } = await outcome;
      expect((error as GatewayError).delivery).toBe('maybe_sent');
      expect(tookMs).toBeLessThanOrEqual(suite.code.deadlineMs);
    });

    it('stop at once when they are aborted', async () => {
      const outcome = ask(
        async (codes, ctx) => {
          const set = codes.set(ctx, {
            slot: assigns() ? undefined : first,
            label: 'sp-1',
            code: new Secret(keypad.pins[0]),
          });
          return set;
        },
        { refuse: new GatewayError('superseded', 'A newer command took its place.') },
      );
      expect(failure(await outcome).type).toBe('superseded');
      expect(keypad.held(first)).toBeUndefined();
      expect(h.truth.commands()).toEqual([]);
    });

    it('appear in no log, report or error', async () => {
      const outcomes = [await set(first, keypad.pins[0])];
      keypad.hold(second, keypad.pins[1]);
      outcomes.push(await set(second, keypad.pins[0]), await read(first), await read(second));
      keypad.refuse?.();
      outcomes.push(await set(keypad.slots[2] ?? 0, keypad.pins[1]));
      const shown = outcomes.map(({ value, error }) => JSON.stringify([value, error, ...messagesOf(error)]));
      const everything = [h.logged(), JSON.stringify(h.reports), ...shown].join('\n');
      for (const pin of keypad.pins) expect(everything).not.toContain(pin);
    });

    it('leave nothing behind', async () => {
      await set(first, keypad.pins[0]);
      h.way.cut('lost');
      await set(second, keypad.pins[1]);
      h.way.restore();
      await h.clock.advance(60_000);
      await h.device.close();
      await h.stopHardware();
      expect(h.leftovers()).toBe(0);
    });
  });
}

/** The message of an error and of all that caused it: either may end in a log. */
function messagesOf(error: unknown): readonly string[] {
  return error instanceof Error ? [String(error), ...messagesOf(error.cause)] : [];
}

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
