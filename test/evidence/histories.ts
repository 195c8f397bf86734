import type { Goal, Input, Plan, Traits, Verdict } from '../../src/driver-kit/evidence/claims.ts';
import type { judge } from '../../src/driver-kit/evidence/judge.ts';
import type * as remembering from '../../src/driver-kit/evidence/state.ts';
import type { begin } from '../../src/driver-kit/evidence/state.ts';
import { fc } from '../kit/seeded-properties.ts';
import { seededRandom } from '../kit/seeded-random.ts';
import { World, type WorldOptions } from './world.ts';

/** The engine under test: the real one, or one with a defect. */
export interface Engine {
  readonly judge: typeof judge;
  readonly begin: typeof begin;
  readonly memory: typeof remembering;
}

export interface History extends WorldOptions {
  /** Whether the driver asks right before the send, and how long before in milliseconds. */
  readonly looksBefore: number | undefined;
  readonly endsAfterMs: number;
}

const place = (device: WorldOptions['device']) =>
  ({
    bolt: fc.constantFrom(
      ['locked', 'unlocked'] as const,
      ['unlocked', 'locked'] as const,
      ['locked', 'locked'] as const,
      ['unlocked', 'unlocked'] as const,
    ),
    latch: fc.constant(['rest', 'pulled'] as const),
    relay: fc.constantFrom(['off', 'on'] as const, ['on', 'on'] as const, ['off', 'off'] as const),
    slot: fc.constantFrom(
      ['free', 'ours'] as const,
      ['ours', 'ours'] as const,
      ['ours', 'free'] as const,
      ['free', 'free'] as const,
      ['other', 'ours'] as const,
    ),
  })[device];

const places = {
  bolt: ['locked', 'unlocked'],
  latch: ['rest', 'pulled'],
  relay: ['off', 'on'],
  slot: ['free', 'ours', 'other'],
};

/** Reach of what happens around the send, in milliseconds from it: mostly close to it, where it hurts. */
const around = fc.oneof(fc.integer({ min: -300, max: 400 }), fc.integer({ min: -15_000, max: 9_000 }));

const maybe = <T>(arbitrary: ReturnType<typeof fc.constant<T>>) => fc.option(arbitrary, { nil: undefined, freq: 3 });

type Kind = readonly [WorldOptions['medium'], WorldOptions['device']];

/** Behind somebody who keeps and repeats what he knows. */
export const behindMiddlemen: readonly Kind[] = [
  ['bridge', 'bolt'],
  ['bridge', 'bolt'],
  ['bridge', 'slot'],
  ['announced', 'bolt'],
];

/** Spoken to by the gateway itself. */
export const spokenTo: readonly Kind[] = [
  ['session', 'bolt'],
  ['session', 'latch'],
  ['session', 'slot'],
  ['node', 'bolt'],
  ['node', 'slot'],
  ['line', 'relay'],
];

export const historiesOf = (kinds: readonly Kind[]) =>
  fc.constantFrom(...kinds).chain(([medium, device]) =>
    place(device).chain(([initially, target]) =>
      fc.record<History>({
        medium: fc.constant(medium),
        device: fc.constant(device),
        initially: fc.constant(initially),
        target: fc.constant(target),
        seed: fc.integer(),
        obeys: fc.constantFrom('yes', 'yes', 'yes', 'no', 'refuses', 'jams', 'lost', 'says_done_and_does_not'),
        travelMs: fc.integer({ min: 50, max: 4_000 }),
        returnsMs:
          device === 'latch' || device === 'relay'
            ? fc.integer({ min: 200, max: 4_000 })
            : maybe(fc.integer({ min: 100, max: 6_000 })),
        others: fc.array(
          fc.record({
            at: around,
            to: fc.constantFrom(...places[device]),
            by: fc.constantFrom('hand', 'remote'),
            jams: fc.constantFrom(false, false, true),
          }),
          { maxLength: 3 },
        ),
        answerMs: maybe(fc.oneof(fc.integer({ min: 20, max: 400 }), fc.integer({ min: 20, max: 3_000 }))),
        chatterMs: maybe(fc.oneof(fc.integer({ min: 120, max: 1_500 }), fc.integer({ min: 1_500, max: 60_000 }))),
        deaf: fc.constantFrom(false, false, false, true),
        carried: fc.array(around, { maxLength: 2 }),
        gap: maybe(
          fc.record({
            at: fc.oneof(fc.integer({ min: -300, max: 400 }), fc.integer({ min: -5_000, max: 9_000 })),
            forMs: fc.integer({ min: 10, max: 4_000 }),
            publishes: maybe(fc.constantFrom(...places[device])),
          }),
        ),
        kept: fc.array(fc.record({ at: around, value: fc.constantFrom(...places[device]) }), { maxLength: 1 }),
        namesCauses: fc.boolean(),
        tellsHalfWay: fc.boolean(),
        tellsStuck: fc.boolean(),
        lossy: fc.constantFrom(0, 0.3, 0.8),
        repeats: fc.constantFrom(0, 0.5, 1),
        withholds: fc.boolean(),
        looksBefore: maybe(fc.integer({ min: 1, max: 4_000 })),
        endsAfterMs: fc.integer({ min: 3_000, max: 12_000 }),
      }),
    ),
  );

