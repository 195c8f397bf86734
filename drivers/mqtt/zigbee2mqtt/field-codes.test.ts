import { beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedBridge, scriptedBridge } from '../../../test/kit/broker/scripted-bridge.ts';

/*
 * What people who run locks behind Zigbee2MQTT reported of codes, as it was published, and variants of it.
 */

let f: ScriptedBridge;

beforeEach(async () => {
  f = await scriptedBridge();
});

const locked = { battery: 95, linkquality: 81, lock_state: 'locked', state: 'LOCK' };

describe('digits that the lock does not show', () => {
  const masks: readonly [string, unknown][] = [
    ['nothing', undefined],
    ['an empty text', ''],
    ['stars', '****'],
    ['null', null],
    ['crosses', 'XXXX'],
    ['zeros all over', '0000'],
    ['a number without its zero', 815],
    ['a text without its zero', '815'],
    ['an object', {}],
  ];

  it.each(masks)('%s: one write, and it is held', async (_, shown) => {
    let users: object = { 1: { status: 'available' } };
    f.bridge.obey = (topic, payload) => {
      if (topic.endsWith('/set') && payload.includes('0815')) users = { 1: { status: 'enabled', pin_code: shown } };
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say({ ...locked, users }), 150);
    };
    await f.clock.advance(5_000);
    const outcome = await f.create(1, '0815');
    expect(outcome).toMatchObject({ value: { slot: 1, occupied: true } });
    expect(outcome.value?.code).toBeUndefined();
    expect(f.sent.filter(({ topic }) => topic.endsWith('/set'))).toHaveLength(1);
    const read = await f.codes((keypad, ctx) => keypad.read?.(ctx, 1));
    expect(read).toMatchObject({ value: { slot: 1, occupied: true } });
    expect(read.value?.code).toBeUndefined();
  });

  it('of a code that is there already are not written again', async () => {
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/get'))
        f.clock.setTimer(() => f.say({ ...locked, users: { 1: { status: 'enabled', pin_code: '0815' } } }), 150);
    };
    await f.clock.advance(5_000);
    expect((await f.create(1, '0815')).value).toMatchObject({ slot: 1, occupied: true });
    expect(f.sent.filter(({ topic }) => topic.endsWith('/set'))).toEqual([]);
  });

  it('other digits are other digits', async () => {
    let users: object = { 1: { status: 'available' } };
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/set')) users = { 1: { status: 'enabled', pin_code: '9182' } };
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say({ ...locked, users }), 150);
    };
    expect((await f.create(1, '0815')).error).toMatchObject({ type: 'code_not_stored' });
  });
});

describe('a slot that is told of in no known way', () => {
  /** Shows `before` of slot 1 until it is written, then `since`. */
  const keypad = (before: unknown, since: unknown = before) => {
    let users: object = { 1: before };
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/set')) users = { 1: since };
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say({ ...locked, users }), 150);
    };
  };
  const writes = () => f.sent.filter(({ topic }) => topic.endsWith('/set')).length;

  it.each([
    { status: null },
    { status: true },
    { status: 2 },
    { status: 'reserved' },
    { status: 'unknown' },
    {},
    null,
    { pin_code: '4711' },
  ])('%j: it may be taken, so nothing is written, and nobody says that the lock is silent', async (told) => {
    keypad(told);
    await f.clock.advance(5_000);
    const { error } = await f.create(1, '0815');
    expect(error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect((await f.clear(1)).error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect(writes()).toBe(0);
    expect(f.device.accessCodes?.observes).toBe('slot');
    expect(f.of('code_slot')).toEqual([]);
  });

  it.each([{ status: 'unknown' }, { status: null }, null, {}])(
    '%j after a write or a delete: nobody knows what became of it',
    async (told) => {
      keypad({ status: 'available' }, told);
      await f.clock.advance(5_000);
      expect((await f.create(1, '0815')).error).toMatchObject({ type: 'outcome_unknown' });
      keypad({ status: 'enabled', pin_code: '0815' }, told);
      expect((await f.clear(1)).error).toMatchObject({ type: 'outcome_unknown' });
      expect(writes()).toBe(2);
    },
  );

  it.each([
    [{ status: 'Available' }, { status: 'ENABLED', pin_code: '0815' }],
    [{ status: 0 }, { status: 1, pin_code: '0815' }],
    [
      { status: 'AVAILABLE', pin_code: null },
      { status: 'Enabled', pin_code: '****' },
    ],
  ])('but %j and %j are known', async (free, held) => {
    keypad(free, held);
    await f.clock.advance(5_000);
    expect((await f.create(1, '0815')).value).toMatchObject({ slot: 1, occupied: true });
    keypad(held, free);
    expect(await f.clear(1)).toMatchObject({ error: undefined });
  });

  it.each([
    ['00000815', undefined],
    ['08150000', 'code_not_stored'],
    ['0815FFFF', undefined],
    ['08**', undefined],
    ['0815\u0000', undefined],
    [4, undefined],
    [-1, undefined],
    [[0, 8, 1, 5], undefined],
    [{ value: '0815' }, undefined],
    [false, undefined],
    ['MDgxNQ==', undefined],
    [9182, 'code_not_stored'],
  ])('digits shown as %j: %s', async (shown, type) => {
    keypad({ status: 'available' }, { status: 'enabled', pin_code: shown });
    await f.clock.advance(5_000);
    const { value, error } = await f.create(1, '0815');
    expect(error?.type).toBe(type);
    if (type === undefined) expect(value).toMatchObject({ slot: 1, occupied: true });
    expect(writes()).toBe(1);
  });
});

