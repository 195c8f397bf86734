import { expect, it } from 'vitest';
import { GatewayError, Secret } from '../../../src/contract/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { mishaps, mishapsOf, zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { zigbee2mqtt } from './driver.ts';
import type { LockMisbehaviour } from './simulator.ts';

/*
 * Random lives of a keypad behind a bridge: writes, deletes and reads, hands at the keypad, a bridge that repeats, makes up
 * and forgets. What an attempt claims is held against what the keypad held while it lasted.
 */

const ms = (max: number) => fc.integer({ min: 0, max });
const rarely = fc.integer({ min: 0, max: 4 }).map((n) => n === 0);
const slot = fc.integer({ min: 0, max: 3 });

/** What lock and bridge are like; it does not change in the middle of a life. */
const kind = fc.record({
  exposePin: fc.boolean(),
  believesPins: fc.boolean(),
  tellsNoCodes: rarely,
  showsPinsAs: fc.constantFrom('digits', 'digits', 'nothing', 'stars', 'number'),
  repeatsEveryMs: fc.constantFrom(0, 0, 0, 300, 700, 3_000),
  sendsNoProgrammingEvents: fc.boolean(),
});

const misbehaviour = fc.record({
  deaf: rarely,
  refusesPins: rarely,
  forgetsPins: rarely,
  storesLateMs: fc.constantFrom(0, 0, 300, 3_000, 20_000),
  keepsClearedPins: rarely,
  ignoresPinReads: rarely,
  ignoresReads: rarely,
  batteryReportsAfterMs: fc.array(ms(3_000), { maxLength: 2 }),
});

/** Things that others do meanwhile, at a time after the command was asked for. */
const interference = fc.record({
  at: fc.oneof(ms(3_000), ms(40_000)),
  what: fc.constantFrom(
    ...mishaps,
    'code by hand',
    'code by hand elsewhere',
    'cleared by hand',
    'bolt by hand',
    'read by another',
  ),
  slot,
  // None that the mask of a lock would look like, and none that loses a zero.
  pin: fc.constantFrom('4321', '98765', '12345678'),
});

const pins = ['0472', '0815', '12345678', '00001234', '1111', '4321', '0000'];

const step = fc.record({
  what: fc.constantFrom('set', 'set', 'set', 'clear', 'clear', 'read'),
  slot,
  pin: fc.constantFrom(...pins),
  misbehaviour,
  interferences: fc.array(interference, { maxLength: 4 }),
  pauseMs: fc.oneof(ms(500), ms(30_000)),
});

const life = fc.record({ seed: fc.nat(), kind, steps: fc.array(step, { minLength: 1, maxLength: 5 }) });
type Life = Parameters<Parameters<typeof life.map>[0]>[0];

