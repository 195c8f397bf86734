import { expect, it } from 'vitest';
import { Flight } from './node-link.ts';

/** zwave-js, `TransactionState`. */
const [QUEUED, ACTIVE, COMPLETED] = [0, 1, 2];

it('a command that waits has not left', () => {
  const flight = new Flight(() => false);
  flight.turn(QUEUED);
  expect(flight.left).toBe(false);
  expect(flight.turn(ACTIVE)).toBeUndefined();
  expect(flight.left).toBe(true);
});

it('a command goes out once; a second time only after the node refused the first', () => {
  const again = new Flight(() => false);
  again.turn(ACTIVE);
  expect(again.turn(ACTIVE)).toMatch(/a second time/);
  const unsupervised = new Flight(() => false);
  unsupervised.turn(ACTIVE);
  unsupervised.turn(COMPLETED);
  expect(unsupervised.turn(ACTIVE)).toBeUndefined();
});

it('a command that is late does not go, and has not left', () => {
  const flight = new Flight(() => true);
  expect(flight.turn(ACTIVE)).toMatch(/too late/);
  expect(flight.left).toBe(false);
});
