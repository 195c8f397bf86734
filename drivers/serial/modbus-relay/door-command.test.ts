import { describe, expect, it } from 'vitest';
import { relayDoor } from '../../../test/kit/locks/relay-fixture.ts';

const READS = [1, 2];
const WRITES = [5, 16];

describe('the line', () => {
  it.each([
    ['unlock', [1, 2, 5, 1]],
    ['lock', [1, 5, 1, 2]],
  ] as const)(
    'carries for %s only what is needed: relay, contact, command, and what became of it',
    async (action, functionCodes) => {
      const { clock, door, line } = await relayDoor();
      await clock.advance(3_500); // just after a poll
      const before = line.heard.length;
      const { tookMs } = await door(action);
      expect(line.heard.slice(before).map(({ functionCode }) => functionCode)).toEqual(functionCodes);
      // 58 bytes, four silences and four turnarounds of the simulated board take 108.5 ms at 9600 baud; ten are the bus's.
      expect(tookMs).toBeLessThan(108.5 + 12);
    },
  );
});

describe('unlock', () => {
  it("is the board's own timed pulse, seen on before it is a success", async () => {
    const { clock, board, door } = await relayDoor({ settings: { release_s: 3 } });
    const outcome = await door('unlock');
    expect(outcome).toMatchObject({ confirmed: true });
    expect(board.isOn(1)).toBe(true);
    await clock.advance(4000);
    const [on, off] = board.changes;
    expect(board.changes).toHaveLength(2);
    expect([on?.by, off?.by]).toEqual(['pulse', 'pulse_end']);
    expect((off?.at ?? 0) - (on?.at ?? 0)).toBeCloseTo(3000);
  });

  it('looks before it asks for the right to send, and spends it once', async () => {
    const { board, door, line } = await relayDoor();
    line.remove(1);
    const absent = await door('unlock');
    expect(absent).toMatchObject({ error: { type: 'device_offline', delivery: 'not_sent' }, permits: [] });
    line.add(board);
    const { permits } = await door('unlock');
    expect(permits.map(({ spends }) => spends.length)).toEqual([1]);
  });

  it('sends nothing when the right is refused', async () => {
    const { door, writes, clock } = await relayDoor();
    const late = await door('unlock', { sendByMs: 30, commitMs: 100 });
    expect(late).toMatchObject({ error: { type: 'expired', delivery: 'not_sent' } });
    await clock.advance(5000);
    expect(writes()).toEqual([]);
  });

  it('whose reply is lost is settled by reading, and not repeated', async () => {
    const { board, door, line, writes } = await relayDoor();
    line.misbehave({ kind: 'reply_lost' }, { functionCodes: WRITES, times: 1 });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(board.pulseCount).toBe(1);
    expect(writes()).toHaveLength(1);
  });

  it('that did not arrive ends as not reached, and is not repeated', async () => {
    const { clock, board, door, line } = await relayDoor();
    line.misbehave({ kind: 'request_lost' }, { functionCodes: WRITES, times: 1 });
    const outcome = await door('unlock');
    expect(outcome).toMatchObject({ error: { type: 'state_not_reached', delivery: 'maybe_sent' } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('Front door was not released') } });
    await clock.advance(20_000);
    expect(board.changes).toEqual([]);
  });

  it('is acknowledged by a board whose relay does not move: no success', async () => {
    const { board, door } = await relayDoor();
    board.misbehave({ stuck: true });
    expect(await door('unlock')).toMatchObject({ error: { type: 'state_not_reached' } });
    expect(board.pulseCount).toBe(1);
  });

  it('is a success when the contact opened although the relay was not seen on', async () => {
    const { board, door, clock } = await relayDoor();
    board.misbehave({ hidesPulses: true });
    board.onChange(({ on }) => {
      if (on) clock.setTimer(() => board.setInput(1, false), 150);
    });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
  });

  it('of a door that is released already claims nothing without an acknowledgement', async () => {
    const { door, line, board } = await relayDoor();
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    line.misbehave({ kind: 'request_lost' }, { functionCodes: WRITES, times: 1 });
    expect(await door('unlock')).toMatchObject({ confirmed: false });
    expect(board.pulseCount).toBe(2);
  });

  it.each([100, 700, 1_100])(
    'is seen on after the adapter was pulled during the look at it and is back %i ms later, before 3 s are over',
    async (awayMs) => {
      const { board, clock, door, line } = await relayDoor({ settings: { release_s: 3 } });
      line.misbehave({ kind: 'reply_lost' }, { functionCodes: WRITES, times: 1 });
      board.onChange(({ on }) => {
        if (on) line.misbehave({ kind: 'unplugged' }, { functionCodes: READS, times: 1 });
      });
      line.onUnplugged(() => clock.setTimer(() => line.plug(), awayMs));
      expect(await door('unlock')).toMatchObject({ confirmed: true });
      expect(board.pulseCount).toBe(1);
    },
  );

  it('that did not arrive is not called released, nor refused, by a look that was lost with the adapter', async () => {
    const { board, clock, door, line } = await relayDoor({ settings: { release_s: 3 } });
    line.misbehave({ kind: 'request_lost' }, { functionCodes: WRITES, times: 1 });
    clock.setTimer(() => line.misbehave({ kind: 'unplugged' }, { functionCodes: READS, times: 1 }), 200);
    line.onUnplugged(() => clock.setTimer(() => line.plug(), 300));
    const outcome = await door('unlock');
    expect(outcome).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
    expect(board.pulseCount).toBe(0);
  });

  it('that cannot be read before its time is over has an unknown outcome', async () => {
    const { board, door, line } = await relayDoor({ settings: { release_s: 1 } });
    line.misbehave({ kind: 'reply_lost' }, { functionCodes: WRITES, times: 1 });
    board.onChange(({ on }) => {
      if (on) line.misbehave({ kind: 'request_lost' }, { functionCodes: READS });
    });
    const outcome = await door('unlock');
    expect(outcome).toMatchObject({ error: { type: 'outcome_unknown', delivery: 'maybe_sent' } });
    expect(outcome.tookMs).toBeLessThan(2500);
    expect(board.pulseCount).toBe(1);
  });

  it('refused as busy may be tried afresh; refused for its address is a matter of settings', async () => {
    const { door, line, board } = await relayDoor();
    line.misbehave({ kind: 'exception', code: 6 }, { functionCodes: WRITES, times: 1 });
    expect(await door('unlock')).toMatchObject({ error: { type: 'device_busy', delivery: 'refused' } });
    line.misbehave({ kind: 'exception', code: 2 }, { functionCodes: WRITES, times: 1 });
    const refused = await door('unlock');
    expect(refused).toMatchObject({ error: { type: 'device_rejected', delivery: 'refused' } });
    expect(refused).toMatchObject({ error: { message: expect.stringContaining('check profile and channel') } });
    expect(board.changes).toEqual([]);
  });

  it('answered by an exception that leaves open what happened is settled by reading', async () => {
    const { door, line } = await relayDoor();
    line.misbehave({ kind: 'exception', code: 4 }, { functionCodes: WRITES, times: 1 });
    const outcome = await door('unlock');
    expect(outcome).toMatchObject({ error: { type: 'state_not_reached' } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('exception 4, device failure') } });
  });

  it.each([
    ['lc-8ch', { dialect: 'lc' as const }],
    ['waveshare-8ch-io', {}],
  ])('works on %s', async (profile, board) => {
    const fixture = await relayDoor({ settings: { profile, channel: 3 }, board });
    expect(await fixture.door('unlock')).toMatchObject({ confirmed: true });
    expect(fixture.board.isOn(3)).toBe(true);
    expect(await fixture.door('lock')).toMatchObject({ confirmed: true });
    expect(fixture.board.isOn(3)).toBe(false);
  });

  it('of a magnet fed through the relay switches off for its time', async () => {
    const { clock, board, door, last } = await relayDoor({ settings: { lock_type: 'fail_safe' } });
    // A magnet without power holds nothing: at start the door is found released, and is secured after its time.
    expect(last('lock_state')).toMatchObject({ state: 'unlocked' });
    await clock.advance(7000);
    expect(board.isOn(1)).toBe(true);
    expect(last('lock_state')).toMatchObject({ state: 'locked' });
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(board.isOn(1)).toBe(false);
    await clock.advance(6000);
    expect(board.changes.map(({ on, by }) => [on, by])).toEqual([
      [true, 'write'],
      [false, 'pulse'],
      [true, 'pulse_end'],
    ]);
  });
});

