import { describe, expect, test } from 'vitest';
import { usualSettings } from '../../src/access-codes/settings.ts';
import type { Core } from '../../src/composition/core.ts';
import { GatewayError, Secret } from '../../src/contract/index.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { type InFlight, MemoryStore } from '../../src/store/memory-store.ts';
import { MortalClock } from '../kit/clock/mortal-clock.ts';
import { coreFixture } from '../kit/gateway/core-fixture.ts';
import { ScriptedLock } from '../kit/locks/scripted-lock.ts';
import { TimedKeypad } from '../kit/locks/timed-keypad.ts';

/*
 * Whatever takes a PIN away, and whenever the process dies after it was asked: at the answer, with any commit on its way
 * to the disk, or in the moment in which a lock was rid of it. Once the gateway is back every door is rid of the PIN.
 */

const doors = ['front', 'side', 'back'] as const;
const pin = '047215';
const commitMs = 30;
const minute = 60_000;

interface Ids {
  readonly grant: string;
  readonly method: string;
  readonly space: string;
  readonly person: string;
}

interface Scenario {
  /** Requests one after the other, each once the one before was answered. Whoever had no answer asks again. */
  readonly asks: readonly ((core: Core, ids: Ids) => Promise<unknown>)[];
  /** How long after the grant was asked for, in milliseconds; all doors have it by then unless told. */
  readonly afterMs?: number;
  readonly away?: readonly (typeof doors)[number][];
  /** Those that keep the PIN. */
  readonly keep?: readonly (typeof doors)[number][];
}

const deleteGrant: Scenario['asks'][number] = (core, { grant }) => core.accessGrants.delete(grant);

const scenarios: Readonly<Record<string, Scenario>> = {
  'a grant': { asks: [deleteGrant] },
  'a grant, with a lock that is away': { asks: [deleteGrant], away: ['side'] },
  'a grant, with all locks away': { asks: [deleteGrant], away: doors },
  'a grant in the middle of its first write': { asks: [deleteGrant], afterMs: 120 },
  'a grant whose first door has it': { asks: [deleteGrant], afterMs: 260 },
  'a grant, and its person at once': {
    asks: [deleteGrant, (core, { person }) => core.userIdentities.delete(person)],
  },
  'a grant, and its space at once': { asks: [deleteGrant, (core, { space }) => core.spaces.delete(space)] },
  'an access method': { asks: [(core, { method }) => core.accessGrants.deleteMethod(method)] },
  'an access method, then its grant': {
    asks: [(core, { method }) => core.accessGrants.deleteMethod(method), deleteGrant],
  },
  'doors of a space': {
    asks: [(core, { space }) => core.spaces.removeDevices(space, ['side', 'back'])],
    keep: ['front'],
  },
  'every door of a space, then the grant': {
    asks: [(core, { space }) => core.spaces.update(space, { deviceIds: [] }), deleteGrant],
  },
};

/** When the process dies: after a request was answered, with the commit of a number on its way, at a lock's removal. */
type Death =
  | { readonly kind: 'answer'; readonly number: number }
  | { readonly kind: 'commit'; readonly number: number; readonly inFlight: InFlight }
  | { readonly kind: 'write'; readonly number: number };

