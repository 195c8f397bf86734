import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type CodeCommandContext,
  type Device,
  type DeviceReport,
  type GatewayError,
  Secret,
} from '../../../src/contract/index.ts';
import { testCommand } from '../../../test/kit/command-context.ts';
import { MemoryMqtt } from '../../../test/kit/memory-mqtt.ts';
import type { MemoryMqttLink } from '../../../test/kit/memory-mqtt-link.ts';
import type { MemoryMqttPeer } from '../../../test/kit/memory-mqtt-peer.ts';
import { SimulatedClock } from '../../../test/kit/simulated-clock.ts';
import { zigbee2mqtt } from './driver.ts';

/*
 * What people who run locks behind Zigbee2MQTT reported, message by message. Nothing here but the messages: the bridge is
 * a peer on the broker that says what it is told to say.
 */

let clock: SimulatedClock;
let broker: MemoryMqtt;
let bridge: MemoryMqttPeer;
let link: MemoryMqttLink;
let device: Device;
let reports: DeviceReport[];
let sent: { readonly topic: string; readonly payload: string }[];
/** What the bridge answers to a `get` or does for a `set`. */
let obey: (topic: string, payload: string) => void;

const say = (message: object | string, topic = 'L', retain = false) =>
  bridge.publish(`zigbee2mqtt/${topic}`, typeof message === 'string' ? message : JSON.stringify(message), { retain });
const of = <K extends DeviceReport['kind']>(kind: K) =>
  reports.filter((report): report is Extract<DeviceReport, { kind: K }> => report.kind === kind);

async function open(settings: object = {}) {
  clock = new SimulatedClock();
  broker = new MemoryMqtt({ clock, latencyMs: 1 });
  bridge = broker.peer();
  sent = [];
  obey = () => undefined;
  bridge.subscribe('zigbee2mqtt/#', ({ topic, payload }) => {
    if (!/\/(set|get)$/.test(topic)) return;
    sent.push({ topic, payload: payload.toString() });
    obey(topic, payload.toString());
  });
  say({ state: 'online' }, 'bridge/state', true);
  link = broker.link();
  reports = [];
  const closing = new AbortController();
  device = await zigbee2mqtt.open(
    link,
    zigbee2mqtt.settings.parse({ friendly_name: 'L', pin_slots: { first: 1, count: 5 }, ...settings }),
    {
      deviceId: 'l',
      name: 'The lock',
      clock,
      closing: closing.signal,
      random: () => 0,
      randomBytes: (length) => new Uint8Array(length),
      log: pino({ level: 'silent' }),
      report: (report) => reports.push(report),
    },
  );
  await clock.advance(2_000);
}

beforeEach(() => open());

async function door(action: 'lock' | 'unlock') {
  const command = testCommand({ clock });
  const startedAt = clock.now();
  const outcome = await clock.until(
    (device.lock?.[action](command.ctx) ?? Promise.reject(new Error('no lock'))).then(
      ({ wasConfirmedByDevice }) => ({ confirmed: wasConfirmedByDevice, error: undefined }),
      (error: unknown) => ({ confirmed: undefined, error: error as GatewayError }),
    ),
  );
  command.end();
  return { ...outcome, tookMs: clock.now() - startedAt };
}

async function codes<T>(
  work: (codes: NonNullable<Device['accessCodes']>, ctx: CodeCommandContext) => Promise<T> | undefined,
) {
  const command = testCommand({ clock, sendByMs: 45_000, deadlineMs: 60_000 });
  const { accessCodes } = device;
  if (accessCodes === undefined) throw new Error('no codes');
  const outcome = await clock.until(
    (work(accessCodes, command.ctx) ?? Promise.reject(new Error('cannot'))).then(
      (value) => ({ value, error: undefined }),
      (error: unknown) => ({ value: undefined, error: error as GatewayError }),
    ),
  );
  command.end();
  return outcome;
}
const create = (slot: number, pin: string) =>
  codes((keypad, ctx) => keypad.set(ctx, { slot, label: 'x', code: new Secret(pin) }));
const clear = (slot: number) => codes((keypad, ctx) => keypad.clear(ctx, slot));

/** Says the same again and again, as long as the test lives. */
function chatter(state: () => object, everyMs: number) {
  const again = () => {
    say(state());
    clock.setTimer(again, everyMs);
  };
  again();
}

const locked = { battery: 95, linkquality: 81, lock_state: 'locked', state: 'LOCK' };
const unlocked = { battery: 95, linkquality: 81, lock_state: 'unlocked', state: 'UNLOCK' };