async function live({ seed, kind, steps }: Life): Promise<void> {
  const { exposePin, ...always } = kind;
  const f = await zigbeeLock({ seed, lock: { exposePin }, mqtt: { jitterMs: 20 } });
  const { clock, link, lock, simulator, device, broker } = f;
  const { keypad } = lock;
  const codes = device.accessCodes;
  if (codes === undefined) throw new Error('the device takes no codes');
  const history = recorded(keypad.codes, () => clock.now());
  const limits = limitsOf(zigbee2mqtt).code;
  const other = broker.peer();
  // How it speaks by itself can be heard before it is asked for anything.
  lock.misbehave(always as Partial<LockMisbehaviour>);
  await clock.advance(10_000);
  for (const { what, slot, pin, misbehaviour, interferences, pauseMs } of steps) {
    lock.misbehave({ ...always, ...misbehaviour } as Partial<LockMisbehaviour>);
    for (const { at, what, pin, slot: elsewhere } of interferences) {
      const interfere: Record<string, () => void> = {
        ...mishapsOf(f),
        'code by hand': () => keypad.programAtKeypad(slot, pin),
        'code by hand elsewhere': () => keypad.programAtKeypad(elsewhere, pin),
        'cleared by hand': () => keypad.programAtKeypad(slot, undefined),
        'bolt by hand': () => lock.turnByHand(lock.bolt === 'locked' ? 'unlocked' : 'locked'),
        'read by another': () =>
          other.publish('zigbee2mqtt/Front Door/get', JSON.stringify({ pin_code: { user: elsewhere } })),
      };
      clock.setTimer(() => interfere[what]?.(), at);
    }
    const from = clock.now();
    const commandsBefore = keypad.codeCommands.length;
    const sentBefore = link.sent.filter(({ kind }) => kind === 'command').length;
    const command = f.command(limits);
    const { ctx } = command;
    const work = {
      set: () => codes.set(ctx, { slot, label: 'Guest', code: new Secret(pin) }),
      clear: () => codes.clear(ctx, slot),
      read: async () => codes.read?.(ctx, slot),
    }[what];
    const { value, error } = await clock.until(
      work().then(
        (value) => ({ value: value ?? undefined, error: undefined }),
        (error: unknown) => ({ value: undefined, error }),
      ),
    );
    command.end();
    const held = history(slot, from, clock.now());
    const arrived = keypad.codeCommands.slice(commandsBefore);
    // What nobody can look at, nobody can be wrong about.
    const isSeen = codes.observes === 'slot';

    expect(clock.now() - from).toBeLessThanOrEqual(limits.deadlineMs);
    expect(link.sent.filter(({ kind }) => kind === 'command').length - sentBefore).toBeLessThanOrEqual(1);
    if (error !== undefined) {
      expect(error).toBeInstanceOf(GatewayError);
      const { type, delivery, message } = error as GatewayError;
      expect(type).not.toBe('internal_error');
      expect(message).not.toContain(pin);
      if (delivery === 'not_sent') expect(arrived).toEqual([]);
      if (type === 'code_not_stored')
        expect(held.some((code) => code !== (what === 'set' ? pin : undefined))).toBe(true);
    } else if (what === 'set' && isSeen) {
      const isShown = exposePin && always.showsPinsAs === 'digits';
      expect(held.some((code) => code === pin || (code !== undefined && !isShown))).toBe(true);
    } else if (what === 'clear' && isSeen) expect(held).toContain(undefined);
    else if (what === 'read' && value !== undefined)
      expect(held.some((code) => (code !== undefined) === value.occupied)).toBe(true);
    await clock.advance(pauseMs);
    link.restore();
    simulator.bridge.start();
    await clock.advance(1_500);
  }
  // Those of eight digits stand in no time, level or process number.
  for (const pin of pins.filter(({ length }) => length === 8)) expect(f.logged.join('\n')).not.toContain(pin);
  await device.close();
  simulator.stop();
  link.dispose();
}

/** Watches a keypad's memory. @returns what a slot held within a time, each thing once or more */
function recorded(codes: Map<number, string>, now: () => number) {
  const changes: { readonly at: number; readonly slot: number; readonly code: string | undefined }[] = [];
  const put = codes.set.bind(codes);
  const take = codes.delete.bind(codes);
  codes.set = (slot, code) => {
    changes.push({ at: now(), slot, code });
    return put(slot, code);
  };
  codes.delete = (slot) => {
    changes.push({ at: now(), slot, code: undefined });
    return take(slot);
  };
  return (slot: number, from: number, until: number) => {
    const ofSlot = [{ at: -1, slot, code: undefined }, ...changes.filter((change) => change.slot === slot)];
    return ofSlot
      .filter(({ at }, index) => at <= until && (ofSlot[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= from)
      .map(({ code }) => code);
  };
}

/** `CODE_LIVES=2000 npx vitest run …` looks further. */
const runs = Number(process.env.CODE_LIVES ?? 60);

it('tells the truth about a code through any life of its keypad, writes once, and shows it to nobody', async () => {
  await fc.assert(fc.asyncProperty(life, live), { numRuns: runs });
}, 1_200_000);
