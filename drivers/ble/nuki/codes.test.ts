import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccessCodeCapability, type CodeWrite, GatewayError, Secret } from '../../../src/contract/index.ts';
import { type NukiFixture, type NukiFixtureOptions, nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';
import { errorCodes } from './catalogue.ts';

let f: NukiFixture;

const build = async (options: NukiFixtureOptions = {}) => {
  f = await nukiFixture({ ...options, lock: { announcesChanges: false, ...options.lock } });
};

beforeEach(() => build());

afterEach(() => f.close());

const rebuild = async (options: NukiFixtureOptions) => {
  await f.close();
  await build(options);
};

const codes = (): AccessCodeCapability => {
  if (f.device.accessCodes === undefined) throw new Error('no keypad');
  return f.device.accessCodes;
};

const limits = { sendByMs: 45_000, deadlineMs: 60_000 };

const set = async (write: Partial<CodeWrite> = {}) => {
  const given = f.command(limits);
  const full: CodeWrite = { slot: undefined, label: 'sp-0123456789abcdef', code: new Secret('589472'), ...write };
  const result = await f.settled(codes().set(given.ctx, full));
  given.end();
  return Object.assign(result as { slot: number } & GatewayError, { given });
};

const clear = async (slot: number) => {
  const given = f.command(limits);
  const result = await f.settled(codes().clear(given.ctx, slot));
  given.end();
  return result as undefined | GatewayError;
};

describe('a list of several pages', () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const fill = (count: number) => {
    for (const codeId of numbers(count)) {
      const stored = { codeId, code: 311_111 + codeId, name: `g ${codeId}`, enabled: true, createdAt: 0, lockCount: 0 };
      f.lock.keypad.codes.push({ ...stored, lastActiveAt: undefined, limits: undefined });
    }
  };
  /** Somebody uses the maker's app each time that a page was told, or as often as there is something to do. */
  const afterPages = (...hands: readonly (() => void)[]) => {
    const { keypad } = f.lock;
    const list = keypad.list.bind(keypad);
    const left = [...hands];
    keypad.list = (offset, count) => {
      const page = list(offset, count);
      left.shift()?.();
      return page;
    };
  };
  const listed = async () => f.settled(codes().list?.(f.command(limits).ctx) ?? Promise.reject());
  const remove = (at: number) => () => void f.lock.keypad.codes.splice(at, 1);

  it.each([19, 20, 21, 38, 39, 40, 41, 58])('of %i codes has each once', async (count) => {
    fill(count);
    expect(await listed()).toMatchObject(numbers(count).map((slot) => ({ slot })));
  });

  it.each([0, 10, 19])('has what is still there when number %i goes between two pages', async (gone) => {
    fill(45);
    afterPages(remove(gone), () => {}, remove(gone));
    const left = f.lock.keypad.codes.map(({ codeId }) => codeId).filter((codeId) => codeId > gone + 2);
    const found = (await listed()) as readonly { slot: number }[];
    expect(found.map(({ slot }) => slot)).toEqual(expect.arrayContaining(left));
  });

  it('never takes a code for gone that moved up', async () => {
    fill(25);
    afterPages(remove(3));
    const read = await f.settled(codes().read?.(f.command(limits).ctx, 21) ?? Promise.reject());
    expect(read).toMatchObject({ slot: 21, occupied: true });
  });

  it('that never stays the same is not told', async () => {
    fill(60);
    afterPages(...numbers(20).map(() => remove(0)));
    expect(await listed()).toMatchObject({ type: 'device_busy' });
  });
});