describe('a bridge that repeats an unchanged state, before a lock that obeys nothing', () => {
  const paces = [250, 333, 450, 700, 1_000, 1_900];

  it.each(paces)('every %i ms: LOCK on a bolt that is said to be locked is never confirmed', async (everyMs) => {
    chatter(() => locked, everyMs);
    await clock.advance(10_000);
    for (let i = 0; i < 3; i++) expect((await door('lock')).error).toMatchObject({ type: 'outcome_unknown' });
  });

  it.each(paces)('every %i ms: UNLOCK ends unknown, and nobody claims that it said no', async (everyMs) => {
    chatter(() => locked, everyMs);
    await clock.advance(10_000);
    expect((await door('unlock')).error).toMatchObject({ type: 'outcome_unknown' });
  });

  it.each(paces)('every %i ms, and it begins only now', async (everyMs) => {
    say(locked);
    await clock.advance(10_000);
    chatter(() => locked, everyMs);
    for (const action of ['lock', 'unlock', 'lock'] as const) {
      const outcome = await door(action);
      expect(outcome.confirmed).not.toBe(true);
    }
  });

  it.each(paces)('every %i ms, with a lock that moves after five seconds: success', async (everyMs) => {
    let state = locked;
    chatter(() => state, everyMs);
    await clock.advance(10_000);
    obey = (topic) => {
      if (topic.endsWith('/set'))
        clock.setTimer(() => {
          state = unlocked;
        }, 5_000);
    };
    expect(await door('unlock')).toMatchObject({ confirmed: true });
  });

  it.each(paces)('every %i ms, with a lock that locks after four and a half seconds', async (everyMs) => {
    let state = unlocked;
    chatter(() => state, everyMs);
    await clock.advance(10_000);
    obey = (topic) => {
      if (topic.endsWith('/set'))
        clock.setTimer(() => {
          state = locked;
        }, 4_600);
    };
    expect(await door('lock')).toMatchObject({ confirmed: true });
  });

  it.each(paces)('every %i ms: a slot that it shows free is not believed empty', async (everyMs) => {
    chatter(() => ({ ...locked, users: { 1: { status: 'available' }, 2: { status: 'enabled' } } }), everyMs);
    await clock.advance(10_000);
    expect((await clear(1)).error).toBeDefined();
    expect((await create(2, '4711')).error).toBeDefined();
    expect((await create(1, '4711')).value).toBeUndefined();
  });
});

describe('a jam that is told again from before', () => {
  it.each([100, 600, 2_000])('%i ms after the send ends no good command', async (afterMs) => {
    const jam = { ...unlocked, lock_state: 'not_fully_locked' };
    say(locked);
    say({ ...jam, action: 'error_jammed' });
    await clock.advance(20_000);
    let bolt: object = jam;
    obey = (topic) => {
      if (topic.endsWith('/get')) clock.setTimer(() => say(bolt), 150);
      if (!topic.endsWith('/set')) return;
      clock.setTimer(() => say({ ...jam, action: 'error_jammed' }), afterMs);
      clock.setTimer(() => {
        bolt = locked;
        say(bolt);
      }, 2_500);
    };
    expect(await door('lock')).toMatchObject({ confirmed: true });
  });
});

describe('an event that is told again', () => {
  it('of our own earlier command confirms nothing', async () => {
    say(locked);
    obey = (topic) => {
      if (!topic.endsWith('/set')) return;
      clock.setTimer(() => say(unlocked), 800);
      clock.setTimer(() => say({ ...unlocked, action: 'unlock', action_source_name: 'rf' }), 810);
    };
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    await clock.advance(1_000);
    say(locked);
    await clock.advance(1_000);
    obey = (topic) => {
      if (topic.endsWith('/get')) clock.setTimer(() => say(locked), 150);
      if (topic.endsWith('/set'))
        clock.setTimer(() => say({ ...locked, action: 'unlock', action_source_name: 'rf' }), 2_000);
    };
    expect((await door('unlock')).confirmed).toBeUndefined();
  });

  it.each([
    { action: 'unlock', action_source: 0, action_source_name: 'keypad', action_user: 3 },
    { action: 'keypad_unlock', action_user: 3 },
    { action: 'password_unlock', action_source_user: 3 },
  ])('an opening by keypad is one opening: %j', async (event) => {
    say(locked);
    await clock.advance(1_000);
    say(unlocked);
    for (const ms of [10, 900, 1_500, 4_000, 4_000]) {
      await clock.advance(ms);
      say({ ...unlocked, ...event });
    }
    await clock.advance(5_000);
    say(locked);
    await clock.advance(1_000);
    // Told once more, after the lock relocked: still the same.
    say({ ...locked, ...event });
    await clock.advance(5_000);
    expect(of('lock_operated')).toEqual([{ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 3 }]);
    say(unlocked);
    say({ ...unlocked, ...event });
    await clock.advance(5_000);
    expect(of('lock_operated')).toHaveLength(2);
  });

  it.each(['user first', 'event first'])('of a lock that tells the user in an attribute, %s', async (order) => {
    const before = { ...locked, last_unlock_source: 'self', last_unlock_user: '0', last_used_pin_code: '' };
    say(before);
    await clock.advance(5_000);
    const mover = { ...unlocked, last_unlock_source: 'keypad', last_unlock_user: '3', last_used_pin_code: '4711' };
    if (order === 'user first') say(mover);
    else say({ ...before, ...unlocked, action: 'keypad_unlock' });
    await clock.advance(200);
    say(order === 'user first' ? { ...mover, action: 'keypad_unlock' } : mover);
    await clock.advance(10_000);
    expect(of('lock_operated')).toEqual([{ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 3 }]);
    expect(JSON.stringify(reports)).not.toContain('4711');
  });
});

