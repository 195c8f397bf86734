import { beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedBridge, scriptedBridge } from '../../../test/kit/broker/scripted-bridge.ts';

/*
 * What a bridge or a lock may say of a door beside what was asked: of its own accord, too early, too late, in other words
 * than usual. What is right follows from where the bolt is, and from what anybody can know of it.
 */

let f: ScriptedBridge;

beforeEach(async () => {
  f = await scriptedBridge();
});

const locked = { battery: 95, linkquality: 81, lock_state: 'locked', state: 'LOCK' };
const unlocked = { ...locked, lock_state: 'unlocked', state: 'UNLOCK' };
const later = (ms: number, work: () => void) => void f.clock.setTimer(work, ms);
const onSet = (work: (topic: string) => void) => {
  f.bridge.obey = (topic) => void (topic.endsWith('/set') && work(topic));
};
/** The lock answers what it is asked. */
const answering = (bolt: () => object, onCommand: () => void = () => undefined) => {
  f.bridge.obey = (topic) => {
    if (topic.endsWith('/get')) later(150, () => f.say(bolt()));
    if (topic.endsWith('/set')) onCommand();
  };
};
const failed = (why: string) => ({
  level: 'error',
  message: `z2m: Publish 'set' 'state' to 'L' failed: 'Error: ZCL command 0x00158d0001020304/1 closuresDoorLock.unlockDoor({"pincodevalue":""}, {"timeout":10000,"disableDefaultResponse":true}) failed (${why})'`,
});
const state = () => f.of('lock_state').at(-1)?.state;

describe('a bridge that says after a command itself what should be', () => {
  const bare = { battery: 90, state: 'LOCK' };
  const echo = { ...bare, state: 'UNLOCK' };

  it.each([5, 60, 400, 900])('%i ms after it, of a lock that does not move and is not heard: not known', async (ms) => {
    f.say(bare);
    await f.clock.advance(20_000);
    onSet(() => later(ms, () => f.say(echo)));
    expect((await f.door('unlock')).error).toMatchObject({ type: 'outcome_unknown' });
    expect(state()).toBe('locked');
  });

  it('of a lock that says when it is asked that it did not move', async () => {
    f.say(bare);
    await f.clock.advance(20_000);
    answering(
      () => bare,
      () => later(20, () => f.say(echo)),
    );
    expect((await f.door('unlock')).error).toMatchObject({ type: 'state_not_reached' });
    expect(state()).toBe('locked');
  });

  it('of a lock that moves and says so when it is asked', async () => {
    f.say(bare);
    await f.clock.advance(20_000);
    answering(
      () => echo,
      () => later(20, () => f.say(echo)),
    );
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    expect(state()).toBe('unlocked');
  });

  it('does not where it is switched off: then it is the lock that speaks', async () => {
    f.say({ config: { device_options: { optimistic: false } } }, 'bridge/info', true);
    f.say(bare);
    await f.clock.advance(20_000);
    onSet(() => later(900, () => f.say(echo)));
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });

  it('beside where the lock says that it is: that counts', async () => {
    f.say(locked);
    await f.clock.advance(20_000);
    answering(
      () => locked,
      () => later(20, () => f.say({ ...locked, state: 'UNLOCK' })),
    );
    expect((await f.door('unlock')).error).toMatchObject({ type: 'state_not_reached' });
  });
});

describe('an event of a command over the air', () => {
  const event = { action: 'unlock', action_source: 1, action_source_name: 'rf' };
  const obeyed = () => {
    later(800, () => f.say(unlocked));
    later(810, () => f.say({ ...unlocked, ...event }));
  };

  it.each([8_000, 11_000, 13_000, 25_000])(
    'told again %i ms later, beside a bolt that is locked by then: not of this command',
    async (ms) => {
      f.say(locked);
      await f.clock.advance(20_000);
      onSet(obeyed);
      expect(await f.door('unlock')).toMatchObject({ confirmed: true });
      await f.clock.advance(3_000);
      f.say(locked);
      await f.clock.advance(ms - 4_500);
      answering(
        () => locked,
        () => later(1_500, () => f.say({ ...locked, ...event })),
      );
      expect((await f.door('unlock')).error).toMatchObject({ type: 'state_not_reached' });
    },
  );

  it.each([1_000, 4_000, 9_000])(
    'of a door that is open already, %i ms later, by a lock that answers no read: done, and not confirmed',
    async (ms) => {
      f.say(locked);
      await f.clock.advance(20_000);
      onSet(obeyed);
      expect(await f.door('unlock')).toMatchObject({ confirmed: true });
      await f.clock.advance(ms);
      expect(await f.door('unlock')).toMatchObject({ confirmed: false, error: undefined });
    },
  );

  it('of a door that was open, told while the lock says that it is not any more: not reached', async () => {
    f.say(locked);
    await f.clock.advance(20_000);
    onSet(obeyed);
    await f.door('unlock');
    await f.clock.advance(2_000);
    answering(
      () => locked,
      () => later(300, () => f.say({ ...unlocked, ...event })),
    );
    expect((await f.door('unlock')).error).toMatchObject({ type: 'state_not_reached' });
  });

  it('without its bolt, by a lock that tells it first: seen when it arrives', async () => {
    f.say(locked);
    await f.clock.advance(20_000);
    onSet(() => {
      later(700, () => f.say({ ...locked, ...event }));
      later(1_100, () => f.say(unlocked));
    });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 1_104 });
  });
});

