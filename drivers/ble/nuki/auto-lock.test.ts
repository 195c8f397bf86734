import { afterEach, describe, expect, it } from 'vitest';
import { type NukiFixture, type NukiFixtureOptions, nukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';

let f: NukiFixture;
const build = async (options: NukiFixtureOptions = {}) => {
  f = await nukiFixture(options);
  return f;
};
afterEach(() => f.close());

async function configure(delaySeconds: number | undefined) {
  const command = f.command({ sendByMs: 45_000, deadlineMs: 60_000 });
  const { autoLock } = f.device;
  if (autoLock === undefined) throw new Error('the device has no auto-lock');
  const wanted = { enabled: delaySeconds !== undefined, delaySeconds };
  const end = await f.settled(autoLock.configure(command.ctx, wanted));
  command.end();
  return end;
}

describe('the auto-lock of a Nuki', () => {
  it('is known once the lock was asked, and told from then on', async () => {
    await build();
    expect(f.device.autoLock?.delays).toEqual({ min: 30, max: 1_800 });
    expect(f.reports.slice(-2)).toEqual([
      { kind: 'capabilities' },
      { kind: 'auto_lock', enabled: false, delaySeconds: 300 },
    ]);
  });

  it('is set among settings that stay as they were, bit by bit', async () => {
    await build();
    const { rest } = f.lock.advancedConfig;
    expect(await configure(45)).toEqual({ enabled: true, delaySeconds: 45 });
    expect(f.lock.advancedConfig).toMatchObject({ autoLock: { enabled: true, afterS: 45 }, rest });
    expect(await configure(undefined)).toEqual({ enabled: false, delaySeconds: 45 });
    expect(f.lock.advancedConfig).toMatchObject({ autoLock: { enabled: false, afterS: 45 }, rest });
  });

  it('works: the lock locks itself so long after it was unlocked', async () => {
    await build();
    await configure(30);
    await f.door('unlock');
    const [unlocked] = f.lock.turns.slice(-1);
    await f.clock.advance(40_000);
    expect(f.lock.turns.at(-1)).toMatchObject({ to: 'locked', by: 'auto_lock' });
    expect((f.lock.turns.at(-1)?.at ?? 0) - (unlocked?.at ?? 0)).toBeGreaterThanOrEqual(30_000);
  });

  it.each<[string, NukiFixtureOptions]>([
    ['whose firmware has no switch for it', { lock: { oldFirmware: true } }],
    ['of the Ultra class, whose settings nobody has published', { lock: { generation: 'ultra' } }],
    ['that was paired without its PIN', { pin: null }],
  ])('is not there on one %s, and nothing is written', async (_, options) => {
    await build(options);
    expect(f.device.autoLock?.delays).toBeUndefined();
    expect(f.reports.some(({ kind }) => kind === 'auto_lock')).toBe(false);
    expect(await configure(45)).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect(f.lock.advancedConfig.writes).toBe(0);
  });

  it('with a wrong PIN is refused in words, and asked for once', async () => {
    await build({ pin: 4711 });
    expect(await configure(45)).toMatchObject({ type: 'authentication_failed', delivery: 'refused' });
    expect(f.lock.advancedConfig.writes).toBe(0);
    expect(f.lock.history.filter((name) => name === 'setAdvancedConfig')).toHaveLength(1);
  });
});
