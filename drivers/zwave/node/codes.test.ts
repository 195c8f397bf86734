import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/contract/index.ts';
import { type ZwaveDoorOptions, zwaveDoor } from '../../../test/kit/locks/zwave-door.ts';

const write = (slot: number, digits: string) => ({ slot, label: 'sp-1', code: new Secret(digits) });
const error = (type: string) => ({ error: expect.objectContaining({ type }) });

const withUsers: ZwaveDoorOptions = {
  prepare: (node) => {
    node.features = {
      ...node.features,
      codes: { kept: 'user_credential', slots: 10, minLength: 4, maxLength: 8 },
    };
  },
};

describe('codes', () => {
  it('that are shown as stars count as stored, and nothing is claimed of their digits', async () => {
    const { node, code } = await zwaveDoor();
    node.faults.masksCodes = true;
    const { value } = await code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    expect(value).toEqual({ slot: 1, occupied: true });
  });

  // Stars come without digits; others show a mask of digits, or a number, which has lost its leading zeros.
  it.each([
    ['0815', (code: string) => String(Number(code))],
    ['000042', (code: string) => String(Number(code))],
    ['012345', (code: string) => String(Number(code))],
    ['481516', () => '000000'],
    ['481516', () => '9999'],
    ['481516', () => '1'],
  ] as const)('%s that is shown otherwise is stored, once, and not compared', async (digits, showsAs) => {
    const { node, code } = await zwaveDoor();
    node.faults.showsAs = showsAs;
    const { value } = await code((codes, ctx) => codes.set(ctx, write(1, digits)));
    expect(value).toMatchObject({ slot: 1, occupied: true });
    expect(node.codes.get(1)).toEqual({ code: digits });
    expect(node.commands).toHaveLength(1);
  });

  it('that is shown as another code was not stored as it was sent', async () => {
    const { node, code } = await zwaveDoor();
    node.faults.showsAs = () => '234217';
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(error('code_not_stored'));
    expect(node.commands).toHaveLength(1);
  });

  it('in a slot that is taken by what is not shown is left alone', async () => {
    const { node, code } = await zwaveDoor();
    node.codes.set(1, { code: '815815' });
    for (const showsAs of [() => '000000', (held: string) => held]) {
      node.faults.showsAs = showsAs;
      expect(await code((codes, ctx) => codes.set(ctx, write(1, '0481516')))).toMatchObject(error('slot_conflict'));
    }
    expect(node.commands).toEqual([]);
  });

  it('written over themselves are left as they are', async () => {
    const { node, code } = await zwaveDoor();
    node.codes.set(1, { code: '481516' });
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject({ value: { occupied: true } });
    expect(node.commands).toEqual([]);
  });

  // It is asked at once: what it shows until it is through is what was before.
  it.each([
    ['unsupervised', undefined, 3_000],
    ['unsupervised', undefined, 4_900],
    ['working', undefined, 4_000],
    ['working', 15_000, 14_000],
  ] as const)('are waited for where the lock says %s (%s) and is through after %i ms', async (said, forMs, ms) => {
    const { clock, node, code, device } = await zwaveDoor();
    node.faults.says = { said, ...(forMs !== undefined && { remainingMs: forMs }) };
    node.faults.actsAfterMs = ms;
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject({ value: { slot: 1 } });
    expect(node.codes.get(1)).toEqual({ code: '481516' });
    await clock.advance(1_000);
    expect(await code((codes, ctx) => codes.clear(ctx, 1))).toMatchObject({ error: undefined });
    expect(node.codes.get(1)).toBeUndefined();
    const wanted = { enabled: true, delaySeconds: 30 };
    expect(await code((_, ctx) => device.autoLock?.configure(ctx, wanted) ?? Promise.reject())).toMatchObject({
      value: wanted,
    });
    expect(node.commands).toHaveLength(3);
  });

  it('that a lock calls done, and that are not there, are not waited for', async () => {
    const { node, code } = await zwaveDoor();
    node.faults.says = { said: 'done' };
    node.faults.storesNothing = true;
    const { error: ended, tookMs } = await code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    expect(ended).toMatchObject({ type: 'code_not_stored' });
    expect(tookMs).toBeLessThan(3_000);
  });

  it('that the lock took and does not hold are not claimed', async () => {
    const { node, code } = await zwaveDoor();
    node.faults.storesNothing = true;
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(error('code_not_stored'));
  });

  it('of which another slot is known to hold the same are asked for there, and refused unsent', async () => {
    const { node, code } = await zwaveDoor();
    node.known.set(7, '481516');
    node.codes.set(7, { code: '481516' });
    const ended = await code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    expect(ended).toMatchObject(error('duplicate_code_on_device'));
    expect(ended.permits).toEqual([]);
  });

  it('of which another slot held the same long ago are written', async () => {
    const { node, code } = await zwaveDoor();
    node.known.set(7, '481516');
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject({ value: { occupied: true } });
    expect(node.codes.get(1)).toEqual({ code: '481516' });
  });

  it.each([
    ['duplicate', 'duplicate_code_on_device'],
    ['occupied', 'slot_conflict'],
    ['against_rules', 'invalid_access_code'],
    ['failed', 'device_rejected'],
  ] as const)('that the lock calls %s end %s', async (said, type) => {
    const { node, code } = await zwaveDoor();
    node.faults.refuses = true;
    node.faults.says = { said };
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(error(type));
    expect(node.codes.size).toBe(0);
  });

  it('that failed for a reason told 300 ms later are duplicates', async () => {
    const { clock, node, code } = await zwaveDoor();
    node.faults.refuses = true;
    clock.setTimer(() => node.tell({ report: 'duplicate_code' }), 350);
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(
      error('duplicate_code_on_device'),
    );
  });

  it.each([
    ['outside the slots that are ours', 4, '481516', 'slot_conflict'],
    ['of a length that the lock does not take', 1, '481516234', 'invalid_access_code'],
  ])('%s are refused unsent', async (_, slot, digits, type) => {
    const { code } = await zwaveDoor();
    const ended = await code((codes, ctx) => codes.set(ctx, write(slot, digits)));
    expect(ended).toMatchObject(error(type));
    expect(ended.permits).toEqual([]);
  });

  it('in a slot that the lock does not have are a matter of settings', async () => {
    const { code } = await zwaveDoor({ settings: { pin_slots: { first: 10, count: 3 } } });
    expect(await code((codes, ctx) => codes.set(ctx, write(11, '481516')))).toMatchObject(error('misconfigured'));
  });

  it('whose write is not answered are looked for, and never written twice', async () => {
    const { clock, node, code } = await zwaveDoor();
    const ended = code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    await clock.until(node.commandLeaves());
    node.cut('arrives');
    clock.setTimer(() => node.restore(), 2_000);
    expect(await ended).toMatchObject({ value: { slot: 1, occupied: true } });
    expect(node.commands).toHaveLength(1);
  });
});

