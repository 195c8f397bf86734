import type { MessageSource, MessageVerdict, WeighedMessage } from '../../contract/index.ts';
import type { Claim, Input, Sought, Value, Verdict } from './claims.ts';
import { REMEMBERED_MS, type State } from './state.ts';

/**
 * Weighs what certainly arose after the send.
 *
 * @param since `Clock.now()` before which it cannot have arisen
 * @param askedAt for an answer, when its question was put
 */
export function see<Reason>(
  state: State<Reason>,
  claim: Claim,
  since: number,
  now: number,
  askedAt?: number,
): State<Reason> {
  const { goal, sentAt = now } = state;
  const { about, value } = claim;
  if (goal.question !== undefined)
    return about === goal.question ? { ...state, verdict: { end: 'answered', value } } : state;
  const known = state.before.get(about);
  // An answer that may be older than what is known says nothing of how it changed.
  const isOfItself = claim.cause === 'this_command' || (claim.notBefore !== undefined && askedAt === undefined);
  const isOlder = known !== undefined && known.value !== value && since < known.at;
  if (askedAt !== undefined && isOlder && !isOfItself) return state;
  const seen = { ...state, before: new Map(state.before).set(about, { value, how: 'seen' as const, at: now }) };
  if (!state.subjects.has(about)) return seen;
  if (goal.proof.some((sought) => matches(state, sought, claim)))
    return arrive(seen, claim, { known: known?.value, since }, now);
  if (value === 'not_known' || value === 'withheld') {
    // It hides what it is; what was known before the send still tells a change from it.
    return { ...state, notKnown: true, elsewhere: undefined };
  }
  const isOver = goal.lastsMs !== undefined && now >= sentAt + goal.lastsMs;
  const isOnTheWay = value === 'half_way' && known !== undefined;
  const isPassing =
    (isOnTheWay || goal.passing?.some((sought) => matches(state, sought, claim))) && known?.value !== value;
  const moved = isPassing ? { ...seen, witness: state.witness ?? ('passing' as const) } : seen;
  if (value === 'stuck') return known?.value === 'stuck' ? moved : { ...moved, verdict: { end: 'stuck' } };
  if (value === 'half_way' && state.stuckTold) return { ...moved, verdict: { end: 'stuck' } };
  if (value === 'half_way') return stayHalfWay(moved, now, askedAt);
  if (askedAt === undefined || isPassing || isOver || goal.isMomentary) return moved;
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
  { known: before, since }: { readonly known: Value | undefined; readonly since: number },
  now: number,
): State<Reason> {
  if (cause === 'this_command' || cause === 'remote') return { ...state, verdict: { end: 'confirmed', by: 'cause' } };
  if (before !== undefined && before !== value && before !== 'not_known' && before !== 'withheld')
    return { ...state, verdict: { end: 'confirmed', by: 'change' } };
  if (state.witness !== undefined) return { ...state, verdict: { end: 'confirmed', by: state.witness } };
  // It said that it carried the command out, and stands as asked since then.
  if (state.doneAt !== undefined && since >= state.doneAt)
    return { ...state, verdict: { end: 'confirmed', by: 'word' } };
  // It stood so before it said that, or as it did: one more look tells.
  if (state.doneAt !== undefined) return { ...state, askAt: now };
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

export function verdictOf<Reason>(state: State<Reason>, now: number): Verdict<Reason> | undefined {
  const { sentAt, plan: given, traits, goal } = state;
  if (sentAt === undefined) return undefined;
  if (goal.question !== undefined) return now >= state.end ? finalVerdict(state) : undefined;
  if (state.halfWayAnswers >= 2 && state.halfWayAt !== undefined) return { end: 'stuck' };
  if (state.refused !== undefined && now >= state.refused.at + given.reasonMs)
    return { end: 'refused', reason: state.refused.reason };
  if (state.standsAt !== undefined && now >= state.standsAt + given.witnessMs) return { end: 'unconfirmed' };
  const isMute = traits.answers === 'none' && !traits.tellsChanges;
  if (isMute && state.acknowledged !== 'awaited' && state.acknowledged !== 'lost') return { end: 'unconfirmed' };
  const isOver = goal.lastsMs !== undefined && now >= sentAt + goal.lastsMs && state.open === undefined;
  if (isOver) return finalVerdict(state);
  const isLost = state.lost !== undefined && state.silence?.reason !== undefined;
  if (isLost && given.lossMs !== undefined && now >= sentAt + given.lossMs) return finalVerdict(state);
  const mayGoAgain = given.earlyUntil !== undefined && now < given.earlyUntil;
  if (mayGoAgain && (state.elsewhere?.count ?? 0) >= 2 && state.elsewhere && isLate(state, state.elsewhere.began))
    return { end: 'not_reached', value: state.elsewhere.value };
  return now >= state.end ? finalVerdict(state) : undefined;
}

const isLate = <Reason>({ sentAt = 0, plan: given, goal, remainingMs }: State<Reason>, began: number): boolean =>
  began >= sentAt + Math.min(given.travelMs + remainingMs, goal.lastsMs ?? Number.POSITIVE_INFINITY);

export function finalVerdict<Reason>(state: State<Reason>): Verdict<Reason> {
  const { traits, goal, elsewhere } = state;
  if (state.refused !== undefined) return { end: 'refused', reason: state.refused.reason };
  if (state.standsAt !== undefined) return { end: 'unconfirmed' };
  if (state.halfWayAnswers >= 1 && state.halfWayAt !== undefined) return { end: 'stuck' };
  if (elsewhere !== undefined && isLate(state, elsewhere.began)) return { end: 'not_reached', value: elsewhere.value };
  const reason = state.lost?.reason ?? state.silence?.reason;
  const because = reason === undefined ? {} : { reason };
  if (state.lost !== undefined) return { end: 'unknown', why: 'lost', ...because };
  if (state.notKnown) return { end: 'unknown', why: 'not_known', ...because };
  if (state.stillStands && elsewhere === undefined) return { end: 'unconfirmed' };
  if (goal.lastsMs !== undefined || goal.isMomentary) return { end: 'unknown', why: 'too_late', ...because };
  // One that cannot be asked says nothing when nothing changes: as far as anybody knows it stands as asked.
  const stands = goal.proof.some(
    ({ about, value }) => state.before.get(about)?.value === value || isToldSince(state, about, value),
  );
  if (traits.answers === 'none' && stands && state.acknowledged !== 'lost') return { end: 'unconfirmed' };
  return { end: 'unknown', why: 'silent', ...because };
}

/** It said so since, and nothing is known of before: whether it moved for that nobody can tell. */
function isToldSince<Reason>(
  { memory, traits, sentAt = 0, returnedAt }: State<Reason>,
  about: string,
  value: Value,
): boolean {
  const known = memory.known.get(about);
  return known?.value === value && known.at - traits.oldByMs >= sentAt && known.at >= returnedAt + REMEMBERED_MS;
}

/**
 * What one input was worth to the command that is judged, for its history: one message for each thing that it says of
 * what is sought. It looks at what the judgement made of it and judges nothing itself.
 *
 * @param before the state that the input met
 * @param after the state that it led to
 */
export function weighed<Reason>(
  before: State<Reason>,
  after: State<Reason>,
  input: Input<Reason>,
  now: number,
): WeighedMessage[] {
  const messages = before.sentAt === undefined ? [] : messagesOf(before, after, input, now);
  const { verdict } = after;
  if (before.verdict === undefined && verdict !== undefined) messages.push(judgement(verdict, now));
  return messages;
}

function messagesOf<Reason>(
  before: State<Reason>,
  after: State<Reason>,
  input: Input<Reason>,
  now: number,
): WeighedMessage[] {
  switch (input.kind) {
    case 'told':
      return claimsOf(before, after, 'told', input.claims, now);
    case 'answer':
      return before.open?.id === input.question ? claimsOf(before, after, 'answer', input.claims, now) : [];
    case 'acknowledged':
      return [
        { at: now, source: 'acknowledgement', verdict: 'no_observation' },
        ...claimsOf(before, after, 'told', before.waiting, now),
      ];
    case 'unacknowledged':
      return [
        { at: now, source: 'silence', about: 'acknowledgement', verdict: 'no_observation' },
        ...claimsOf(before, after, 'told', before.waiting, now),
      ];
    case 'said':
      return [
        {
          at: now,
          source: 'word',
          value: input.word,
          verdict: input.word === 'refused' ? 'refuses' : 'no_observation',
        },
      ];
    case 'no_answer':
      return before.open?.id === input.question
        ? [{ at: now, source: 'silence', about: 'answer', verdict: 'no_observation' }]
        : [];
    case 'gap':
      return [
        ...claimsOf(before, after, 'told', before.waiting, now),
        { at: now, source: 'gap', verdict: 'breaks_off' },
      ];
    case 'reachable':
      return [{ at: now, source: 'return', verdict: 'no_observation' }];
    case 'sent':
    case 'put':
    case 'time':
      return [];
  }
}

function claimsOf<Reason>(
  before: State<Reason>,
  after: State<Reason>,
  source: MessageSource,
  claims: readonly Claim[],
  now: number,
): WeighedMessage[] {
  const messages: WeighedMessage[] = [];
  for (const claim of claims) {
    const { about, value } = claim;
    if (!before.subjects.has(about)) continue;
    messages.push({ at: now, source, about, value, verdict: verdictOn(before, after, claim, source) });
  }
  return messages;
}

function verdictOn<Reason>(
  before: State<Reason>,
  after: State<Reason>,
  claim: Claim,
  source: MessageSource,
): MessageVerdict {
  if (after.waiting.includes(claim)) return 'held';
  if (source !== 'answer' && (claim.kept || claim.carried)) return 'of_the_past';
  const isSought = after.goal.proof.some(({ about, value }) => about === claim.about && value === claim.value);
  if (isSought && after.verdict?.end === 'confirmed') return 'proves';
  if (isSought && (after.standsAt !== before.standsAt || after.stillStands !== before.stillStands)) return 'stands';
  if (after.verdict?.end === 'stuck') return 'stuck';
  const isHalfWay = after.halfWayAt !== before.halfWayAt || after.halfWayAnswers !== before.halfWayAnswers;
  if (claim.value === 'half_way' && isHalfWay) return 'half_way';
  if (after.witness !== before.witness) return 'moves';
  if (after.elsewhere !== before.elsewhere && after.elsewhere?.value === claim.value) return 'elsewhere';
  if (claim.value === 'not_known' || claim.value === 'withheld') return 'not_known';
  return 'not_counted';
}

function judgement<Reason>(verdict: Verdict<Reason>, now: number): WeighedMessage {
  const about = verdict.end === 'confirmed' ? verdict.by : verdict.end === 'unknown' ? verdict.why : undefined;
  return {
    at: now,
    source: 'judgement',
    ...(about !== undefined && { about }),
    value: verdict.end,
    verdict: 'decides',
  };
}
