import { describe, expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { back, gone, health, watched } from '../../test/kit/gateway/watched-events.ts';
import type { DeviceReport, Ratio } from '../contract/index.ts';

describe('a device', () => {
  const battery = (level: number | undefined, low = false): DeviceReport => ({
    kind: 'battery',
    level: level as Ratio | undefined,
    low,
  });
  const restart = async (
    { store, clock }: Awaited<ReturnType<typeof watched>>,
    firstWords: readonly DeviceReport[] = [],
  ) => {
    const again = await scriptedCore({ store: store.crash(), clock, firstWords });
    await clock.settle();
    return again;
  };

  it('is added and connected once, over restarts', async () => {
    const first = await scriptedCore();
    await first.clock.settle();
    const types = (core: typeof first.core) => core.events.after(0, 50).map(({ eventType }) => eventType);
    expect(types(first.core)).toEqual(['device.added', 'device.connected']);
    const again = await scriptedCore({ store: first.store.crash(), clock: first.clock });
    await again.clock.settle();
    expect(types(again.core)).toEqual(['device.added', 'device.connected']);
  });

  it('is gone when it stays away, not when it comes right back', async () => {
    const { clock, report, told, events } = await watched();
    await report(gone);
    await clock.advance(9_999);
    await report(back);
    await clock.advance(60_000);
    expect(told()).toEqual([]);
    await report(gone);
    await clock.advance(60_000);
    await report(gone, back);
    expect(told()).toEqual(['device.disconnected', 'device.connected']);
    expect(events()[0]).toMatchObject({ details: { reason: 'not_answering', hint: 'Look at it.' } });
    expect(events()[0]?.occurredAt).toBe(clock.wallTime() - 60_000);
    await report(health({ status: 'not_ready', reason: 'asleep', hint: 'It sleeps.' }));
    await clock.advance(60_000);
    expect(told()).toHaveLength(2);
  });

  it('that went while the gateway was off is told of a minute after the start', async () => {
    const before = await watched();
    const again = await restart(before, [gone]);
    await again.clock.advance(59_999);
    const types = () => again.core.events.after(2, 50).map(({ eventType }) => eventType);
    expect(types()).toEqual([]);
    await again.clock.advance(1);
    expect(types()).toEqual(['device.disconnected']);
    const third = await scriptedCore({ store: again.store.crash(), clock: again.clock });
    await third.clock.settle();
    expect(third.core.events.after(3, 50).map(({ eventType }) => eventType)).toEqual(['device.connected']);
  });

  it('has a flaky connection after three losses within an hour, until it has held for one', async () => {
    const { clock, core, report, told, events } = await watched();
    const warned = () => core.devices.get('front')?.flakySince;
    const flicker = async () => {
      await report(gone);
      await clock.advance(1_000);
      await report(back);
    };
    await flicker();
    await clock.advance(3_590_000);
    await flicker();
    await clock.advance(20_000);
    await flicker();
    // The first was more than an hour ago.
    expect(told()).toEqual([]);
    await clock.advance(60_000);
    await report(gone);
    expect(told()).toEqual(['device.connection_became_flaky']);
    expect(events()[0]?.occurredAt).toBe(clock.wallTime());
    expect(warned()).toBe(clock.wallTime());
    await clock.advance(5_000_000);
    expect(told()).toEqual(['device.connection_became_flaky', 'device.disconnected']);
    await report(back);
    await clock.advance(3_599_000);
    await flicker();
    await clock.advance(3_599_999);
    expect(told().slice(2)).toEqual(['device.connected']);
    await clock.advance(1);
    expect(told().slice(3)).toEqual(['device.connection_stabilized']);
    expect(warned()).toBeUndefined();
  });

  it('is not flaky for being asleep, opened anew, or misconfigured', async () => {
    const { clock, report, told } = await watched();
    const asleep = health({ status: 'not_ready', reason: 'asleep', hint: 'It sleeps.' });
    const wrong = health({ status: 'misconfigured', reason: 'key_refused', hint: 'Pair it again.' });
    for (let time = 0; time < 5; time++) {
      for (const state of [asleep, back, wrong, back]) {
        await report(state);
        await clock.advance(1_000);
      }
    }
    expect(told()).toEqual([]);
  });

  it('that was flaky before a restart is steady only after an hour', async () => {
    const first = await watched();
    for (let time = 0; time < 3; time++) {
      await first.report(gone);
      await first.clock.advance(1_000);
      await first.report(back);
    }
    const again = await restart(first);
    const types = () => again.core.events.after(2, 50).map(({ eventType }) => eventType);
    await again.clock.advance(3_590_000);
    expect(types()).toEqual(['device.connection_became_flaky']);
    await again.clock.advance(10_000);
    expect(types()).toEqual(['device.connection_became_flaky', 'device.connection_stabilized']);
  });

  it('tells of a keypad beside it that comes and goes, over restarts', async () => {
    const first = await watched();
    const keypad = (connected: boolean): DeviceReport => ({ kind: 'accessory_keypad', connected });
    await first.report(keypad(false), keypad(true), keypad(true));
    expect(first.told()).toEqual(['device.accessory_keypad_connected']);
    const again = await restart(first, [keypad(true)]);
    again.lock.report(keypad(false));
    await again.clock.settle();
    expect(again.core.events.after(3, 50).map(({ eventType }) => eventType)).toEqual([
      'device.accessory_keypad_disconnected',
    ]);
  });

  it('that was set aside comes and goes under names of its own', async () => {
    const { core, clock, report, told, forget } = await watched();
    await core.administration.update('front', { isManaged: false });
    forget();
    await report(gone);
    await clock.advance(10_000);
    await report(back);
    expect(told()).toEqual(['device.unmanaged.disconnected', 'device.unmanaged.connected']);
  });

  it('has a battery whose decline is told step by step, and not over again', async () => {
    const fixture = await watched();
    const { report, events } = fixture;
    await report(battery(0.95), battery(0.6), battery(0.62));
    expect(events().map(({ details }) => details)).toEqual([{ battery_status: 'good', battery_level: 0.6 }]);
    fixture.forget();
    await report(battery(0.2), battery(0.21), battery(0.19), battery(0.04));
    expect(events().map(({ eventType, details }) => [eventType, details])).toEqual([
      ['device.battery_status_changed', { battery_status: 'low', battery_level: 0.2 }],
      ['device.low_battery', { battery_level: 0.2 }],
      ['device.battery_status_changed', { battery_status: 'critical', battery_level: 0.04 }],
    ]);
    const again = await restart(fixture);
    const before = again.core.events.highestSeq;
    again.lock.report(battery(0.04));
    again.lock.report(battery(1));
    await again.clock.settle();
    expect(again.core.events.after(before, 9).map(({ details }) => details.battery_status)).toEqual(['full']);
  });

  it('says so when its battery is low already', async () => {
    const { report, told } = await watched();
    await report(battery(undefined, true), battery(undefined, true));
    expect(told()).toEqual(['device.low_battery']);
  });

  it('tells of tampering, and of slots that were changed at the lock', async () => {
    const { report, told, events } = await watched();
    await report({ kind: 'tamper' }, { kind: 'code_slot', slot: 7, occupied: true });
    expect(told()).toEqual(['device.tampered', 'strikeplate.lock.code_slot_changed 7']);
    expect(events()[1]?.details).toEqual({ slot: 7, occupied: true });
  });
});
