import type { Claim, Input, Question } from './claims.ts';
import {
  afterAnswer,
  afterGap,
  afterQuestion,
  afterReturn,
  afterWord,
  asAnswer,
  type Before,
  believableWithinMs,
  hasten,
  type Judged,
  openQuestions,
  plan,
  REMEMBERED_MS,
  type State,
} from './state.ts';
import { see, verdictOf } from './weighing.ts';

/** The one judgement of evidence: what has become known of the command, what to ask, and when to look again. */
export function judge<Reason>(state: State<Reason>, input: Input<Reason>, now: number): Judged<Reason> {
  const heard = take(state, input, now);
  const verdict = heard.verdict ?? verdictOf(heard, now);
  if (verdict !== undefined)
    return { state: heard.verdict === undefined ? { ...heard, verdict } : heard, verdict, wakeAt: now };
  if (!mayAsk(heard, now)) return { state: heard, wakeAt: nextMoment(heard, now) };
  const ask: Question = { id: heard.nextQuestion, began: Number.POSITIVE_INFINITY };
  const asking = { ...heard, open: ask, nextQuestion: ask.id + 1, askAt: now + heard.betweenMs };
  return { state: asking, ask, wakeAt: nextMoment(asking, now) };
}

function take<Reason>(state: State<Reason>, input: Input<Reason>, now: number): State<Reason> {
  switch (input.kind) {
    case 'sent':
      return takeSent(state, input.at);
    case 'acknowledged':
      return drain({ ...state, acknowledged: input.at }, now);
    case 'unacknowledged':
      return hasten(drain({ ...state, acknowledged: 'lost' }, now), now);
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
      return {
        ...state,
        memory: afterReturn(state.memory, now),
        returnedAt: now,
        askAt: Math.min(state.askAt, now),
      };
    case 'time':
      return giveUpQuestion(state, now);
  }
}

function takeSent<Reason>(state: State<Reason>, at: number): State<Reason> {
  const { memory, traits, plan, goal, subjects } = state;
  const before = new Map<string, Before>();
  let stuckBefore = false;
  let isUnknown = false;
  const open = new Set<number>();
  for (const about of subjects) {
    const known = memory.known.get(about);
    stuckBefore ||= (known?.stuckAt ?? -Infinity) > at - traits.oldByMs;
    isUnknown ||= known?.value === undefined;
    for (const began of openQuestions(memory, about, at, traits.lateByMs)) open.add(began);
  }
  for (const [about, { value, answeredAt, isSure, at: heardAt }] of memory.known) {
    const isAnswer = answeredAt !== undefined && answeredAt > at - plan.knownForMs;
    // An echo of another command looks like a word of the device.
    const wasAnswered = answeredAt !== undefined || !traits.echoes;
    const holds = isAnswer || (traits.tellsChanges && isSure && wasAnswered);
    if (value !== undefined && holds)
      before.set(about, { value, how: isAnswer ? 'answer' : 'told', at: isAnswer ? answeredAt : heardAt });
  }
  const isQuestion = goal.question !== undefined;
  // Whoever comes back may say first what he remembers from before.
  const isAfterGap = memory.hadGap && isUnknown;
  return {
    ...state,
    sentAt: at,
    before,
    stale: open.size,
    returnedAt: isAfterGap ? memory.since : state.returnedAt,
    echo: traits.echoes && !isQuestion ? 'owed' : undefined,
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
    returnedAt: now,
    // The question under way may be answered all the same, in the place of the next.
    missed: state.open !== undefined && state.open.began <= now ? [...state.missed, state.open.began] : state.missed,
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
      // The device’s own word: what a middleman says after it, he says after the device.
      return hasten({ ...state, doneAt: state.doneAt ?? now, echo: undefined }, now);
    case 'unclear':
      return hasten(state, now);
    case 'refused':
      return hasten({ ...state, refused: state.refused ?? { at: now, reason } }, now);
    case 'lost':
      return hasten({ ...state, lost: { reason } }, now);
  }
}

