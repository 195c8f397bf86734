import { describe, expect, it } from 'vitest';
import { announcedLock } from '../../../test/kit/locks/announced-fixture.ts';

const single = 'homeassistant/lock/front/config';

type Entry = Readonly<Record<string, unknown>>;
const forms: readonly { form: string; announcement: Entry; settings?: Entry }[] = [
  { form: 'long keys', announcement: { command_topic: 'locks/front/command', state_topic: 'locks/front/state' } },
  {
    form: 'short keys and ~',
    announcement: { '~': 'locks/front', cmd_t: '~/command', stat_t: '~/state', avty_t: '~/status', uniq_id: 'a' },
  },
  {
    form: '~ at the end',
    announcement: { '~': 'front/command', cmd_t: 'locks/~', state_topic: 'locks/front/state' },
  },
  {
    form: 'a list of availabilities',
    announcement: { cmd_t: 'locks/front/command', stat_t: 'locks/front/state', avty: [{ t: 'locks/front/status' }] },
  },
  {
    form: 'the device form',
    announcement: {
      dev: { ids: ['x'] },
      o: { name: 'x' },
      '~': 'locks/front',
      cmps: { bolt: { p: 'lock', cmd_t: '~/command', stat_t: '~/state' }, batt: { p: 'sensor' } },
    },
  },
  {
    form: 'the device form, two locks',
    announcement: {
      command_topic: 'nowhere/command',
      components: {
        t: { platform: 'lock' },
        opt: { platform: 'lock', command_topic: 'locks/front/command', state_topic: 'locks/front/state' },
      },
    },
    settings: { component: 'opt' },
  },
];

it.each(forms)('$form: the lock is worked, and seen to move', async ({ announcement, settings }) => {
  const f = await announcedLock({ lock: { announcement }, ...(settings && { settings }) });
  expect(f.device.lock?.observes).toBe('reports');
  expect(await f.door('unlock')).toEqual({ confirmed: true });
  expect(await f.door('lock')).toEqual({ confirmed: true });
  expect(f.lock.movements).toHaveLength(2);
});