describe('a lock that answers no read of a code', () => {
  const alive = () => {
    f.bridge.obey = (topic, payload) => {
      if (topic.endsWith('/get') && payload.includes('state')) f.clock.setTimer(() => f.say(locked), 150);
    };
  };

  it('is learnt to be one, said once, asked no more, and written to', async () => {
    f.say(locked);
    await f.clock.advance(5_000);
    alive();
    const first = await f.create(1, '4711');
    expect(first).toMatchObject({ value: { slot: 1, occupied: true } });
    const reads = f.sent.filter(({ payload }) => payload.includes('pin_code') && !payload.includes('4711')).length;
    expect(reads).toBeLessThan(15);
    expect(f.device.accessCodes?.observes).toBe('nothing');
    expect(f.of('capabilities')).toHaveLength(1);
    expect(await f.create(2, '4712')).toMatchObject({ value: { slot: 2, occupied: true } });
    expect(await f.clear(1)).toMatchObject({ error: undefined });
    expect(f.sent.filter(({ payload }) => /"pin_code":\{"user":\d\}/.test(payload))).toHaveLength(reads);
    expect(f.of('capabilities')).toHaveLength(1);
  });

  it('tells of codes after all: it is asked again', async () => {
    f = await scriptedBridge({ pin_confirmation: undefined });
    f.say(locked);
    await f.clock.advance(5_000);
    alive();
    await f.create(1, '4711');
    f.say({ ...locked, users: { 3: { status: 'enabled' } } });
    await f.clock.advance(10);
    expect(f.device.accessCodes?.observes).toBe('slot');
  });

  it('is still one when its bridge says itself what should be in a slot that was written', async () => {
    const users: Record<string, object> = {};
    f.say(locked);
    await f.clock.advance(5_000);
    f.bridge.obey = (topic, payload) => {
      if (topic.endsWith('/get') && payload.includes('state')) f.clock.setTimer(() => f.say({ ...locked, users }), 150);
      const written = topic.endsWith('/set') ? JSON.parse(payload).pin_code : undefined;
      if (written === undefined) return;
      users[written.user] = { status: written.pin_code === null ? 'available' : 'enabled' };
      f.clock.setTimer(() => f.say({ ...locked, users }), 2_000);
    };
    for (const slot of [1, 2, 3]) {
      expect(await f.create(slot, `471${slot}`)).toMatchObject({ value: { slot, occupied: true } });
      expect(f.device.accessCodes?.observes).toBe('nothing');
    }
    expect(await f.clear(2)).toMatchObject({ error: undefined });
    expect(f.of('capabilities')).toHaveLength(1);
  });

  it('is none that answers with what is known already', async () => {
    f = await scriptedBridge({ pin_confirmation: undefined });
    const users = Object.fromEntries([1, 2, 3, 4, 5].map((slot) => [slot, { status: 'available' }]));
    f.say({ ...locked, users });
    f.bridge.obey = (topic) => {
      if (topic.endsWith('/get')) f.clock.setTimer(() => f.say({ ...locked, users }), 150);
    };
    await f.clock.advance(5_000);
    for (const slot of [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]) {
      const read = await f.codes((keypad, ctx) => keypad.read?.(ctx, slot));
      expect(read).toMatchObject({ value: { slot, occupied: false } });
      await f.clock.advance(15_000);
      f.say({ ...locked, lock_state: slot % 2 === 0 ? 'locked' : 'unlocked', users });
      await f.clock.advance(10);
      expect(f.device.accessCodes?.observes).toBe('slot');
    }
    expect((await f.create(1, '4711')).error).toMatchObject({ type: 'code_not_stored' });
  });

  it('is one by its settings, and a write that the bridge complains of has not arrived', async () => {
    f = await scriptedBridge({ pin_confirmation: 'none' });
    expect(f.device.accessCodes?.observes).toBe('nothing');
    f.bridge.obey = (topic) => {
      if (!topic.endsWith('/set')) return;
      const message = "z2m: Publish 'set' 'pin_code' to 'L' failed: 'Error: timed out after 10000ms'";
      f.clock.setTimer(() => f.say({ level: 'error', message }, 'bridge/logging'), 10_000);
    };
    expect((await f.create(1, '4711')).error).toMatchObject({ type: 'device_offline', delivery: 'maybe_sent' });
    expect(f.sent).toHaveLength(1 + 1);
  });

  it('and is silent otherwise is not: it may be away', async () => {
    const outcome = await f.create(1, '4711');
    expect(outcome.error).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(f.device.accessCodes?.observes).toBe('slot');
    expect(f.sent.some(({ topic }) => topic.endsWith('/set'))).toBe(false);
  });
});

