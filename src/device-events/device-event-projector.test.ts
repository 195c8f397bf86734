import { describe, expect, it } from 'vitest';
import { type ScriptedOptions, scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { type Script, sendAndConfirm } from '../../test/kit/locks/scripted-lock.ts';
import { type DeviceReport, GatewayError, type Health, type Ratio, Secret } from '../contract/index.ts';

/** What the log holds beyond how the run began, in short: type, then what tells it apart. */
async function watched(options: ScriptedOptions = {}) {
  const fixture = await scriptedCore(options);
  const { core, clock, lock } = fixture;
  await clock.settle();
  let from = core.events.highestSeq;
  const events = () => core.events.after(from, 100);
  const told = () =>
    events().map(({ eventType, details, accessCodeId, actionAttemptId }) =>
      [eventType, details.method, details.slot, accessCodeId && 'code', actionAttemptId && 'attempt']
        .filter((part) => part !== undefined)
        .join(' '),
    );
  const forget = () => {
    from = core.events.highestSeq;
  };
  const report = async (...reports: DeviceReport[]) => {
    for (const one of reports) lock.report(one);
    await clock.settle();
  };
  return { ...fixture, events, told, forget, report };
}

const bolt = (state: 'locked' | 'unlocked' | 'jammed' | 'unknown' | 'unlocking'): DeviceReport => ({
  kind: 'lock_state',
  state,
});
const operated = (
  operation: 'locked' | 'unlocked' | 'jammed' | 'access_denied',
  method: 'keycode' | 'manual' | 'automatic' | 'remote' | 'card' | 'unknown',
  slot?: number,
): DeviceReport => ({ kind: 'lock_operated', operation, method, ...(slot !== undefined && { slot }) });
const door = (contact: 'open' | 'closed' | 'unknown'): DeviceReport => ({ kind: 'door', contact });
const health = (state: Health): DeviceReport => ({ kind: 'health', health: state });
const gone = health({ status: 'offline', reason: 'not_answering', hint: 'Look at it.' });
const back = health({ status: 'online' });

/** As a lock that reports its bolt while the command is still being confirmed. */
const sendAndSee =
  (...reports: DeviceReport[]): Script =>
  async (ctx, lock) => {
    (await ctx.pointOfNoReturn()).spend();
    for (const report of reports) lock.report(report);
    return { wasConfirmedByDevice: true };
  };

describe('a movement of the bolt', () => {
  it('is told once, with who opened, whichever the lock tells first', async () => {
    const { core, clock, report, told, forget, origin } = await watched({ keypad: new ScriptedKeypad() });
    const { code } = await core.accessCodes.create({ deviceId: 'front', code: new Secret('5829') }, origin());
    await clock.advance(1_000);
    const slot = [...Array(30).keys()].find((at) => core.accessCodes.atSlot('front', at));
    await report(bolt('locked'));
    forget();
    await report(bolt('unlocked'));
    expect(told()).toEqual([]);
    await clock.advance(900);
    await report(operated('unlocked', 'keycode', slot));
    expect(told()).toEqual([`lock.unlocked keycode ${slot} code`]);
    await report(operated('locked', 'automatic'), bolt('locked'));
    await report(operated('unlocked', 'keycode', 99), bolt('unlocked'));
    await clock.advance(60_000);
    expect(told().slice(1)).toEqual(['lock.locked automatic', 'lock.unlocked keycode 99']);
    const [opened] = core.events.list({ limit: 1, accessCodeIds: [code.accessCodeId], eventTypes: ['lock.unlocked'] });
    expect(opened).toMatchObject({ deviceId: 'front', details: { method: 'keycode', slot } });
    expect(opened?.createdAt).toBe((opened?.occurredAt ?? 0) + 900);
  });

  it('is told without a cause when the lock gives none', async () => {
    const { clock, report, told, events } = await watched();
    await report(bolt('locked'), bolt('unlocked'));
    await clock.advance(2_999);
    expect(told()).toEqual([]);
    await clock.advance(1);
    expect(told()).toEqual(['lock.unlocked unknown']);
    expect(events()[0]?.occurredAt).toBe(clock.wallTime() - 3_000);
    // Late word of the same movement that adds nothing.
    await report(operated('unlocked', 'manual'));
    expect(told()).toHaveLength(1);
  });

  it('is told in order when the next one comes before the first was explained', async () => {
    const { clock, report, told } = await watched();
    await report(bolt('locked'), bolt('unlocked'), bolt('locked'), operated('locked', 'automatic'));
    await clock.advance(60_000);
    expect(told()).toEqual(['lock.unlocked unknown', 'lock.locked automatic']);
  });

  it('is not how the lock stood when the run began, nor that it is not known', async () => {
    const { clock, report, told } = await watched();
    await report(bolt('unknown'), bolt('unlocked'), bolt('unknown'), bolt('unlocked'), bolt('unlocking'));
    await clock.advance(60_000);
    expect(told()).toEqual([]);
  });

  it('names the attempt that caused it, once, however often the lock tells', async () => {
    const { core, clock, lock, report, told, forget, origin, end } = await watched();
    await report(bolt('locked'));
    forget();
    lock.script = sendAndSee(bolt('unlocked'), operated('unlocked', 'remote'));
    await end(await core.doors.unlock('front', origin()));
    await clock.advance(2_000);
    await report(operated('unlocked', 'remote'), bolt('unlocked'));
    await clock.advance(60_000);
    expect(told()).toEqual(['lock.unlocked remote attempt', 'action_attempt.unlock_door.succeeded attempt']);
  });

  it('names it too when the lock tells only after the end, and when nobody knew how it stood', async () => {
    const { core, clock, lock, report, told, origin, end } = await watched();
    await end(await core.doors.unlock('front', origin()));
    await clock.advance(1_000);
    await report(operated('unlocked', 'unknown'));
    expect(told()).toEqual(['action_attempt.unlock_door.succeeded attempt', 'lock.unlocked remote attempt']);
    lock.script = sendAndSee(bolt('locked'));
    await end(await core.doors.lock('front', origin()));
    await clock.settle();
    expect(told().slice(2)).toEqual(['lock.locked remote attempt', 'action_attempt.lock_door.succeeded attempt']);
  });

  it('is somebody else’s when an attempt has accounted for one already, was never sent, or is long over', async () => {
    const { core, clock, lock, report, told, forget, origin, end } = await watched();
    await report(bolt('locked'));
    lock.script = sendAndSee(bolt('unlocked'), operated('unlocked', 'remote'));
    await end(await core.doors.unlock('front', origin()));
    forget();
    await report(operated('locked', 'automatic'), operated('unlocked', 'unknown'));
    expect(told()).toEqual(['lock.locked automatic', 'lock.unlocked unknown']);

    lock.script = async () => {
      throw new GatewayError('misconfigured', 'No key.');
    };
    await end(await core.doors.lock('front', origin()));
    forget();
    await report(operated('locked', 'unknown'));
    expect(told()).toEqual(['lock.locked unknown']);

    lock.script = sendAndConfirm;
    await end(await core.doors.unlock('front', origin()));
    await clock.advance(10_001);
    forget();
    await report(operated('unlocked', 'unknown'));
    expect(told()).toEqual(['lock.unlocked unknown']);
  });

  it('is told of somebody at the keypad though an attempt is under way', async () => {
    const { core, lock, report, told, forget, origin, end } = await watched();
    await report(bolt('locked'));
    forget();
    lock.script = sendAndSee(operated('unlocked', 'keycode', 4), bolt('unlocked'));
    await end(await core.doors.unlock('front', origin()));
    expect(told()).toEqual(['lock.unlocked keycode 4', 'action_attempt.unlock_door.succeeded attempt']);
  });

  it('is one though its message comes twice', async () => {
    const { clock, report, told } = await watched();
    await report(bolt('locked'), operated('unlocked', 'keycode', 4), operated('unlocked', 'keycode', 4));
    await clock.advance(1_000);
    await report(operated('unlocked', 'keycode', 4));
    expect(told()).toEqual(['lock.unlocked keycode 4', 'lock.unlocked keycode 4']);
  });

  it('that fails is a jam, told again once it was free in between', async () => {
    const { report, told } = await watched();
    await report(bolt('jammed'), operated('jammed', 'remote'), bolt('unknown'), bolt('jammed'));
    expect(told()).toEqual(['strikeplate.lock.jammed']);
    await report(bolt('locked'), operated('jammed', 'manual'));
    expect(told()).toEqual(['strikeplate.lock.jammed', 'strikeplate.lock.jammed manual']);
  });
});

describe('the end of a door’s attempt', () => {
  it('is committed with its event, failed ones with the reason', async () => {
    const { core, clock, lock, store, events, origin } = await watched();
    lock.script = async () => {
      throw new GatewayError('lock_jammed', 'The bolt is stuck.');
    };
    store.failNext();
    await expect(core.doors.unlock('front', origin())).rejects.toThrow();
    const attempt = await core.doors.unlock('front', origin());
    await clock.advance(1_000);
    const [failed] = events();
    expect(failed).toMatchObject({
      eventType: 'action_attempt.unlock_door.failed',
      deviceId: 'front',
      actionAttemptId: attempt.actionAttemptId,
      details: {
        action_type: 'UNLOCK_DOOR',
        status: 'error',
        error: { type: 'lock_jammed', message: 'The bolt is stuck.' },
      },
    });
    expect(failed?.occurredAt).toBe(core.attempts.get(attempt.actionAttemptId)?.settledAt);
    expect(events()).toHaveLength(1);
  });

  it('is told once, and only once it is on disk, however often writing it down fails', async () => {
    const { core, clock, store, told, origin } = await watched();
    const attempt = await core.doors.lock('front', origin());
    store.failNext();
    await clock.advance(100);
    expect(told()).toEqual([]);
    expect(core.attempts.get(attempt.actionAttemptId)?.settlement).toBeUndefined();
    await clock.advance(200);
    expect(told()).toEqual(['action_attempt.lock_door.succeeded attempt']);
  });
});

describe('somebody who was not let in', () => {
  it('is told of, with the reason where the lock gives one', async () => {
    const { report, events } = await watched();
    await report(operated('access_denied', 'keycode', 7), {
      kind: 'lock_operated',
      operation: 'access_denied',
      method: 'keycode',
      denial: 'too_many_attempts',
    });
    expect(events().map(({ eventType, details }) => [eventType, details])).toEqual([
      ['lock.access_denied', { method: 'keycode', slot: 7 }],
      [
        'lock.access_denied',
        { method: 'keycode', reason: { reason_code: 'too_many_attempts', message: expect.stringContaining('keypad') } },
      ],
    ]);
  });
});

describe('a door with a contact', () => {
  it('was forced when it opens while its bolt stands locked', async () => {
    const { clock, report, told, events } = await watched();
    await report(bolt('locked'), door('closed'));
    await report(door('open'));
    await clock.advance(1_999);
    expect(told()).toEqual([]);
    await clock.advance(1);
    expect(told()).toEqual(['strikeplate.door.forced']);
    expect(events()[0]?.occurredAt).toBe(clock.wallTime() - 2_000);
  });

  it.each<[string, DeviceReport[], DeviceReport[]]>([
    ['was unlocked', [bolt('locked'), door('closed'), bolt('unlocked')], [door('open')]],
    ['is told before its lock', [bolt('locked'), door('closed')], [door('open'), bolt('unlocked')]],
    ['locked itself meanwhile', [bolt('locked'), door('closed'), bolt('unlocked'), bolt('locked')], [door('open')]],
    ['has a lock of which nothing is known', [door('closed')], [door('open')]],
    ['was found open', [bolt('locked')], [door('open')]],
    ['was found open after it was away', [bolt('locked'), door('closed'), gone, back], [door('open')]],
  ])('was not forced when it %s', async (_what, before, then) => {
    const { clock, report, told } = await watched();
    await report(...before);
    await clock.advance(5_000);
    await report(...then);
    await clock.advance(60_000);
    expect(told()).not.toContain('strikeplate.door.forced');
  });

  it('is told of when it is held open, and when it is closed again', async () => {
    const { clock, report, events } = await watched();
    await report(door('closed'), door('open'));
    const openedAt = new Date(clock.wallTime()).toISOString();
    await clock.advance(119_999);
    expect(events()).toEqual([]);
    await clock.advance(1);
    await report(door('open'));
    await clock.advance(600_000);
    await report(door('closed'), door('open'), door('closed'));
    await clock.advance(600_000);
    expect(events().map(({ eventType, details }) => [eventType, details])).toEqual([
      ['strikeplate.door.held_open', { opened_at: openedAt, after_seconds: 120 }],
      ['strikeplate.door.closed_again', { opened_at: openedAt, open_seconds: 720 }],
    ]);
  });

  it('is not held open while nothing is heard of it', async () => {
    const { clock, report, told } = await watched();
    await report(door('open'), gone);
    await clock.advance(5_000);
    await report(back, door('closed'));
    await clock.advance(600_000);
    expect(told()).toEqual([]);
  });

  it('follows its own rules', async () => {
    const { clock, report, told } = await watched({ doorRules: { heldOpenMs: 5_000, reportForced: false } });
    await report(bolt('locked'), door('closed'), door('open'));
    await clock.advance(5_000);
    expect(told()).toEqual(['strikeplate.door.held_open']);
    const never = await watched({ doorRules: { heldOpenMs: 0 } });
    await never.report(door('open'));
    await never.clock.advance(86_400_000);
    expect(never.told()).toEqual([]);
  });
});

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
