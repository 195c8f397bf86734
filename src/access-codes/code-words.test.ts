import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { sendAndHearNothing, untilAborted } from '../../test/kit/locks/scripted-lock.ts';
import {
  type CodeCommandContext,
  type Delivery,
  errorTypes,
  GatewayError,
  type GatewayErrorType,
  Secret,
} from '../contract/index.ts';
import type { AttemptRecord } from '../model/records.ts';

/** The sentences as they are documented, by when they are said. */
const documented = new Map(
  (readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').split('## What becomes of a code')[1] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.includes('---'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, when = '', sentence = '']) => [when, sentence] as const),
);
const sentence = (when: string): string => {
  const found = documented.get(when);
  if (found === undefined) throw new Error(`docs/errors.md does not say what happens when ${when}`);
  return found;
};

const onLock = 'it is to be on the lock';
const gone = 'it is to be gone';

/** Every way for a driver to end an attempt, and each delivery that its table allows. */
const ends = Object.entries(errorTypes).flatMap(([type, row]) =>
  'http' in row ? [] : [[type as GatewayErrorType, row.delivery as Delivery] as const],
);

/** In a driver's words, which are a door's: the gateway must not pass the advice on. */
const failing = (type: GatewayErrorType, sends: boolean) => async (ctx: CodeCommandContext) => {
  if (sends) (await ctx.pointOfNoReturn()).spend();
  throw new GatewayError(type, `Front did what it did (${type}). Try again. Look at the door, and try again.`);
};

async function stay(options: { readonly outOfService?: boolean } = {}) {
  const keypad = new ScriptedKeypad();
  const fixture = await scriptedCore({ keypad, ...options });
  const codes = fixture.core.accessCodes;
  const create = () => codes.create({ deviceId: 'front', code: new Secret('4711') }, fixture.origin());
  const ended = (attempt: AttemptRecord) => fixture.clock.until(fixture.end(attempt));
  const messageOf = async (attempt: AttemptRecord) => {
    const { settlement } = await ended(attempt);
    return settlement?.status === 'error' ? settlement.error.message : `success ${JSON.stringify(settlement)}`;
  };
  const written = async () => {
    const { attempt, code } = await create();
    expect((await ended(attempt)).settlement?.status).toBe('success');
    return code;
  };
  return { ...fixture, keypad, codes, create, ended, messageOf, written };
}

/** What must stand in no text about a code that the gateway goes on with. */
function expectNoDoorWords(message: string): void {
  expect(message).not.toMatch(/\b(?:try|ask|lock|unlock|create it) (?:it )?again\b/i);
  expect(message).not.toMatch(/look at the door|was not given|was not (?:un)?locked/i);
}

/** From now on it does this, however often it is tried. */
function always<Pad extends object>(
  keypad: Pad,
  what: 'nextSet' | 'nextClear',
  act: (ctx: CodeCommandContext) => Promise<void>,
) {
  Object.defineProperty(keypad, what, { configurable: true, get: () => act, set: () => undefined });
}
const asEver = (keypad: object, what: 'nextSet' | 'nextClear') =>
  Object.defineProperty(keypad, what, { configurable: true, writable: true, value: undefined });

describe.each([false, true])('a code whose driver fails (having sent something: %s)', (sends) => {
  test.each(ends)('with %s, to create', async (type) => {
    const { keypad, create, messageOf, codes } = await stay();
    always(keypad, 'nextSet', failing(type, sends));
    const { attempt, code } = await create();
    const message = await messageOf(attempt);
    expectNoDoorWords(message);
    expect(message).toContain(sentence(onLock));
    // Somebody else's slot is left alone and another taken, until there is none.
    expect(message).toMatch(
      /^(?:Front did what it did|It is not known yet whether Door front holds|Door front has no free)/,
    );
    for (const error of codes.get(code.accessCodeId)?.errors ?? []) expect(error.message).toBe(message);
  });

  test.each(ends)('with %s, to update', async (type) => {
    const { keypad, written, messageOf, codes, origin } = await stay();
    const { accessCodeId } = await written();
    always(keypad, 'nextSet', failing(type, sends));
    const message = await messageOf(await codes.update(accessCodeId, { code: new Secret('6284') }, origin()));
    expectNoDoorWords(message);
    expect(message).toContain(sentence(onLock));
  });

  test.each(ends)('with %s, to take the old away after an update', async (type) => {
    const { keypad, written, messageOf, codes, origin } = await stay();
    const { accessCodeId } = await written();
    always(keypad, 'nextClear', failing(type, sends));
    const message = await messageOf(await codes.update(accessCodeId, { code: new Secret('6284') }, origin()));
    expectNoDoorWords(message);
    expect(message).toContain(sentence('it is there, and an earlier entry of it as well'));
    // The new one was seen: nobody may say that it is not known.
    expect(message).not.toContain('It is not known');
  });

  test.each(ends)('with %s, to delete', async (type) => {
    const { keypad, written, messageOf, codes, origin } = await stay();
    const { accessCodeId } = await written();
    always(keypad, 'nextClear', failing(type, sends));
    const message = await messageOf(await codes.delete(accessCodeId, origin()));
    expectNoDoorWords(message);
    expect(message).toContain(sentence(gone));
  });

  test.each(ends)('with %s, to delete somebody else’s: nobody goes on with that', async (type) => {
    const { keypad, core, clock, messageOf, origin } = await stay();
    keypad.slots.set(2, '9999');
    await clock.advance(60_000);
    const [found] = core.accessCodes.unmanaged.list('front');
    always(keypad, 'nextClear', failing(type, sends));
    const message = await messageOf(await core.accessCodes.unmanaged.delete(found?.accessCodeId ?? '', origin()));
    expect(message).toContain(sentence('it is somebody else’s'.replace('’', "'")));
    expect(message).not.toContain('The gateway goes on');
  });

  test.each(ends)('with %s, in the gateway’s own attempts afterwards', async (type) => {
    const { keypad, create, ended, core, clock } = await stay();
    always(keypad, 'nextSet', failing(type, sends));
    const { attempt } = await create();
    await ended(attempt);
    await clock.advance(400_000);
    const own = core.attempts.list({ limit: 20 }).filter(({ actor }) => actor.kind === 'reconcile');
    expect(own.length).toBeGreaterThan(0);
    for (const { settlement } of own) {
      if (settlement?.status !== 'error') continue;
      expectNoDoorWords(settlement.error.message);
      const final = settlement.error.message.includes(sentence('it was refused for good'));
      expect(final || settlement.error.message.includes(sentence(onLock))).toBe(true);
    }
  });
});

describe('a code that is refused for good', () => {
  const refusals = ['duplicate_code_on_device', 'invalid_access_code'] as const;
  const refused = async (type: (typeof refusals)[number]) => {
    const s = await stay();
    let asked = 0;
    always(s.keypad, 'nextSet', async (ctx) => {
      asked += 1;
      return failing(type, true)(ctx);
    });
    const { attempt, code } = await s.create();
    await s.ended(attempt);
    await s.clock.advance(24 * 3_600_000);
    return { ...s, code, asked: () => asked };
  };

  it.each(refusals)('with %s is asked three times, and it is said why no more', async (type) => {
    const { asked, codes, code } = await refused(type);
    expect(asked()).toBe(3);
    const now = codes.get(code.accessCodeId);
    expect(now?.errors[0]?.message).toContain(sentence('it was refused for good'));
    expect(JSON.stringify(now?.warnings)).not.toContain('as soon as the lock can be reached');
  });

  it('is not asked again because the lock went away and came back, or took another code', async () => {
    const { asked, lock, clock, keypad, codes, origin, ended } = await refused('duplicate_code_on_device');
    lock.report({ kind: 'health', health: { status: 'offline', reason: 'out_of_range', hint: 'x' } });
    await clock.advance(60_000);
    lock.report({ kind: 'health', health: { status: 'online' } });
    await clock.advance(3_600_000);
    asEver(keypad, 'nextSet');
    const other = await codes.create({ deviceId: 'front', code: new Secret('8080') }, origin());
    expect((await ended(other.attempt)).settlement?.status).toBe('success');
    await clock.advance(3_600_000);
    expect(asked()).toBe(3);
    expect([...keypad.slots.values()]).toEqual(['8080']);
  });

  it.each([
    [
      'its digits are changed',
      async ({ codes, code, origin }: Awaited<ReturnType<typeof refused>>) =>
        codes.update(code.accessCodeId, { code: new Secret('6284') }, origin()),
    ],
    [
      'a slot is seen to have fallen free',
      async ({ lock, keypad, clock }: Awaited<ReturnType<typeof refused>>) => {
        keypad.slots.delete(3);
        lock.report({ kind: 'code_slot', slot: 3, occupied: false });
        await clock.advance(5_000);
      },
    ],
  ] as const)('is asked again once %s', async (_, change) => {
    const keypad = await refused('duplicate_code_on_device');
    keypad.keypad.slots.set(3, '1111');
    keypad.lock.report({ kind: 'code_slot', slot: 3, occupied: true });
    await keypad.clock.advance(60_000);
    asEver(keypad.keypad, 'nextSet');
    await change(keypad);
    await keypad.clock.advance(60_000);
    expect(keypad.codes.get(keypad.code.accessCodeId)).toMatchObject({ status: 'set', errors: [] });
  });
});

describe('when time, a restart or people end the attempt', () => {
  it('a code whose turn did not come', async () => {
    const { keypad, codes, origin, create, messageOf } = await stay();
    always(keypad, 'nextSet', (ctx) => untilAborted(ctx));
    await create();
    const second = await codes.create({ deviceId: 'front', code: new Secret('6284') }, origin());
    const message = await messageOf(second.attempt);
    expectNoDoorWords(message);
    expect(message).toContain('its turn');
    expect(message).toContain(sentence(onLock));
  });

  it('a driver that has not sent anything when its time is over tells why, and is believed', async () => {
    const { keypad, create, ended } = await stay();
    always(keypad, 'nextSet', async (ctx) =>
      untilAborted(ctx).catch(() => {
        throw new GatewayError('device_not_ready', 'Front takes codes and tells of none.');
      }),
    );
    const { settlement } = await ended((await create()).attempt);
    expect(settlement).toMatchObject({ error: { type: 'device_not_ready' } });
    expect(settlement?.status === 'error' && settlement.error.message).toMatch(
      /^Front takes codes and tells of none\. The gateway/,
    );
  });

  it('a driver that never lets go has had its turn: nobody says otherwise', async () => {
    const { keypad, create, messageOf, clock } = await stay();
    always(keypad, 'nextSet', () => new Promise<void>(() => undefined));
    const began = clock.now();
    const message = await messageOf((await create()).attempt);
    expect(clock.now() - began).toBeLessThanOrEqual(47_000);
    expect(message).not.toContain('its turn');
    expect(message).toContain(sentence(onLock));
  });

  it('a write of which nothing is heard', async () => {
    const { keypad, create, messageOf } = await stay();
    always(keypad, 'nextSet', async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      return untilAborted(ctx);
    });
    const message = await messageOf((await create()).attempt);
    expectNoDoorWords(message);
    expect(message).toMatch(/^It is not known yet whether Door front holds the code: .*The gateway goes on/);
  });

  it('a lock out of service', async () => {
    const { create, messageOf } = await stay({ outOfService: true });
    expect(await messageOf((await create()).attempt)).toContain(sentence('the lock is out of service'));
  });

  it.each([
    ['before anything left', false],
    ['after the write left', true],
  ])('a restart %s', async (_, sends) => {
    const first = await stay();
    always(first.keypad, 'nextSet', async (ctx) => {
      if (sends) (await ctx.pointOfNoReturn()).spend();
      return untilAborted(ctx);
    });
    const { attempt, code } = await first.create();
    await first.clock.advance(1_000);
    const store = first.store.crash();
    const second = await scriptedCore({ clock: first.clock, store, keypad: new ScriptedKeypad() });
    const { settlement } = await second.clock.until(second.end(attempt));
    expect(settlement).toMatchObject({ error: { type: sends ? 'code_not_stored' : 'gateway_restarted' } });
    const message = settlement?.status === 'error' ? settlement.error.message : '';
    expectNoDoorWords(message);
    expect(message).toContain(sentence(onLock));
    await second.clock.advance(30_000);
    expect(second.core.accessCodes.get(code.accessCodeId)).toMatchObject({ status: 'set' });
  });

  it('a restart and a lock that refuses to be read: that is no word on the code', async () => {
    const first = await stay();
    always(first.keypad, 'nextSet', async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      return untilAborted(ctx);
    });
    const { attempt } = await first.create();
    await first.clock.advance(1_000);
    const keypad = new ScriptedKeypad();
    const deaf = {
      ...keypad.capability,
      read: async () => {
        throw new GatewayError('authentication_failed', 'Front refused the security PIN. Pair it again.');
      },
    };
    const second = await scriptedCore({ clock: first.clock, store: first.store.crash(), keypad: { capability: deaf } });
    const { settlement } = await second.clock.until(second.end(attempt));
    expect(settlement).toMatchObject({ error: { type: 'outcome_unknown' } });
    expect(settlement?.status === 'error' && settlement.error.message).toContain('refused the security PIN');
  });

  it('a stop of the gateway', async () => {
    const { lock, create, messageOf, core, clock } = await stay();
    lock.linkState = { status: 'down', reason: 'test', hint: '' };
    const { attempt } = await create();
    void core.stop(0);
    await clock.advance(10);
    const message = await messageOf(attempt);
    expectNoDoorWords(message);
    expect(message).toContain(sentence(onLock));
  });
});

