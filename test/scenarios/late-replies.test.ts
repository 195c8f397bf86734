import { describe, expect, it } from 'vitest';
import { READ_HOLDING_REGISTERS, readRegisters } from '../../drivers/serial/modbus/requests.ts';
import type { SimulatedUnit } from '../../drivers/serial/modbus/simulated-line.ts';
import { relayDoor } from '../kit/locks/relay-fixture.ts';
import { serialLine } from '../kit/locks/serial-line-fixture.ts';
import { fc } from '../kit/seeded-properties.ts';

/** A unit that answers each question with another number. */
class Counter implements SimulatedUnit {
  readonly unit = 7;
  asked = 0;
  readonly behaviours = new Map([[READ_HOLDING_REGISTERS, () => this.#count()]]);

  #count() {
    this.asked += 1;
    return { body: [2, this.asked >> 8, this.asked & 0xff] };
  }
}

const question = readRegisters({
  unit: 7,
  functionCode: READ_HOLDING_REGISTERS,
  address: 0,
  count: 1,
  replyTimeoutMs: 300,
});

describe('a unit that answers late, or not at all', () => {
  it('is never believed about an earlier question', async () => {
    const lateness = fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: 200, max: 3_900 }) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ lateMs: lateness, pauseMs: fc.integer({ min: 0, max: 2_000 }) }), { maxLength: 12 }),
        async (questions) => {
          const { clock, line, bus } = await serialLine();
          const counter = new Counter();
          line.add(counter);
          const link = bus.link(7);
          for (const { lateMs, pauseMs } of questions) {
            line.behave();
            if (lateMs === undefined) line.misbehave({ kind: 'reply_lost' });
            else line.misbehave({ kind: 'late', ms: lateMs });
            const before = counter.asked;
            const answer = await clock.until(
              link.query(question, { priority: 'poll', signal: new AbortController().signal }).catch(() => undefined),
            );
            if (answer?.ok) expect(answer.value[0]).toBe(before + 1);
            await clock.advance(pauseMs);
          }
          await bus.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([450, 700, 1_100, 2_000])(
    '%i ms late about everything: nothing is sent, and health says slow',
    async (ms) => {
      const { clock, board, door, line, last } = await relayDoor();
      line.misbehave({ kind: 'late', ms });
      expect(await door('unlock')).toMatchObject({ error: { type: 'device_offline', delivery: 'not_sent' } });
      await clock.advance(20_000);
      expect(board.pulseCount).toBe(0);
      expect(last('health')).toMatchObject({
        health: { status: 'offline', hint: expect.stringContaining('Unit 1 is slow: it was heard to answer after') },
      });
    },
  );

  it.each([450, 700, 1_100, 2_000])('%i ms late is within a timeout that is long enough', async (ms) => {
    const { board, door, line } = await relayDoor({ settings: { reply_timeout_ms: 3_000, release_s: 10 } });
    line.misbehave({ kind: 'late', ms });
    expect(await door('unlock', { sendByMs: 20_000, deadlineMs: 30_000 })).toMatchObject({ confirmed: true });
    expect(board.pulseCount).toBe(1);
  });

  it.each([450, 700, 1_100, 2_000])('%i ms late once the command left: the outcome is unknown', async (ms) => {
    const { board, door, line } = await relayDoor({ settings: { release_s: 2 } });
    board.onChange(({ by }) => {
      if (by === 'pulse') line.misbehave({ kind: 'late', ms });
    });
    line.misbehave({ kind: 'late', ms }, { functionCodes: [5] });
    const ended = await door('unlock');
    expect(ended).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
    if (ms < 1_000)
      expect(ended).toMatchObject({ error: { message: expect.stringContaining('Raise reply_timeout_ms') } });
    expect(board.pulseCount).toBe(1);
  });

  it('late about a relay that was on before: a later look that is due to before proves nothing', async () => {
    const { clock, board, door, line } = await relayDoor({ settings: { release_s: 2, poll_s: 60 } });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    // The look shows the relay on, and comes when it is off and the next command was lost.
    line.misbehave({ kind: 'late', ms: 2_500 }, { functionCodes: [1], times: 1 });
    await door('lock');
    await clock.advance(1_500);
    line.misbehave({ kind: 'request_lost' }, { functionCodes: [5] });
    const ended = await door('unlock');
    expect(ended).not.toHaveProperty('confirmed', true);
    expect(board.pulseCount).toBe(1);
  });
});

