import { describe, expect, it } from 'vitest';
import { ask, openToyLine, outcome } from '../../../test/kit/locks/toy-line.ts';
import { GatewayError } from '../../contract/index.ts';

describe('a serial bus', () => {
  it('carries a question and its answer', async () => {
    const { clock, wire, query } = await openToyLine();
    wire.answerAll();
    await expect(clock.until(query('a'))).resolves.toBe('=a;');
  });

  it('has one exchange at a time, with 3.5 characters of silence between frames', async () => {
    const { clock, wire, query } = await openToyLine();
    wire.answerAll(20);
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
    const answers = await clock.until(Promise.all(names.map((name) => query(name))));
    expect(answers).toEqual(names.map((name) => `=${name};`));
    const wire3 = (3 * 10_000) / 9600;
    const starts = wire.heard.map(({ at }) => at - wire3);
    for (let index = 1; index < starts.length; index++) {
      const answeredAt = (wire.heard[index - 1]?.at ?? 0) + 20;
      expect((starts[index] ?? 0) - answeredAt).toBeCloseTo(4.01, 1);
    }
  });

  it('lets a door go before the polls that wait', async () => {
    const { clock, wire, query, command } = await openToyLine();
    wire.answerAll();
    await clock.until(query('first'));
    const polls = [query('a'), query('b'), query('c')];
    await clock.advance(10);
    await clock.until(Promise.all([...polls, query('look', 'door'), command('open')]));
    // `a` had begun. Doors that come while the line is waited for go first as well.
    expect(wire.heard.map((heard) => heard.text)).toEqual(['?first;', '?a;', '?look;', '!open;', '?b;', '?c;']);
  });

  it('spends the permit when the first byte leaves, and sends nothing when it says no', async () => {
    const { clock, wire, query, command, permit, spent } = await openToyLine();
    wire.answerAll();
    await clock.until(query('a'));
    await clock.until(command('open'));
    expect(spent).toHaveLength(1);
    expect((wire.heard.at(-1)?.at ?? 0) - (spent[0] ?? 0)).toBeCloseTo(wireOf('!open;'), 5);
    const expired = {
      ...permit,
      spend: () => {
        throw new GatewayError('expired', 'too late');
      },
    };
    expect(await outcome(clock.until(command('open', expired)))).toMatchObject({
      type: 'expired',
      delivery: 'not_sent',
    });
    expect(wire.heard).toHaveLength(2);
  });

  it('says what was heard instead of an answer, keeps the line quiet for as long again, and goes on', async () => {
    const { clock, wire, query } = await openToyLine();
    const silent = await outcome(clock.until(query('a')));
    expect(silent).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(silent.message).toBe(
      "Unit 1 on serial line bus1 (9600 baud): no reply came within 300 ms; nothing was heard. Check the unit's power, wiring, address and baud rate.",
    );
    const failedAt = clock.now();
    wire.answerAll();
    await expect(clock.until(query('b'))).resolves.toBe('=b;');
    expect((wire.heard.at(-1)?.at ?? 0) - failedAt).toBeGreaterThanOrEqual(300);
    wire.answer = () => wire.say('#?', 10);
    expect((await outcome(clock.until(query('c')))).message).toContain('something else was heard');
  });

  it('does not take a late answer for the next one', async () => {
    const { clock, wire, query } = await openToyLine();
    wire.answer = () => wire.say('=a;', 315);
    expect(await outcome(clock.until(query('a')))).toMatchObject({ type: 'device_offline' });
    wire.answerAll();
    // The same question: only the quiet line keeps the late answer from being taken.
    const answer = await clock.until(query('a').then(() => clock.now()));
    expect(answer - (wire.heard.at(-1)?.at ?? 0)).toBeCloseTo(20);
  });

  it.each([315, 450, 700, 1_200, 2_000, 3_500])(
    'does not take an answer that is %i ms late for the next one, and says that the unit is slow',
    async (lateMs) => {
      const { clock, wire, query, logged } = await openToyLine();
      wire.answer = () => wire.say('=a;', lateMs);
      await outcome(clock.until(query('a')));
      wire.answerAll();
      const answered = await clock.until(query('a').then(() => clock.now()));
      expect(answered - (wire.heard.at(-1)?.at ?? 0)).toBeCloseTo(20);
      // Once it was heard, nothing is waited for any more.
      expect(answered).toBeLessThan(Math.max(2 * 300, lateMs) + 300);
      expect(logged.filter((entry) => entry.includes('is slow'))).toEqual([
        expect.stringContaining(`Unit 1 is slow: it was heard to answer after ${lateMs} ms. Raise reply_timeout_ms`),
      ]);
      wire.answer = () => undefined;
      const missing = await outcome(clock.until(query('a')));
      expect(missing.message).toContain('Raise reply_timeout_ms');
    },
  );

  it('asks no equal question while a late answer may come, and lets others go first', async () => {
    const { clock, wire, bus, query } = await openToyLine();
    wire.answer = () => undefined;
    await outcome(clock.until(query('a')));
    const missedAt = wire.heard[0]?.at ?? 0;
    wire.answerAll();
    const again = query('a');
    const other = bus.link(2).query(ask('b'), { priority: 'poll', signal: new AbortController().signal });
    await clock.until(other);
    expect(wire.heard.map((heard) => heard.text)).toEqual(['?a;', '?b;']);
    await clock.until(again);
    expect((wire.heard[2]?.at ?? 0) - missedAt).toBeGreaterThanOrEqual(4_000);
  });

  it('believes no answer to a command while that of an earlier one may come', async () => {
    const { clock, wire, query, command, spent } = await openToyLine();
    wire.answerAll();
    await clock.until(query('a'));
    wire.answer = () => wire.say('!open;', 700);
    expect(await outcome(clock.until(command('open')))).toMatchObject({ type: 'outcome_unknown' });
    // The unit hears nothing of the second: what is heard is the answer to the first.
    wire.answer = () => undefined;
    const second = await outcome(clock.until(command('open')));
    expect(second).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(second.message).toContain('may be the late one to an earlier command');
    expect(spent).toHaveLength(2);
    await clock.advance(5_000);
    wire.answer = () => wire.say('!open;', 20);
    await expect(clock.until(command('open'))).resolves.toBe('!open;');
  });

  it('remembers over the loss of its port what may still come', async () => {
    const { clock, wire, query } = await openToyLine();
    wire.answer = () => wire.say('=a;', 1_500);
    const lost = outcome(query('a'));
    await clock.advance(50);
    wire.unplug();
    await lost;
    wire.plugged = true;
    await clock.advance(500);
    wire.answerAll();
    const answered = await clock.until(query('a').then(() => clock.now()));
    expect(answered - (wire.heard.at(-1)?.at ?? 0)).toBeCloseTo(20);
  });

  it('takes the answer to what was lost with the port for that of an equal question, where one of since then will do', async () => {
    const { clock, wire, query, link, signal } = await openToyLine();
    const lost = outcome(query('a'));
    await clock.advance(50);
    wire.unplug();
    await lost;
    wire.plugged = true;
    await clock.advance(500);
    wire.answerAll();
    const again = (since: number) => {
      const began = clock.now();
      return clock.until(link.query(ask('a'), { priority: 'poll', since, signal }).then(() => clock.now() - began));
    };
    // Two answers may come now to what is asked: whoever wants one of his own goes on waiting.
    expect(await again(0)).toBeLessThan(200);
    expect(await again(0)).toBeLessThan(200);
    expect(await again(clock.now())).toBeGreaterThan(3_000);
  });

  it('takes no answer that is late on a port which stayed for one of since then', async () => {
    const { clock, wire, query, link, signal } = await openToyLine();
    await clock.until(outcome(query('a')));
    wire.answerAll();
    const began = clock.now();
    await clock.until(link.query(ask('a'), { priority: 'poll', since: 0, signal }));
    expect(clock.now() - began).toBeGreaterThan(3_000);
  });

  it('waits for the rest of an answer that has begun in time', async () => {
    const { clock, wire, query } = await openToyLine();
    wire.answer = () => {
      wire.say('#=', 295);
      wire.say('a', 305);
      wire.say(';', 315);
    };
    await expect(clock.until(query('a'))).resolves.toBe('=a;');
  });

  it('ends a wait for one that never ends', async () => {
    const { clock, wire, query } = await openToyLine();
    wire.answer = () => {
      for (let at = 10; at < 5000; at += 10) wire.say('#', at);
    };
    const asked = clock.now();
    expect(await outcome(clock.until(query('a')))).toMatchObject({ type: 'device_offline' });
    expect(clock.now() - asked).toBeLessThan(2 * 300 + 10);
  });

  it('gives up on a line that is never silent', async () => {
    const { clock, wire, query } = await openToyLine();
    for (let at = 0; at < 3000; at += 2) wire.say('#', at);
    await clock.advance(10);
    const refused = await outcome(clock.until(query('a')));
    expect(refused).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(refused.message).toContain('never silent');
    expect(wire.heard).toEqual([]);
  });

  it('says that the outcome of a command without an answer is unknown', async () => {
    const { clock, wire, query, command } = await openToyLine();
    wire.answerAll();
    await clock.until(query('a'));
    wire.answer = () => undefined;
    expect(await outcome(clock.until(command('open')))).toMatchObject({
      type: 'outcome_unknown',
      delivery: 'maybe_sent',
    });
    expect(wire.heard.filter((heard) => heard.text === '!open;')).toHaveLength(1);
  });

  it('forgets a caller that gave up while it waited, and finishes for one that gave up later', async () => {
    const { clock, wire, link, query } = await openToyLine();
    wire.answerAll();
    const first = query('a');
    const waiting = new AbortController();
    const abandoned = link.query(ask('b'), { priority: 'poll', signal: waiting.signal });
    waiting.abort(new Error('nobody waits'));
    await expect(abandoned).rejects.toThrow('nobody waits');
    await clock.until(first);
    const carried = new AbortController();
    const underWay = link.query(ask('c'), { priority: 'poll', signal: carried.signal });
    await clock.advance(10);
    carried.abort(new Error('nobody waits'));
    await expect(underWay).rejects.toThrow('nobody waits');
    await expect(clock.until(query('d'))).resolves.toBe('=d;');
    expect(wire.heard.map((heard) => heard.text)).toEqual(['?a;', '?c;', '?d;']);
    await expect(link.query(ask('e'), { priority: 'poll', signal: waiting.signal })).rejects.toThrow('nobody waits');
  });

  it('tells once of a stranger on the line', async () => {
    const { clock, wire, logged } = await openToyLine();
    wire.say('##', 100);
    wire.say('##', 200);
    await clock.advance(300);
    expect(logged.filter((entry) => entry.includes('without being asked'))).toHaveLength(1);
  });
});

const wireOf = (value: string) => (value.length * 10_000) / 9600;
