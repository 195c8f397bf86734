import { describe, expect, it } from 'vitest';
import { describeStore } from '../../test/contract/describe-store.ts';
import { accepted, uuid } from '../../test/kit/store/store-records.ts';
import { GatewayError } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';

async function openBench(commitMs: number) {
  const clock = new SimulatedClock();
  let store = new MemoryStore({ clock, commitMs });
  return {
    get store() {
      return store;
    },
    until: <T>(promise: Promise<T>) => (commitMs > 0 ? clock.until(promise) : promise),
    crash: async () => {
      store = store.crash();
    },
    fillDisk: async () => store.fillDisk(),
    freeDisk: async () => store.freeDisk(),
    dispose: async () => undefined,
  };
}

describeStore('MemoryStore without latency', () => openBench(0));
describeStore('MemoryStore with a slow disk', () => openBench(50));

describe('MemoryStore', () => {
  const start = (options: Partial<MemoryStoreOptions> = {}) => {
    const clock = new SimulatedClock();
    return { clock, store: new MemoryStore({ clock, commitMs: 10, ...options }) };
  };

  it('takes its time from the clock, group by group', async () => {
    const delays = [10, 30];
    const { clock, store } = start({ commitMs: () => delays.shift() ?? 0 });
    const told: string[] = [];
    void store.commit([accepted(1)]).then(() => told.push(`1 at ${clock.now()}`));
    await clock.advance(5);
    void store.commit([accepted(2)]).then(() => told.push(`2 at ${clock.now()}`));
    await clock.advance(9);
    expect(told).toEqual(['1 at 10']);
    await clock.advance(100);
    expect(told).toEqual(['1 at 10', '2 at 40']);
  });

  it('loses at a crash what was waiting and what was in flight, and answers neither', async () => {
    const { clock, store } = start();
    let told = 0;
    void store.commit([accepted(1)]).then(() => told++);
    await clock.advance(5);
    void store.commit([accepted(2)]).then(() => told++);
    const survivor = store.crash();
    void store.commit([accepted(3)]).then(() => told++);
    await clock.advance(1000);
    expect(told).toBe(0);
    expect(survivor.read.highestSeq()).toBe(0);
    expect(store.read.highestSeq()).toBe(0);
  });

  it('can have the group in flight on disk when it crashes, though nobody was told', async () => {
    const { clock, store } = start();
    void store.commit([accepted(1)]);
    await clock.advance(5);
    void store.commit([accepted(2)]);
    const survivor = store.crash('kept');
    expect(survivor.read.pendingAttempts().map(({ seq }) => seq)).toEqual([1]);
    expect(store.read.highestSeq()).toBe(0);
    await clock.until(survivor.commit([accepted(2)]));
    expect(survivor.read.highestSeq()).toBe(2);
  });

  it('is not changed by what happens to its survivor', async () => {
    const { clock, store } = start();
    await clock.until(store.commit([accepted(1)]));
    const survivor = store.crash();
    await clock.until(survivor.commit([accepted(2)]));
    expect(store.read.highestSeq()).toBe(1);
  });

  it('fails the next commit alone when told to', async () => {
    const { clock, store } = start();
    store.failNext(new GatewayError('internal_error', 'as told'));
    const outcomes = await clock.until(Promise.allSettled([store.commit([accepted(1)]), store.commit([accepted(2)])]));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(store.read.attempt(uuid(1))).toBeUndefined();
  });

  it('closes at once after a crash', async () => {
    const { store } = start();
    void store.commit([accepted(1)]);
    store.crash();
    await expect(store.close()).resolves.toBeUndefined();
  });
});