const mayAsk = <Reason>({ traits, open, askAt, sentAt }: State<Reason>, now: number): boolean =>
  sentAt !== undefined && traits.answers !== 'none' && open === undefined && now >= askAt;

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
  let next = Number.POSITIVE_INFINITY;
  for (const moment of moments) if (moment > now && moment < next) next = moment;
  return next;
}

/** Two answers that look like anything else are put so far apart, for one that says otherwise to come in between. */
const STRAGGLE_MS = 500;

function takeTold<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  const { traits } = state;
  const isHeld = state.sentAt !== undefined && traits.acknowledgedBy !== 'nobody' && state.acknowledged === 'awaited';
  if (isHeld) return { ...state, waiting: [...state.waiting, ...claims] };
  return hear(state, claims, now);
}

/** What was held back while the acknowledgement was under way. */
const drain = <Reason>(state: State<Reason>, now: number): State<Reason> =>
  state.waiting.length === 0 ? state : hear({ ...state, waiting: [] }, state.waiting, now);

function hear<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  let next = state;
  for (const claim of claims) next = hearOne(next, claim, now);
  return next.verdict === undefined ? takeAlike(next, claims, now) : next;
}

function hearOne<Reason>(state: State<Reason>, claim: Claim, now: number): State<Reason> {
  const { sentAt, traits, memory } = state;
  const known = memory.known.get(claim.about)?.value;
  const differs = known !== undefined && known !== claim.value;
  // After a gap what is remembered may be the same as the echo: then nobody knows which word it is.
  const isOwed = state.echo === 'owed' && !Number.isFinite(state.returnedAt);
  const isEcho = isOwed && differs && !claim.kept && !claim.carried && isAsked(state, claim);
  const remembered: State<Reason> = {
    ...state,
    memory: afterWord(memory, claim, traits.lateByMs),
    echo: isEcho ? claim : state.echo,
  };
  if (sentAt === undefined) return remembered;
  const since = notBefore(state, claim);
  if (claim.cause === 'remote_again' && !claim.kept) return since < sentAt ? remembered : standStill(remembered, claim);
  // From the memory of somebody on the way: known, and no word of the device.
  if (claim.kept || claim.carried) return remembered;
  if (since < sentAt) return amend(remembered, claim, differs, now);
  const isWord = claim.cause === 'this_command' || claim.notBefore !== undefined || isOrdered(state, claim);
  const isChange = differs && traits.tellsChanges;
  if (isWord || (isChange && !traits.echoes) || namesUs(state, claim)) return see(remembered, claim, since, now);
  return isChange ? hasten(remembered, now) : remembered;
}

/** Whether it is where the command is to get it. */
const isAsked = <Reason>({ goal }: State<Reason>, claim: Pick<Claim, 'about' | 'value'>): boolean =>
  goal.proof.some(({ about, value }) => about === claim.about && value === claim.value);

const namesUs = <Reason>({ traits }: State<Reason>, { cause }: Claim): boolean =>
  cause === 'remote' && Number.isFinite(traits.oldByMs);

/** A word that may be of an earlier command says nothing of this one, but that nothing else became known since. */
function standStill<Reason>(state: State<Reason>, { about, value }: Claim): State<Reason> {
  const stood = state.traits.tellsChanges && state.before.get(about)?.value === value;
  return stood && isAsked(state, { about, value }) ? { ...state, stillStands: true } : state;
}

/** `Clock.now()` before which what is told cannot have arisen. */
function notBefore<Reason>(state: State<Reason>, claim: Claim): number {
  const { sentAt = Number.POSITIVE_INFINITY, traits, acknowledged } = state;
  if (claim.cause === 'this_command') return Math.max(sentAt, claim.notBefore ?? sentAt);
  if (claim.notBefore !== undefined) return claim.notBefore;
  if (isOrdered(state, claim)) return sentAt;
  // On one connection, what came before the acknowledgement had left before the command arrived.
  const isOfBefore = traits.acknowledgedBy !== 'nobody' && typeof acknowledged === 'number' && claim.at <= acknowledged;
  return isOfBefore ? Number.NEGATIVE_INFINITY : claim.at - traits.oldByMs;
}

