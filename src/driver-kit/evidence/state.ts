import type { Claim, Goal, Plan, Question, Traits, Value, Verdict } from './claims.ts';
import type { Memory } from './memory.ts';

/** Whoever comes back says what he remembers within this. A guess: bridges do as soon as they are connected. */
export const REMEMBERED_MS = 1_000;

/** What is being judged: one command on one device, from before its send to its verdict. Pure; nothing in it lives. */
export interface State<Reason> {
  readonly goal: Goal;
  /** What is asked about: everything that could prove the end, or tell a movement. */
  readonly subjects: ReadonlySet<string>;
  readonly traits: Traits;
  readonly plan: Plan;
  /** `Clock.now()` by which there is a verdict. */
  readonly end: number;
  readonly memory: Memory;
  readonly sentAt: number | undefined;
  readonly acknowledged: 'awaited' | 'lost' | number;
  /** Heard while it was not known whether it was of before the acknowledgement. */
  readonly waiting: readonly Claim[];
  /** What each thing was when it was last known, for telling a change; a told one may be of just before the send. */
  readonly before: ReadonlyMap<string, Before>;
  /** Questions of before the send that may still be answered. */
  readonly stale: number;
  /** The first other word after a command may be what the middleman says of itself: it is no answer. */
  readonly echo: 'owed' | Claim | undefined;
  /** `Clock.now()` when the way was open again: what is heard at once may be remembered from before. */
  readonly returnedAt: number;
  /** It was heard shortly before the send that the device is stuck: what is told of it again may be that. */
  readonly stuckBefore: boolean;
  readonly nextQuestion: number;
  readonly open: Question | undefined;
  readonly askAt: number;
  readonly betweenMs: number;
  /** Questions that were given up (`in_turn`), by `Clock.now()` when they were put. */
  readonly missed: readonly number[];
  /** Answers in a row that look like anything else and say the same, each to a question of its own (`mixed`). */
  readonly alike: readonly { readonly at: number; readonly began: number; readonly claims: readonly Claim[] }[];
  /** Something showed that the device set out for this command. */
  readonly witness: 'passing' | undefined;
  /** `Clock.now()` when it said that it carried the command out. */
  readonly doneAt: number | undefined;
  /** It stood as asked before, and has spoken since of a command over the air, perhaps of one before this. */
  readonly stillStands: boolean;
  /** `Clock.now()` when it was first seen to stand as asked, with nothing to tell it from before. */
  readonly standsAt: number | undefined;
  readonly elsewhere: { readonly value: Value; readonly count: number; readonly began: number } | undefined;
  readonly halfWayAt: number | undefined;
  readonly halfWayAnswers: number;
  readonly notKnown: boolean;
  /** It was told, by who knows when, that the device is stuck. */
  readonly stuckTold: boolean;
  readonly refused: { readonly at: number; readonly reason: Reason | undefined } | undefined;
  readonly lost: { readonly reason: Reason | undefined } | undefined;
  readonly silence: { readonly reason: Reason | undefined } | undefined;
  readonly remainingMs: number;
  readonly verdict: Verdict<Reason> | undefined;
}

export interface Before {
  readonly value: Value;
  readonly how: 'told' | 'answer' | 'seen';
  /** `Clock.now()` when it was heard. */
  readonly at: number;
}

export interface Judged<Reason> {
  readonly state: State<Reason>;
  /** To be asked now; the answer comes back as an input with its id. */
  readonly ask?: Question;
  readonly verdict?: Verdict<Reason>;
  /** `Clock.now()` at which to judge again if nothing happens before. */
  readonly wakeAt: number;
}

function subjectsOf({ proof, passing, question }: Goal): Set<string> {
  const subjects = new Set<string>();
  if (question !== undefined) subjects.add(question);
  for (const { about } of proof) subjects.add(about);
  if (passing !== undefined) for (const { about } of passing) subjects.add(about);
  return subjects;
}

/** What a judgement has to hear of: what it asks about, and what tells whether a proof is one. */
export function listenedTo(goal: Goal): ReadonlySet<string> {
  const subjects = subjectsOf(goal);
  for (const { ifBefore } of goal.proof) if (ifBefore !== undefined) subjects.add(ifBefore.about);
  return subjects;
}

/** Before the send. @param memory what the device has said so far */
export function begin<Reason>(options: {
  readonly goal: Goal;
  readonly traits: Traits;
  readonly plan: Plan;
  readonly memory: Memory;
  readonly end: number;
}): State<Reason> {
  const { goal, traits, plan: given, memory, end } = options;
  // Every field by its name: what spreads an object and adds to it takes V8 a thousand times as long (100 us, measured).
  return {
    goal,
    subjects: subjectsOf(goal),
    traits,
    plan: given,
    memory,
    end,
    sentAt: undefined,
    acknowledged: 'awaited',
    waiting: [],
    before: new Map(),
    stale: 0,
    echo: undefined,
    returnedAt: Number.NEGATIVE_INFINITY,
    stuckBefore: false,
    nextQuestion: 1,
    open: undefined,
    askAt: Number.POSITIVE_INFINITY,
    betweenMs: given.betweenMs,
    missed: [],
    alike: [],
    witness: undefined,
    doneAt: undefined,
    stillStands: false,
    standsAt: undefined,
    elsewhere: undefined,
    halfWayAt: undefined,
    halfWayAnswers: 0,
    notKnown: false,
    stuckTold: false,
    refused: undefined,
    lost: undefined,
    silence: undefined,
    remainingMs: 0,
    verdict: undefined,
  };
}

export const hasten = <Reason>(state: State<Reason>, now: number): State<Reason> =>
  state.sentAt === undefined ? state : { ...state, askAt: Math.min(state.askAt, now) };

/** When to ask next. */
export function plan<Reason>(state: State<Reason>, now: number, soonMs?: number): State<Reason> {
  const { betweenMs, plan: given } = state;
  return {
    ...state,
    askAt: now + Math.min(soonMs ?? betweenMs, betweenMs),
    betweenMs: soonMs === undefined ? Math.min(given.longestBetweenMs, betweenMs * 2) : betweenMs,
  };
}
