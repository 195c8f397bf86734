import { expect, it } from 'vitest';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { Mailbox } from './mailbox.ts';

const ended = new Error('the connection has ended');

function mailbox(keepsRest = false) {
  const clock = new SimulatedClock();
  const signal = new AbortController();
  return { clock, signal, box: new Mailbox<number>(clock, [signal.signal], { keepsRest }) };
}

it('gives what happened in order, and undefined when its time is over', async () => {
  const { clock, box } = mailbox();
  box.push(1);
  box.push(2);
  expect([await box.next(100), await box.next(100)]).toEqual([1, 2]);
  const waiting = box.next(100);
  await clock.advance(100);
  expect(await waiting).toBeUndefined();
  expect(clock.armedTimers).toBe(0);
});

it('ends a wait with its signal, and at once what comes after', async () => {
  const { signal, box, clock } = mailbox();
  const waiting = box.next(100);
  signal.abort(ended);
  await expect(waiting).rejects.toBe(ended);
  box.push(1);
  await expect(box.next(100)).rejects.toBe(ended);
  expect(clock.armedTimers).toBe(0);
});

it('keeps what came before the end where it is told to', async () => {
  const { signal, box } = mailbox(true);
  box.push(1);
  signal.abort(ended);
  expect(await box.next(100)).toBe(1);
  await expect(box.next(100)).rejects.toBe(ended);
});

it('fails after what can still be taken, for good', async () => {
  const { box } = mailbox();
  const unreadable = new Error('unreadable');
  box.push(1);
  box.fail(unreadable);
  box.fail(new Error('later'));
  expect(await box.next(100)).toBe(1);
  await expect(box.next(100)).rejects.toBe(unreadable);
  await expect(box.next(100)).rejects.toBe(unreadable);
});

it('forgets all, or what it is told to', async () => {
  const { box } = mailbox();
  for (const number of [1, 2, 3, 4]) box.push(number);
  box.clear((number) => number % 2 === 0);
  expect([await box.next(0), await box.next(0)]).toEqual([1, 3]);
  box.push(5);
  box.clear();
  box.push(6);
  expect(await box.next(0)).toBe(6);
});
