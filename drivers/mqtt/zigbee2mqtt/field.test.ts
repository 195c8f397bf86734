import { beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedBridge, scriptedBridge } from '../../../test/kit/broker/scripted-bridge.ts';

/*
 * What people who run locks behind Zigbee2MQTT reported of doors, as it was published, and variants of it.
 */

let f: ScriptedBridge;

beforeEach(async () => {
  f = await scriptedBridge();
});

/** Says the same again and again, as long as the test lives. */
function chatter(state: () => object, everyMs: number) {
  const again = () => {
    f.say(state());
    f.clock.setTimer(again, everyMs);
  };
  again();
}

const locked = { battery: 95, linkquality: 81, lock_state: 'locked', state: 'LOCK' };
const unlocked = { battery: 95, linkquality: 81, lock_state: 'unlocked', state: 'UNLOCK' };

describe('a bridge that repeats an unchanged state, before a lock that obeys nothing', () => {
  const paces = [250, 333, 450, 700, 1_000, 1_900];

  it.each(paces)('every %i ms: LOCK on a bolt that is said to be locked is never confirmed', async (everyMs) => {
    chatter(() => locked, everyMs);
    await f.clock.advance(10_000);
    for (let i = 0; i < 3; i++) expect((await f.door('lock')).error).toMatchObject({ type: 'outcome_unknown' });
  });

  it.each(paces)('every %i ms: UNLOCK ends unknown, and nobody claims that it said no', async (everyMs) => {
    chatter(() => locked, everyMs);
    await f.clock.advance(10_000);
    expect((await f.door('unlock')).error).toMatchObject({ type: 'outcome_unknown' });
  });

  it.each(paces)('every %i ms, and it begins only now', async (everyMs) => {
    f.say(locked);
    await f.clock.advance(10_000);
    chatter(() => locked, everyMs);
    for (const action of ['lock', 'unlock', 'lock'] as const) {
      const outcome = await f.door(action);
      expect(outcome.confirmed).not.toBe(true);
    }
  });

  it.each(paces)('every %i ms, with a lock that moves after five seconds: success', async (everyMs) => {
    let state = locked;
    chatter(() => state, everyMs);
    await f.clock.advance(10_000);
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/set'))
        f.clock.setTimer(() => {
          state = unlocked;
        }, 5_000);
    };
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });

  it.each(paces)('every %i ms, with a lock that locks after four and a half seconds', async (everyMs) => {
    let state = unlocked;
    chatter(() => state, everyMs);
    await f.clock.advance(10_000);
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/set'))
        f.clock.setTimer(() => {
          state = locked;
        }, 4_600);
    };
    expect(await f.door('lock')).toMatchObject({ confirmed: true });
  });

  it.each(paces)('every %i ms: a slot that it shows free is not believed empty', async (everyMs) => {
    chatter(() => ({ ...locked, users: { 1: { status: 'available' }, 2: { status: 'enabled' } } }), everyMs);
    await f.clock.advance(10_000);
    expect((await f.clear(1)).error).toBeDefined();
    expect((await f.create(2, '4711')).error).toBeDefined();
    expect((await f.create(1, '4711')).value).toBeUndefined();
  });
});

describe('a jam that is told again from before', () => {
  it.each([100, 600, 2_000])('%i ms after the send ends no good command', async (afterMs) => {
    const jam = { ...unlocked, lock_state: 'not_fully_locked' };
    f.say(locked);
    f.say({ ...jam, action: 'error_jammed' });
    await f.clock.advance(20_000);
    let bolt: object = jam;
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say(bolt), 150);
      if (!topic.endsWith('/set')) return;
      f.clock.setTimer(() => f.say({ ...jam, action: 'error_jammed' }), afterMs);
      f.clock.setTimer(() => {
        bolt = locked;
        f.say(bolt);
      }, 2_500);
    };
    expect(await f.door('lock')).toMatchObject({ confirmed: true });
  });
});

describe('an event that is told again', () => {
  it('of our own earlier command confirms nothing', async () => {
    f.say(locked);
    f.bridge.obey = (topic) => {
      if (!topic.endsWith('/set')) return;
      f.clock.setTimer(() => f.say(unlocked), 800);
      f.clock.setTimer(() => f.say({ ...unlocked, action: 'unlock', action_source_name: 'rf' }), 810);
    };
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    await f.clock.advance(1_000);
    f.say(locked);
    await f.clock.advance(1_000);
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say(locked), 150);
      if (topic.endsWith('/set'))
        f.clock.setTimer(() => f.say({ ...locked, action: 'unlock', action_source_name: 'rf' }), 2_000);
    };
    expect((await f.door('unlock')).confirmed).toBeUndefined();
  });

  it.each([
    { action: 'unlock', action_source: 0, action_source_name: 'keypad', action_user: 3 },
    { action: 'keypad_unlock', action_user: 3 },
    { action: 'password_unlock', action_source_user: 3 },
  ])('an opening by keypad is one opening: %j', async (event) => {
    f.say(locked);
    await f.clock.advance(1_000);
    f.say(unlocked);
    for (const ms of [10, 900, 1_500, 4_000, 4_000]) {
      await f.clock.advance(ms);
      f.say({ ...unlocked, ...event });
    }
    await f.clock.advance(5_000);
    f.say(locked);
    await f.clock.advance(1_000);
    // Told once more, after the lock relocked: still the same.
    f.say({ ...locked, ...event });
    await f.clock.advance(5_000);
    expect(f.of('lock_operated')).toEqual([
      { kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 3 },
    ]);
    f.say(unlocked);
    f.say({ ...unlocked, ...event });
    await f.clock.advance(5_000);
    expect(f.of('lock_operated')).toHaveLength(2);
  });

  it.each(['user first', 'event first', 'event first, to a process that stood still'])(
    'of a lock that tells the user in an attribute, %s',
    async (order) => {
      const before = { ...locked, last_unlock_source: 'self', last_unlock_user: '0', last_used_pin_code: '' };
      f.say(before);
      await f.clock.advance(5_000);
      const mover = { ...unlocked, last_unlock_source: 'keypad', last_unlock_user: '3', last_used_pin_code: '4711' };
      if (order === 'user first') f.say(mover);
      else f.say({ ...before, ...unlocked, action: 'keypad_unlock' });
      await f.clock.advance(10);
      if (order.endsWith('still')) await f.clock.standStill(9_000);
      else await f.clock.advance(200);
      f.say(order === 'user first' ? { ...mover, action: 'keypad_unlock' } : mover);
      await f.clock.advance(10_000);
      expect(f.of('lock_operated')).toEqual([
        { kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 3 },
      ]);
      expect(JSON.stringify(f.reports)).not.toContain('4711');
    },
  );
});