describe('a bolt that the lock does not know of', () => {
  it.each([
    ['leaves lock_state out', { state: 'UNLOCK', battery: 95 }],
    ['says null', { ...unlocked, lock_state: null }],
    ['says undefined', { ...unlocked, lock_state: 'undefined' }],
  ])('%s: the state is unknown, and no UNLOCK ends there confirmed', async (_, message) => {
    say(locked);
    await clock.advance(1_000);
    say(message);
    await clock.advance(10);
    expect(of('lock_state').at(-1)).toEqual({ kind: 'lock_state', state: 'unknown' });
    say(locked);
    await clock.advance(1_000);
    obey = (topic) => void clock.setTimer(() => say(message), topic.endsWith('/set') ? 800 : 150);
    expect((await door('unlock')).confirmed).not.toBe(true);
  });

  it('a lock that never had lock_state is known by its state', async () => {
    say({ state: 'LOCK' });
    await clock.advance(1_000);
    obey = (topic) => void (topic.endsWith('/set') && clock.setTimer(() => say({ state: 'UNLOCK' }), 800));
    expect(await door('unlock')).toMatchObject({ confirmed: true });
  });
});

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
    obey = (topic, payload) => {
      if (topic.endsWith('/set') && payload.includes('0815')) users = { 1: { status: 'enabled', pin_code: shown } };
      if (topic.endsWith('/get')) clock.setTimer(() => say({ ...locked, users }), 150);
    };
    await clock.advance(5_000);
    const outcome = await create(1, '0815');
    expect(outcome).toMatchObject({ value: { slot: 1, occupied: true } });
    expect(outcome.value?.code).toBeUndefined();
    expect(sent.filter(({ topic }) => topic.endsWith('/set'))).toHaveLength(1);
    const read = await codes((keypad, ctx) => keypad.read?.(ctx, 1));
    expect(read).toMatchObject({ value: { slot: 1, occupied: true } });
    expect(read.value?.code).toBeUndefined();
  });

  it('other digits are other digits', async () => {
    let users: object = { 1: { status: 'available' } };
    obey = (topic) => {
      if (topic.endsWith('/set')) users = { 1: { status: 'enabled', pin_code: '9182' } };
      if (topic.endsWith('/get')) clock.setTimer(() => say({ ...locked, users }), 150);
    };
    expect((await create(1, '0815')).error).toMatchObject({ type: 'code_not_stored' });
  });
});

describe('a lock that answers no read of a code', () => {
  const alive = () => {
    obey = (topic, payload) => {
      if (topic.endsWith('/get') && payload.includes('state')) clock.setTimer(() => say(locked), 150);
    };
  };

  it('is learnt to be one, said once, asked no more, and written to', async () => {
    say(locked);
    await clock.advance(5_000);
    alive();
    const first = await create(1, '4711');
    expect(first).toMatchObject({ value: { slot: 1, occupied: true } });
    const reads = sent.filter(({ payload }) => payload.includes('pin_code') && !payload.includes('4711')).length;
    expect(reads).toBeLessThan(15);
    expect(device.accessCodes?.observes).toBe('nothing');
    expect(of('capabilities')).toHaveLength(1);
    expect(await create(2, '4712')).toMatchObject({ value: { slot: 2, occupied: true } });
    expect(await clear(1)).toMatchObject({ error: undefined });
    expect(sent.filter(({ payload }) => /"pin_code":\{"user":\d\}/.test(payload))).toHaveLength(reads);
    expect(of('capabilities')).toHaveLength(1);
  });

  it('tells of codes after all: it is asked again', async () => {
    await open({ pin_confirmation: undefined });
    say(locked);
    await clock.advance(5_000);
    alive();
    await create(1, '4711');
    say({ ...locked, users: { 3: { status: 'enabled' } } });
    await clock.advance(10);
    expect(device.accessCodes?.observes).toBe('slot');
  });

  it('is one by its settings, and a write that the bridge complains of has not arrived', async () => {
    await open({ pin_confirmation: 'none' });
    expect(device.accessCodes?.observes).toBe('nothing');
    obey = (topic) => {
      if (!topic.endsWith('/set')) return;
      const message = "z2m: Publish 'set' 'pin_code' to 'L' failed: 'Error: timed out after 10000ms'";
      clock.setTimer(() => say({ level: 'error', message }, 'bridge/logging'), 10_000);
    };
    expect((await create(1, '4711')).error).toMatchObject({ type: 'device_offline', delivery: 'maybe_sent' });
    expect(sent).toHaveLength(1 + 1);
  });

  it('and is silent otherwise is not: it may be away', async () => {
    const outcome = await create(1, '4711');
    expect(outcome.error).toMatchObject({ type: 'device_offline', delivery: 'not_sent' });
    expect(device.accessCodes?.observes).toBe('slot');
    expect(sent.some(({ topic }) => topic.endsWith('/set'))).toBe(false);
  });
});