describe('templates', () => {
  const withTemplate = (value_template: string) =>
    announcedLock({
      lock: { announcement: { cmd_t: 'locks/front/command', stat_t: 'locks/front/json', value_template } },
    });

  it.each([
    ['{{ value_json["state"] }}', { state: 'LOCKED' }, { state: 'UNLOCKED' }],
    ["{{value_json['a'].state}}", { a: { state: 'LOCKED' } }, { a: { state: 'UNLOCKED' } }],
    ['{{ value_json.list[1] }}', { list: ['x', 'LOCKED'] }, { list: ['x', 'UNLOCKED'] }],
  ])('%s takes one value', async (template, before, after) => {
    const f = await withTemplate(template);
    f.peer.publish('locks/front/json', JSON.stringify(before));
    await f.clock.advance(1_000);
    f.clock.setTimer(() => f.peer.publish('locks/front/json', JSON.stringify(after)), 900);
    expect(await f.door('unlock')).toEqual({ confirmed: true });
  });

  it.each(['{{ value_json.state | lower }}', '{% if value %}LOCKED{% endif %}', 'LOCKED', '{{ value_json.a + 1 }}'])(
    '%s is a program: refused with a reason, and nothing is sent',
    async (template) => {
      const f = await withTemplate(template);
      expect(f.health()).toMatchObject({ status: 'misconfigured', hint: expect.stringContaining(template) });
      expect((await f.door('unlock')).error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
      expect(f.lock.commands).toEqual([]);
    },
  );

  it('a command_template that is a program is refused', async () => {
    const f = await announcedLock();
    f.lock.announce({ ...f.lock.usual, command_template: '{"action":"{{ value }}","code":"{{ code }}"}' });
    await f.clock.advance(100);
    expect((await f.door('lock')).error).toMatchObject({ type: 'misconfigured' });
  });

  it.each([
    ['null', { state: null }],
    ['absent', { battery: 5 }],
    ['an object', { state: {} }],
    ['another word', { state: 'PARTY' }],
  ])('%s where a state was: not known', async (_, message) => {
    const f = await withTemplate('{{ value_json.state }}');
    const say = (words: object) => f.peer.publish('locks/front/json', JSON.stringify(words));
    say({ battery: 5 });
    await f.clock.advance(100);
    expect(f.reports).not.toContainEqual(expect.objectContaining({ kind: 'lock_state' }));
    say({ state: 'LOCKED' });
    say(message);
    await f.clock.advance(100);
    expect(f.reports).toContainEqual({ kind: 'lock_state', state: 'unknown' });
    f.clock.setTimer(() => say(message), 900);
    expect((await f.door('unlock')).error).toMatchObject({ type: 'outcome_unknown' });
  });
});

describe('a lock that Zigbee2MQTT announces', () => {
  // As Zigbee2MQTT 2.14.1 publishes it.
  const announcement = {
    command_topic: 'locks/front/command',
    state_topic: 'locks/front/json',
    value_template: '{{ value_json["state"] }}',
    payload_lock: 'LOCK',
    payload_unlock: 'UNLOCK',
    state_locked: 'LOCK',
    state_unlocked: 'UNLOCK',
    origin: { name: 'Zigbee2MQTT', sw: '2.14.1', url: 'https://www.zigbee2mqtt.io' },
  };
  const locked = { battery: 95, lock_state: 'locked', state: 'LOCK' };

  it.each([
    ['is seen to move', { lock_state: 'unlocked', state: 'UNLOCK' }, true],
    ['is stuck half way', { lock_state: 'not_fully_locked', state: 'UNLOCK' }, undefined],
    ['does not know where it is', { lock_state: null, state: 'UNLOCK' }, undefined],
    ['leaves out where it is', { state: 'UNLOCK' }, undefined],
    ['is echoed by its bridge', { lock_state: 'locked', state: 'UNLOCK' }, undefined],
  ])('UNLOCK of one that %s', async (_, since, confirmed) => {
    const f = await announcedLock({ lock: { announcement } });
    const say = (words: object) => f.peer.publish('locks/front/json', JSON.stringify({ battery: 95, ...words }));
    say(locked);
    await f.clock.advance(5_000);
    f.clock.setTimer(() => say(since), 900);
    expect((await f.door('unlock')).confirmed).toBe(confirmed);
  });
});

describe('optimistic locks', () => {
  it.each([
    ['without a state', { command_topic: 'locks/front/command' }],
    ['that say so', { command_topic: 'locks/front/command', state_topic: 'locks/front/state', optimistic: true }],
  ])('%s: observed by nobody, done, and never confirmed', async (_, announcement) => {
    const f = await announcedLock({ lock: { announcement } });
    expect(f.device.lock?.observes).toBe('nothing');
    expect(f.device.lock).not.toHaveProperty('read');
    expect(await f.door('unlock')).toEqual({ confirmed: false });
    expect(f.reports).not.toContainEqual(expect.objectContaining({ kind: 'lock_state' }));
  });
});

describe('what is retained', () => {
  it('a command is found, cleared and never carried out again; so at each connection', async () => {
    const f = await announcedLock();
    f.peer.publish('locks/front/command', 'UNLOCK', { retain: true });
    await f.clock.advance(10);
    f.link.cut({ onTheWay: 'lost' });
    await f.clock.advance(1_000);
    f.link.restore();
    await f.clock.advance(100);
    expect(f.link.cleared).toEqual(['locks/front/command']);
    expect(f.broker.retainedTopics).not.toContain('locks/front/command');
  });

  it('an announcement with retain does not make a command retained', async () => {
    const f = await announcedLock();
    f.lock.announce({ ...f.lock.usual, retain: true, qos: 2 });
    await f.clock.advance(100);
    await f.door('unlock');
    expect(f.broker.retainedTopics).not.toContain('locks/front/command');
  });

  it('a state proves nothing: with it alone, the first movement is done and not confirmed', async () => {
    const f = await announcedLock({ settleMs: 0 });
    await f.clock.advance(1_000);
    expect(f.reports).toContainEqual({ kind: 'lock_state', state: 'locked', hearsay: true });
    expect(await f.door('unlock')).toEqual({ confirmed: false });
    expect(await f.door('lock')).toEqual({ confirmed: true });
  });
});

describe('what proves nothing', () => {
  it('a state that was under way before the send', async () => {
    const f = await announcedLock();
    f.lock.misbehave({ ignores: true });
    f.lock.turn('unlocked');
    expect(await f.door('unlock')).toEqual({ confirmed: false });
  });

  it.each([250, 700, 1_900])('a state said again every %i ms by a lock that obeys nothing', async (everyMs) => {
    const f = await announcedLock();
    f.lock.misbehave({ ignores: true });
    const again = () => {
      f.lock.say('LOCKED');
      f.clock.setTimer(again, everyMs);
    };
    again();
    await f.clock.advance(5_000);
    expect(await f.door('lock')).toEqual({ confirmed: false });
    expect((await f.door('unlock')).error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  });

  it('a lock that stands there already is done, and not confirmed', async () => {
    const f = await announcedLock();
    expect(await f.door('lock')).toEqual({ confirmed: false });
  });

  it('a jam told again from before', async () => {
    const f = await announcedLock();
    f.lock.say('JAMMED');
    await f.clock.advance(1_000);
    f.clock.setTimer(() => f.lock.say('JAMMED'), 400);
    expect(await f.door('unlock')).toEqual({ confirmed: true });
  });

  it('what a lock says as it comes back from where it was away', async () => {
    const f = await announcedLock();
    f.lock.misbehave({ ignores: true });
    f.lock.presence('offline');
    f.clock.setTimer(() => f.lock.presence('online'), 2_000);
    f.clock.setTimer(() => f.lock.say('UNLOCKED'), 2_050);
    expect((await f.door('unlock')).confirmed).not.toBe(true);
  });
});

describe('presence is a guess', () => {
  it.each([700, 5_000, 10_000, 30_000])('one that is told every %i ms is no start anew', async (everyMs) => {
    const f = await announcedLock();
    const beat = () => {
      f.lock.presence('online');
      f.clock.setTimer(beat, everyMs);
    };
    beat();
    await f.clock.advance(everyMs * 4);
    // The state that it told before is known again once it was told twice.
    f.lock.say('LOCKED');
    await f.clock.advance(1_500);
    await f.door('unlock');
    for (const action of ['lock', 'unlock'] as const) expect(await f.door(action)).toEqual({ confirmed: true });
  });

  it('one that is told at an odd moment is: what it says first may be remembered', async () => {
    const f = await announcedLock();
    for (let i = 0; i < 4; i++) {
      f.lock.presence('online');
      await f.clock.advance(10_000);
    }
    f.lock.misbehave({ ignores: true });
    f.clock.setTimer(() => f.lock.presence('online'), 3_000);
    f.clock.setTimer(() => f.lock.say('UNLOCKED'), 3_100);
    expect((await f.door('unlock')).confirmed).not.toBe(true);
  });

  it('a command goes out to a lock that is said to be away, and its word wins', async () => {
    const f = await announcedLock();
    f.lock.presence('offline');
    await f.clock.advance(2_000);
    expect(f.health()).toMatchObject({ status: 'offline', reason: 'not_answering' });
    expect(await f.door('unlock')).toEqual({ confirmed: false });
    f.lock.misbehave({ ignores: true });
    expect((await f.door('lock')).error).toMatchObject({ type: 'device_offline', delivery: 'maybe_sent' });
  });

  it.each([
    ['all', ['online', 'offline'], 'offline'],
    ['any', ['online', 'offline'], 'online'],
    ['any', ['offline', 'offline'], 'offline'],
    ['latest', ['offline', 'online'], 'online'],
  ])('%s of %j', async (availability_mode, words, status) => {
    const availability = [{ topic: 'bridge' }, { topic: 'node', value_template: '{{ value_json.state }}' }];
    const announcement = {
      command_topic: 'locks/front/command',
      state_topic: 'locks/front/state',
      availability_mode,
      availability,
    };
    const f = await announcedLock({ lock: { announcement } });
    f.peer.publish('bridge', words[0] ?? '');
    f.peer.publish('node', JSON.stringify({ state: words[1] }));
    await f.clock.advance(2_000);
    expect(f.health()).toMatchObject({ status });
  });
});

describe('an address is not the device', () => {
  it('another lock under the topic is refused; the same one again is taken back', async () => {
    const f = await announcedLock();
    f.lock.announce({ ...f.lock.usual, unique_id: 'another' });
    await f.clock.advance(100);
    expect(f.health()).toMatchObject({ status: 'misconfigured', hint: expect.stringContaining('another') });
    expect((await f.door('unlock')).error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    f.lock.announce(f.lock.usual);
    await f.clock.advance(100);
    expect(f.health()).toEqual({ status: 'online' });
  });

  it('the unique_id of the settings holds from the first time on', async () => {
    const f = await announcedLock({ settings: { unique_id: 'mine' } });
    expect(f.health()).toMatchObject({ status: 'misconfigured' });
  });

  it('one that is taken back is misconfigured at once, and a command that waits does not go', async () => {
    const f = await announcedLock();
    f.clock.setTimer(() => f.lock.announce(undefined), 50);
    const { error } = await f.door('unlock', { commitMs: 200 });
    expect(error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect(f.lock.commands).toEqual([]);
  });

  it('a command topic that moves while the intent is written: nothing goes to the old one', async () => {
    const f = await announcedLock();
    f.clock.setTimer(() => f.lock.announce({ ...f.lock.usual, command_topic: 'elsewhere' }), 50);
    const { error } = await f.door('unlock', { commitMs: 200 });
    expect(error).toMatchObject({ type: 'device_not_ready', delivery: 'not_sent' });
    expect(f.lock.commands).toEqual([]);
  });

  it('nothing there: misconfigured after five seconds', async () => {
    const f = await announcedLock({ settings: { discovery_topic: 'homeassistant/lock/none/config' } });
    expect(f.health()).toMatchObject({ status: 'not_ready' });
    await f.clock.advance(5_000);
    expect(f.health()).toMatchObject({ status: 'misconfigured', hint: expect.stringContaining('none/config') });
  });

  it.each([
    ['no JSON', 'no', undefined],
    ['nested too deep', '['.repeat(100), undefined],
    ['no command topic', '{"stat_t":"a"}', undefined],
    ['a wildcard for a command topic', '{"cmd_t":"locks/+/command"}', undefined],
    ['one command for both', '{"cmd_t":"a","pl_lock":"TOGGLE","pl_unlk":"TOGGLE"}', undefined],
    ['no such component', '{"cmps":{"a":{"p":"lock","cmd_t":"a"}}}', 'b'],
    ['two locks and none chosen', '{"cmps":{"a":{"p":"lock","cmd_t":"a"},"b":{"p":"lock","cmd_t":"b"}}}', undefined],
    ['components that are none', '{"cmps":null}', undefined],
  ])('%s is refused with a reason', async (_, text, component) => {
    const f = await announcedLock({ ...(component && { settings: { component } }) });
    f.peer.publish(single, text, { retain: true });
    await f.clock.advance(100);
    expect(f.health()).toMatchObject({
      status: 'misconfigured',
      hint: expect.stringMatching(/^The announcement on .*\.$/),
    });
  });
});