describe('what stood there before', () => {
  // Each could be the doing of somebody else, a pulse of before, or of nobody.
  it('a relay that is on, and a command that nobody acknowledges: released, and not confirmed', async () => {
    const { board, door, line } = await relayDoor({ settings: { release_s: 30 } });
    board.switchByHand(1, true);
    for (const fault of ['request_lost', 'reply_lost'] as const) {
      line.misbehave({ kind: fault }, { functionCodes: [5], times: 1 });
      expect(await door('unlock')).toMatchObject({ confirmed: false });
    }
  });

  it('a relay at rest, and a LOCK that nobody acknowledges: secured, and not confirmed', async () => {
    const { door, line } = await relayDoor();
    line.misbehave({ kind: 'request_lost' }, { functionCodes: [5], times: 1 });
    expect(await door('lock')).toMatchObject({ confirmed: false });
  });

  it('a pulse that is over before it could be read: not known, whatever was acknowledged', async () => {
    const { board, door, line } = await relayDoor({ settings: { release_s: 0.5 } });
    board.onChange(({ by }) => {
      if (by === 'pulse') line.misbehave({ kind: 'request_lost' }, { functionCodes: [1], times: 3 });
    });
    const ended = await door('unlock');
    expect(ended).not.toHaveProperty('confirmed');
    expect(board.pulseCount).toBe(1);
  });

  it('a door that was open already shows nothing by being open', async () => {
    const { board, door } = await relayDoor();
    board.setInput(1, false);
    board.misbehave({ stuck: true });
    expect(await door('unlock')).toMatchObject({ error: { type: 'state_not_reached' } });
  });
});

describe('an answer with another value', () => {
  it.each([0x0000, 0xff00, 0x0001])('is no reason to wait: the relay is looked at at once (%i)', async (value) => {
    const { board, door, line } = await relayDoor();
    line.misbehave({ kind: 'wrong_value', value }, { functionCodes: [5], times: 1 });
    const ended = await door('unlock');
    expect(ended).toMatchObject({ confirmed: true });
    expect(ended.tookMs).toBeLessThan(200);
    expect(board.pulseCount).toBe(1);
  });

  it('and a relay that did not move is no success', async () => {
    const { board, door, line } = await relayDoor();
    board.misbehave({ stuck: true });
    line.misbehave({ kind: 'wrong_value', value: 0 }, { functionCodes: [5], times: 1 });
    expect(await door('unlock')).toMatchObject({
      error: { type: 'state_not_reached', message: expect.stringContaining('repeated another command') },
    });
  });
});

describe('boards of many kinds', () => {
  it.each([
    ['waveshare-16ch', 16, { channels: 16, inputs: 0 }],
    ['waveshare-32ch', 32, { channels: 32, inputs: 0 }],
    ['r4d-8ch', 8, { channels: 8, dialect: 'registers' as const }],
    ['r4d-16ch', 11, { channels: 16, dialect: 'registers' as const }],
    ['ryn4-4ch', 4, { channels: 4, dialect: 'registers' as const, offIsIgnoredMeanwhile: true }],
    ['ryn4-8ch', 1, { channels: 8, dialect: 'registers' as const, offIsIgnoredMeanwhile: true }],
  ])('%s: relay %i opens for its time, and is closed by LOCK', async (profile, channel, traits) => {
    const board = { inputs: 0, ...traits };
    const settings = { profile, channel, door_contact: undefined, release_s: 3 };
    const { clock, door, board: it } = await relayDoor({ board, settings });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(it.changes.map(({ relay, on }) => [relay, on])).toEqual([[channel, true]]);
    await clock.advance(4_000);
    const [on, off] = it.changes;
    expect(off?.by).toBe('pulse_end');
    expect((off?.at ?? 0) - (on?.at ?? 0)).toBeCloseTo(3_000);
    await door('unlock');
    expect(await door('lock')).toMatchObject({ confirmed: true });
    expect(it.isOn(channel)).toBe(false);
  });

  it('one that ignores "off" while its time runs is not said to be secured', async () => {
    const board = { inputs: 0, dialect: 'registers' as const, offIsIgnoredMeanwhile: true };
    const {
      clock,
      door,
      board: it,
    } = await relayDoor({
      board,
      settings: { profile: 'r4d-8ch', door_contact: undefined },
    });
    await door('unlock');
    expect(await door('lock')).toMatchObject({ error: { type: 'state_not_reached' } });
    await clock.advance(6_000);
    expect(it.isOn(1)).toBe(false);
  });

  it('one of function 6 can be described', async () => {
    const profile = {
      channels: 8,
      function_code: 6,
      coil_base: 1,
      on_word: 0x0100,
      off_word: 0x0600,
      pulse: { method: 'register_word', on_command: 0x0600 },
      pulse_unit_ms: 1_000,
      pulse_steps_max: 255,
    };
    const board = { inputs: 0, dialect: 'registers' as const, offIsIgnoredMeanwhile: true };
    const { door } = await relayDoor({ board, settings: { profile, channel: 5, door_contact: undefined } });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(await door('lock')).toMatchObject({ confirmed: true });
  });
});
