import { expect } from 'vitest';
import { askDoor } from './ask-door.ts';
import type { DriverHarness, DriverSuite } from './driver-harness.ts';
import { type Runner, vitestRunner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

/** What a device on the air does wrong the next time. */
export type AirTrouble =
  /** Once connected, before it is told to act, it says that it is unlocked and done, which was so before. */
  | 'old_news'
  /** It confirms the write, and neither acts nor answers. */
  | 'ignores_command'
  /** It acts, and ends the connection before it confirmed the write. */
  | 'drops_as_it_acts'
  /** It ends the connection before it can be told to act. */
  | 'drops_before'
  /** It neither confirms the write nor acts nor answers. */
  | 'hangs_on_command'
  /** It answers the write with an ATT error, and does not act. */
  | 'refuses_write';

/** What a Bluetooth driver's harness has beside. */
export interface BleHarness extends DriverHarness {
  trouble(kind: AirTrouble): void;
  /** Connections to the device: now, and the most at once. */
  connections(): { readonly now: number; readonly most: number };
  /** Another device of its kind answers at its address from now on. */
  replace(): Promise<void>;
}

export interface BleSuite extends Omit<DriverSuite, 'make'> {
  /** How long a connection may stay after the last command, in milliseconds. */
  readonly lingersMs: number;
  make(when?: 'opened'): Promise<BleHarness>;
}

/** What every driver of a Bluetooth LE device owes beside `describeDriver`: connections are few, short, and break. */
export function describeBleDriver(suite: BleSuite, { describe, it, beforeEach }: Runner = vitestRunner): void {
  describe(`${suite.title}: on the air`, () => {
    let h: BleHarness;
    beforeEach(async () => {
      h = await suite.make();
    });

    const door = (action: 'lock' | 'unlock') => askDoor(h, suite, action);

    it('what it says before it is told to act proves nothing', async () => {
      h.trouble('old_news');
      h.trouble('ignores_command');
      const end = await door('unlock');
      expect(h.truth.movements()).toBe(0);
      expect(end).toMatchObject({ error: expect.anything() });
    });

    it('a confirmed write is no observation', async () => {
      h.trouble('ignores_command');
      const end = await door('unlock');
      expect(h.truth.movements()).toBe(0);
      expect(end).toMatchObject({ error: { delivery: expect.stringMatching(/^(maybe_sent|acted)$/) } });
    });

    it('a connection that is lost before the write: nothing was sent, and nothing follows', async () => {
      h.trouble('drops_before');
      const command = h.command(suite.door);
      const work = h.device.lock?.unlock(command.ctx).catch((error: unknown) => error);
      const end = await h.clock.until(withinBounds(h.clock, Promise.resolve(work)));
      command.end();
      expect(end).toMatchObject({ delivery: 'not_sent' });
      expect(command.permits.flatMap(({ spends }) => spends)).toEqual([]);
      await h.clock.advance(60_000);
      expect(h.truth.commands()).toEqual([]);
    });

    it('a connection that is lost as the lock acts: asked again or unknown, and never sent again', async () => {
      h.trouble('drops_as_it_acts');
      const end = await door('unlock');
      if (typeof end === 'string') expect(h.truth.bolt()).toBe('unlocked');
      else expect(end).toMatchObject({ error: { delivery: 'maybe_sent' } });
      await h.clock.advance(60_000);
      expect(h.truth.commands()).toHaveLength(1);
      expect(h.truth.movements()).toBe(1);
    });

    it('a connection that is lost as the lock acts, and none after it: unknown', async () => {
      const end = door('unlock');
      await h.way.commandLeaves();
      h.way.cut('arrives');
      expect(await end).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
    });

    it('a write that is never confirmed ends in time, and its connection with it', async () => {
      h.trouble('hangs_on_command');
      const startedAt = h.clock.now();
      expect(await door('unlock')).toMatchObject({
        error: { delivery: expect.stringMatching(/^(maybe_sent|acted)$/) },
      });
      expect(h.clock.now() - startedAt).toBeLessThanOrEqual(suite.door.deadlineMs);
      await h.clock.advance(suite.lingersMs);
      expect(h.connections().now).toBe(0);
      expect(h.truth.movements()).toBe(0);
    });

    it('a write that is answered with an error is no success', async () => {
      h.trouble('refuses_write');
      expect(await door('unlock')).toMatchObject({ error: { delivery: expect.not.stringMatching(/^not_sent$/) } });
      expect(h.truth.movements()).toBe(0);
    });

    it('a command and a reading have one connection at a time', async () => {
      const { ctx, end } = h.command(suite.door);
      const reading = h.device.lock?.read?.(ctx).catch(() => undefined);
      expect(await door('unlock')).not.toMatchObject({ error: expect.anything() });
      await h.clock.until(withinBounds(h.clock, Promise.resolve(reading)));
      end();
      expect(h.connections().most).toBe(1);
    });

    it('no connection stays behind', async () => {
      await door('unlock');
      await h.clock.advance(suite.lingersMs);
      expect(h.connections().now).toBe(0);
    });

    it('another device at the address is told nothing', async () => {
      await door('unlock');
      await door('lock');
      await h.replace();
      await h.clock.advance(10_000);
      const before = h.truth.commands().length;
      const error = { type: expect.stringMatching(/misconfigured|authentication_failed/), delivery: 'not_sent' };
      expect(await door('unlock')).toMatchObject({ error });
      expect(h.truth.commands()).toHaveLength(before);
    });

    it('a lock that stands there already, and does nothing, is not confirmed', async () => {
      h.trouble('ignores_command');
      expect(await door('lock')).not.toBe('confirmed');
    });

    it('no connection is made after the end', async () => {
      await h.device.close();
      const before = h.reports.length;
      await h.clock.advance(60_000);
      expect(h.connections().now).toBe(0);
      expect(h.reports).toHaveLength(before);
    });
  });
}