describe('a code', () => {
  it('is written, read back under the lock’s own number, listed and removed', async () => {
    const stored = await set();
    expect(stored).toMatchObject({ slot: 1, occupied: true, label: 'sp-0123456789abcdef' });
    expect(f.lock.keypad.codes).toMatchObject([{ code: 589_472, name: 'sp-0123456789abcdef', limits: undefined }]);
    expect(await f.settled(codes().list?.(f.command().ctx) ?? Promise.reject())).toMatchObject([{ slot: 1 }]);
    expect(await f.settled(codes().read?.(f.command().ctx, 1) ?? Promise.reject())).toMatchObject({ occupied: true });
    expect(await f.settled(codes().read?.(f.command().ctx, 2) ?? Promise.reject())).toEqual({
      slot: 2,
      occupied: false,
    });
    expect(await clear(1)).toBeUndefined();
    expect(f.lock.keypad.codes).toEqual([]);
  });

  it('keeps its times in the lock, weekdays and hours too', async () => {
    const startsAt = Date.UTC(2026, 11, 1, 14);
    const endsAt = Date.UTC(2026, 11, 5, 10, 30);
    const weekly = { days: [1, 3, 5], fromMinute: 8 * 60, untilMinute: 22 * 60 + 15 };
    expect(await set({ schedule: { startsAt, endsAt, weekly } })).toMatchObject({ slot: 1 });
    expect(f.lock.keypad.codes[0]?.limits).toEqual({
      from: startsAt,
      until: endsAt,
      weekdays: 0x54,
      dailyFrom: 480,
      dailyUntil: 1335,
    });
  });

  it('has its times in the zone that is configured', async () => {
    await rebuild({ settings: { code_time_zone: 'Europe/Zurich' } });
    const schedule = { startsAt: Date.UTC(2026, 6, 1, 22, 30), endsAt: Date.UTC(2026, 11, 1, 10) };
    await set({ schedule });
    expect(f.lock.keypad.codes[0]?.limits).toMatchObject({
      from: Date.UTC(2026, 6, 2, 0, 30),
      until: Date.UTC(2026, 11, 1, 11),
    });
  });

  it('with times sets a lock’s clock that is wrong, and leaves one alone that is right', async () => {
    const schedule = { startsAt: f.clock.wallTime(), endsAt: f.clock.wallTime() + 3_600_000 };
    await set({ schedule });
    expect(f.lock.history).not.toContain('updateTime');
    f.lock.condition.clockOffsetMs = -600_000;
    await set({ code: new Secret('589473'), label: 'other', schedule });
    expect(f.lock.history).toContain('updateTime');
    expect(Math.abs(f.lock.condition.clockOffsetMs)).toBeLessThan(1_000);
  });

  it('lets doors pass between its steps, with no connection open', async () => {
    let open = 0;
    const given = f.command({
      ...limits,
      whileDoorsPass: async () => {
        open += f.air.openLinks.length;
      },
    });
    const code = new Secret('589472');
    await f.settled(codes().set(given.ctx, { slot: undefined, label: 'x', code }));
    given.end();
    expect(given.timesDoorsPassed).toBeGreaterThan(0);
    expect(open).toBe(0);
    expect(given.permits).toHaveLength(1);
  });

  it('of the Ultra class goes out with a PIN of 32 bits', async () => {
    await rebuild({ lock: { generation: 'ultra' } });
    expect(await set()).toMatchObject({ slot: 1 });
  });
});

describe('what the lock says no to', () => {
  it('a wrong PIN, without naming it', async () => {
    await rebuild({ pin: 4321 });
    const error = await set();
    expect(error).toMatchObject({ type: 'authentication_failed', delivery: 'refused' });
    expect(error.message).not.toContain('4321');
    expect(f.text.text).not.toContain('4321');
  });

  it('no PIN at all, before anything is sent', async () => {
    await rebuild({ pin: null });
    expect(await set()).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect(f.lock.history).toEqual([]);
  });

  it('a full keypad', async () => {
    await rebuild({ lock: { keypadCapacity: 1 } });
    await set();
    expect(await set({ code: new Secret('589473'), label: 'b' })).toMatchObject({
      type: 'no_space_for_access_code_on_device',
      delivery: 'refused',
    });
  });

  it('a code that somebody else has there', async () => {
    await set();
    expect(await set({ label: 'somebody else' })).toMatchObject({ type: 'duplicate_code_on_device' });
    expect(f.lock.keypad.codes).toHaveLength(1);
  });

  it('a code against its rules', async () => {
    expect(await set({ code: new Secret('120000') })).toMatchObject({ type: 'invalid_access_code' });
    expect(codes().rules.refuse?.(new Secret('123456'))).toContain('12');
  });

  it('no keypad, no codes', async () => {
    await rebuild({ settings: { keypad: false } });
    expect(f.device.accessCodes).toBeUndefined();
  });
});

