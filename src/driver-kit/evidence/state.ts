import type { Claim, Goal, Plan, Question, Traits, Value, Verdict } from './claims.ts';

/** What is known of one thing, and how the device speaks of it. Kept over commands; pure. */
export interface Known {
  /** Undefined while nothing is, or nothing any more. */
  readonly value: Value | undefined;
  /** `Clock.now()` when it was heard. */
  readonly at: number;
  /** `Clock.now()` when an answer showed it last; undefined when none did since it became so. */
  readonly answeredAt: number | undefined;
  /**
   * The first word after a gap may come from the memory of somebody on the way. It is sure once an answer showed it, or
   * another value was told since.
   */
  readonly isSure: boolean;
  /** `Clock.now()` when it was heard last that the device is stuck. */
  readonly stuckAt: number | undefined;
  readonly rhythm: Rhythm;
}

/**
 * How often the device says the same of something, asked or not. What it would have said anyway proves nothing: two
 * answers are worth something only when they come closer together than the device ever speaks by itself.
 */
export interface Rhythm {
  /** `Clock.now()` since which it is listened to without a gap, or when it was heard last. */
  readonly heardAt: number;
  /** The longest silence that was heard, in milliseconds. */
  readonly longestSilenceMs: number;
  /** The shortest time of late between two words that nobody asked for and that say the same, in milliseconds. */
  readonly shortestUnaskedMs: number;
  /** `Clock.now()` when it was heard to be so short. */
  readonly shortestAt: number;
  /** Between the last two of them; undefined after a change. Said twice is no habit yet: it takes two such times. */
  readonly lastBetweenMs: number | undefined;
  /** `Clock.now()` of the last word that nobody asked for; of words that follow each other at once the first. */
  readonly unaskedAt: number | undefined;
}

export interface Memory {
  /** `Clock.now()` since which nothing was missed. */
  readonly since: number;
  /** There was a gap: what is heard for the first time may be remembered from before it. */
  readonly hadGap: boolean;
  readonly known: ReadonlyMap<string, Known>;
  /** Questions that may still be answered: `Clock.now()` of each, by what they ask about. */
  readonly asked: ReadonlyMap<string, readonly number[]>;
}

/** Words that follow each other as quickly are one word, said more than once. */
const BURST_MS = 400;
/** A device that was not heard to speak as quickly for so long has lost the habit. A guess. */
const HABIT_MS = 3_600_000;

const NOT_LISTENING = Number.POSITIVE_INFINITY;

/** The same for every device of which nothing is known. */
const nothing: ReadonlyMap<string, never> = new Map<string, never>();

export const freshMemory = (now: number): Memory => ({ since: now, hadGap: false, known: nothing, asked: nothing });

const silentSince = (since: number): Rhythm => ({
  heardAt: since,
  longestSilenceMs: 0,
  shortestUnaskedMs: Number.POSITIVE_INFINITY,
  shortestAt: since,
  lastBetweenMs: undefined,
  unaskedAt: undefined,
});

/** What comes next does not join up with what was before. How the device speaks is no less known for it. */
export function afterGap(memory: Memory, now: number): Memory {
  const known = new Map(
    [...memory.known].map(([about, { rhythm }]) => [
      about,
      {
        value: undefined,
        at: now,
        answeredAt: undefined,
        isSure: false,
        stuckAt: undefined,
        // Nobody listens until the way is open again.
        rhythm: {
          ...rhythm,
          longestSilenceMs: Math.max(rhythm.longestSilenceMs, now - rhythm.heardAt),
          heardAt: NOT_LISTENING,
          unaskedAt: undefined,
          lastBetweenMs: undefined,
        },
      },
    ]),
  );
  return { since: now, hadGap: known.size > 0, known, asked: memory.asked };
}

/** The way is open again: from now on silence is silence. */
export function afterReturn(memory: Memory, now: number): Memory {
  const known = new Map(
    [...memory.known].map(([about, known]) => {
      const { rhythm } = known;
      return [about, rhythm.heardAt === NOT_LISTENING ? { ...known, rhythm: { ...rhythm, heardAt: now } } : known];
    }),
  );
  return { ...memory, since: now, known };
}

/** A question left. @param lateByMs how long it may be answered */
export function afterQuestion(memory: Memory, about: string, now: number, lateByMs: number): Memory {
  const open = [...openQuestions(memory, about, now, lateByMs), now];
  return { ...memory, asked: new Map(memory.asked).set(about, open) };
}

export function openQuestions(memory: Memory, about: string, now: number, lateByMs: number): readonly number[] {
  const asked = memory.asked.get(about);
  // Most have none, or had an answer.
  return asked === undefined || asked.length === 0 ? none : asked.filter((began) => began > now - lateByMs);
}

const none: readonly number[] = [];

/**
 * An answer to a question came. While another question may still be answered, it may be that one's.
 * @param began `Clock.now()` when its question was put
 */
export function afterAnswer(memory: Memory, claim: Claim, began: number, lateByMs: number): Memory {
  const open = openQuestions(memory, claim.about, claim.at, lateByMs);
  const asked = open.length === 1 ? open.filter((one) => one !== began) : open;
  return {
    ...withKnown(memory, claim, 'answer', rhythmOf(memory, claim.about)),
    asked: new Map(memory.asked).set(claim.about, asked),
  };
}