describe('a bridge that repeats all that it knows, asked or not', () => {
  it.each([700, 2_000, 3_000, 5_000])(
    'every %i ms: what it makes up of a slot that it told of for the first time just now is no answer',
    async (everyMs) => {
      let users: object = {};
      const repeat = () => {
        f.say({ ...locked, ...users });
        f.clock.setTimer(repeat, everyMs);
      };
      repeat();
      await f.clock.advance(20_000);
      // Once it answers; from then on the lock is asked, and told to, in vain.
      f.bridge.obey = (topic) => {
        if (!topic.endsWith('/get')) return;
        users = { users: { 1: { status: 'available' } } };
        f.clock.setTimer(() => f.say({ ...locked, ...users }), 150);
      };
      await f.codes((keypad, ctx) => keypad.read?.(ctx, 1));
      f.bridge.obey = (topic) => {
        if (topic.endsWith('/set')) users = { users: { 1: { status: 'enabled' } } };
      };
      const { error } = await f.create(1, '4711');
      expect(error?.type).toMatch(/device_offline|outcome_unknown/);
    },
  );
});

describe('somebody else at the same bridge', () => {
  it('changes a slot: it is told, ours is not', async () => {
    let users: Record<string, object> = { 1: { status: 'available' }, 2: { status: 'available' } };
    f.bridge.obey = (topic, payload) => {
      if (topic.endsWith('/set')) {
        users = { ...users, 1: { status: 'enabled' } };
        f.clock.setTimer(
          () => f.say({ ...locked, action: 'pin_code_added', action_user: 1, action_source_name: 'rf' }),
          350,
        );
      } else if (payload.includes('pin_code')) f.clock.setTimer(() => f.say({ ...locked, users }), 150);
    };
    await f.clock.advance(5_000);
    expect((await f.create(1, '4711')).value).toBeDefined();
    expect(f.of('code_slot')).toEqual([]);
    f.say({ ...locked, users, action: 'pin_code_added', action_user: 2, action_source_name: 'rf' });
    await f.clock.advance(10);
    expect(f.of('code_slot')).toEqual([{ kind: 'code_slot', slot: 2, occupied: true }]);
    f.say({ ...locked, users, action: 'pin_code_deleted', action_user: 1, action_source_name: 'rf' });
    await f.clock.advance(10);
    expect(f.of('code_slot').at(-1)).toEqual({ kind: 'code_slot', slot: 1, occupied: false });
    await f.clock.advance(60_000);
    f.say({ ...locked, users: { ...users, 4: { status: 'enabled' } } });
    await f.clock.advance(10);
    expect(f.of('code_slot').at(-1)).toEqual({ kind: 'code_slot', slot: 4, occupied: true });
  });
});
