import { describe, expect, it } from 'vitest';
import { type ScriptedOptions, scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { sendAndConfirm } from '../../test/kit/locks/scripted-lock.ts';
import { GatewayError, Secret } from '../contract/index.ts';
import { Serializers } from '../wire/serializers.ts';

async function fixture(options: ScriptedOptions = {}) {
  const keypad = options.keypad ?? new ScriptedKeypad();
  const core = await scriptedCore({ ...options, keypad });
  const codes = core.core.accessCodes;
  const create = async (digits?: string) => {
    const request = digits === undefined ? { deviceId: 'front' } : { deviceId: 'front', code: new Secret(digits) };
    return codes.create(request, core.origin());
  };
  return { ...core, keypad, codes, create };
}

describe('creating a code', () => {
  it('takes a free slot, writes it down before the lock hears of it, and ends set', async () => {
    const { clock, codes, create, end, keypad, store } = await fixture();
    let onDisk: number | undefined;
    keypad.nextSet = async (ctx, write) => {
      onDisk = store.read.accessCodes('front')[0]?.placements[0]?.slot;
      await keypad.store(ctx, write);
    };
    const { attempt, code } = await create('0472');
    expect(code.status).toBe('setting');
    const ended = await clock.until(end(attempt));
    expect(ended.settlement).toEqual({ status: 'success', result: { access_code_id: code.accessCodeId } });
    expect(onDisk).toBe(1);
    expect(keypad.slots).toEqual(new Map([[1, '0472']]));
    expect(store.read.accessCode(code.accessCodeId)).toMatchObject({ status: 'set', placements: [{ slot: 1 }] });
    expect(codes.reveal(code)?.reveal()).toBe('0472');
  });

  it('never writes a slot that holds somebody else’s code, now or later', async () => {
    const { clock, create, end, keypad, store } = await fixture();
    keypad.slots.set(1, '9999');
    await clock.until(end((await create('0472')).attempt));
    expect(keypad.slots).toEqual(
      new Map([
        [1, '9999'],
        [2, '0472'],
      ]),
    );
    expect(store.read.unmanagedCodes('front')).toMatchObject([{ slot: 1 }]);
  });

  it('stays known on the lock when a change of it finds no room on disk meanwhile', async () => {
    const { clock, codes, commit, create, end, keypad, origin, store } = await fixture();
    keypad.nextSet = async (ctx, { slot, code }) => {
      (await ctx.pointOfNoReturn()).spend();
      keypad.slots.set(slot ?? 0, code.reveal());
      throw new GatewayError('outcome_unknown', 'The lock did not answer.');
    };
    commit.ms = 50;
    const created = create('0472');
    // The slot is being written down; the write leaves at 200 ms.
    await clock.advance(60);
    const { attempt, code } = await created;
    store.fillDisk();
    const refused = expect(codes.update(code.accessCodeId, { name: 'Ana' }, origin())).rejects.toMatchObject({
      type: 'storage_unavailable',
    });
    await clock.advance(100);
    await refused;
    store.freeDisk();
    await clock.until(end(attempt));
    expect(codes.get(code.accessCodeId)).toMatchObject({ name: undefined, placements: [{ slot: 1 }] });
    await clock.advance(60_000);
    expect(keypad.slots).toEqual(new Map([[1, '0472']]));
  });

  it('works beside one whose digits were damaged on disk, which can still be deleted', async () => {
    const first = await fixture();
    const [bad, other] = [await first.create('0472'), await first.create('5555')];
    await first.clock.until(Promise.all([first.end(bad.attempt), first.end(other.attempt)]));
    const damaged = new Set([bad.code.accessCodeId, other.code.accessCodeId]);
    const store = first.store.crash();
    const { codes, create, end, keypad, origin, clock, core } = await fixture({
      clock: first.clock,
      store,
      keypad: first.keypad,
      damaged,
    });
    await clock.advance(60_000);
    const answers = new Serializers(core);
    expect(codes.list().map((code) => answers.accessCode(code, { may: () => true }).code)).toEqual([null, null]);
    expect((await clock.until(end((await create('7391')).attempt))).settlement?.status).toBe('success');
    const removal = await codes.delete(bad.code.accessCodeId, origin());
    expect((await clock.until(end(removal))).settlement?.status).toBe('success');
    expect(keypad.slots).toEqual(
      new Map([
        [2, '5555'],
        [3, '7391'],
      ]),
    );
  });

  it('says so when every slot is taken', async () => {
    const { clock, create, end, keypad } = await fixture();
    for (const slot of [1, 2, 3]) keypad.slots.set(slot, '9999');
    const ended = await clock.until(end((await create('0472')).attempt));
    expect(ended.settlement).toMatchObject({ error: { type: 'no_space_for_access_code_on_device' } });
    expect(keypad.writes).toEqual([]);
  });

  it.each([
    ['12', /4 to 8 digits/],
    ['12345678901', /4 to 8 digits/],
    ['12a4', /digits 0123456789/],
  ])('refuses %s before anything is sent, without repeating it', async (digits, message) => {
    const { create } = await fixture();
    const refusal = await create(digits).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ type: 'invalid_input', message: expect.stringMatching(message) });
    expect(String(refusal)).not.toContain(digits);
  });

  it('refuses the digits of another code of the same door, and takes them once that one is gone', async () => {
    const { clock, codes, create, end, origin } = await fixture();
    const first = await create('0472');
    await expect(create('0472')).rejects.toMatchObject({ type: 'duplicate_access_code' });
    await clock.until(end(first.attempt));
    await expect(create('0472')).rejects.toMatchObject({ type: 'duplicate_access_code' });
    await clock.until(end(await codes.delete(first.code.accessCodeId, origin())));
    const again = await clock.until(end((await create('0472')).attempt));
    expect(again.settlement?.status).toBe('success');
  });

  it('chooses digits that are free and not weak', async () => {
    const { clock, codes, create, end, keypad } = await fixture();
    const { attempt, code } = await create();
    await clock.until(end(attempt));
    expect(codes.reveal(code)?.reveal()).toMatch(/^\d{6}$/);
    expect([...keypad.slots.values()]).toEqual([codes.reveal(code)?.reveal()]);
  });

  it('is refused for a device without a keypad', async () => {
    const { core, origin } = await scriptedCore();
    await expect(core.accessCodes.create({ deviceId: 'front' }, origin())).rejects.toMatchObject({
      type: 'unsupported_action',
    });
  });

  it('is written once more to the same slot when it reads back wrong, clearing what is there', async () => {
    const { clock, create, end, keypad } = await fixture();
    keypad.nextSet = async (ctx, write) => {
      await keypad.store(ctx, write);
      throw new GatewayError('code_not_stored', 'It reads back wrong.');
    };
    const ended = await clock.until(end((await create('0472')).attempt));
    expect(ended.settlement?.status).toBe('success');
    expect(keypad.writes).toEqual(['set 1', 'clear 1', 'set 1']);
  });

  it('that may be on the lock keeps its slot, so that deleting it clears the lock', async () => {
    const { clock, codes, create, end, keypad, origin, store } = await fixture();
    keypad.nextSet = async (ctx, write) => {
      await keypad.store(ctx, write);
      throw new GatewayError('outcome_unknown', 'Nothing was heard.');
    };
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    expect(store.read.accessCode(code.accessCodeId)).toMatchObject({
      status: 'setting',
      placements: [{ slot: 1 }],
      errors: [{ code: 'failed_to_set_on_device' }],
    });
    await clock.until(end(await codes.delete(code.accessCodeId, origin())));
    expect(keypad.slots.size).toBe(0);
    expect(store.read.accessCode(code.accessCodeId)).toBeUndefined();
  });

  it('lets a door pass between its steps', async () => {
    const { clock, core, create, end, lock, keypad, origin } = await fixture();
    lock.script = sendAndConfirm;
    const order: string[] = [];
    keypad.nextSet = async (ctx, write) => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 1_000));
      order.push('first step');
      await ctx.letDoorsPass();
      order.push(`doors so far: ${lock.sent.length}`);
      await keypad.store(ctx, write);
    };
    const { attempt } = await create('0472');
    await clock.advance(10);
    const door = await core.doors.unlock('front', origin());
    await clock.until(Promise.all([end(attempt), end(door)]));
    expect(order).toEqual(['first step', 'doors so far: 1']);
  });
});

