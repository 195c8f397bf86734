import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../../src/contract/index.ts';
import { type NukiFixture, type NukiFixtureOptions, nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';

let f: NukiFixture;

const build = async (options: NukiFixtureOptions = {}) => {
  f = await nukiFixture(options);
};

afterEach(() => f.close());

const kinds = <K extends DeviceReport['kind']>(kind: K) =>
  f.reports.filter((report): report is Extract<DeviceReport, { kind: K }> => report.kind === kind);
/** The reason may come with another hint before it is over. */
const healths = () =>
  kinds('health')
    .map(({ health }) => (health.status === 'online' ? 'online' : health.reason))
    .filter((reason, at, all) => reason !== all[at - 1]);

it('tells soon after it was opened how the lock is', async () => {
  await build();
  expect(f.reports).toEqual([
    { kind: 'health', health: { status: 'online' } },
    { kind: 'lock_state', state: 'locked' },
    { kind: 'door', contact: 'closed' },
    { kind: 'battery', level: 0.8, low: false },
    { kind: 'accessory_keypad', connected: true, low: false },
    { kind: 'capabilities' },
    { kind: 'auto_lock', enabled: false, delaySeconds: 300 },
  ]);
});

describe('who operated the lock', () => {
  const reportsAfter = async (act: () => void) => {
    await build();
    const before = f.reports.length;
    act();
    await f.clock.advance(15_000);
    return f.reports.slice(before);
  };

  it('somebody by hand', async () => {
    expect(await reportsAfter(() => f.lock.turnByHand('unlocked'))).toEqual([
      { kind: 'lock_state', state: 'unlocked' },
      { kind: 'lock_operated', operation: 'unlocked', method: 'manual' },
    ]);
  });

  it('a guest with a code, and which', async () => {
    const reports = await reportsAfter(() => {
      const code = { codeId: 5, code: 589_472, name: 'Guest', enabled: true, createdAt: 0, lastActiveAt: undefined };
      f.lock.keypad.codes.push({ ...code, lockCount: 0, limits: undefined });
      f.lock.typeCode(589_472);
    });
    expect(reports).toContainEqual({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 5 });
  });

  it('somebody with a wrong code', async () => {
    expect(await reportsAfter(() => f.lock.typeCode(345_678))).toContainEqual({
      kind: 'lock_operated',
      operation: 'access_denied',
      method: 'keycode',
      denial: 'unknown_code',
    });
  });

  it('not ourselves: our attempts tell of that', async () => {
    await build();
    await f.door('unlock');
    await f.clock.advance(15_000);
    expect(kinds('lock_operated')).toEqual([]);
    expect(kinds('lock_state').map(({ state }) => state)).toEqual(['locked', 'unlocking', 'unlocked']);
  });

  it('is asked with a wrong PIN once and never again: the lock counts', async () => {
    await build({ pin: 4321, as: 'bridge' });
    for (let round = 0; round < 4; round++) {
      f.lock.turnByHand(round % 2 === 0 ? 'unlocked' : 'locked');
      await f.clock.advance(10_000);
    }
    expect(f.lock.history.filter((name) => name === 'requestLogEntries')).toHaveLength(0);
    expect(kinds('lock_state').length).toBeGreaterThan(3);
  });
});

describe('its health', () => {
  it('out of range and back', async () => {
    await build();
    f.air.find(f.address)?.mute(true);
    await f.clock.advance(90_000);
    f.air.find(f.address)?.mute(false);
    await f.clock.advance(15_000);
    expect(healths()).toEqual(['online', 'out_of_range', 'online']);
  });

  it('adapter lost and found', async () => {
    await build();
    f.bay.pullOut(0);
    await f.clock.advance(5_000);
    f.bay.plugIn('c0:b1:e1:ff:00:01');
    await f.clock.advance(5_000);
    expect(healths()).toEqual(['online', 'link_down', 'online']);
  });

  it('key refused, pairing missing', async () => {
    await build();
    f.lock.forget(f.credentials.authorizationId);
    f.lock.turnByHand('unlocked');
    await f.clock.advance(10_000);
    expect(healths().at(-1)).toBe('key_refused');
    await f.close();
    await build({ unpaired: true });
    expect(healths()).toEqual(['wrong_settings']);
  });

  it('a lock that hangs', async () => {
    await build({ settings: { poll_s: 30 } });
    f.air.find(f.address)?.freezeHost(true);
    await f.clock.advance(70_000);
    expect(healths().at(-1)).toBe('not_answering');
    f.air.find(f.address)?.freezeHost(false);
    await f.clock.advance(70_000);
    expect(healths().at(-1)).toBe('online');
  });

  it('a lock that never announces a change is still read now and then', async () => {
    await build({ lock: { announcesChanges: false }, settings: { poll_s: 60 } });
    f.lock.condition.battery = { percent: 12, critical: true, empty: false };
    await f.clock.advance(65_000);
    expect(kinds('battery').at(-1)).toEqual({ kind: 'battery', level: 0.12, low: true });
  });

  it('says nothing more once it was closed', async () => {
    await build();
    await f.device.close();
    await f.device.close();
    const before = f.reports.length;
    f.lock.turnByHand('unlocked');
    f.bay.pullOut(0);
    await f.clock.advance(60_000);
    expect(f.reports).toHaveLength(before);
  });
});
