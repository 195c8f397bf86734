import { expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { SessionQueue, WaitedTooLong } from './sessions.ts';

const never = new AbortController().signal;

it('never admits more than it may, whoever comes, leaves twice, gives up or waits too long', async () => {
  const visitor = fc.record({
    arrivesAt: fc.nat(200),
    staysMs: fc.nat(50),
    priority: fc.constantFrom('door' as const, 'code' as const, 'poll' as const),
    givesUpAfter: fc.option(fc.nat(60), { nil: undefined }),
    by: fc.option(fc.nat(60), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(visitor, { maxLength: 25 }),
      async (capacity, visitors) => {
        const clock = new SimulatedClock();
        const queue = new SessionQueue(capacity);
        let inside = 0;
        let most = 0;
        const visits = visitors.map(async ({ arrivesAt, staysMs, priority, givesUpAfter, by }) => {
          const wait = (ms: number) => new Promise<void>((resolve) => clock.setTimer(resolve, ms));
          await wait(arrivesAt);
          const controller = new AbortController();
          if (givesUpAfter !== undefined) clock.setTimer(() => controller.abort(new Error('gave up')), givesUpAfter);
          try {
            const until = { signal: controller.signal, by: by === undefined ? undefined : clock.now() + by, clock };
            const leave = await queue.enter(priority, until);
            inside += 1;
            most = Math.max(most, inside);
            await wait(staysMs);
            inside -= 1;
            leave();
            leave();
          } catch (error) {
            if (!(error instanceof WaitedTooLong)) expect((error as Error).message).toBe('gave up');
          }
        });
        await clock.until(Promise.all([...visits, new Promise<void>((resolve) => clock.setTimer(resolve, 2_000))]));
        expect(most).toBeLessThanOrEqual(capacity);
        expect(queue.idle).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

it('lets doors overtake, and nobody overtake one that was admitted', async () => {
  const clock = new SimulatedClock();
  const queue = new SessionQueue(1);
  const until = { signal: never, by: undefined, clock };
  const leave = await queue.enter('poll', until);
  const order: string[] = [];
  const visit = (name: string, priority: 'door' | 'code' | 'poll') =>
    queue.enter(priority, until).then((left) => {
      order.push(name);
      left();
    });
  const visits = [visit('poll', 'poll'), visit('code', 'code'), visit('door 1', 'door'), visit('door 2', 'door')];
  leave();
  visits.push(visit('late door', 'door'));
  await Promise.all(visits);
  expect(order).toEqual(['door 1', 'door 2', 'late door', 'code', 'poll']);
});
