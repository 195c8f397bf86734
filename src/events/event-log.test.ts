import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { accepted, settled } from '../../test/kit/store/store-records.ts';
import { recordLog } from '../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { EventDraft } from '../model/event-types.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { EventLog } from './event-log.ts';

const draft: EventDraft = {
  eventType: 'lock.unlocked',
  deviceId: 'front',
  occurredAt: 5,
  details: { method: 'keycode', slot: 3 },
};

function start(log = pino({ level: 'silent' })) {
  const clock = new SimulatedClock();
  const store = new MemoryStore({ clock });
  let ids = 0;
  const events = new EventLog({ clock, store, log, newId: () => `event-${++ids}` });
  const told: string[] = [];
  events.onEvent(({ seq, eventId }) => told.push(`${seq} ${eventId}`));
  return { clock, store, events, told };
}

describe('EventLog', () => {
  it('is part of the commit of what it tells about', async () => {
    const { store, events, told } = start();
    await store.commit([accepted(1), settled(1)]);
    await expect(store.commit([settled(1), events.record(draft)])).rejects.toThrow();
    expect([told, events.list({ limit: 5 })]).toEqual([[], []]);
    await store.commit([accepted(2), events.record(draft)]);
    expect(told).toEqual(['2 event-2']);
  });

  it('is the same event when its commit is tried again', async () => {
    const { store, events, told } = start();
    const change = events.record(draft);
    store.failNext();
    await expect(store.commit([change])).rejects.toThrow();
    await store.commit([change]);
    expect(told).toEqual(['2 event-1']);
    expect(events.get('event-1')).toMatchObject({ eventType: 'lock.unlocked', occurredAt: 5, details: { slot: 3 } });
  });

  it('is told in the order of commits, whoever drafted first', async () => {
    const { store, events, told } = start();
    const early = events.record(draft);
    events.append([draft]);
    await store.commit([early]);
    expect(told).toEqual(['1 event-2', '2 event-1']);
    expect(events.after(1, 5).map(({ eventId }) => eventId)).toEqual(['event-1']);
    expect(events.highestSeq).toBe(2);
  });

  it('says in the log what found no room, and goes on', async () => {
    const log = recordLog();
    const { clock, store, events, told } = start(log.logger);
    store.fillDisk();
    events.append([draft]);
    await clock.settle();
    expect(told).toEqual([]);
    expect(log.text).toContain('lock.unlocked');
    store.freeDisk();
    events.append([draft]);
    await clock.settle();
    expect(told).toHaveLength(1);
  });

  it('lets no listener keep another from hearing, or a commit from being answered', async () => {
    const { clock, store, events } = start();
    const heard: number[] = [];
    events.onEvent(() => {
      throw new Error('no');
    });
    const stop = events.onEvent(({ seq }) => heard.push(seq));
    await store.commit([events.record(draft)]);
    stop();
    await store.commit([events.record(draft)]);
    events.close();
    await store.commit([events.record(draft)]);
    await clock.settle();
    expect(heard).toEqual([1]);
  });
});
