import type { Claim, Goal, Input, Plan, Question, Sought, Traits, Value, Verdict } from './claims.ts';
import {
  afterAnswer,
  afterGap,
  afterQuestion,
  afterWord,
  asAnswer,
  believableWithinMs,
  type Memory,
  openQuestions,
} from './memory.ts';

/** Two answers that look like anything else are put so far apart, for one that says otherwise to come in between. */
const STRAGGLE_MS = 500;

/** What is being judged: one command on one device, from before its send to its verdict. Pure; nothing in it lives. */
export interface State<Reason> {
  readonly goal: Goal;
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
  readonly before: ReadonlyMap<string, { readonly value: Value; readonly how: 'told' | 'answer' | 'seen' }>;
  /** Questions of before the send that may still be answered. */
  readonly stale: number;
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
  readonly witness: 'passing' | 'cause' | 'word' | undefined;
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

export interface Judged<Reason> {
  readonly state: State<Reason>;
  /** To be asked now; the answer comes back as an input with its id. */
  readonly ask?: Question;
  readonly verdict?: Verdict<Reason>;
  /** `Clock.now()` at which to judge again if nothing happens before. */
  readonly wakeAt: number;
}

/** What is asked about: everything that could prove the end, or tell a movement. */
export const subjectsOf = ({ proof, passing = [], question }: Goal): ReadonlySet<string> =>
  new Set([...(question === undefined ? [] : [question]), ...[...proof, ...passing].map(({ about }) => about)]);

/** Before the send. @param memory what the device has said so far */
export function begin<Reason>(options: {
  readonly goal: Goal;
  readonly traits: Traits;
  readonly plan: Plan;
  readonly memory: Memory;
  readonly end: number;
}): State<Reason> {
  return {
    ...options,
    sentAt: undefined,
    acknowledged: 'awaited',
    waiting: [],
    before: new Map(),
    stale: 0,
    stuckBefore: false,
    nextQuestion: 1,
    open: undefined,
    askAt: Number.POSITIVE_INFINITY,
    betweenMs: options.plan.betweenMs,
    missed: [],
    alike: [],
    witness: undefined,
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

/** The one judgement of evidence: what has become known of the command, what to ask, and when to look again. */
export function judge<Reason>(state: State<Reason>, input: Input<Reason>, now: number): Judged<Reason> {
  const heard = take(state, input, now);
  const verdict = heard.verdict ?? verdictOf(heard, now);
  if (verdict !== undefined) return { state: { ...heard, verdict }, verdict, wakeAt: now };
  const asked = askIfDue(heard, now);
  return {
    state: asked.state,
    ...(asked.ask && { ask: asked.ask }),
    wakeAt: nextMoment(asked.state, now),
  };
}

function take<Reason>(state: State<Reason>, input: Input<Reason>, now: number): State<Reason> {
  switch (input.kind) {
    case 'sent':
      return takeSent(state, input.at);
    case 'acknowledged':
      return drain({ ...state, acknowledged: input.at }, now);
    case 'unacknowledged':
      return drain({ ...state, acknowledged: 'lost' }, now);
    case 'said':
      return takeWord(state, input, now);
    case 'told':
      return takeTold(state, input.claims, now);
    case 'put':
      return takePut(state, input.question, input.at);
    case 'answer':
      return takeAnswer(state, input.question, input.claims, now);
    case 'no_answer':
      return takeSilence(state, input.question, input.reason, now);
    case 'gap':
      return takeGap(state, now);
    case 'reachable':
      return { ...state, askAt: Math.min(state.askAt, now) };
    case 'time':
      return giveUpQuestion(state, now);
  }
}

function takeSent<Reason>(state: State<Reason>, at: number): State<Reason> {
  const { memory, traits, plan, goal } = state;
  const before = new Map<string, { value: Value; how: 'told' | 'answer' }>();
  for (const [about, { value, how, at: heardAt }] of memory.known) {
    const holds = traits.tellsChanges || (how === 'answer' && heardAt > at - plan.knownForMs);
    if (value !== undefined && holds) before.set(about, { value, how });
  }
  const subjects = [...subjectsOf(goal)];
  const open = new Set(subjects.flatMap((about) => openQuestions(memory, about, at, traits.lateByMs)));
  const stuckBefore = subjects.some((about) => (memory.known.get(about)?.stuckAt ?? -Infinity) > at - traits.oldByMs);
  const isQuestion = goal.question !== undefined;
  return {
    ...state,
    sentAt: at,
    before,
    stale: open.size,
    missed: [...open],
    stuckBefore,
    acknowledged: isQuestion ? at : state.acknowledged,
    askAt: isQuestion ? at : at + plan.firstAskMs,
  };
}

function takeGap<Reason>(before: State<Reason>, now: number): State<Reason> {
  const state = before.waiting.length > 0 ? drain(before, now) : before;
  return {
    ...state,
    memory: afterGap(state.memory, now),
    // What the middleman knows may be of before; what the device answered or was seen to do for this command stays.
    before: new Map(
      [...state.before].filter(
        ([, { how }]) => how === 'answer' || (how === 'seen' && state.traits.answers !== 'mixed'),
      ),
    ),
    waiting: [],
    open: undefined,
    alike: [],
    elsewhere: undefined,
    halfWayAt: undefined,
    halfWayAnswers: 0,
  };
}

function takeWord<Reason>(
  state: State<Reason>,
  { word, reason, remainingMs }: Extract<Input<Reason>, { kind: 'said' }>,
  now: number,
): State<Reason> {
  switch (word) {
    case 'accepted':
    case 'working':
      return { ...state, remainingMs: Math.max(state.remainingMs, remainingMs ?? 0) };
    case 'done':
      return hasten({ ...state, witness: state.witness ?? 'word' }, now);
    case 'refused':
      return hasten({ ...state, refused: state.refused ?? { at: now, reason } }, now);
    case 'lost':
      return hasten({ ...state, lost: { reason } }, now);
  }
}

const hasten = <Reason>(state: State<Reason>, now: number): State<Reason> =>
  state.sentAt === undefined ? state : { ...state, askAt: Math.min(state.askAt, now) };

function takeTold<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  const { traits } = state;
  const isHeld = state.sentAt !== undefined && traits.acknowledgedBy !== 'nobody' && state.acknowledged === 'awaited';
  if (isHeld) return { ...state, waiting: [...state.waiting, ...claims] };
  return hear(state, claims, now);
}

/** What was held back while the acknowledgement was under way. */
const drain = <Reason>(state: State<Reason>, now: number): State<Reason> =>
  hear({ ...state, waiting: [] }, state.waiting, now);

function hear<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  let next = state;
  for (const claim of claims) next = hearOne(next, claim, now);
  return next.verdict === undefined ? takeAlike(next, claims, now) : next;
}

function hearOne<Reason>(state: State<Reason>, claim: Claim, now: number): State<Reason> {
  const { sentAt, traits, memory } = state;
  const known = memory.known.get(claim.about)?.value;
  const remembered = { ...state, memory: afterWord(memory, claim, traits.lateByMs) };
  if (sentAt === undefined || claim.kept) return remembered;
  const since = notBefore(state, claim);
  if (since < sentAt) return amend(remembered, claim, now);
  const isWord = claim.cause === 'this_command' || claim.notBefore !== undefined || isOrdered(state, claim);
  const isChange = known !== undefined && known !== claim.value && traits.tellsChanges && !claim.carried;
  if (isWord || (isChange && !traits.echoes) || namesUs(state, claim)) return see(remembered, claim, since, now);
  return isChange ? hasten(remembered, now) : remembered;
}

const namesUs = <Reason>({ traits }: State<Reason>, { cause }: Claim): boolean =>
  cause === 'remote' && Number.isFinite(traits.oldByMs);

/** `Clock.now()` before which what is told cannot have arisen. */
function notBefore<Reason>(state: State<Reason>, claim: Claim): number {
  const { sentAt = Number.POSITIVE_INFINITY, traits, acknowledged } = state;
  if (claim.cause === 'this_command') return Math.max(sentAt, claim.notBefore ?? sentAt);
  if (claim.notBefore !== undefined) return claim.notBefore;
  if (isOrdered(state, claim)) return sentAt;
  // On one connection, what came before the acknowledgement had left before the command arrived.
  const isOfBefore = traits.acknowledgedBy !== 'nobody' && typeof acknowledged === 'number' && claim.at < acknowledged;
  return isOfBefore ? Number.NEGATIVE_INFINITY : claim.at - traits.oldByMs;
}

const isOrdered = <Reason>({ traits, acknowledged }: State<Reason>, { at }: Claim): boolean =>
  traits.acknowledgedBy === 'device' && typeof acknowledged === 'number' && at >= acknowledged;

/**
 * Told, and perhaps of before: it wakes the judge, and it may be what was before the send. What an answer showed just
 * before the send it does not change.
 */
function amend<Reason>(state: State<Reason>, claim: Claim, now: number): State<Reason> {
  const { about, value } = claim;
  const known = state.before.get(about);
  const before = new Map(state.before);
  if (known === undefined || known.how === 'told') before.set(about, { value, how: 'told' });
  const isNews = known?.value !== value;
  const stuckTold = state.stuckTold || (value === 'stuck' && isNews && !state.stuckBefore);
  const next = { ...state, before, stuckTold };
  return isNews && !claim.carried ? hasten(next, now) : next;
}

function takeAnswer<Reason>(state: State<Reason>, id: number, claims: readonly Claim[], now: number): State<Reason> {
  const { open, sentAt, traits } = state;
  if (open === undefined || open.id !== id || sentAt === undefined) return state;
  // One that was given up may have come in the place of this: it is as old as that question.
  const isInTurn = traits.answers === 'in_turn';
  const late = isInTurn ? state.missed.filter((began) => now - began < traits.lateByMs) : [];
  const began = Math.min(open.began, ...late);
  // Then its own answer is still to come, in the place of the next.
  const missed = late.length > 0 ? [...late, open.began] : [];
  let memory = state.memory;
  for (const claim of claims) memory = afterAnswer(memory, claim, open.began, isInTurn ? traits.lateByMs : 0);
  const answered = plan({ ...state, memory, open: undefined, missed, silence: undefined }, now);
  if (began < sentAt) return answered;
  return claims.reduce((next, claim) => see(next, claim, began, now, open.began), answered);
}

/**
 * Where an answer looks like what is told unasked: one alone may be a word of something else. So many in a row that say
 * the same, each to a question of its own, and closer together than the device speaks by itself, are answers.
 */
function takeAlike<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  const { traits, goal, open, sentAt, plan: given } = state;
  if (traits.answers !== 'mixed' || open === undefined || open.began > now || sentAt === undefined) return state;
  const subjects = subjectsOf(goal);
  const ours = claims.filter(({ about, kept, carried }) => subjects.has(about) && !kept && !carried);
  const [first] = ours;
  if (first === undefined || ours.some(({ cause }) => cause !== undefined)) return state;
  const same = state.alike.filter(({ claims: other }) => saysTheSame(other, ours));
  const alike = [...same, { at: first.at, began: open.began, claims: ours }];
  const next = { ...state, open: undefined, alike };
  const needed = 2 + state.stale;
  const window = alike.slice(-needed);
  const [oldest] = window;
  if (oldest === undefined || window.length < needed) return plan(next, now, STRAGGLE_MS);
  const together = first.at - oldest.at;
  const believable = ours.every(({ about }) => together < believableWithinMs(state.memory, about, oldest.at));
  if (!believable || oldest.began < sentAt) {
    // As far as it was heard, it may speak as quickly by itself: a pause shows whether it does. After one, two anew.
    const isPaused = first.at - (same.at(-1)?.at ?? first.at) > 2 * STRAGGLE_MS;
    return plan({ ...next, alike: alike.slice(-1) }, now, isPaused ? STRAGGLE_MS : undefined);
  }
  const memory = ours.reduce((known, { about }) => asAnswer(known, about), next.memory);
  const isPressing = given.earlyUntil !== undefined || ours.some(({ value }) => value === 'half_way');
  const planned = plan(
    { ...next, memory, ...(!isPressing && { alike: [] }) },
    now,
    isPressing ? STRAGGLE_MS : undefined,
  );
  return ours.reduce((seen, claim) => see(seen, claim, oldest.began, now, open.began), planned);
}

