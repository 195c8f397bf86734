import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../../src/contract/index.ts';
import { type NukiFixture, type NukiFixtureOptions, nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';
import { doorSensorStates, errorCodes, lockStates } from './catalogue.ts';
import { SimulatedNuki } from './simulator.ts';

/*
 * What owners of real locks have reported, kind by kind: a value that means "not known", no answer, an address, and a
 * level that is no edge.
 */

let f: NukiFixture;

const build = async (options: NukiFixtureOptions = {}) => {
  f = await nukiFixture(options);
};

afterEach(() => f.close());

const kinds = <K extends DeviceReport['kind']>(kind: K) =>
  f.reports.filter((report): report is Extract<DeviceReport, { kind: K }> => report.kind === kind);
const reads = () => f.lock.history.filter((name) => name === 'requestData').length;
/** The lock tells its log with each read: one read is one question for its state, and one for the log's challenge. */
const logReads = () => f.lock.history.filter((name) => name === 'requestLogEntries').length;
const operated = () => kinds('lock_operated').length;

describe('a value that means that nobody knows', () => {
  it.each([
    ['uncalibrated', lockStates.uncalibrated],
    ['calibrating', lockStates.calibration],
    ['starting', lockStates.bootRun],
    ['undefined', lockStates.undefined],
    ['of a firmware to come', 0x42],
  ])('a lock that is %s is neither locked nor unlocked', async (_, state) => {
    await build();
    f.lock.bolt.show(state);
    await f.clock.advance(10_000);
    expect(kinds('lock_state').at(-1)).toEqual({ kind: 'lock_state', state: 'unknown' });
    const reading = await f.settled(f.device.lock?.read?.(f.command().ctx) ?? Promise.reject());
    expect(reading).toMatchObject({ state: 'unknown' });
  });

  it('a door sensor that cannot tell any more is not the door it told of last', async () => {
    await build({ settings: { poll_s: 30 } });
    f.lock.condition.door = 'not known';
    await f.clock.advance(35_000);
    f.lock.condition.door = 'open';
    await f.clock.advance(35_000);
    f.lock.condition.door = 'uncalibrated';
    await f.clock.advance(35_000);
    f.lock.condition.door = 'closed';
    await f.clock.advance(35_000);
    f.lock.condition.door = 'unknown';
    await f.clock.advance(35_000);
    expect(kinds('door').map(({ contact }) => contact)).toEqual([
      'closed',
      'unknown',
      'open',
      'unknown',
      'closed',
      'unknown',
    ]);
    expect(doorSensorStates.unknown).toBe(4);
  });

  it('a door sensor that somebody tampers with says so once', async () => {
    await build({ settings: { poll_s: 30 } });
    f.lock.condition.door = 'tampered';
    await f.clock.advance(100_000);
    expect(kinds('tamper')).toHaveLength(1);
    f.lock.condition.door = 'closed';
    await f.clock.advance(35_000);
    f.lock.condition.door = 'tampered';
    await f.clock.advance(35_000);
    expect(kinds('tamper')).toHaveLength(2);
  });

  it('a battery without a level is low or not, and has no level', async () => {
    await build();
    f.lock.condition.battery = { percent: 0, critical: true, empty: false };
    f.lock.turnByHand('unlocked');
    await f.clock.advance(10_000);
    expect(kinds('battery').at(-1)).toEqual({ kind: 'battery', level: undefined, low: true });
  });

  it.each([
    ['a finger', 2, 5, { method: 'unknown' }],
    ['the arrow key', 0, 0, { method: 'manual' }],
    ['a code that nobody has', 1, 0xffff, { method: 'keycode' }],
  ])('%s is no code of ours', async (_, source, codeId, told) => {
    await build();
    f.lock.log.keypad('', 1, 0, codeId, source);
    f.lock.turnByHand('unlocked');
    await f.clock.advance(10_000);
    const first = kinds('lock_operated')[0];
    expect(first).toEqual({ kind: 'lock_operated', operation: 'unlocked', ...told });
  });
});

describe('no answer about the log is no answer of none', () => {
  /** Six openings of before the gateway, and one that it was told of. */
  const withHistory = async (options: NukiFixtureOptions = {}) => {
    await build({ as: 'bridge', ...options });
    for (let turn = 0; turn < 6; turn++) f.lock.turnByHand(turn % 2 === 0 ? 'unlocked' : 'locked');
    await f.clock.advance(10_000);
    f.reports.length = 0;
  };

  it.each([
    ['empty', 'empty' as const],
    ['cut short', 'cut' as const],
    ['a nonce that is out of date', errorCodes.badNonce],
    ['a parameter that is wrong', errorCodes.badParameter],
    ['an access that is switched off', errorCodes.disabled],
    ['busy', errorCodes.busy],
    ['damaged', errorCodes.badCrc],
    ['an error of a firmware to come', 0x77],
  ])('%s: nothing new is told, nothing of before is told again, and what comes later is', async (_, answer) => {
    await withHistory();
    f.lock.condition.log = answer;
    f.lock.turnByHand('unlocked');
    await f.clock.advance(20_000);
    expect(operated()).toBe(0);
    f.lock.condition.log = 'told';
    f.lock.turnByHand('locked');
    await f.clock.advance(20_000);
    expect(kinds('lock_operated').map(({ operation }) => operation)).toEqual(['unlocked', 'locked']);
    await f.clock.advance(1_300_000);
    expect(operated()).toBe(2);
  });

  it.each([errorCodes.badPin, errorCodes.tooManyPinAttempts])(
    'a PIN that is refused (%i): it is not tried again',
    async (code) => {
      await withHistory();
      f.lock.condition.log = code;
      f.lock.turnByHand('unlocked');
      await f.clock.advance(10_000);
      f.lock.history.length = 0;
      f.lock.condition.log = 'told';
      await f.clock.advance(1_300_000);
      expect(logReads()).toBe(0);
      expect(operated()).toBe(0);
    },
  );

  it.each([14, 10, 20, 21, 57])('%i operations between two looks are all told, in order', async (count) => {
    await withHistory({ settings: { poll_s: 600 } });
    for (let turn = 0; turn < count; turn++) f.lock.turnByHand(turn % 2 === 0 ? 'unlocked' : 'locked');
    await f.clock.advance(60_000);
    expect(kinds('lock_operated').map(({ operation }) => operation)).toEqual(
      Array.from({ length: count }, (_, turn) => (turn % 2 === 0 ? 'unlocked' : 'locked')),
    );
    expect(kinds('operations_missed')).toEqual([]);
  });

  it('more than the lock keeps: how many are missing is said', async () => {
    await withHistory({ lock: { logCapacity: 25 } });
    for (let turn = 0; turn < 40; turn++) f.lock.turnByHand(turn % 2 === 0 ? 'unlocked' : 'locked');
    await f.clock.advance(60_000);
    expect(operated()).toBe(25);
    expect(kinds('operations_missed')).toEqual([{ kind: 'operations_missed', count: 15 }]);
  });

  it('a link that is lost between two pages: nothing is lost and nothing told twice', async () => {
    await withHistory();
    for (let turn = 0; turn < 35; turn++) f.lock.turnByHand(turn % 2 === 0 ? 'unlocked' : 'locked');
    while (logReads() < 3) await f.clock.advance(5);
    f.air.kick(f.address);
    await f.clock.advance(1_300_000);
    expect(operated()).toBe(35);
  });

  it('a lock that was reset counts from the beginning: what it tells then is new, and told once', async () => {
    await withHistory();
    f.lock.log.clear();
    await f.clock.advance(5_000);
    f.lock.turnByHand('unlocked');
    await f.clock.advance(20_000);
    expect(operated()).toBe(1);
    for (let turn = 0; turn < 12; turn++) f.lock.turnByHand(turn % 2 === 0 ? 'locked' : 'unlocked');
    await f.clock.advance(1_300_000);
    expect(operated()).toBe(13);
  });

  it('a gateway that starts again tells nothing of before', async () => {
    await build();
    for (let turn = 0; turn < 6; turn++) f.lock.turnByHand(turn % 2 === 0 ? 'unlocked' : 'locked');
    await f.clock.advance(10_000);
    f.reports.length = 0;
    await f.reopen();
    await f.clock.advance(1_300_000);
    expect(operated()).toBe(0);
  });
});

describe('an address that answers as another lock', () => {
  const expectRefused = async (health: string, there: SimulatedNuki) => {
    const sent = there.commandsAt.length;
    const unlock = await f.door('unlock');
    expect(['misconfigured', 'authentication_failed']).toContain(unlock.type);
    const list = await f.settled(f.device.accessCodes?.list?.(f.command().ctx) ?? Promise.reject());
    expect(['misconfigured', 'authentication_failed']).toContain((list as { type?: string }).type);
    await f.clock.advance(700_000);
    expect(there.commandsAt).toHaveLength(sent);
    expect(kinds('health').at(-1)?.health).toMatchObject({ status: 'misconfigured', reason: health });
  };
  /** Another lock is put where ours was. */
  const replaceBy = async (options: { readonly nukiId?: number; readonly knowsUs?: boolean }) => {
    const other = new SimulatedNuki({
      clock: f.clock,
      randomBytes: f.randomBytes,
      nukiId: options.nukiId ?? 0x0badf00d,
    });
    if (options.knowsUs) other.authorize({ sharedKey: f.credentials.sharedKey, appId: 77, idType: 0, name: 'gateway' });
    other.keypad.restore([
      {
        codeId: 1,
        code: 345_678,
        name: 'theirs',
        enabled: true,
        createdAt: 0,
        lastActiveAt: undefined,
        lockCount: 0,
        limits: undefined,
      },
    ]);
    await f.putThere(other);
    await f.clock.advance(10_000);
    return other;
  };

  it('with another key', async () => {
    await build();
    await expectRefused('wrong_settings', await replaceBy({}));
  });

  it('that knows our key', async () => {
    await build();
    const there = await replaceBy({ knowsUs: true });
    await expectRefused('wrong_settings', there);
    expect(there.history).not.toContain('requestKeypadCodes');
  });

  it('from the start, when pairing noted which lock it was', async () => {
    await build({ pairedWith: 0x0badf00d });
    await expectRefused('wrong_settings', f.lock);
  });

  it('under the same number, but reset: it does not know our key', async () => {
    await build();
    await expectRefused('key_refused', await replaceBy({ nukiId: f.lock.nukiId }));
  });

  it('and then as ours again', async () => {
    await build();
    await replaceBy({ knowsUs: true });
    await f.putThere(f.lock);
    await f.clock.advance(20_000);
    expect(kinds('health').at(-1)?.health).toEqual({ status: 'online' });
    expect(await f.door('unlock')).toEqual({ wasConfirmedByDevice: true });
  });
});

describe('a level that is no edge', () => {
  it('an app reads once for a change, however long the lock says that something has changed', async () => {
    await build({ settings: { poll_s: 86_400 } });
    f.lock.turnByHand('unlocked');
    await f.clock.advance(3_600_000);
    expect(kinds('lock_state').at(-1)).toEqual({ kind: 'lock_state', state: 'unlocked' });
    expect(logReads()).toBe(1);
    expect(reads()).toBe(2);
  });

  it('a change while it says so is seen in its turn', async () => {
    await build({ settings: { poll_s: 120 } });
    f.lock.turnByHand('unlocked');
    await f.clock.advance(10_000);
    f.lock.turnByHand('locked');
    await f.clock.advance(130_000);
    expect(kinds('lock_operated').map(({ operation }) => operation)).toEqual(['unlocked', 'locked']);
  });

  it('a bridge is told of each, since its reads reset it', async () => {
    await build({ as: 'bridge', settings: { poll_s: 86_400 } });
    for (let turn = 0; turn < 6; turn++) {
      f.lock.turnByHand(turn % 2 === 0 ? 'unlocked' : 'locked');
      await f.clock.advance(20_000);
    }
    expect(operated()).toBe(6);
    expect(logReads()).toBeLessThanOrEqual(7);
    f.lock.history.length = 0;
    await f.clock.advance(3_600_000);
    expect(logReads()).toBe(0);
  });

  it('a bridge whose reads do not reset it does not read for ever', async () => {
    await build({ as: 'bridge', lock: { changeBitResetBy: 'nobody' }, settings: { poll_s: 86_400 } });
    f.lock.turnByHand('unlocked');
    await f.clock.advance(3_600_000);
    expect(logReads()).toBeLessThanOrEqual(4);
  });

  it('a change that could not be read for is read for later', async () => {
    await build({ settings: { poll_s: 86_400 } });
    f.lock.turnByHand('unlocked');
    f.air.find(f.address)?.freezeHost(true);
    await f.clock.advance(30_000);
    f.air.find(f.address)?.freezeHost(false);
    await f.clock.advance(120_000);
    expect(kinds('lock_operated').map(({ operation }) => operation)).toEqual(['unlocked']);
    expect(logReads()).toBe(1);
  });

  it('a bolt that was read on its way is read again at rest', async () => {
    await build({ lock: { times: { startMs: 100, moveMs: 6_000 } }, settings: { poll_s: 86_400 } });
    f.lock.bolt.run(1, 'keypad', { moved: () => undefined, done: () => undefined });
    await f.clock.advance(30_000);
    expect(kinds('lock_state').at(-1)).toEqual({ kind: 'lock_state', state: 'unlocked' });
  });
});