describe('a lock that tells of no slot', () => {
  it('because each is "not available" is found out, said once, and written to without being read', async () => {
    const { node, code, device, log, reports } = await zwaveDoor();
    node.faults.hidesSlots = true;
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject({ value: { occupied: true } });
    expect(node.codes.get(1)).toEqual({ code: '481516' });
    expect(device.accessCodes?.observes).toBe('nothing');
    expect(reports.filter(({ kind }) => kind === 'capabilities')).toHaveLength(1);
    const asked = node.codeReads;
    await code((codes, ctx) => codes.set(ctx, write(2, '234217')));
    await code((codes, ctx) => codes.clear(ctx, 1));
    expect([node.codes.get(1), node.codes.get(2)]).toEqual([undefined, { code: '234217' }]);
    expect(node.codeReads).toBe(asked);
    expect(log.text.match(/nobody can confirm/g)).toHaveLength(1);
  });

  it('is told from one that lacks one of them', async () => {
    const { node, code, device } = await zwaveDoor();
    node.faults.hidesSlots = [2];
    const ended = await code((codes, ctx) => codes.set(ctx, write(2, '481516')));
    expect(ended).toMatchObject(error('misconfigured'));
    expect((ended.error as Error).message).toContain('slot 2');
    expect(node.commands).toEqual([]);
    expect(device.accessCodes?.observes).toBe('slot');
  });

  it('because it answers no question is asked a few times, and then no more', async () => {
    const { node, code, device, log } = await zwaveDoor();
    node.faults.skipsCodeReads = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3; tries++)
      expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(error('device_offline'));
    expect(device.accessCodes?.observes).toBe('nothing');
    expect(node.codeReads).toBe(6);
    for (let tries = 0; tries < 20; tries++)
      expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject({
        value: { occupied: true },
      });
    expect(node.codeReads).toBe(6);
    expect(log.text.match(/answers no question about a code slot/g)).toHaveLength(1);
  });

  it('and refuses what is written says so', async () => {
    const { node, code } = await zwaveDoor();
    node.faults.hidesSlots = true;
    node.faults.refuses = true;
    node.faults.says = { said: 'duplicate' };
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(
      error('duplicate_code_on_device'),
    );
  });

  it('after a write is asked less and less, within the attempt', async () => {
    const { clock, node, code } = await zwaveDoor();
    const ended = code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    await clock.until(node.commandLeaves());
    node.faults.skipsCodeReads = Number.POSITIVE_INFINITY;
    expect(await ended).toMatchObject(error('outcome_unknown'));
    expect(node.codeReads).toBeLessThan(20);
    expect(node.commands).toHaveLength(1);
  });
});

describe('a duplicate', () => {
  it('that the lock tells of again is none of the next code', async () => {
    const { clock, node, code } = await zwaveDoor();
    node.tell({ report: 'duplicate_code' });
    await clock.advance(4_000);
    node.faults.refuses = true;
    clock.setTimer(() => node.tell({ report: 'duplicate_code' }), 350);
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject(error('device_rejected'));
  });
});

describe('codes that belong to users', () => {
  it('take a permit for the user and one for the code', async () => {
    const { node, code } = await zwaveDoor(withUsers);
    const ended = await code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    expect(ended).toMatchObject({ value: { slot: 1, occupied: true, label: 'sp-1' } });
    expect(ended.permits).toHaveLength(2);
    await code((codes, ctx) => codes.clear(ctx, 1));
    expect(node.codes.size).toBe(0);
  });

  it('leave no user behind when the lock refuses the code', async () => {
    const { clock, node, code } = await zwaveDoor(withUsers);
    const ended = code((codes, ctx) => codes.set(ctx, write(1, '481516')));
    await clock.until(node.commandLeaves());
    const second = node.commandLeaves();
    await clock.until(second);
    node.faults.says = { said: 'duplicate' };
    expect(await ended).toMatchObject(error('duplicate_code_on_device'));
    expect(node.codes.size).toBe(0);
  });

  it('go on with a user that an earlier try left behind, and with no other', async () => {
    const { node, code } = await zwaveDoor(withUsers);
    node.codes.set(1, { label: 'sp-1' });
    node.codes.set(2, { label: 'cleaner' });
    expect(await code((codes, ctx) => codes.set(ctx, write(1, '481516')))).toMatchObject({ value: { slot: 1 } });
    expect(await code((codes, ctx) => codes.set(ctx, write(2, '234217')))).toMatchObject(error('slot_conflict'));
    expect(node.codes.get(2)).toEqual({ label: 'cleaner' });
  });
});