const saysTheSame = (a: readonly Claim[], b: readonly Claim[]): boolean =>
  a.length === b.length && a.every(({ about, value }, i) => about === b[i]?.about && value === b[i]?.value);

function takeSilence<Reason>(state: State<Reason>, id: number, reason: Reason | undefined, now: number): State<Reason> {
  if (state.open?.id !== id) return state;
  const missed = [...state.missed, state.open.began];
  return plan({ ...state, open: undefined, missed, silence: { reason } }, now);
}

function takePut<Reason>(state: State<Reason>, id: number, at: number): State<Reason> {
  if (state.open?.id !== id) return state;
  let { memory } = state;
  for (const about of subjectsOf(state.goal)) memory = afterQuestion(memory, about, at, state.traits.lateByMs);
  return { ...state, memory, open: { id, began: at } };
}

function giveUpQuestion<Reason>(state: State<Reason>, now: number): State<Reason> {
  const { open, traits, plan: given } = state;
  if (traits.answers !== 'mixed' || open === undefined || now < open.began + given.patienceMs) return state;
  return plan({ ...state, open: undefined }, now);
}

/** When to ask next. */
function plan<Reason>(state: State<Reason>, now: number, soonMs?: number): State<Reason> {
  const { betweenMs, plan: given } = state;
  return {
    ...state,
    askAt: now + Math.min(soonMs ?? betweenMs, betweenMs),
    betweenMs: soonMs === undefined ? Math.min(given.longestBetweenMs, betweenMs * 2) : betweenMs,
  };
}

