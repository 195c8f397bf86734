import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessCodeCapability, type CodeCommandContext, Secret } from '../../../src/contract/index.ts';
import type { CommandOptions } from '../../../src/driver-testing/command-context.ts';
import { type ZigbeeLockFixture, zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';

let f: ZigbeeLockFixture;

beforeEach(async () => {
  f = await zigbeeLock();
});

async function ask<T>(
  work: (codes: AccessCodeCapability, ctx: CodeCommandContext) => Promise<T>,
  options: Partial<CommandOptions> = {},
) {
  const test = f.command({ sendByMs: 45_000, deadlineMs: 60_000, ...options });
  const codes = f.device.accessCodes;
  if (codes === undefined) throw new Error('the device takes no codes');
  const startedAt = f.clock.now();
  const outcome = await f.clock.until(
    work(codes, test.ctx).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  );
  test.end();
  return { ...outcome, tookMs: f.clock.now() - startedAt, permits: test.permits.length, passed: test.timesDoorsPassed };
}

const set = (slot: number, pin: string, options?: Partial<CommandOptions>) =>
  ask((codes, ctx) => codes.set(ctx, { slot, label: 'x', code: new Secret(pin) }), options);
const clear = (slot: number, options?: Partial<CommandOptions>) => ask((codes, ctx) => codes.clear(ctx, slot), options);
const read = (slot: number) => ask(async (codes, ctx) => codes.read?.(ctx, slot));

const error = (type: string, delivery?: string) => ({
  error: expect.objectContaining(delivery === undefined ? { type } : { type, delivery }),
});
const held = () => Object.fromEntries(f.lock.keypad.codes);

describe('a healthy lock', () => {
  it('takes a code with its leading zero, is read back, and lets doors pass', async () => {
    const outcome = await set(3, '0472');
    expect(outcome).toMatchObject({ value: { slot: 3, occupied: true }, permits: 1 });
    expect(outcome.tookMs).toBeLessThan(2_500);
    expect(outcome.passed).toBeGreaterThanOrEqual(3);
    expect(held()).toEqual({ 3: '0472' });
  });

  it('gives a code back, and says so only when the lock does', async () => {
    await set(3, '0472');
    expect(await clear(3)).toMatchObject({ value: undefined, permits: 1 });
    expect(held()).toEqual({});
  });

  it('clears an empty slot without writing', async () => {
    expect(await clear(3)).toMatchObject({ value: undefined, permits: 0 });
    expect(f.lock.keypad.codeCommands).toEqual([]);
  });

  it('reads what a slot holds now, not what the bridge remembers', async () => {
    await set(3, '0472');
    f.lock.keypad.codes.delete(3);
    expect(await read(3)).toMatchObject({ value: { slot: 3, occupied: false } });
    f.lock.keypad.codes.set(3, '1111');
    expect(await read(3)).toMatchObject({ value: { slot: 3, occupied: true } });
  });

  it('needs no programming events', async () => {
    f.lock.misbehave({ sendsNoProgrammingEvents: true });
    expect(await set(3, '0472')).toMatchObject({ value: { occupied: true } });
    expect(await clear(3)).toMatchObject({ value: undefined });
  });

  it('has no codes where the settings give it no slots', async () => {
    const plain = await zigbeeLock({ settings: { pin_slots: undefined } });
    expect(plain.device.accessCodes).toBeUndefined();
  });
});

describe('the truth, however the lock behaves', () => {
  it('a slot that somebody else uses is never overwritten', async () => {
    f.lock.keypad.codes.set(3, '9999');
    expect(await set(3, '0472')).toMatchObject({ ...error('slot_conflict', 'not_sent'), permits: 0 });
    expect(held()).toEqual({ 3: '9999' });
    expect(f.lock.keypad.codeCommands).toEqual([]);
  });

  it('a slot outside those that are ours is never touched', async () => {
    const few = await zigbeeLock({ settings: { pin_slots: { first: 5, count: 2 } } });
    f = few;
    expect(await set(3, '0472')).toMatchObject({ ...error('slot_conflict'), permits: 0 });
    expect(few.lock.keypad.codeCommands).toEqual([]);
  });

  it('a duplicate that is refused silently is not stored', async () => {
    f.lock.keypad.codes.set(9, '0472');
    expect(await set(3, '0472')).toMatchObject(error('code_not_stored', 'acted'));
  });

  it('a duplicate is named where the lock shows its codes', async () => {
    f = await zigbeeLock({ lock: { exposePin: true } });
    await set(9, '0472');
    const outcome = await set(3, '0472');
    expect(outcome).toMatchObject(error('duplicate_code_on_device', 'refused'));
    expect(JSON.stringify(outcome)).not.toContain('0472');
  });

  it.each([
    { refusesPins: true },
    { forgetsPins: true },
    { refusesPins: true, believesPins: true },
    { forgetsPins: true, believesPins: true },
  ])('a code that is not there when it is read was not stored: %o', async (misbehaviour) => {
    f.lock.misbehave(misbehaviour);
    expect(await set(3, '0472')).toMatchObject(error('code_not_stored', 'acted'));
  });

  it('what the bridge makes up between read and answer is not the answer', async () => {
    f.lock.misbehave({ refusesPins: true, sendsNoProgrammingEvents: true });
    const outcome = set(3, '0472');
    await f.clock.advance(1_900);
    // The read back has left; its answer is on the way.
    f.simulator.bridge.update('Front Door', { users: { 3: { status: 'enabled' } } });
    expect(await outcome).toMatchObject(error('code_not_stored'));
  });

  it('a slow lock is waited for', async () => {
    f.lock.misbehave({ storesLateMs: 7_000 });
    expect(await set(3, '0472')).toMatchObject({ value: { occupied: true } });
    expect(await clear(3)).toMatchObject({ value: undefined });
  });

  it('a lock that says enabled after a delete is asked until it says available', async () => {
    await set(3, '0472');
    f.lock.misbehave({ enabledAfterDelete: 3 });
    expect(await clear(3)).toMatchObject({ value: undefined });
  });

  it('a lock that keeps a deleted code still opens, and that is said', async () => {
    await set(3, '0472');
    f.lock.misbehave({ keepsClearedPins: true });
    const outcome = await clear(3);
    expect(outcome).toMatchObject(error('code_not_stored', 'acted'));
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('still holds it') } });
  });

  it('battery reports with old users beside are no answers', async () => {
    f.lock.misbehave({ batteryReportsAfterMs: [5, 100, 140], refusesPins: true });
    expect(await set(3, '0472')).toMatchObject(error('code_not_stored'));
    f.lock.behave();
    await set(3, '0472');
    f.lock.misbehave({ batteryReportsAfterMs: [5, 100, 140] });
    expect(await clear(3)).toMatchObject({ value: undefined });
  });

  it('fewer slots on the lock than in the settings', async () => {
    f = await zigbeeLock({ lock: { slots: 10 } });
    expect(await set(10, '0472')).toMatchObject({ ...error('misconfigured', 'not_sent'), permits: 0 });
  });

  it('a lock whose converter takes no PINs', async () => {
    f = await zigbeeLock({ lock: { slots: 0 } });
    expect(await set(1, '0472')).toMatchObject({ ...error('misconfigured', 'not_sent'), permits: 0 });
  });

  it('a lock that does not say what the slot holds is not written to', async () => {
    f.lock.misbehave({ ignoresPinReads: true });
    expect(await set(3, '0472')).toMatchObject({ ...error('device_offline', 'not_sent'), permits: 0 });
  });

  it('a lock that falls silent after the write: nobody can know', async () => {
    const outcome = set(3, '0472');
    while (f.link.sent.every(({ kind }) => kind === 'query')) await f.clock.advance(1);
    f.lock.misbehave({ ignoresPinReads: true });
    expect(await outcome).toMatchObject({ ...error('outcome_unknown', 'maybe_sent'), permits: 1 });
  });
});