describe('a bolt that the lock does not know of', () => {
  it.each([
    ['leaves lock_state out', { state: 'UNLOCK', battery: 95 }],
    ['says null', { ...unlocked, lock_state: null }],
    ['says undefined', { ...unlocked, lock_state: 'undefined' }],
  ])('%s: the state is unknown, and no UNLOCK ends there confirmed', async (_, message) => {
    f.say(locked);
    await f.clock.advance(1_000);
    f.say(message);
    await f.clock.advance(10);
    expect(f.of('lock_state').at(-1)).toEqual({ kind: 'lock_state', state: 'unknown' });
    f.say(locked);
    await f.clock.advance(1_000);
    f.bridge.obey = (topic) => void f.clock.setTimer(() => f.say(message), topic.endsWith('/set') ? 800 : 150);
    expect((await f.door('unlock')).confirmed).not.toBe(true);
  });

  it('a lock that never had lock_state is known by its state, once it answered', async () => {
    let state = 'LOCK';
    f.say({ state });
    await f.clock.advance(5_000);
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say({ state }), 150);
      if (!topic.endsWith('/set')) return;
      f.clock.setTimer(() => {
        state = 'UNLOCK';
        f.say({ state });
      }, 800);
    };
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });
});

describe('a lock that its bridge calls offline', () => {
  beforeEach(async () => {
    f.say(locked);
    f.say({ state: 'offline' }, 'L/availability', true);
    await f.clock.advance(5_000);
  });

  it('is shown so, and commanded all the same', async () => {
    expect(f.of('health').at(-1)?.health).toMatchObject({ status: 'offline', reason: 'not_answering' });
    f.bridge.obey = (topic) => void (topic.endsWith('/set') && f.clock.setTimer(() => f.say(unlocked), 900));
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    expect(f.sent.filter(({ topic }) => topic.endsWith('/set'))).toHaveLength(1);
  });

  it('and says nothing is offline', async () => {
    expect((await f.door('unlock')).error).toMatchObject({ type: 'device_offline', delivery: 'maybe_sent' });
  });
});

describe('when the device was heard', () => {
  const heard = () =>
    f.reports.filter(({ kind, hearsay }) => kind !== 'health' && kind !== 'capabilities' && !hearsay).length;

  it('is not when the broker or the bridge told what they had kept', async () => {
    f.say(locked, 'L', true);
    await f.clock.advance(10);
    f.link.cut();
    f.link.restore();
    await f.clock.advance(500);
    const before = heard();
    f.say({ state: 'online' }, 'bridge/state');
    f.say(unlocked);
    for (let i = 0; i < 5; i++) {
      await f.clock.advance(400);
      f.say(unlocked);
    }
    await f.clock.advance(10);
    expect(heard()).toBe(before);
    f.say({ ...unlocked, linkquality: 80 });
    await f.clock.advance(10);
    expect(heard()).toBe(before + 1);
  });
});

it('a tampered lock is told once for as long as it is', async () => {
  f.say({ ...locked, tamper: false });
  f.say({ ...locked, tamper: true, alarm: 'tamper_alarm_front_escutcheon' });
  f.say({ ...locked, tamper: true });
  f.say({ ...locked, tamper: false });
  f.say({ ...locked, tamper: true });
  await f.clock.advance(10);
  expect(f.of('tamper')).toHaveLength(2);
});

it('a lock that says itself what the broker had kept of it is tampered with now', async () => {
  f.link.cut();
  f.say({ ...locked, tamper: true }, 'L', true);
  f.link.restore();
  await f.clock.advance(2_000);
  expect(f.of('tamper')).toEqual([]);
  f.say({ ...locked, tamper: true });
  f.say({ ...locked, tamper: true });
  await f.clock.advance(10);
  expect(f.of('tamper')).toHaveLength(1);
});

it('what a lock tells is looked at among more made-up keys than are kept', async () => {
  f.say(Object.fromEntries(Array.from({ length: 2_100 }, (_, key) => [`key_${key}`, 1])));
  f.say({ ...locked, battery: 87, door_state: 'closed' });
  await f.clock.advance(10);
  f.say({ ...locked, battery: 5, door_state: 'open' });
  await f.clock.advance(10);
  expect(f.of('battery').at(-1)).toMatchObject({ low: true });
  expect(f.of('door').at(-1)).toMatchObject({ contact: 'open' });
});
