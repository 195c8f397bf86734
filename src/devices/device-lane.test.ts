import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { DeviceLane, type LaneClass, type LaneJob } from './device-lane.ts';

function fixture() {
  const clock = new SimulatedClock();
  const lane = new DeviceLane(clock, 'Front door');
  const log: string[] = [];
  const job = (name: string, laneClass: LaneClass, ms = 100): LaneJob => ({
    laneClass,
    run: async () => {
      log.push(`${name} begins`);
      await new Promise<void>((resolve) => clock.setTimer(resolve, ms));
      log.push(`${name} ends`);
      return 'over';
    },
  });
  return { clock, lane, log, job };
}

describe('a lane', () => {
  it('runs one job at a time, the most urgent first, in order of arrival within a class', async () => {
    const { clock, lane, log, job } = fixture();
    lane.add(job('poll', 'poll'));
    lane.add(job('code 1', 'requested'));
    lane.add(job('code 2', 'requested'));
    lane.add(job('repair', 'reconcile'));
    lane.add(job('door', 'door'));
    await clock.advance(1_000);
    expect(log).toEqual(['poll', 'door', 'code 1', 'code 2', 'repair'].flatMap((n) => [`${n} begins`, `${n} ends`]));
  });

  it('lets doors pass between two steps of a code job, and nothing else', async () => {
    const { clock, lane, log, job } = fixture();
    lane.add({
      laneClass: 'requested',
      run: async (letDoorsPass) => {
        log.push('code begins');
        for (let step = 1; step <= 2; step++) {
          await new Promise<void>((resolve) => clock.setTimer(resolve, 100));
          await letDoorsPass();
          log.push(`step ${step}`);
        }
        return 'over';
      },
    });
    lane.add(job('other code', 'requested', 1));
    await clock.advance(50);
    lane.add(job('door', 'door', 10));
    await clock.advance(1_000);
    expect(log).toEqual([
      'code begins',
      'door begins',
      'door ends',
      'step 1',
      'step 2',
      'other code begins',
      'other code ends',
    ]);
  });

  it('keeps a job that tries again in its place, and lets nothing less urgent overtake a door', async () => {
    const { clock, lane, log, job } = fixture();
    let tries = 0;
    lane.add({
      laneClass: 'door',
      run: async () => {
        log.push(`try ${++tries}`);
        return tries < 3 ? { retryAt: clock.now() + 200 } : 'over';
      },
    });
    lane.add(job('second door', 'door'));
    lane.add(job('code', 'requested'));
    await clock.advance(199);
    expect(log).toEqual(['try 1']);
    await clock.advance(1);
    expect(log).toEqual(['try 1', 'try 2']);
    lane.nudge();
    await clock.advance(500);
    expect(log).toEqual([
      'try 1',
      'try 2',
      'try 3',
      'second door begins',
      'second door ends',
      'code begins',
      'code ends',
    ]);
  });

  it('lets doors overtake a code job that is backing off', async () => {
    const { clock, lane, log, job } = fixture();
    lane.add({ laneClass: 'requested', run: async () => ({ retryAt: clock.now() + 10_000 }) });
    await clock.advance(1);
    lane.add(job('door', 'door'));
    await clock.advance(200);
    expect(log).toEqual(['door begins', 'door ends']);
  });

  it('refuses a seventeenth place until one is free', async () => {
    const { clock, lane, job } = fixture();
    const places = Array.from({ length: 16 }, () => lane.reserve());
    expect(places.map((place) => place.first)).toEqual([true, ...Array(15).fill(false)]);
    expect(() => lane.reserve()).toThrowError(expect.objectContaining({ type: 'lane_full' }));
    places[0]?.enqueue(job('door', 'door'));
    expect(() => lane.reserve()).toThrowError(expect.objectContaining({ type: 'lane_full' }));
    await clock.advance(100);
    const freed = lane.reserve();
    freed.release();
    freed.release();
    freed.enqueue(job('never', 'door'));
    expect(() => lane.reserve()).not.toThrow();
  });
});