describe('the way to the lock', () => {
  it('is missing before the write: nothing is sent', async () => {
    f.link.cut();
    expect(await set(3, '0472')).toMatchObject({ ...error('link_unavailable', 'not_sent'), permits: 0 });
  });

  it.each(['arrives', 'lost'] as const)('breaks as the write leaves, which %s', async (onTheWay) => {
    const outcome = set(3, '0472');
    while (f.link.sent.every(({ kind }) => kind === 'query')) await f.clock.advance(1);
    f.link.cut({ onTheWay });
    await f.clock.advance(5_000);
    f.link.restore();
    expect(await outcome).toMatchObject(
      onTheWay === 'arrives' ? { value: { occupied: true } } : error('code_not_stored'),
    );
    expect(f.lock.keypad.codeCommands).toHaveLength(onTheWay === 'arrives' ? 1 : 0);
  });

  it('lets a door through in the middle of everything', async () => {
    let doors = 0;
    const outcome = await set(3, '0472', {
      whileDoorsPass: async () => {
        doors += 1;
        const door = f.command();
        await f.device.lock?.[doors % 2 === 0 ? 'lock' : 'unlock'](door.ctx);
        door.end();
      },
    });
    expect(outcome).toMatchObject({ value: { occupied: true } });
    expect(f.lock.movements).toHaveLength(doors);
    expect(doors).toBeGreaterThanOrEqual(3);
  });
});

it('shows no PIN in its log, its errors or its reports', async () => {
  f = await zigbeeLock({ lock: { exposePin: true } });
  const pin = '73914682';
  const outcomes = [await set(3, pin), await set(4, pin), await set(3, '5550123'), await read(3)];
  f.lock.misbehave({ forgetsPins: true });
  const later = [await set(5, '88442211'), await clear(3)];
  const everything = f.logged.join('\n') + JSON.stringify([outcomes, later, f.reports]);
  expect(everything).not.toMatch(/73914682|88442211|5550123/);
  expect(outcomes[3]).toMatchObject({ value: { code: expect.any(Secret) } });
});
