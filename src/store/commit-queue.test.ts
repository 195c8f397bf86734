import { expect, it } from 'vitest';
import { CommitQueue } from './commit-queue.ts';

function aQueue() {
  const batches: (readonly string[])[] = [];
  const queue = new CommitQueue<string>(async (units) => {
    batches.push(units);
    return units.map(() => undefined);
  });
  return { queue, batches };
}

/** Longer than any test runs. */
const patience = 3_600_000;

it('what has patience rides with what comes next, in its order', async () => {
  const { queue, batches } = aQueue();
  const patient = [queue.add('a', patience), queue.add('b', patience)];
  expect(queue.isIdle).toBe(false);
  await queue.add('c');
  await Promise.all(patient);
  expect(batches).toEqual([['a', 'b', 'c']]);
  expect(queue.isIdle).toBe(true);
});

it('what has patience goes alone when nothing comes', async () => {
  const { queue, batches } = aQueue();
  await queue.add('a', 1);
  expect(batches).toEqual([['a']]);
});

it('nothing waits for company at the end', async () => {
  const { queue, batches } = aQueue();
  const patient = queue.add('a', patience);
  await queue.drained();
  await patient;
  expect(batches).toEqual([['a']]);
});
