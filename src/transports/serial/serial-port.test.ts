import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { line, openToyLine, outcome, type ToyWire } from '../../../test/kit/locks/toy-line.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { SerialBus } from './serial-bus.ts';

describe('an adapter that echoes', () => {
  const echoing = (wire: ToyWire, answers: boolean) => {
    wire.answer = (question) => {
      wire.say(question, 1);
      if (answers) wire.say(question.replace('?', '='), 20);
    };
  };

  it('is found out by a read; then an echo alone is no answer', async () => {
    const { clock, wire, query, command } = await openToyLine();
    echoing(wire, true);
    await expect(clock.until(query('a'))).resolves.toBe('=a;');
    await expect(clock.until(command('open'))).resolves.toBe('!open;');
    echoing(wire, false);
    const alone = await outcome(clock.until(command('open')));
    expect(alone).toMatchObject({ type: 'outcome_unknown' });
    expect(alone.message).toContain('nothing was heard');
  });

  it('is not trusted before a read told of it: nothing is switched', async () => {
    const { clock, wire, command, spent } = await openToyLine();
    echoing(wire, false);
    expect(await outcome(clock.until(command('open')))).toMatchObject({
      type: 'device_not_ready',
      delivery: 'not_sent',
    });
    expect(wire.heard).toEqual([]);
    expect(spent).toEqual([]);
  });

  it('is found out although the unit is absent', async () => {
    const { clock, wire, query, command } = await openToyLine();
    echoing(wire, false);
    expect(await outcome(clock.until(query('a')))).toMatchObject({ type: 'device_offline' });
    expect(await outcome(clock.until(command('open')))).toMatchObject({ type: 'outcome_unknown' });
  });

  it('may damage the echo: then the answer to a switch is not taken', async () => {
    const { clock, wire, query, command } = await openToyLine();
    echoing(wire, true);
    await clock.until(query('a'));
    wire.answer = (question) => {
      wire.say('!#pen;', 1);
      wire.say(question, 20);
    };
    // One copy of the frame: whether it is the echo or the answer nobody can tell.
    expect(await outcome(clock.until(command('open')))).toMatchObject({ type: 'outcome_unknown' });
  });

  it('may be exchanged for one that does not', async () => {
    const { clock, wire, query, command } = await openToyLine();
    echoing(wire, true);
    await clock.until(query('a'));
    wire.answerAll();
    await clock.until(query('b'));
    await clock.until(query('c'));
    await expect(clock.until(command('open'))).resolves.toBe('!open;');
  });
});

describe('a port', () => {
  it('that is lost fails what is under way and what waits, tells once, and is opened again', async () => {
    const { clock, wire, bus, query, command } = await openToyLine();
    const states: string[] = [];
    bus.onStateChange((state) => states.push(state.status === 'up' ? 'up' : state.reason));
    wire.answerAll();
    await clock.until(query('a'));
    wire.answer = () => undefined;
    const opening = outcome(command('open'));
    const waiting = outcome(query('b'));
    await clock.advance(50);
    wire.unplug();
    expect(await opening).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(await waiting).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(await outcome(query('c'))).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    await clock.advance(700);
    wire.plugged = true;
    await clock.advance(2000);
    expect(states).toEqual(['port_lost', 'port_missing', 'up']);
    expect(bus.reconnects).toBe(1);
    wire.answerAll();
    await expect(clock.until(query('d'))).resolves.toBe('=d;');
    expect(wire.heard.filter((heard) => heard.text === '!open;')).toHaveLength(1);
  });

  it('is tried again after 0.1 s at first and every 2 s at most', async () => {
    const clock = new SimulatedClock();
    const tries: number[] = [];
    const carrier = {
      path: '/dev/ttyUSB0',
      open: () => {
        tries.push(clock.now());
        return Promise.reject(new Error('out of order'));
      },
    };
    const log = pino({ enabled: false });
    const bus = new SerialBus({ name: 'bus1', carrier, line, clock, random: () => 0.999, log });
    bus.start();
    await clock.advance(12_000);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(pauses[0]).toBeCloseTo(100, 0);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2000);
    expect(pauses.at(-1)).toBeGreaterThan(1900);
    expect(bus.state).toMatchObject({ status: 'down', reason: 'port_unusable' });
    await bus.close();
    const count = tries.length;
    await clock.advance(12_000);
    expect(tries).toHaveLength(count);
    expect(clock.armedTimers).toBe(0);
  });

  it('refuses everything after it was closed, twice closed included', async () => {
    const { clock, wire, bus, query } = await openToyLine();
    wire.answerAll();
    const under = outcome(query('a'));
    await clock.advance(1);
    await bus.close();
    await bus.close();
    expect(await under).toMatchObject({ type: 'link_unavailable' });
    expect(await outcome(query('b'))).toMatchObject({ type: 'link_unavailable' });
    await clock.advance(10_000);
    expect(bus.state).toMatchObject({ status: 'down', reason: 'closed' });
    expect(clock.armedTimers).toBe(0);
  });
});