/** Something was heard that may be an answer, where answers and what is told unasked look alike. */
export function afterWord(memory: Memory, claim: Claim, lateByMs: number): Memory {
  const { about, at } = claim;
  // What somebody kept is of before, and says nothing of how often the device speaks.
  if (claim.kept) return memory;
  const last = memory.known.get(about);
  const rhythm = last?.rhythm ?? firstRhythm(memory, at);
  if (claim.carried) return withKnown(memory, claim, 'told', rhythm);
  const open = openQuestions(memory, about, at, lateByMs);
  const isSame = last?.value === claim.value;
  const heard = open.length === 0 ? afterUnasked(rhythm, at, isSame) : rhythm;
  const told = withKnown(memory, claim, 'told', heardAgain(heard, at));
  return open.length === 0 ? told : { ...told, asked: new Map(memory.asked).set(about, open.slice(1)) };
}

/** Every field by its name, as all that is made of each word: a spread takes V8 several times as long. */
const heardAgain = (rhythm: Rhythm, at: number): Rhythm => ({
  heardAt: at,
  longestSilenceMs: Math.max(rhythm.longestSilenceMs, at - rhythm.heardAt),
  shortestUnaskedMs: rhythm.shortestUnaskedMs,
  shortestAt: rhythm.shortestAt,
  lastBetweenMs: rhythm.lastBetweenMs,
  unaskedAt: rhythm.unaskedAt,
});

function afterUnasked(rhythm: Rhythm, at: number, isSame: boolean): Rhythm {
  const { unaskedAt, shortestUnaskedMs, shortestAt, lastBetweenMs } = rhythm;
  if (unaskedAt === undefined || !isSame) return unaskedAgain(rhythm, at, undefined);
  const between = at - unaskedAt;
  if (between < BURST_MS) return rhythm;
  const told = unaskedAgain(rhythm, at, between);
  if (lastBetweenMs === undefined) return told;
  const habit = Math.max(between, lastBetweenMs);
  const isShortest = habit <= shortestUnaskedMs || at - shortestAt > HABIT_MS;
  return isShortest ? { ...told, shortestUnaskedMs: habit, shortestAt: at } : told;
}

const unaskedAgain = (rhythm: Rhythm, unaskedAt: number, lastBetweenMs: number | undefined): Rhythm => ({
  heardAt: rhythm.heardAt,
  longestSilenceMs: rhythm.longestSilenceMs,
  shortestUnaskedMs: rhythm.shortestUnaskedMs,
  shortestAt: rhythm.shortestAt,
  lastBetweenMs,
  unaskedAt,
});

/** What was heard last of it turned out to be an answer. */
export function asAnswer(memory: Memory, about: string): Memory {
  const known = memory.known.get(about);
  if (known === undefined) return memory;
  const sure: Known = { ...known, answeredAt: known.at, isSure: true };
  return { ...memory, known: new Map(memory.known).set(about, sure) };
}

const rhythmOf = (memory: Memory, about: string): Rhythm =>
  memory.known.get(about)?.rhythm ?? silentSince(memory.since);

/**
 * Of what was never told before: that nothing was said of it is no silence of whoever repeats all that he knows, as he was
 * heard to do with the rest.
 */
function firstRhythm({ known, since }: Memory, at: number): Rhythm {
  let first = silentSince(since);
  for (const { rhythm } of known.values()) {
    const { shortestUnaskedMs, shortestAt } = rhythm;
    const isQuicker = shortestUnaskedMs < first.shortestUnaskedMs && at - shortestAt <= HABIT_MS;
    if (isQuicker) first = { ...first, shortestUnaskedMs, shortestAt };
  }
  return first;
}

function withKnown(memory: Memory, claim: Claim, how: 'told' | 'answer', rhythm: Rhythm): Memory {
  const { about, value, at } = claim;
  const last = memory.known.get(about);
  const isNews = last?.value !== undefined && last.value !== value && !claim.carried;
  const isFirst = last === undefined && !memory.hadGap && !claim.carried;
  const isSure = how === 'answer' || isFirst || isNews || (last?.isSure === true && last.value === value);
  const stuckAt = value === 'stuck' ? at : last?.stuckAt;
  const answeredAt = how === 'answer' ? at : last?.value === value ? last.answeredAt : undefined;
  const known = new Map(memory.known).set(about, { value, at, answeredAt, isSure, stuckAt, rhythm });
  return { since: memory.since, hadGap: memory.hadGap, known, asked: memory.asked };
}

/**
 * The longest time within which two words of the device cannot both be ones that it says by itself: half of the shortest
 * time that it was ever heard to leave between them, and half of the longest that it was heard to be silent.
 */
export function believableWithinMs(memory: Memory, about: string, now: number): number {
  const { heardAt, longestSilenceMs, shortestUnaskedMs } = rhythmOf(memory, about);
  return Math.min(shortestUnaskedMs, Math.max(longestSilenceMs, now - heardAt)) / 2;
}

/**
 * Whether a value that is measured again and again was measured just now: it is another than before, or the device does
 * not say the same more often than it measures.
 *
 * @param memory from before the claim
 */
export function isNewSample(memory: Memory, claim: Claim, intervalMs: number): boolean {
  if (claim.kept || claim.carried) return false;
  const known = memory.known.get(claim.about);
  if (known === undefined || known.value === undefined) return true;
  return known.value !== claim.value || claim.at - known.rhythm.heardAt >= intervalMs / 2;
}

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
