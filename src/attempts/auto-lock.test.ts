import { describe, expect, test } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { untilAborted } from '../../test/kit/locks/scripted-lock.ts';
import type { AutoLock, AutoLockCapability } from '../contract/index.ts';

/** A lock that keeps what it is told, or something else. */
class FakeAutoLock implements AutoLockCapability {
  delays: AutoLockCapability['delays'] = { min: 30, max: 1_800 };
  kept: AutoLock = { enabled: false, delaySeconds: undefined };
  /** What it makes of what it is told. */
  takes: (wanted: AutoLock) => AutoLock = (wanted) => wanted;
  writes = 0;
  fallsSilent = false;

  configure: AutoLockCapability['configure'] = async (ctx, wanted) => {
    (await ctx.pointOfNoReturn()).spend();
    this.writes += 1;
    this.kept = this.takes(wanted);
    return this.fallsSilent ? untilAborted(ctx) : this.kept;
  };

  read: AutoLockCapability['read'] = async () => this.kept;
}

const on: AutoLock = { enabled: true, delaySeconds: 45 };
const off: AutoLock = { enabled: false, delaySeconds: undefined };

async function told(autoLock: FakeAutoLock, wanted: AutoLock) {
  const { core, origin, end, clock } = await scriptedCore({ autoLock });
  const attempt = await core.doors.configureAutoLock('front', wanted, origin());
  return (await clock.until(end(attempt))).settlement;
}

describe('a lock that is told when to lock itself', () => {
  test.each([on, off])('is done when it keeps it: %o', async (wanted) => {
    expect(await told(new FakeAutoLock(), wanted)).toEqual({ status: 'success', result: {} });
  });

  test.each<[string, AutoLock, AutoLock]>([
    ['another delay', on, { enabled: true, delaySeconds: 60 }],
    ['no delay that it tells', on, { enabled: true, delaySeconds: undefined }],
    ['none', on, off],
    ['the old one', off, on],
  ])('is not, whatever it said to the write, when it keeps %s', async (_, wanted, kept) => {
    const fake = new FakeAutoLock();
    fake.takes = () => kept;
    expect(await told(fake, wanted)).toMatchObject({ status: 'error', error: { type: 'state_not_reached' } });
    expect(fake.writes).toBe(1);
  });

  test('keeps its own delay for the next time when it is switched off', async () => {
    const fake = new FakeAutoLock();
    fake.takes = () => ({ enabled: false, delaySeconds: 120 });
    expect(await told(fake, off)).toMatchObject({ status: 'success' });
  });

  test('is unknown when it falls silent, and the advice is to ask again', async () => {
    const fake = new FakeAutoLock();
    fake.fallsSilent = true;
    expect(await told(fake, on)).toMatchObject({
      error: { type: 'outcome_unknown', message: expect.stringMatching(/Ask for it again: that does no harm\.$/) },
    });
  });

  test.each([29, 1_801])('is refused a delay that it does not keep: %d s', async (delaySeconds) => {
    const fake = new FakeAutoLock();
    await expect(told(fake, { enabled: true, delaySeconds })).rejects.toMatchObject({
      type: 'invalid_input',
      message: expect.stringContaining('30 to 1800 seconds'),
    });
    expect(fake.writes).toBe(0);
  });

  test('is refused when it does not have that', async () => {
    const fake = new FakeAutoLock();
    fake.delays = undefined;
    await expect(told(fake, on)).rejects.toMatchObject({ type: 'unsupported_action' });
    const { core, origin } = await scriptedCore();
    await expect(core.doors.configureAutoLock('front', on, origin())).rejects.toMatchObject({
      type: 'unsupported_action',
      message: expect.stringContaining('Door front cannot be told to lock itself'),
    });
  });

  test('shows what it told last', async () => {
    const { core, lock } = await scriptedCore({ autoLock: new FakeAutoLock() });
    expect(core.devices.get('front')).toMatchObject({ capabilities: { autoLock: { min: 30, max: 1_800 } } });
    lock.report({ kind: 'auto_lock', ...on });
    expect(core.devices.get('front')?.autoLock).toEqual(on);
  });

  test.each<[string, AutoLock, object]>([
    ['keeps it', on, { status: 'success', result: {} }],
    ['keeps another', { enabled: true, delaySeconds: 60 }, { error: { type: 'state_not_reached' } }],
  ])('is asked after a restart, and never told again: it %s', async (_, kept, settlement) => {
    const before = new FakeAutoLock();
    before.fallsSilent = true;
    const first = await scriptedCore({ autoLock: before });
    const attempt = await first.core.doors.configureAutoLock('front', on, first.origin());
    await first.clock.advance(50);
    const after = new FakeAutoLock();
    after.kept = kept;
    const second = await scriptedCore({ clock: first.clock, store: first.store.crash(), autoLock: after });
    expect((await second.clock.until(second.end(attempt))).settlement).toMatchObject(settlement);
    expect(after.writes).toBe(0);
  });
});
