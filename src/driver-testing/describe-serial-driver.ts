import { expect } from 'vitest';
import { askDoor } from './ask-door.ts';
import type { DriverHarness, DriverSuite } from './driver-harness.ts';
import { type Runner, vitestRunner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

/** What goes wrong on a line. Milliseconds. */
export type LineTrouble =
  /** The unit hears nothing. */
  | 'request_lost'
  /** The unit does as it is told, and its answer never arrives. */
  | 'reply_lost'
  /** The unit answers in the name of another. */
  | 'another_unit'
  /** One bit of the answer is wrong. */
  | 'damaged'
  /** The end of the answer is missing. */
  | 'torn'
  /** The answer comes in two pieces. */
  | 'in_pieces'
  /** The unit acts at once and answers so much later, after the driver's own patience. */
  | { readonly lateByMs: number };

/** What a serial driver's harness has beside. */
export interface SerialHarness extends DriverHarness {
  /** Happens to the answers of the device, or to what it is asked, `times` times; for ever unless told. */
  trouble(kind: LineTrouble, of: 'reads' | 'commands', times?: number): void;
  /** Nothing goes wrong any more. */
  calm(): void;
  /** It acknowledges what it is told from now on, and nothing moves. */
  stick(): void;
  /** The adapter hears itself from now on. */
  echo(): void;
  /** Somebody else moves the bolt, or what stands for it: a button at the board, another master. */
  turn(to: 'locked' | 'unlocked'): void;
  /** How long a release lasts that ends by itself; undefined for a lock that stays as it is put. */
  readonly pulseMs?: number;
}

export interface SerialSuite extends Omit<DriverSuite, 'make'> {
  /** Longer than the driver waits for an answer, in milliseconds. */
  readonly lateMs: number;
  make(when?: 'opened'): Promise<SerialHarness>;
}

const UNUSABLE = ['another_unit', 'damaged', 'torn'] as const;

/** What every driver on a serial line owes beside `describeDriver`: answers that carry no number, and come late or torn. */
export function describeSerialDriver(suite: SerialSuite, { describe, it, beforeEach }: Runner = vitestRunner): void {
  describe(`${suite.title}: on a serial line`, () => {
    let h: SerialHarness;
    beforeEach(async () => {
      h = await suite.make();
    });

    const door = (action: 'lock' | 'unlock') => askDoor(h, suite, action);
    const read = async () => {
      const ask = h.device.lock?.read;
      if (ask === undefined) return undefined;
      const { ctx, end } = h.command(suite.door);
      const reading = await h.clock.until(withinBounds(h.clock, ask.call(h.device.lock, ctx)).catch(() => undefined));
      end();
      return reading?.state;
    };
    /** From the moment in which the command is on its way. */
    const onceItLeft = async (then: () => void) => {
      const end = door('unlock');
      await h.way.commandLeaves();
      then();
      return end;
    };

    it('an adapter that hears itself changes nothing', async () => {
      h.echo();
      await h.clock.advance(2_000);
      expect(await door('unlock')).toBe('confirmed');
      expect(h.truth.commands()).toHaveLength(1);
    });

    it('an answer in two pieces is an answer', async () => {
      h.trouble('in_pieces', 'reads');
      h.trouble('in_pieces', 'commands');
      expect(await door('unlock')).toBe('confirmed');
      expect(h.truth.commands()).toHaveLength(1);
    });

    it.each(UNUSABLE)('an answer that is %s is no reading', async (kind) => {
      h.trouble(kind, 'reads');
      expect(await read()).toBeUndefined();
    });

    it.each(UNUSABLE)('an answer that is %s reports nothing', async (kind) => {
      h.trouble(kind, 'reads');
      const before = h.reports.length;
      h.turn('unlocked');
      await h.clock.advance(10_000);
      expect(h.reports.slice(before)).not.toContainEqual(expect.objectContaining({ kind: 'lock_state' }));
    });

    it.each(UNUSABLE)('answers that are %s say nothing of what a command did', async (kind) => {
      const end = await onceItLeft(() => {
        h.trouble(kind, 'commands');
        h.trouble(kind, 'reads');
      });
      expect(end).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
      expect(h.truth.commands()).toHaveLength(1);
    });

    it.each(['reply_lost', ...UNUSABLE])('one answer that is %s is no reason to send again', async (kind) => {
      const end = await onceItLeft(() => h.trouble(kind as LineTrouble, 'commands', 1));
      expect(end).toBe('confirmed');
      expect(h.truth.commands()).toHaveLength(1);
      expect(h.truth.movements()).toBe(1);
    });

    it('a command that never arrived is no success, and is not sent again', async () => {
      const end = await onceItLeft(() => h.trouble('request_lost', 'commands'));
      expect(end).toMatchObject({ error: { delivery: expect.stringMatching(/^(maybe_sent|acted)$/) } });
      h.calm();
      await h.clock.advance(60_000);
      expect(h.truth.movements()).toBe(0);
    });

    // The moment decides whether it comes between two questions or after one.
    it.each([1, 1.1, 1.2, 1.3])('the late answer to an earlier read is not what is now (%s)', async (times) => {
      const lateByMs = times * suite.lateMs;
      h.turn('unlocked');
      h.trouble({ lateByMs }, 'reads', 1);
      h.trouble('request_lost', 'reads');
      h.clock.setTimer(() => h.calm(), lateByMs);
      const until = h.clock.now() + 2 * lateByMs;
      const early = read();
      // The question has arrived by then.
      await h.clock.advance(50);
      h.turn('locked');
      expect(await early).not.toBe('unlocked');
      while (h.clock.now() < until) {
        expect(await read()).not.toBe('unlocked');
        await h.clock.advance(10);
      }
    });

    it('the late answer to an earlier command is no answer to the next', async () => {
      h.trouble({ lateByMs: suite.lateMs }, 'commands', 1);
      await door('unlock');
      h.turn('locked');
      h.trouble('request_lost', 'commands');
      const end = await onceItLeft(() => h.trouble('request_lost', 'reads'));
      expect(end).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
    });

    it('an acknowledgement is no observation', async () => {
      h.stick();
      expect(await door('unlock')).toMatchObject({ error: expect.anything() });
      expect(h.truth.movements()).toBe(0);
    });

    it('a lock that stands there already, and acknowledged nothing, is not confirmed', async () => {
      h.trouble('reply_lost', 'commands');
      expect(await door('lock')).not.toBe('confirmed');
    });

    it('a release that is over says nothing of whether it was', async ({ skip }) => {
      const { pulseMs } = h;
      if (pulseMs === undefined) return skip('this lock stays as it is put');
      const end = await onceItLeft(() => {
        h.trouble('reply_lost', 'commands');
        h.trouble('request_lost', 'reads');
        h.clock.setTimer(() => h.calm(), pulseMs + 100);
      });
      expect(end).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
      expect(h.truth.movements()).toBe(1);
    });

    it('a release by somebody else is told, and none of ours is made of it', async () => {
      const before = h.reports.length;
      h.turn('unlocked');
      await h.clock.advance(5_000);
      expect(h.reports.slice(before)).toContainEqual({ kind: 'lock_state', state: 'unlocked' });
      expect(h.reports.slice(before)).not.toContainEqual(
        expect.objectContaining({ kind: 'lock_operated', method: 'remote' }),
      );
    });

    it('nothing is said on the line after the end', async () => {
      await h.device.close();
      const before = h.reports.length;
      h.turn('unlocked');
      await h.clock.advance(60_000);
      expect(h.reports).toHaveLength(before);
    });
  });
}
