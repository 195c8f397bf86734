import { expect } from 'vitest';
import type { ZwaveBolt, ZwaveNodeStatus } from '../contract/index.ts';
import { askDoor } from './ask-door.ts';
import type { DriverHarness, DriverSuite } from './driver-harness.ts';
import type { MemoryZwaveNode } from './memory-zwave-node.ts';
import { type Runner, vitestRunner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

/** What a Z-Wave driver's harness has beside. */
export interface ZwaveHarness extends DriverHarness {
  readonly node: MemoryZwaveNode;
}

export interface ZwaveSuite extends Omit<DriverSuite, 'make'> {
  make(when?: 'opened'): Promise<ZwaveHarness>;
}

const AWAY = ['asleep', 'dead', 'interviewing', 'missing'] as const satisfies readonly ZwaveNodeStatus[];

/** What every driver of a Z-Wave node owes beside `describeDriver`: reports come twice, and a verdict is no observation. */
export function describeZwaveDriver(suite: ZwaveSuite, { describe, it, beforeEach }: Runner = vitestRunner): void {
  describe(`${suite.title}: on a Z-Wave network`, () => {
    let h: ZwaveHarness;
    beforeEach(async () => {
      h = await suite.make();
    });

    const door = (action: 'lock' | 'unlock') => askDoor(h, suite, action);
    const read = async () => {
      const ask = h.device.lock?.read;
      if (ask === undefined) throw new Error('the lock of a node can be asked');
      const { ctx, end } = h.command(suite.door);
      const { state } = await h.clock.until(withinBounds(h.clock, ask.call(h.device.lock, ctx)));
      end();
      return state;
    };
    /** The command has left, and nothing is done about it. */
    const whileIgnored = async (then: () => void | Promise<void>) => {
      h.node.faults.ignores = true;
      const end = door('unlock');
      await h.way.commandLeaves();
      await then();
      return end;
    };

    it.each([
      ['bolt', { report: 'bolt', bolt: 'unsecured' }],
      ['operated', { report: 'operated', operation: 'unlocked', by: 'radio' }],
    ] as const)('a report of before (%s) that is told again proves nothing', async (_, report) => {
      h.node.bolt = 'unsecured';
      h.node.tell(report);
      h.node.bolt = 'secured';
      h.node.tell({ report: 'bolt', bolt: 'secured' });
      await h.clock.advance(2_000);
      const end = await whileIgnored(async () => {
        await h.clock.advance(1_000);
        h.node.tell(report);
      });
      expect(end).toMatchObject({ error: expect.anything() });
      expect(await read()).toBe('locked');
    });

    it('a report of before in the place of an answer proves nothing', async () => {
      h.node.tell({ report: 'bolt', bolt: 'unsecured' });
      h.node.tell({ report: 'bolt', bolt: 'secured' });
      await h.clock.advance(2_000);
      const end = await whileIgnored(() => {
        h.node.faults.answersOnceWith = 'unsecured';
      });
      expect(end).toMatchObject({ error: expect.anything() });
    });

    it.each(['done', 'unsupervised', 'working'] as const)('"%s" is no observation', async (said) => {
      h.node.faults.says = { said };
      const end = await whileIgnored(() => undefined);
      expect(end).toMatchObject({ error: expect.anything() });
      expect(h.node.commands).toHaveLength(1);
    });

    it('a node that says "no" and moves nothing refused', async () => {
      h.node.faults.says = { said: 'failed' };
      const end = await whileIgnored(() => undefined);
      expect(end).toMatchObject({ error: { type: 'device_rejected', delivery: 'refused' } });
    });

    it('a node that says how long it takes is given the time', async () => {
      h.node.faults.says = { said: 'working', remainingMs: 8_000 };
      h.node.faults.actsAfterMs = 8_000;
      expect(await door('unlock')).toBe('confirmed');
      expect(h.node.commands).toHaveLength(1);
    });

    it.each(AWAY)('a node that is %s is told nothing, now or later', async (status) => {
      h.node.become(status);
      const startedAt = h.clock.now();
      expect(await door('unlock')).toMatchObject({ error: { delivery: 'not_sent' } });
      expect(h.clock.now() - startedAt).toBeLessThan(suite.door.sendByMs);
      expect(h.reports.findLast(({ kind }) => kind === 'health')).not.toMatchObject({ health: { status: 'online' } });
      h.node.become('ready');
      await h.clock.advance(60_000);
      expect(h.node.commands).toEqual([]);
    });

    it.each(AWAY)('a node that becomes %s while the intent is written is told nothing', async (status) => {
      const end = askDoor(h, suite, 'unlock', { commitMs: 500 });
      await h.clock.advance(300);
      h.node.become(status);
      expect(await end).toMatchObject({ error: { delivery: 'not_sent' } });
      h.node.become('ready');
      await h.clock.advance(60_000);
      expect(h.node.commands).toEqual([]);
    });

    it.each(['dead', 'asleep'] as const)(
      'a node that becomes %s after the command left may have acted',
      async (status) => {
        const end = await whileIgnored(() => h.node.become(status));
        expect(end).toMatchObject({ error: { delivery: 'maybe_sent' } });
      },
    );

    it('a lock that was moved unheard is read, not remembered', async () => {
      h.node.bolt = 'unsecured';
      expect(await read()).toBe('unlocked');
    });

    it('a lock that was moved unheard stands there already, and is not confirmed', async () => {
      h.node.bolt = 'unsecured';
      h.node.faults.says = { said: 'unsupervised' };
      expect(await whileIgnored(() => undefined)).not.toBe('confirmed');
    });

    it.each(['inside_only', 'between', 'unknown'] as const satisfies readonly ZwaveBolt[])(
      'a bolt that is %s is neither locked nor unlocked',
      async (bolt) => {
        const end = await whileIgnored(() => {
          h.node.bolt = bolt;
        });
        expect(end).toMatchObject({ error: expect.anything() });
        expect(['locked', 'unlocked']).not.toContain(await read());
      },
    );

    it('a jam of before that is told again ends no good command', async () => {
      h.node.tell({ report: 'jammed' });
      await h.clock.advance(3_000);
      const end = door('unlock');
      await h.way.commandLeaves();
      h.node.tell({ report: 'jammed' });
      expect(await end).toBe('confirmed');
    });

    it('a report told again is reported once', async () => {
      const operated = { report: 'operated', operation: 'unlocked', by: 'keypad', slot: 2 } as const;
      h.node.bolt = 'unsecured';
      for (let times = 0; times < 3; times++) {
        h.node.tell(operated);
        await h.clock.advance(1_500);
      }
      expect(h.reports.filter(({ kind }) => kind === 'lock_operated')).toHaveLength(1);
    });

    it('nothing is asked or reported after the end', async () => {
      await h.device.close();
      const before = h.reports.length;
      h.node.tell({ report: 'bolt', bolt: 'unsecured' });
      h.node.become('dead');
      h.node.become('ready');
      await h.clock.advance(60_000);
      expect(h.reports).toHaveLength(before);
    });
  });
}