describe('deleting a code', () => {
  it('empties its slot, and the code is gone', async () => {
    const { clock, codes, create, end, keypad, origin } = await fixture();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    const ended = await clock.until(end(await codes.delete(code.accessCodeId, origin())));
    expect(ended.settlement).toEqual({ status: 'success', result: {} });
    expect(keypad.slots.size).toBe(0);
    expect(codes.get(code.accessCodeId)).toBeUndefined();
    await expect(codes.delete('never-was', origin())).rejects.toMatchObject({ type: 'access_code_not_found' });
  });

  it('repeated while under way answers with the same attempt', async () => {
    const { clock, codes, create, end, origin } = await fixture();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    const first = await codes.delete(code.accessCodeId, origin());
    const second = await codes.delete(code.accessCodeId, origin());
    expect(second.actionAttemptId).toBe(first.actionAttemptId);
  });

  it('repeated when it is over, even by another process, answers with the same attempt', async () => {
    const first = await fixture();
    const { attempt, code } = await first.create('0472');
    await first.clock.until(first.end(attempt));
    const removal = await first.codes.delete(code.accessCodeId, first.origin());
    await first.clock.until(first.end(removal));
    const second = await fixture({ clock: first.clock, store: first.store.crash(), keypad: first.keypad });
    for (const { codes, origin } of [first, second]) {
      const again = await codes.delete(code.accessCodeId, origin());
      expect(again).toMatchObject({ actionAttemptId: removal.actionAttemptId, settlement: { status: 'success' } });
    }
  });

  it('that joins one under way can be repeated under its own idempotency key', async () => {
    const { clock, codes, create, end, origin, core } = await fixture();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    const first = await codes.delete(code.accessCodeId, origin());
    await codes.delete(code.accessCodeId, { ...origin(), idempotency: { scope: 'scope', fingerprint: 'same' } });
    expect(core.attempts.idempotency('scope')?.actionAttemptId).toBe(first.actionAttemptId);
  });

  it('that failed leaves the code known as being removed, and may be asked again', async () => {
    const { clock, codes, create, end, keypad, origin } = await fixture();
    const { attempt, code } = await create('0472');
    await clock.until(end(attempt));
    keypad.nextClear = async () => {
      throw new GatewayError('device_rejected', 'The lock said no.');
    };
    const failed = await clock.until(end(await codes.delete(code.accessCodeId, origin())));
    expect(failed.settlement?.status).toBe('error');
    expect(codes.get(code.accessCodeId)).toMatchObject({
      status: 'removing',
      errors: [{ code: 'failed_to_remove_from_device' }],
    });
    const again = await clock.until(end(await codes.delete(code.accessCodeId, origin())));
    expect(again.settlement?.status).toBe('success');
  });

  it('of a code that is still being written comes after the write', async () => {
    const { clock, codes, create, end, keypad, origin } = await fixture();
    const { attempt, code } = await create('0472');
    const removal = await codes.delete(code.accessCodeId, origin());
    await clock.until(Promise.all([end(attempt), end(removal)]));
    expect(keypad.writes).toEqual(['set 1', 'clear 1']);
    expect(codes.get(code.accessCodeId)).toBeUndefined();
  });
});

