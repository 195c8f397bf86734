import { describe, expect, it } from 'vitest';
import { relayDoor } from '../../../test/kit/locks/relay-fixture.ts';
import { serialLine } from '../../../test/kit/locks/serial-line-fixture.ts';

describe('the watch', () => {
  it('tells health, relay and contact, each when it changes', async () => {
    const { clock, board, reports } = await relayDoor();
    await clock.advance(5000);
    expect(reports).toEqual([
      { kind: 'health', health: { status: 'online' } },
      { kind: 'door', contact: 'closed' },
      { kind: 'lock_state', state: 'locked' },
    ]);
    board.setInput(1, false);
    await clock.advance(1100);
    expect(reports.slice(3)).toEqual([{ kind: 'door', contact: 'open' }]);
  });

  it('tells who operated the door', async () => {
    const { clock, board, door, reports } = await relayDoor();
    const operations = () => reports.flatMap((report) => (report.kind === 'lock_operated' ? [report] : []));
    await door('unlock');
    await clock.advance(7000);
    await door('unlock');
    await door('lock');
    board.switchByHand(1, true);
    await clock.advance(20_000);
    board.switchByHand(1, false);
    await clock.advance(1100);
    expect(operations().map(({ operation, method }) => [operation, method])).toEqual([
      ['unlocked', 'remote'],
      ['locked', 'automatic'],
      ['unlocked', 'remote'],
      ['locked', 'remote'],
      // Somebody else held it: reported, and left alone while the gateway was watching.
      ['unlocked', 'unknown'],
      ['locked', 'automatic'],
    ]);
  });

  it('goes offline after three misses, asks an absent board less often, and finds it again', async () => {
    const { clock, board, line, last, reports } = await relayDoor();
    line.remove(1);
    await clock.advance(2500);
    expect(last('health')).toMatchObject({ health: { status: 'online' } });
    await clock.advance(3000);
    expect(last('health')).toMatchObject({
      health: { status: 'offline', reason: 'not_answering', hint: expect.stringContaining('Front door: Unit 1') },
    });
    const asked = await countRequests(120_000);
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(12);
    line.add(board);
    await clock.advance(31_000);
    expect(last('health')).toMatchObject({ health: { status: 'online' } });
    expect(await countRequests(10_000)).toBeGreaterThanOrEqual(18);

    async function countRequests(ms: number): Promise<number> {
      const original = line.receive.bind(line);
      let count = 0;
      line.receive = (bytes) => {
        count += 1;
        original(bytes);
      };
      await clock.advance(ms);
      line.receive = original;
      expect(reports.length).toBeGreaterThan(0);
      return count;
    }
  });

  it('learns from a command that an absent board is back', async () => {
    const { clock, board, line, last, door } = await relayDoor();
    line.remove(1);
    await clock.advance(200_000);
    line.add(board);
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(last('health')).toMatchObject({ health: { status: 'online' } });
    await clock.advance(6500);
    expect(last('lock_state')).toMatchObject({ state: 'locked' });
  });

  it('follows its line', async () => {
    const { clock, line, last } = await relayDoor();
    line.unplug();
    expect(last('health')).toMatchObject({ health: { status: 'offline', reason: 'link_down' } });
    line.plug();
    await clock.advance(2500);
    expect(last('health')).toMatchObject({ health: { status: 'online' } });
  });
});

describe('a release that nobody accounts for', () => {
  it('found at start gets the time of one release, then is ended and reported', async () => {
    const line = await serialLine();
    const first = await relayDoor({ line, settle: false });
    first.board.switchByHand(1, true);
    await line.clock.advance(3000);
    expect(first.last('lock_state')).toMatchObject({ state: 'unlocked' });
    expect(first.last('lock_operated')).toMatchObject({ operation: 'unlocked', method: 'unknown' });
    expect(first.board.isOn(1)).toBe(true);
    await line.clock.advance(4000);
    expect(first.board.isOn(1)).toBe(false);
    expect(first.last('lock_state')).toMatchObject({ state: 'locked' });
    expect(first.log.text).toContain('was found released');
  });

  it('may be a pulse of before the start: it ends by itself and nothing is written', async () => {
    const line = await serialLine();
    const { board, writes, last } = await relayDoor({ line, settle: false });
    board.behaviours.get(5)?.({ unit: 1, functionCode: 5, body: Buffer.from([2, 0, 0, 30]) });
    await line.clock.advance(1000);
    expect(last('lock_state')).toMatchObject({ state: 'unlocked' });
    await line.clock.advance(20_000);
    expect(last('lock_state')).toMatchObject({ state: 'locked' });
    expect(writes()).toEqual([]);
  });

  it('is found after an outage as well', async () => {
    const { clock, board, line } = await relayDoor();
    line.unplug();
    await clock.advance(3000);
    board.switchByHand(1, true);
    line.plug();
    await clock.advance(4000);
    expect(board.isOn(1)).toBe(true);
    await clock.advance(6000);
    expect(board.isOn(1)).toBe(false);
  });

  it('includes a pulse that the board does not end', async () => {
    const { clock, board, door } = await relayDoor();
    board.misbehave({ pulseNeverEnds: true });
    await door('unlock');
    await clock.advance(5000);
    expect(board.isOn(1)).toBe(true);
    await clock.advance(2000);
    expect(board.isOn(1)).toBe(false);
  });

  it('is never ended behind the back of a command', async () => {
    const { clock, board, door, line } = await relayDoor();
    line.unplug();
    await clock.advance(100);
    board.switchByHand(1, true);
    line.plug();
    await clock.advance(2500);
    expect(board.isOn(1)).toBe(true);
    await clock.advance(2900);
    // Shortly before the found release would be ended, somebody unlocks: a new pulse runs its time.
    const { confirmed } = (await door('unlock')) as { confirmed: boolean };
    expect(confirmed).toBe(true);
    const orderedAt = clock.now();
    await clock.advance(20_000);
    const off = board.changes.at(-1);
    expect(off).toMatchObject({ on: false, by: 'pulse_end' });
    expect((off?.at ?? 0) - orderedAt).toBeGreaterThan(4800);
  });

  it('on another relay of the board is none of its business', async () => {
    const { clock, line, board } = await relayDoor();
    board.switchByHand(2, true);
    line.unplug();
    line.plug();
    await clock.advance(30_000);
    expect(board.isOn(2)).toBe(true);
  });
});