describe('a door keeps its own words', () => {
  test.each(ends)('with %s: what its driver says, and nothing of codes', async (type, delivery) => {
    const { lock, core, origin, ended } = await stay();
    lock.script = async (ctx) => {
      if (delivery !== 'not_sent') (await ctx.pointOfNoReturn()).spend();
      throw new GatewayError(type, 'Front did what it did. Look at the door, and try again.');
    };
    const { settlement } = await ended(await core.doors.unlock('front', origin()));
    const message = settlement?.status === 'error' ? settlement.error.message : '';
    expect(message).toBe('Front did what it did. Look at the door, and try again.');
  });

  it('and is told to ask again when nothing was sent in time', async () => {
    const { lock, core, origin, ended } = await stay();
    lock.script = sendAndHearNothing;
    await core.doors.unlock('front', origin());
    const { settlement } = await ended(await core.doors.unlock('front', origin()));
    expect(settlement).toMatchObject({ error: { type: 'expired', message: expect.stringContaining('Try again') } });
  });

  it('and hears its driver’s reason when its time is over before anything left', async () => {
    const { lock, core, origin, ended } = await stay();
    lock.script = (ctx) =>
      untilAborted(ctx).catch(() => {
        throw new GatewayError('device_offline', 'Front does not answer. Check its batteries.');
      });
    const { settlement } = await ended(await core.doors.unlock('front', origin()));
    expect(settlement).toMatchObject({ error: { type: 'device_offline' } });
  });
});