describe('lock', () => {
  it('switches the relay off and calls the pulse off', async () => {
    const { clock, board, door } = await relayDoor();
    await door('unlock');
    expect(await door('lock')).toMatchObject({ confirmed: true });
    expect(board.isOn(1)).toBe(false);
    await clock.advance(10_000);
    expect(board.changes.map(({ by }) => by)).toEqual(['pulse', 'write']);
  });

  it('of an open door secures the release, then says that the door is not closed', async () => {
    const { board, door, last } = await relayDoor();
    await door('unlock');
    board.setInput(1, false);
    expect(await door('lock')).toMatchObject({ error: { type: 'door_not_closed', delivery: 'acted' } });
    expect(board.isOn(1)).toBe(false);
    expect(last('lock_state')).toMatchObject({ state: 'locked' });
    expect(last('door')).toMatchObject({ contact: 'open' });
  });

  it('without a contact speaks of the relay alone', async () => {
    const { door, lock, command, clock } = await relayDoor({ settings: { door_contact: undefined } });
    expect(await door('lock')).toMatchObject({ confirmed: true });
    await expect(clock.until(lock.read?.(command().ctx) ?? Promise.reject())).resolves.toEqual({ state: 'locked' });
  });

  it('whose reply is lost is settled by reading', async () => {
    const { door, line, board } = await relayDoor();
    await door('unlock');
    line.misbehave({ kind: 'reply_lost' }, { functionCodes: WRITES, times: 1 });
    expect(await door('lock')).toMatchObject({ confirmed: true });
    expect(board.isOn(1)).toBe(false);
  });

  it('of a relay that stays on is not reached', async () => {
    const { door, board } = await relayDoor({ settings: { release_s: 30 } });
    await door('unlock');
    board.misbehave({ stuck: true });
    const outcome = await door('lock');
    expect(outcome).toMatchObject({ error: { type: 'state_not_reached' } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('was not secured') } });
  });
});