/**
 * Weighs what certainly arose after the send.
 *
 * @param since `Clock.now()` before which it cannot have arisen
 * @param askedAt for an answer, when its question was put
 */
function see<Reason>(state: State<Reason>, claim: Claim, since: number, now: number, askedAt?: number): State<Reason> {
  const { goal, sentAt = now } = state;
  const { about, value } = claim;
  if (goal.question !== undefined)
    return about === goal.question ? { ...state, verdict: { end: 'answered', value } } : state;
  const known = state.before.get(about);
  const seen = { ...state, before: new Map([...state.before, [about, { value, how: 'seen' as const }]]) };
  const subjects = subjectsOf(goal);
  if (!subjects.has(about)) return seen;
  if (goal.proof.some((sought) => matches(state, sought, claim))) return arrive(seen, claim, known?.value, now);
  if (value === 'not_known' || value === 'withheld') {
    // It hides what it is; what was known before the send still tells a change from it.
    return { ...state, notKnown: true, elsewhere: undefined };
  }
  const isOver = goal.lastsMs !== undefined && now >= sentAt + goal.lastsMs;
  const isPassing = goal.passing?.some((sought) => matches(state, sought, claim)) && known?.value !== value;
  const moved = isPassing ? { ...seen, witness: state.witness ?? ('passing' as const) } : seen;
  if (value === 'stuck') return known?.value === 'stuck' ? moved : { ...moved, verdict: { end: 'stuck' } };
  if (value === 'half_way' && state.stuckTold) return { ...moved, verdict: { end: 'stuck' } };
  if (value === 'half_way') return stayHalfWay(moved, now, askedAt);
  if (askedAt === undefined || isPassing || isOver) return moved;
  const count = state.elsewhere?.value === value ? state.elsewhere.count + 1 : 1;
  if (state.stuckTold && count >= 2) return { ...moved, verdict: { end: 'stuck' } };
  return { ...moved, notKnown: false, halfWayAt: undefined, elsewhere: { value, count, began: since } };
}

