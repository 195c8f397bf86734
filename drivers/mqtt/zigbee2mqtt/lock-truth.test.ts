import { expect, it } from 'vitest';
import { GatewayError } from '../../../src/contract/index.ts';
import { mishaps, mishapsOf, zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';
import { fc } from '../../../test/kit/seeded-properties.ts';
import type { LockMisbehaviour } from './simulator.ts';

const ms = (max: number) => fc.integer({ min: 0, max });
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
const lost = fc.record({
  afterMs: ms(9_000),
  reason: fc.constantFrom('Error: MAC_NO_ACK', 'Error: timed out after 10000ms'),
});

const misbehaviour: fc.Arbitrary<Partial<LockMisbehaviour>> = fc.record(
  {
    deaf: rarely,
    refusesSilently: rarely,
    jams: rarely,
    reportsHalfWay: fc.boolean(),
    actsLateMs: ms(12_000),
    reportsLateMs: ms(12_000),
    neverReports: fc.boolean(),
    ignoresReads: fc.boolean(),
    sendsNoActions: fc.boolean(),
    relocksAfterMs: ms(8_000),
    hidesUnlock: fc.boolean(),
    hidesRelock: fc.boolean(),
    commandError: lost,
    readError: lost,
    batteryReportsAfterMs: fc.array(ms(4_000), { maxLength: 3 }),
    batteryReportsAlike: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** Things that others do meanwhile, at a time after the command was asked for. */
const interference = fc.record({
  at: ms(10_000),
  what: fc.constantFrom(...mishaps, 'by hand'),
});

interface History {
  readonly seed: number;
  readonly first: 'locked' | 'unlocked';
  readonly misbehaviour: Partial<LockMisbehaviour>;
  readonly interferences: readonly { readonly at: number; readonly what: string }[];
  readonly actions: readonly ('lock' | 'unlock')[];
  readonly pauseMs: number;
}

const history: fc.Arbitrary<History> = fc.record({
  seed: fc.nat(),
  first: fc.constantFrom('locked', 'unlocked'),
  misbehaviour,
  interferences: fc.array(interference, { maxLength: 3 }),
  actions: fc.array(fc.constantFrom('lock', 'unlock'), { minLength: 1, maxLength: 3 }),
  pauseMs: ms(3_000),
});

async function live({ seed, first, misbehaviour, interferences, actions, pauseMs }: History): Promise<void> {
  const f = await zigbeeLock({ seed, lock: { bolt: first }, mqtt: { jitterMs: 20 } });
  const { clock, link, lock, simulator } = f;
  lock.misbehave(misbehaviour);
  const interfere: Record<string, () => void> = {
    ...mishapsOf(f),
    'by hand': () => lock.turnByHand(lock.bolt === 'locked' ? 'unlocked' : 'locked'),
  };
  for (const { at, what } of interferences) clock.setTimer(() => interfere[what]?.(), at);

  for (const action of actions) {
    const target = action === 'lock' ? 'locked' : 'unlocked';
    const startedAt = clock.now();
    const boltBefore = lock.bolt;
    const sentBefore = link.sent.filter(({ kind }) => kind === 'command').length;
    const outcome = await f.door(action);
    const since = lock.movements.filter(({ at }) => at >= startedAt);
    const wasThere = boltBefore === target || since.some(({ to }) => to === target);

    expect(outcome.tookMs).toBeLessThanOrEqual(9_000);
    expect(link.sent.filter(({ kind }) => kind === 'command').length - sentBefore).toBeLessThanOrEqual(1);
    if ('error' in outcome) {
      expect(outcome.error).toBeInstanceOf(GatewayError);
      const { type, delivery } = outcome.error as GatewayError;
      const arrived = lock.doorCommands.filter(({ sentAt }) => sentAt >= startedAt).length;
      if (delivery === 'not_sent') expect(arrived).toBe(0);
      else expect(outcome.permits.some(({ spends }) => spends.length > 0)).toBe(true);
      // A jam is claimed only of a bolt that was half way.
      if (type === 'lock_jammed') expect(misbehaviour.jams === true || misbehaviour.reportsHalfWay === true).toBe(true);
    } else if (outcome.confirmed === true) expect(wasThere).toBe(true);
    await clock.advance(pauseMs);
  }

  await f.device.close();
  simulator.stop();
  link.dispose();
  await clock.advance(30_000);
  expect(clock.armedTimers + link.listenerCount).toBe(0);
}

/** `HISTORIES=20000 npx vitest run …` looks further. */
const runs = Number(process.env.HISTORIES ?? 150);

it('tells the truth in time through any history, sends once, and leaves nothing behind', async () => {
  await fc.assert(fc.asyncProperty(history, live), { numRuns: runs });
}, 600_000);