const isOrdered = <Reason>({ traits, acknowledged }: State<Reason>, { at }: Claim): boolean =>
  traits.acknowledgedBy === 'device' && typeof acknowledged === 'number' && at > acknowledged;

/**
 * Told, and perhaps of before: it wakes the judge, and it may be what was before the send. What an answer showed just
 * before the send it does not change.
 */
function amend<Reason>(state: State<Reason>, claim: Claim, differs: boolean, now: number): State<Reason> {
  const { about, value } = claim;
  const known = state.before.get(about);
  const before = new Map(state.before);
  const isNewer = known?.how === 'told' || (known !== undefined && claim.at - state.traits.oldByMs > known.at);
  // An echo says what should be, not what was; and who has just come back says what he remembers.
  const isOfDevice = !state.traits.echoes && claim.at >= state.returnedAt + REMEMBERED_MS;
  if (isNewer && isOfDevice) before.set(about, { value, how: 'told', at: claim.at });
  const isNews = known === undefined ? differs : known.value !== value;
  const stuckTold = state.stuckTold || (value === 'stuck' && isNews && !state.stuckBefore);
  const next = { ...state, before, stuckTold };
  return isNews ? hasten(next, now) : next;
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
  const since = ({ notBefore }: Claim) => Math.min(began, notBefore ?? began);
  return claims.reduce((next, claim) => see(next, claim, since(claim), now, open.began), answered);
}

/**
 * Where an answer looks like what is told unasked: one alone may be a word of something else. So many in a row that say
 * the same, each to a question of its own, and closer together than the device speaks by itself, are answers.
 */
function takeAlike<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  const { traits, subjects, open, sentAt, plan: given } = state;
  if (traits.answers !== 'mixed' || sentAt === undefined) return state;
  const ours = claims.filter(({ about, kept, carried }) => subjects.has(about) && !kept && !carried);
  const [first] = ours;
  if (first === undefined || ours.some(({ cause }) => cause !== undefined)) return state;
  // A word in between that says otherwise ends the row, though nothing was asked.
  if (open === undefined || open.began > now)
    return { ...state, alike: state.alike.filter(({ claims: other }) => saysTheSame(other, ours)) };
  const isEcho = ours.some((claim) => claim === state.echo);
  if (isEcho || first.at < state.returnedAt + REMEMBERED_MS)
    return plan({ ...state, open: undefined }, now, STRAGGLE_MS);
  const same = state.alike.filter(({ claims: other }) => saysTheSame(other, ours));
  const alike = [...same, { at: first.at, began: open.began, claims: ours }];
  const next = { ...state, open: undefined, alike };
  const needed = 2 + state.stale + (state.echo === 'owed' ? 1 : 0);
  const window = alike.slice(-needed);
  const [oldest] = window;
  if (oldest === undefined || window.length < needed) return plan(next, now, STRAGGLE_MS);
  const together = first.at - oldest.at;
  const believable = ours.every(({ about }) => together < believableWithinMs(state.memory, about, oldest.at));
  if (!believable || oldest.began < sentAt) {
    // As far as it was heard, it may speak as quickly by itself: a pause shows whether it does. After one, all anew.
    const isQuick = together <= (needed - 1) * 2 * STRAGGLE_MS;
    return isQuick ? plan({ ...next, alike: alike.slice(-1) }, now) : plan(next, now, STRAGGLE_MS);
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
  for (const about of state.subjects) memory = afterQuestion(memory, about, at, state.traits.lateByMs);
  return { ...state, memory, open: { id, began: at } };
}

function giveUpQuestion<Reason>(state: State<Reason>, now: number): State<Reason> {
  const { open, traits, plan: given } = state;
  if (traits.answers !== 'mixed' || open === undefined || now < open.began + given.patienceMs) return state;
  return plan({ ...state, open: undefined }, now);
}