const matches = <Reason>(state: State<Reason>, sought: Sought, { about, value }: Claim): boolean =>
  sought.about === about &&
  sought.value === value &&
  (sought.ifBefore === undefined || state.before.get(sought.ifBefore.about)?.value === sought.ifBefore.value);

function arrive<Reason>(
  state: State<Reason>,
  { value, cause }: Claim,
  before: Value | undefined,
  now: number,
): State<Reason> {
  if (cause === 'this_command' || cause === 'remote') return { ...state, verdict: { end: 'confirmed', by: 'cause' } };
  if (before !== undefined && before !== value && before !== 'not_known' && before !== 'withheld')
    return { ...state, verdict: { end: 'confirmed', by: 'change' } };
  if (state.witness !== undefined) return { ...state, verdict: { end: 'confirmed', by: state.witness } };
  // Asking on would not tell it from before.
  const askAt = Number.POSITIVE_INFINITY;
  const stands = { standsAt: state.standsAt ?? now, askAt };
  return { ...state, ...stands, elsewhere: undefined, halfWayAt: undefined, notKnown: false };
}

function stayHalfWay<Reason>(state: State<Reason>, now: number, askedAt: number | undefined): State<Reason> {
  const { halfWayAt, plan: given } = state;
  if (halfWayAt === undefined) return { ...state, halfWayAt: now, halfWayAnswers: 0, askAt: now + given.halfWayMs };
  const isLate = askedAt !== undefined && askedAt >= halfWayAt + given.halfWayMs;
  return isLate ? { ...state, halfWayAnswers: state.halfWayAnswers + 1 } : state;
}