/** What each medium can prove: the world keeps exactly these promises. */
export function traitsOf({ medium, device }: History): Traits {
  switch (medium) {
    case 'bridge':
      return {
        ...{ answers: 'mixed', lateByMs: 5_000, oldByMs: World.oldByMs(medium), acknowledgedBy: 'middleman' },
        ...{ tellsChanges: true, echoes: device === 'slot' },
      };
    case 'announced':
      return {
        ...{ answers: 'none', lateByMs: 0, oldByMs: World.oldByMs(medium), acknowledgedBy: 'middleman' },
        ...{ tellsChanges: true, echoes: false },
      };
    case 'session':
      return {
        ...{ answers: 'correlated', lateByMs: 0, oldByMs: World.oldByMs(medium), acknowledgedBy: 'device' },
        ...{ tellsChanges: false, echoes: false },
      };
    case 'node':
      return {
        ...{ answers: 'correlated', lateByMs: 0, oldByMs: World.oldByMs(medium), acknowledgedBy: 'nobody' },
        ...{ tellsChanges: false, echoes: false },
      };
    case 'line':
      return {
        ...{ answers: 'in_turn', lateByMs: 2_000, oldByMs: World.oldByMs(medium), acknowledgedBy: 'nobody' },
        ...{ tellsChanges: false, echoes: false },
      };
  }
}

export function goalOf({ device, target, withholds, returnsMs, medium }: History, about: string): Goal {
  const proof = [{ about, value: target }];
  if (device === 'slot' && target === 'ours' && withholds)
    return { proof: [{ about, value: 'withheld', ifBefore: { about, value: 'free' } }] };
  if (medium === 'line' && target === 'on' && returnsMs !== undefined)
    return { proof, lastsMs: Math.max(50, returnsMs - 100) };
  return device === 'latch' ? { proof, isMomentary: true } : { proof };
}

const planOf = ({ medium, device, travelMs }: History): Plan => ({
  firstAskMs: medium === 'line' ? 0 : medium === 'bridge' ? 1_500 : 150,
  betweenMs: medium === 'line' ? 100 : medium === 'bridge' ? 1_000 : 150,
  longestBetweenMs: medium === 'bridge' || medium === 'line' ? 1_000 : 3_000,
  patienceMs: 2_000,
  travelMs: device === 'relay' ? 200 : device === 'slot' ? 500 : travelMs + 500,
  halfWayMs: travelMs + 500,
  witnessMs: 800,
  reasonMs: 400,
  knownForMs: 5_000,
});

export interface Told {
  readonly verdict: Verdict<string>;
  readonly world: World;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly end: number;
  /** When the last look before the send began, if what was known before comes from one. */
  readonly lookedAt: number | undefined;
  readonly questions: number;
}

const LISTENS_MS = 6_000;