describe('a read', () => {
  it('tells relay and door apart', async () => {
    const { clock, board, lock, command, door } = await relayDoor();
    await expect(clock.until(lock.read?.(command().ctx) ?? Promise.reject())).resolves.toEqual({
      state: 'locked',
      door: 'closed',
    });
    await door('unlock');
    board.setInput(1, false);
    await expect(clock.until(lock.read?.(command().ctx) ?? Promise.reject())).resolves.toEqual({
      state: 'unlocked',
      door: 'open',
    });
  });

  it('of a board that has no such relays is a matter of settings', async () => {
    const { door, last } = await relayDoor({ board: { channels: 4 } });
    expect(await door('unlock')).toMatchObject({ error: { type: 'misconfigured', delivery: 'not_sent' } });
    expect(last('health')).toMatchObject({ health: { status: 'misconfigured', reason: 'wrong_settings' } });
  });
});

describe('an end', () => {
  it('by abort before the send leaves nothing on the line', async () => {
    const { clock, lock, command, writes } = await relayDoor();
    const test = command({ commitMs: 50 });
    const unlocking = lock.unlock(test.ctx);
    unlocking.catch(() => undefined);
    await clock.advance(60);
    test.abort();
    await expect(clock.until(unlocking)).rejects.toMatchObject({ type: 'superseded' });
    await clock.advance(5000);
    expect(writes()).toEqual([]);
  });

  it('by close rejects what is under way, twice closed included', async () => {
    const { clock, device, lock, command } = await relayDoor();
    const unlocking = lock.unlock(command().ctx);
    unlocking.catch(() => undefined);
    await clock.advance(5);
    await device.close();
    await device.close();
    await expect(clock.until(unlocking)).rejects.toMatchObject({ type: 'device_not_ready' });
  });
});
