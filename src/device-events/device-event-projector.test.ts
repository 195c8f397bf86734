import { describe, expect, it } from 'vitest';
import { back, bolt, door, gone, operated, watched } from '../../test/kit/gateway/watched-events.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { type Script, sendAndConfirm } from '../../test/kit/locks/scripted-lock.ts';
import { type DeviceReport, GatewayError, Secret } from '../contract/index.ts';

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

  it('is told once, with who opened, though the process stood still between the two words of it', async () => {
    const { core, clock, report, told, forget, origin } = await watched({ keypad: new ScriptedKeypad() });
    await core.accessCodes.create({ deviceId: 'front', code: new Secret('5829') }, origin());
    await clock.advance(1_000);
    const slot = [...Array(30).keys()].find((at) => core.accessCodes.atSlot('front', at));
    await report(bolt('locked'));
    forget();
    for (const stillMs of [3_600, 60_000]) {
      await report(bolt('unlocked'));
      // What the lock said meanwhile lies in the socket, and timers are called before that is read.
      await clock.standStill(stillMs);
      await report(operated('unlocked', 'keycode', slot), operated('locked', 'automatic'));
      await clock.advance(60_000);
    }
    const once = [`lock.unlocked keycode ${slot} code`, 'lock.locked automatic'];
    expect(told().filter((one) => one.startsWith('lock.'))).toEqual([...once, ...once]);
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