describe('after a crash', () => {
  it.each([
    ['on the lock', true, { status: 'success' }],
    ['not on the lock', false, { error: { type: 'code_not_stored' } }],
  ] as const)('a code that was being written and is %s is told as such, and stays', async (_, there, settlement) => {
    const first = await fixture();
    first.keypad.nextSet = async (ctx, write) => {
      if (there) await first.keypad.store(ctx, write);
      else (await ctx.pointOfNoReturn()).spend();
      await new Promise(() => {});
    };
    const { attempt, code } = await first.create('0472');
    await first.clock.advance(10);
    const second = await fixture({ clock: first.clock, store: first.store.crash(), keypad: first.keypad });
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement).toMatchObject(settlement);
    await second.clock.advance(1_000);
    expect(second.store.read.accessCode(code.accessCodeId)).toMatchObject({ status: 'set', errors: [] });
    expect(second.keypad.slots).toEqual(new Map([[1, '0472']]));
  });

  it('a code that was accepted and never written is written by the gateway itself', async () => {
    const first = await fixture();
    first.keypad.nextSet = () => new Promise(() => {});
    const { attempt, code } = await first.create('0472');
    await first.clock.advance(10);
    const second = await fixture({ clock: first.clock, store: first.store.crash(), keypad: first.keypad });
    const ended = await second.clock.until(second.end(attempt));
    expect(ended.settlement).toMatchObject({ error: { type: 'gateway_restarted' } });
    await second.clock.advance(1_000);
    expect(second.store.read.accessCode(code.accessCodeId)).toMatchObject({ status: 'set', placements: [{ slot: 1 }] });
    expect(second.keypad.slots).toEqual(new Map([[1, '0472']]));
    expect(second.core.attempts.list({ limit: 1 })).toMatchObject([
      { actionType: 'CREATE_ACCESS_CODE', actor: { kind: 'reconcile' }, settlement: { status: 'success' } },
    ]);
  });

  it.each([
    [true, { error: { type: 'state_not_reached' } }],
    [false, { status: 'success' }],
  ] as const)(
    'a code that was being removed ends by what the lock holds (still there: %s), and goes',
    async (there, settlement) => {
      const first = await fixture();
      const { attempt, code } = await first.create('0472');
      await first.clock.until(first.end(attempt));
      first.keypad.nextClear = async (ctx, slot) => {
        (await ctx.pointOfNoReturn()).spend();
        if (!there) first.keypad.slots.delete(slot);
        await new Promise(() => {});
      };
      const removal = await first.codes.delete(code.accessCodeId, first.origin());
      await first.clock.advance(10);
      const second = await fixture({ clock: first.clock, store: first.store.crash(), keypad: first.keypad });
      const ended = await second.clock.until(second.end(removal));
      expect(ended.settlement).toMatchObject(settlement);
      await second.clock.advance(1_000);
      expect(second.store.read.accessCode(code.accessCodeId)).toBeUndefined();
      expect(second.keypad.slots.size).toBe(0);
    },
  );
});