describe('what is not certain is read', () => {
  it('a code the lock forgot again', async () => {
    f.lock.misbehave('forget_code');
    expect(await set()).toMatchObject({ type: 'code_not_stored', delivery: 'acted' });
    expect(await set()).toMatchObject({ slot: 2 });
  });

  it('a code the lock stored without its times', async () => {
    f.lock.misbehave('lose_limits');
    const schedule = { startsAt: f.clock.wallTime(), endsAt: f.clock.wallTime() + 3_600_000 };
    expect(await set({ schedule })).toMatchObject({ type: 'code_not_stored', delivery: 'acted' });
  });

  it('a code whose answer was lost with the link is found by its label, and not written twice', async () => {
    f.lock.misbehave('drop_after_code');
    expect(await set()).toMatchObject({ slot: 1 });
    expect(f.lock.history.filter((name) => name === 'addKeypadCode')).toHaveLength(1);
  });

  it('a code that an earlier try had stored already is taken for what it is', async () => {
    await set();
    expect(await set()).toMatchObject({ slot: 1, occupied: true });
  });

  it('a lock that answers with COMPLETE alone', async () => {
    f.lock.misbehave('complete_for_code_id');
    expect(await set()).toMatchObject({ slot: 1 });
  });

  it('removing what is not there is a success', async () => {
    expect(await clear(9)).toBeUndefined();
  });

  it('more codes than come in one go', async () => {
    for (let at = 0; at < 45; at++) {
      const code = 311_111 + (at % 9) + 10 * Math.floor(at / 9);
      const stored = { codeId: at + 1, code, name: `g${at}`, enabled: true, createdAt: 0, lastActiveAt: undefined };
      f.lock.keypad.codes.push({ ...stored, lockCount: 0, limits: undefined });
    }
    const listed = await f.settled(codes().list?.(f.command(limits).ctx) ?? Promise.reject());
    expect(listed).toHaveLength(45);
    expect(f.lock.history.filter((name) => name === 'requestKeypadCodes')).toHaveLength(3);
  });
});

describe('a list that is not told', () => {
  const list = () => f.settled(codes().list?.(f.command(limits).ctx) ?? Promise.reject());
  const read = (slot: number) => f.settled(codes().read?.(f.command(limits).ctx, slot) ?? Promise.reject());

  it.each(['cut', 'empty', errorCodes.badNonce, errorCodes.busy, errorCodes.unknown, errorCodes.badPin] as const)(
    'as it is (%s) is no list of fewer codes',
    async (answer) => {
      await set();
      await set({ label: 'another', code: new Secret('589473') });
      f.lock.condition.codes = answer;
      expect(await list()).toBeInstanceOf(GatewayError);
      expect(await read(1)).toBeInstanceOf(GatewayError);
      expect(await clear(1)).toMatchObject({ type: 'outcome_unknown' });
    },
  );

  it('after a write leaves it open, and says why', async () => {
    f.lock.condition.codes = 'empty';
    const error = await set();
    expect(error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(error.message).toContain('did not answer');
    expect(f.lock.keypad.codes).toHaveLength(1);
  });

  it('and comes back in time is believed then', async () => {
    f.lock.condition.codes = 'cut';
    f.clock.setTimer(() => {
      f.lock.condition.codes = 'told';
    }, 12_000);
    expect(await set()).toMatchObject({ slot: 1 });
    expect(f.lock.history.filter((name) => name === 'addKeypadCode')).toHaveLength(1);
  });

  it('because of the PIN is not asked for again: the lock counts', async () => {
    f.lock.misbehave('drop_after_code');
    f.lock.condition.codes = errorCodes.badPin;
    expect(await set()).toMatchObject({ type: 'outcome_unknown' });
    expect(f.lock.history.filter((name) => name === 'requestKeypadCodes')).toHaveLength(1);
  });

  it('with its digits: there, not compared, and known by its name', async () => {
    f.lock.condition.codes = 'withheld';
    const stored = await set();
    expect(stored).toMatchObject({ slot: 1, occupied: true, label: 'sp-0123456789abcdef' });
    expect(stored).not.toHaveProperty('code');
    expect(await read(1)).not.toHaveProperty('code');
    expect(f.lock.history.filter((name) => name === 'addKeypadCode')).toHaveLength(1);
  });
});

it('never lets a code into log, error or report', async () => {
  await set();
  f.lock.misbehave('forget_code');
  const error = await set({ code: new Secret('589473'), label: 'b' });
  expect(`${f.text.text}${error.message}${JSON.stringify(f.reports)}`).not.toMatch(/58947[23]/);
});