class DeletedThenKilled {
  readonly #clock = new SimulatedClock(Date.UTC(2026, 4, 1, 10));
  readonly #scenario: Scenario;
  readonly #locks = new Map<string, ScriptedLock<TimedKeypad>>();
  #store = new MemoryStore({ clock: this.#clock, commitMs });
  #processClock = new MortalClock(this.#clock);
  #seed = 1;
  #onAnswer: (number: number) => void = () => undefined;
  readonly #counts = { answer: 0, commit: 0, write: 0 };
  /** How far the last process came since somebody asked for the removal. */
  steps = { answer: 0, commit: 0, write: 0 };

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    for (const slug of doors) {
      const lock = new ScriptedLock<TimedKeypad>();
      lock.keypad = new TimedKeypad({ clock: this.#clock, trueTime: () => this.#clock.wallTime(), slots: 6 });
      this.#locks.set(slug, lock);
    }
  }

  /** @param deaths one after the other: each is waited for in the run after the one before */
  async run(deaths: readonly Death[]): Promise<void> {
    let core = await this.#start();
    const ids = await this.#give(core);
    for (const slug of this.#scenario.away ?? []) this.#reach(slug, false);
    let answered = 0;
    for (const [turn, death] of [...deaths, undefined].entries()) {
      const died = new Promise<InFlight>((resolve) => this.#diesAt(death, resolve));
      const asked = this.#ask(core, ids, answered, (number) => {
        answered = number;
      });
      const over = Promise.all([asked, this.#wait(15 * minute)]).then(() => undefined);
      const inFlight = await this.#clock.until(Promise.race([died, over]));
      // Later ones may have nothing left to be killed in.
      if (inFlight === undefined && death !== undefined && turn === 0)
        throw new Error(`nothing died at ${JSON.stringify(death)}`);
      this.steps = { ...this.#counts };
      if (inFlight === undefined) break;
      this.#processClock.kill();
      this.#store = this.#store.crash(inFlight);
      await this.#clock.advance(3_000);
      core = await this.#start();
    }
    for (const slug of this.#scenario.away ?? []) this.#reach(slug, true);
    await this.#clock.advance(45 * minute);
    await this.#judge(core, ids);
    await core.stop(0);
  }

  async #start(): Promise<Core> {
    this.#processClock = new MortalClock(this.#clock);
    const { core } = coreFixture({
      clock: this.#clock,
      processClock: this.#processClock,
      store: this.#store,
      seed: this.#seed++,
      accessCodes: usualSettings,
      timeSource: { isSynchronised: async () => true },
      devices: [...this.#locks].map(([slug, { driver, link }]) => ({ slug, driver, link })),
    });
    await this.#clock.until(core.start());
    for (const slug of doors) if (!this.#keypad(slug).reachable) this.#reach(slug, false);
    return core;
  }

  async #give(core: Core): Promise<Ids> {
    const { spaceId } = await this.#clock.until(core.spaces.create({ name: 'Flat', deviceIds: doors }));
    const { userIdentityId } = await this.#clock.until(core.userIdentities.create({ fullName: 'Ana' }));
    const request = {
      user: { userIdentityId },
      deviceIds: [],
      spaceIds: [spaceId],
      requests: [{ code: new Secret(pin) }],
    };
    const { accessGrantId } = await this.#clock.until(core.accessGrants.create(request));
    const [method] = core.accessGrants.methodsOf(accessGrantId);
    const { afterMs = minute } = this.#scenario;
    await this.#clock.advance(afterMs);
    if (afterMs === minute) expect(doors.map((slug) => this.#holds(slug))).toEqual([true, true, true]);
    return { grant: accessGrantId, method: method?.accessMethodId ?? '', space: spaceId, person: userIdentityId };
  }

  /** Counts from here on, and dies where it is to. What a dead process would go on with is never heard of. */
  #diesAt(death: Death | undefined, die: (inFlight: InFlight) => void): void {
    Object.assign(this.#counts, { answer: 0, commit: 0, write: 0 });
    const store = this.#store;
    const { commit } = store;
    store.commit = (changes) => {
      this.#counts.commit += 1;
      if (death?.kind === 'commit' && death.number === this.#counts.commit)
        this.#clock.setTimer(() => die(death.inFlight), commitMs / 2);
      return Reflect.apply(commit, store, [changes]);
    };
    for (const slug of doors)
      this.#keypad(slug).onWritten = () => {
        this.#counts.write += 1;
        if (death?.kind === 'write' && death.number === this.#counts.write) die('lost');
      };
    this.#onAnswer = (number) => {
      this.#counts.answer = number;
      if (death?.kind === 'answer' && death.number === number) die('lost');
    };
  }

  /** What was asked for already and is gone is no error to whoever asks again. */
  async #ask(core: Core, ids: Ids, from: number, answered: (number: number) => void): Promise<void> {
    const clock = this.#processClock;
    for (const [index, ask] of this.#scenario.asks.entries()) {
      if (index < from) continue;
      await ask(core, ids).catch((error: unknown) => {
        if (!(error instanceof GatewayError) || !error.type.endsWith('_not_found')) throw error;
      });
      // The answer of a process that is dead by now comes to nobody.
      if (clock !== this.#processClock) return;
      answered(index + 1);
      this.#onAnswer(index + 1);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(resolve, ms));
  }

  async #judge(core: Core, ids: Ids): Promise<void> {
    const { keep = [], asks } = this.#scenario;
    const kept = doors.map((slug) => keep.includes(slug));
    expect(doors.map((slug) => this.#holds(slug))).toEqual(kept);
    expect(doors.map((slug) => this.#keypad(slug).entries.size)).toEqual(kept.map(Number));
    expect(core.accessCodes.list().map(({ deviceId }) => deviceId)).toEqual(keep);
    expect(core.accessCodes.unmanaged.list()).toEqual([]);
    const told = core.events.list({ limit: 10_000, accessGrantIds: [ids.grant] });
    for (const slug of doors) {
      const turns = told.filter(({ deviceId, eventType }) => deviceId === slug && /_door/.test(eventType));
      expect(turns.map(({ eventType }) => eventType.endsWith('granted_to_door'))).toEqual(
        turns.map((_, turn) => turn % 2 === 0),
      );
      expect(turns.length % 2 === 1).toBe(keep.includes(slug));
    }
    if (!asks.includes(deleteGrant)) return;
    expect(core.accessGrants.get(ids.grant)).toBeUndefined();
    expect(told.filter(({ eventType }) => eventType === 'access_grant.deleted')).toHaveLength(1);
  }

  #reach(slug: string, reachable: boolean): void {
    this.#keypad(slug).reachable = reachable;
    this.#locks.get(slug)?.report({
      kind: 'health',
      health: reachable
        ? { status: 'online' }
        : { status: 'offline', reason: 'out_of_range', hint: 'Bring it closer.' },
    });
  }

  #keypad(slug: string): TimedKeypad {
    const keypad = this.#locks.get(slug)?.keypad;
    if (!keypad) throw new Error(`there is no door ${slug}`);
    return keypad;
  }

  #holds(slug: string): boolean {
    return [...this.#keypad(slug).entries.values()].some(({ digits }) => digits === pin);
  }
}

/** How far it went when nobody died: every one of its steps is a moment to die in. */
async function stepsOf(scenario: Scenario) {
  const undisturbed = new DeletedThenKilled(scenario);
  await undisturbed.run([]);
  return undisturbed.steps;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe.each(Object.keys(scenarios))('%s is deleted and the process killed', (name) => {
  const scenario = scenarios[name] ?? { asks: [] };

  test('at any step: every door is rid of the PIN', async () => {
    const { answer, commit, write } = await stepsOf(scenario);
    expect([answer, commit > 1]).toEqual([scenario.asks.length, true]);
    const deaths: Death[] = [
      ...upTo(answer).map((number) => ({ kind: 'answer' as const, number })),
      ...upTo(commit).flatMap((number) =>
        (['lost', 'kept'] as const).map((inFlight) => ({ kind: 'commit' as const, number, inFlight })),
      ),
      ...upTo(write).map((number) => ({ kind: 'write' as const, number })),
    ];
    for (const death of deaths) {
      await new DeletedThenKilled(scenario).run([death]).catch((error: unknown) => {
        throw new Error(`killed at ${JSON.stringify(death)}`, { cause: error });
      });
    }
  });

  test('and killed again, twice, soon after it is back', async () => {
    const again: readonly (readonly Death[])[] = [
      [
        { kind: 'commit', number: 1, inFlight: 'lost' },
        { kind: 'commit', number: 2, inFlight: 'kept' },
      ],
      [
        { kind: 'commit', number: 1, inFlight: 'kept' },
        { kind: 'commit', number: 1, inFlight: 'lost' },
      ],
    ];
    for (const deaths of again) {
      for (const number of upTo(scenario.asks.length)) {
        await new DeletedThenKilled(scenario).run([{ kind: 'answer', number }, ...deaths]).catch((error: unknown) => {
          throw new Error(`killed at answer ${number}, then ${JSON.stringify(deaths)}`, { cause: error });
        });
      }
    }
  });
});
