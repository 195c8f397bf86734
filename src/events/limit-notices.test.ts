import { expect, test } from 'vitest';
import type { LimitBite } from '../contract/index.ts';
import { recordLog } from '../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { EventDraft } from '../model/event-types.ts';
import { LimitNotices } from './event-log.ts';

const bite: LimitBite = { limit: 'http_requests', source: '192.0.2.7', message: 'Too much came from 192.0.2.7.' };

function site() {
  const clock = new SimulatedClock();
  const recorded = recordLog();
  const notices = new LimitNotices({ clock, log: recorded.logger });
  const events: EventDraft[] = [];
  notices.tellEvents((drafts) => void events.push(...drafts));
  return { clock, notices, events, told: () => recorded.lines.map(({ times }) => times) };
}

test('a flood is one line at once, one a minute with its count, and one event', async () => {
  const { clock, notices, events, told } = site();
  for (let second = 0; second < 150; second++) {
    for (let each = 0; each < 10; each++) notices.bit(bite);
    await clock.advance(1_000);
  }
  expect(told()).toEqual([1, 599, 600]);
  await clock.advance(60_000);
  expect(told()).toEqual([1, 599, 600, 300]);
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ eventType: 'strikeplate.gateway.limit_reached', details: bite });
  expect(notices.totals.get('http_requests')).toBe(1_500);
  await clock.advance(600_000);
  expect(clock.armedTimers).toBe(0);
  notices.bit(bite);
  expect(events).toHaveLength(2);
});

test('a flood from a million addresses is no flood of lines and events', async () => {
  const { clock, notices, events, told } = site();
  for (let address = 0; address < 5_000; address++)
    notices.bit({ ...bite, source: `2001:db8:${address.toString(16)}::1` });
  await clock.advance(60_000);
  expect(told().length).toBeLessThanOrEqual(66);
  expect(events.length).toBeLessThanOrEqual(65);
  expect(told().reduce<number>((sum, times) => sum + Number(times), 0)).toBe(5_000);
});

test('counts what is dropped many at a time, and names the device', () => {
  const { notices, events, told } = site();
  notices.bit({ limit: 'device_messages', source: 'z/hall', deviceId: 'd', message: 'm', count: 40 });
  expect(told()).toEqual([40]);
  expect(events[0]).toMatchObject({ deviceId: 'd' });
});