describe('what somebody else did', () => {
  it.each(['manual_unlock', 'keypad_unlock', 'key_unlock', 'one_touch_unlock'])(
    '"%s" of a lock that tells no state with it: it is asked, and shown where it is',
    async (action) => {
      f.say(locked);
      await f.clock.advance(20_000);
      answering(() => unlocked);
      f.say({ ...locked, action, action_source_name: 'manual', action_user: 65_535 });
      await f.clock.advance(5_000);
      expect(state()).toBe('unlocked');
    },
  );

  it('is not asked about where its state follows', async () => {
    f.say(locked);
    await f.clock.advance(20_000);
    const asked = f.sent.length;
    f.say({ ...locked, action: 'manual_unlock' });
    await f.clock.advance(300);
    f.say(unlocked);
    await f.clock.advance(20_000);
    expect(f.sent).toHaveLength(asked);
    expect(state()).toBe('unlocked');
  });
});

describe('a place that is none', () => {
  const words: readonly [string, object][] = [
    ['nothing', { battery: 95, state: 'UNLOCK' }],
    ['a number of none', { ...unlocked, lock_state: 255 }],
    ['true', { ...unlocked, lock_state: true }],
    ['an empty word', { ...unlocked, lock_state: '' }],
    ['a word of a newer standard', { ...unlocked, lock_state: 'unlatched' }],
    ['unknown', { ...unlocked, lock_state: 'unknown' }],
    ['ON', { battery: 95, state: 'ON' }],
    ['null twice', { ...unlocked, lock_state: null, state: null }],
  ];

  it.each(words)('%s, from the first message on: not known, and no UNLOCK ends there', async (_, message) => {
    f.say(message);
    await f.clock.advance(20_000);
    expect(state()).toBe('unknown');
    f.bridge.obey = (topic) => later(topic.endsWith('/set') ? 800 : 150, () => f.say(message));
    expect((await f.door('unlock')).error).toMatchObject({ type: 'outcome_unknown' });
  });

  it.each(words)('%s, of a lock that knew: not known any more', async (_, message) => {
    f.say(locked);
    await f.clock.advance(20_000);
    f.bridge.obey = (topic) => later(topic.endsWith('/set') ? 800 : 150, () => f.say(message));
    expect((await f.door('unlock')).error).toMatchObject({ type: 'outcome_unknown' });
    expect(state()).toBe('unknown');
  });

  it.each([
    [0, 'jammed'],
    [1, 'locked'],
    [2, 'unlocked'],
  ] as const)('but number %i of the standard is one', async (number, expected) => {
    f.say({ ...locked, lock_state: number });
    await f.clock.advance(10);
    expect(state()).toBe(expected);
  });
});

describe('a way that ends while a command is judged', () => {
  const device = (ieee_address: string) => ({ ieee_address, friendly_name: 'L', supported: true, endpoints: {} });

  it.each([
    [
      'its name is given to another one',
      () => f.say([device('0x00158d0001020305')], 'bridge/devices'),
      /now belongs to/,
    ],
    ['it is taken off the bridge', () => f.say([], 'bridge/devices'), /no longer has the device/],
    ['the bridge stops', () => f.say({ state: 'offline' }, 'bridge/state'), /says that it is offline/],
    ['the broker goes', () => f.link.cut(), /broker is not connected/],
  ])('%s: the outcome is unknown, and why is said', async (_, end, why) => {
    f.say([device('0x00158d0001020304')], 'bridge/devices', true);
    f.say(locked);
    await f.clock.advance(20_000);
    onSet(() => {
      later(300, end);
      // Whoever has the name now is not the lock.
      later(800, () => f.say(unlocked));
    });
    const { error } = await f.door('unlock');
    expect(error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(error?.message).toMatch(why);
  });
});

describe('a failure that the bridge logs', () => {
  it.each(["Status 'FAILURE'", "Status 'UNSUP_COMMAND'", "Status 'NOT_AUTHORIZED'"])(
    '%s of a lock that says nothing more: it refused, and nobody says that it was silent',
    async (why) => {
      f.say(locked);
      await f.clock.advance(20_000);
      onSet(() => later(300, () => f.say(failed(why), 'bridge/logging')));
      const { error } = await f.door('unlock');
      expect(error).toMatchObject({ type: 'device_rejected' });
      expect(error?.message).not.toMatch(/no answer|silent/);
    },
  );

  it.each(["Status 'TIMEOUT'", 'timed out after 10000ms', "Delivery failed for '1234'"])(
    '%s: no answer',
    async (why) => {
      f.say(locked);
      await f.clock.advance(20_000);
      onSet(() => later(300, () => f.say(failed(why), 'bridge/logging')));
      expect((await f.door('unlock')).error).toMatchObject({ type: 'device_offline', delivery: 'maybe_sent' });
    },
  );

  it('of a command that the lock carried out all the same: done', async () => {
    f.say(locked);
    await f.clock.advance(20_000);
    onSet(() => {
      later(300, () => f.say(failed("Status 'FAILURE'"), 'bridge/logging'));
      later(1_200, () => f.say(unlocked));
    });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });
});
