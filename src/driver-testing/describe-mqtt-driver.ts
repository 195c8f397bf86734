import { expect } from 'vitest';
import { askDoor } from './ask-door.ts';
import type { DriverHarness, DriverSuite } from './driver-harness.ts';
import type { MemoryMqttLink } from './memory-mqtt-link.ts';
import { type Runner, vitestRunner } from './runner.ts';
import { withinBounds } from './simulated-clock.ts';

/** What an MQTT driver's harness has beside. */
export interface MqttHarness extends DriverHarness {
  readonly link: MemoryMqttLink;
  /** Topics on which the device takes commands. */
  readonly commandTopics: readonly string[];
  /** Somebody publishes there. */
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): void;
  /** The lock says so, whatever is true; retained where such locks retain it. */
  say(state: 'locked' | 'unlocked'): void;
  /** From now on it takes nothing it is told, and says nothing by itself. */
  ignoreAll(): void;
}

export interface MqttSuite extends Omit<DriverSuite, 'make'> {
  /**
   * So old may be what the device says unasked when it is heard, in milliseconds. 0 where a change that is heard after the
   * broker's acknowledgement is one by the protocol.
   */
  readonly staleMs: number;
  make(when?: 'opened'): Promise<MqttHarness>;
}

/** What every driver on a broker owes beside {@link describeDriver}: a broker keeps, repeats and reorders. */
export function describeMqttDriver(suite: MqttSuite, { describe, it, beforeEach }: Runner = vitestRunner): void {
  describe(`${suite.title}: on a broker`, () => {
    let h: MqttHarness;
    beforeEach(async () => {
      h = await suite.make();
    });

    const door = (action: 'lock' | 'unlock') => askDoor(h, suite, action);

    it('a retained command is cleared when the driver opens, and at each connection', async () => {
      for (const topic of h.commandTopics) h.publish(topic, 'UNLOCK', { retain: true });
      await h.clock.advance(10);
      h.way.cut('lost');
      await h.clock.advance(1_000);
      h.way.restore();
      await h.clock.advance(100);
      expect(h.link.cleared).toEqual(expect.arrayContaining([...h.commandTopics]));
    });

    it('commands go to the command topic alone, once, with the permit that was spent for them', async () => {
      const command = h.command(suite.door);
      const work = h.device.lock?.unlock(command.ctx).catch(() => undefined);
      await h.clock.until(withinBounds(h.clock, Promise.resolve(work)));
      command.end();
      const sent = h.link.sent.filter(({ kind }) => kind === 'command');
      expect(sent.map(({ topic }) => topic)).toEqual([h.commandTopics[0]]);
      expect(h.link.sent.filter(({ kind, topic }) => kind === 'query' && h.commandTopics.includes(topic))).toEqual([]);
      const spends = command.permits.flatMap((permit) => permit.spends);
      expect(spends).toEqual([{ at: sent[0]?.at, allowed: true }]);
    });

    it('a retained state proves nothing, nor does what differs from it', async () => {
      h = await suite.make('opened');
      h.ignoreAll();
      await h.clock.advance(1_000);
      h.clock.setTimer(() => h.say('unlocked'), 1_000);
      expect(await door('unlock')).not.toBe('confirmed');
    });

    it('a state that was under way before the send proves nothing', async () => {
      h.ignoreAll();
      h.say('unlocked');
      expect(await door('unlock')).not.toBe('confirmed');
    });

    it.each(suite.staleMs === 0 ? [0] : [0, 1, suite.staleMs / 2])(
      'a state that comes with the acknowledgement, %s ms on, proves nothing',
      async (ms) => {
        h.ignoreAll();
        const end = door('unlock');
        await h.way.commandLeaves();
        await h.clock.advance(ms);
        h.say('unlocked');
        expect(await end).not.toBe('confirmed');
      },
    );

    it('a lock that stands there already, and says so, is not confirmed', async () => {
      h.ignoreAll();
      const end = door('lock');
      await h.way.commandLeaves();
      h.clock.setTimer(() => h.say('locked'), 1_000);
      expect(await end).not.toBe('confirmed');
    });

    it.each([250, 700, 1_900])('a state repeated every %s ms proves nothing', async (everyMs) => {
      h.ignoreAll();
      let chatters = true;
      const again = () => {
        if (!chatters) return;
        h.say('locked');
        h.clock.setTimer(again, everyMs);
      };
      again();
      await h.clock.advance(10_000);
      const ends = [await door('lock'), await door('unlock')];
      chatters = false;
      await h.clock.advance(everyMs);
      expect(ends[0]).not.toBe('confirmed');
      expect(ends[1]).toMatchObject({ error: { type: 'outcome_unknown' } });
    });

    it('what a lock says first after the way was broken proves nothing', async () => {
      h.ignoreAll();
      const end = door('unlock');
      await h.way.commandLeaves();
      h.way.cut('arrives');
      await h.clock.advance(1_000);
      h.way.restore();
      await h.clock.advance(100);
      h.say('unlocked');
      expect(await end).not.toBe('confirmed');
    });

    it('what was asked for is never reported as what is', async () => {
      h.ignoreAll();
      await door('unlock');
      expect(h.reports).not.toContainEqual(expect.objectContaining({ kind: 'lock_state', state: 'unlocked' }));
    });

    it('nothing is reported after the end, and nothing said', async () => {
      await h.device.close();
      const before = h.reports.length;
      const said = h.link.sent.length;
      h.say('unlocked');
      await h.clock.advance(60_000);
      h.way.cut('lost');
      h.way.restore();
      await h.clock.advance(60_000);
      expect(h.reports.length).toBe(before);
      expect(h.link.sent.length).toBe(said);
    });
  });
}