/** Plays one history: the gateway listens, looks perhaps, sends, and judges. */
export function play(history: History, engine: Engine): Told {
  const { memory: m } = engine;
  const traits = traitsOf(history);
  const plan = planOf(history);
  const sentAt = LISTENS_MS + Math.floor(seededRandom(history.seed)() * 8_000);
  const world = new World(history, sentAt);
  const goal = goalOf(history, world.about);
  let memory = m.freshMemory(0);
  let questions = 0;

  const listen = (until: number) => {
    while (world.nextAt <= until) {
      world.step();
      for (const input of world.arrived.splice(0)) {
        if (input.kind === 'told')
          for (const claim of input.claims) memory = m.afterWord(memory, claim, traits.lateByMs);
        if (input.kind === 'gap') memory = m.afterGap(memory, world.now);
        if (input.kind === 'reachable') memory = m.afterReturn(memory, world.now);
      }
    }
    world.now = Math.max(world.now, until);
  };

  /** As the book does it: one judgement, with the world's time. */
  const judge = (isQuestion: boolean, aim: Goal, end: number): Verdict<string> => {
    let state = engine.begin<string>({ goal: aim, traits, plan, memory, end });
    const queue: Input<string>[] = [{ kind: 'sent', at: world.now }];
    if (!isQuestion) world.command();
    let wakeAt = world.now;
    for (;;) {
      const next = queue.shift();
      if (next === undefined) {
        if (world.nextAt <= wakeAt) world.step();
        else world.now = Math.max(world.now, wakeAt);
        const isQuiet = world.arrived.length === 0;
        for (const arrived of world.arrived.splice(0)) {
          if (arrived.kind !== 'line') queue.push(arrived);
          else if (state.open !== undefined)
            queue.push({ kind: 'answer', question: state.open.id, claims: arrived.claims });
        }
        if (isQuiet && world.now < wakeAt) continue;
      }
      const input = next ?? queue.shift() ?? { kind: 'time' };
      if (input.kind === 'told') for (const claim of input.claims) memory = m.afterWord(memory, claim, traits.lateByMs);
      if (input.kind === 'gap') memory = m.afterGap(memory, world.now);
      if (input.kind === 'reachable') memory = m.afterReturn(memory, world.now);
      if (input.kind === 'answer' && state.open?.id === input.question)
        for (const claim of input.claims)
          memory = m.afterAnswer(memory, claim, state.open.began, traits.answers === 'in_turn' ? traits.lateByMs : 0);
      const judged = engine.judge(state, input, world.now);
      state = judged.state;
      wakeAt = judged.wakeAt;
      if (judged.verdict !== undefined) return judged.verdict;
      if (judged.ask !== undefined) {
        questions += 1;
        if (questions > 500) throw new Error('it never stops asking');
        queue.push({ kind: 'put', question: judged.ask.id, at: world.now });
        memory = m.afterQuestion(memory, world.about, world.now, traits.lateByMs);
        world.ask(judged.ask.id);
      }
    }
  };

  let lookedAt: number | undefined;
  const { looksBefore } = history;
  if (looksBefore !== undefined && traits.answers !== 'none') {
    listen(sentAt - looksBefore);
    const began = world.now;
    const verdict = judge(true, { proof: [], question: world.about }, sentAt);
    if (verdict.end === 'answered') {
      memory = m.asAnswer(memory, world.about);
      lookedAt = began;
    }
  }
  listen(sentAt);
  questions = 0;
  const leftAt = world.now;
  const end = leftAt + history.endsAfterMs;
  const verdict = judge(false, goal, end);
  return { verdict, world, sentAt: leftAt, endedAt: world.now, end, lookedAt, questions };
}

/**
 * What a verdict claims that is not so; undefined when all of it is.
 */
export function lieIn(history: History, told: Told): string | undefined {
  const { verdict, world, sentAt, endedAt, end, lookedAt } = told;
  const proof = history.target;
  const { history: truth, about } = world;
  if (endedAt > end) return `it ended ${endedAt - end} ms too late`;
  // A hand that came between the last look and the send cannot be told from the command by anybody.
  const since = Math.min(sentAt, lookedAt ?? sentAt);
  // A code that is hidden is one code as good as another.
  const isSame = (was: string, value: string) =>
    was === value || (history.withholds && history.device === 'slot' && value !== 'free' && was !== 'free');
  const wasThereSince = (from: number, value: string) =>
    truth.some(
      ({ at, value: was }, i) => isSame(was, value) && at <= endedAt && (truth[i + 1]?.at ?? Infinity) >= from,
    );
  const movedThere = truth.some(({ at, value }) => isSame(value, proof) && at >= since && at <= endedAt);
  const tookItOn = world.carriedOut.some(
    ({ at, to }) => to === proof && at >= since && at <= endedAt && wasThereSince(at, proof),
  );
  switch (verdict.end) {
    case 'confirmed':
      return movedThere || tookItOn ? undefined : `confirmed by ${verdict.by}, and ${about} did not become ${proof}`;
    case 'unconfirmed':
      if (history.medium === 'announced') return undefined;
      return wasThereSince(sentAt, proof) ? undefined : `a success, and ${about} was never ${proof}`;
    case 'refused':
      return world.actedAt === undefined ? undefined : 'refused, and it acted';
    case 'not_reached':
      return wasThereSince(sentAt, verdict.value) ? undefined : `it was never ${verdict.value} since`;
    case 'stuck':
      return wasThereSince(sentAt, 'half_way') ? undefined : 'stuck, and it never was half way';
    case 'unknown':
      return undefined;
    case 'answered':
      return 'a command that was judged like a question';
  }
}