describe('a lock that its bridge calls offline', () => {
  beforeEach(async () => {
    say(locked);
    say({ state: 'offline' }, 'L/availability', true);
    await clock.advance(5_000);
  });

  it('is shown so, and commanded all the same', async () => {
    expect(of('health').at(-1)?.health).toMatchObject({ status: 'offline', reason: 'not_answering' });
    obey = (topic) => void (topic.endsWith('/set') && clock.setTimer(() => say(unlocked), 900));
    expect(await door('unlock')).toMatchObject({ confirmed: true });
    expect(sent.filter(({ topic }) => topic.endsWith('/set'))).toHaveLength(1);
  });

  it('and says nothing is offline', async () => {
    expect((await door('unlock')).error).toMatchObject({ type: 'device_offline', delivery: 'maybe_sent' });
  });
});

describe('somebody else at the same bridge', () => {
  it('changes a slot: it is told, ours is not', async () => {
    let users: Record<string, object> = { 1: { status: 'available' }, 2: { status: 'available' } };
    obey = (topic, payload) => {
      if (topic.endsWith('/set')) {
        users = { ...users, 1: { status: 'enabled' } };
        clock.setTimer(
          () => say({ ...locked, action: 'pin_code_added', action_user: 1, action_source_name: 'rf' }),
          350,
        );
      } else if (payload.includes('pin_code')) clock.setTimer(() => say({ ...locked, users }), 150);
    };
    await clock.advance(5_000);
    expect((await create(1, '4711')).value).toBeDefined();
    expect(of('code_slot')).toEqual([]);
    say({ ...locked, users, action: 'pin_code_added', action_user: 2, action_source_name: 'rf' });
    await clock.advance(10);
    expect(of('code_slot')).toEqual([{ kind: 'code_slot', slot: 2, occupied: true }]);
    say({ ...locked, users, action: 'pin_code_deleted', action_user: 1, action_source_name: 'rf' });
    await clock.advance(10);
    expect(of('code_slot').at(-1)).toEqual({ kind: 'code_slot', slot: 1, occupied: false });
    await clock.advance(60_000);
    say({ ...locked, users: { ...users, 4: { status: 'enabled' } } });
    await clock.advance(10);
    expect(of('code_slot').at(-1)).toEqual({ kind: 'code_slot', slot: 4, occupied: true });
  });
});

describe('when the device was heard', () => {
  const heard = () =>
    reports.filter(({ kind, hearsay }) => kind !== 'health' && kind !== 'capabilities' && !hearsay).length;

  it('is not when the broker or the bridge told what they had kept', async () => {
    say(locked, 'L', true);
    await clock.advance(10);
    link.cut();
    link.restore();
    await clock.advance(500);
    const before = heard();
    say({ state: 'online' }, 'bridge/state');
    say(unlocked);
    for (let i = 0; i < 5; i++) {
      await clock.advance(400);
      say(unlocked);
    }
    await clock.advance(10);
    expect(heard()).toBe(before);
    say({ ...unlocked, linkquality: 80 });
    await clock.advance(10);
    expect(heard()).toBe(before + 1);
  });
});

it('a tampered lock is told once for as long as it is', async () => {
  say({ ...locked, tamper: false });
  say({ ...locked, tamper: true, alarm: 'tamper_alarm_front_escutcheon' });
  say({ ...locked, tamper: true });
  say({ ...locked, tamper: false });
  say({ ...locked, tamper: true });
  await clock.advance(10);
  expect(of('tamper')).toHaveLength(2);
});