function verdictOf<Reason>(state: State<Reason>, now: number): Verdict<Reason> | undefined {
  const { sentAt, plan: given, traits, goal } = state;
  if (sentAt === undefined) return undefined;
  if (goal.question !== undefined) return now >= state.end ? conclude(state) : undefined;
  if (state.standsAt !== undefined && state.witness !== undefined) return { end: 'confirmed', by: state.witness };
  if (state.halfWayAnswers >= 2 && state.halfWayAt !== undefined) return { end: 'stuck' };
  if (state.refused !== undefined && now >= state.refused.at + given.reasonMs)
    return { end: 'refused', reason: state.refused.reason };
  if (state.standsAt !== undefined && now >= state.standsAt + given.witnessMs) return { end: 'unconfirmed' };
  const isMute = traits.answers === 'none' && !traits.tellsChanges;
  if (isMute && state.acknowledged !== 'awaited' && state.acknowledged !== 'lost') return { end: 'unconfirmed' };
  const isOver = goal.lastsMs !== undefined && now >= sentAt + goal.lastsMs && state.open === undefined;
  if (isOver) return conclude(state);
  const isLost = state.lost !== undefined && state.silence?.reason !== undefined;
  if (isLost && given.lossMs !== undefined && now >= sentAt + given.lossMs) return conclude(state);
  const mayGoAgain = given.earlyUntil !== undefined && now < given.earlyUntil;
  if (mayGoAgain && (state.elsewhere?.count ?? 0) >= 2 && state.elsewhere && isLate(state, state.elsewhere.began))
    return { end: 'not_reached', value: state.elsewhere.value };
  return now >= state.end ? conclude(state) : undefined;
}

const isLate = <Reason>({ sentAt = 0, plan: given, goal, remainingMs }: State<Reason>, began: number): boolean =>
  began >= sentAt + Math.min(given.travelMs + remainingMs, goal.lastsMs ?? Number.POSITIVE_INFINITY);

function conclude<Reason>(state: State<Reason>): Verdict<Reason> {
  const { traits, goal, elsewhere } = state;
  if (state.refused !== undefined) return { end: 'refused', reason: state.refused.reason };
  if (state.standsAt !== undefined) return { end: 'unconfirmed' };
  if (state.halfWayAnswers >= 1 && state.halfWayAt !== undefined) return { end: 'stuck' };
  if (elsewhere !== undefined && isLate(state, elsewhere.began)) return { end: 'not_reached', value: elsewhere.value };
  const reason = state.lost?.reason ?? state.silence?.reason;
  const because = reason === undefined ? {} : { reason };
  if (state.lost !== undefined) return { end: 'unknown', why: 'lost', ...because };
  if (state.notKnown) return { end: 'unknown', why: 'not_known', ...because };
  if (goal.lastsMs !== undefined) return { end: 'unknown', why: 'too_late', ...because };
  // One that cannot be asked says nothing when nothing changes: as far as anybody knows it stands as asked.
  const stood = goal.proof.some(({ about, value }) => state.before.get(about)?.value === value);
  if (traits.answers === 'none' && stood && state.acknowledged !== 'lost') return { end: 'unconfirmed' };
  return { end: 'unknown', why: 'silent', ...because };
}

function askIfDue<Reason>(
  state: State<Reason>,
  now: number,
): { readonly state: State<Reason>; readonly ask?: Question } {
  const { traits, open, askAt, sentAt } = state;
  if (sentAt === undefined || traits.answers === 'none' || open !== undefined || now < askAt) return { state };
  const ask: Question = { id: state.nextQuestion, began: Number.POSITIVE_INFINITY };
  return { state: { ...state, open: ask, nextQuestion: ask.id + 1, askAt: now + state.betweenMs }, ask };
}

function nextMoment<Reason>(state: State<Reason>, now: number): number {
  const { end, open, plan: given, traits, standsAt, refused, askAt } = state;
  if (state.sentAt === undefined) return end;
  const moments = [end];
  if (state.goal.lastsMs !== undefined) moments.push(state.sentAt + state.goal.lastsMs);
  if (given.lossMs !== undefined && state.lost !== undefined) moments.push(state.sentAt + given.lossMs);
  if (open === undefined && traits.answers !== 'none') moments.push(askAt);
  if (open !== undefined && traits.answers === 'mixed') moments.push(open.began + given.patienceMs);
  if (standsAt !== undefined) moments.push(standsAt + given.witnessMs);
  if (refused !== undefined) moments.push(refused.at + given.reasonMs);
  return Math.min(...moments.filter((moment) => moment > now));
}
