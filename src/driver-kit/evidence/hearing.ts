import type { Claim } from './claims.ts';
import { afterAnswer, afterQuestion, afterWord, asAnswer, believableWithinMs } from './memory.ts';
import { hasten, plan, REMEMBERED_MS, type State, subjectsOf } from './state.ts';
import { see } from './weighing.ts';

/** Two answers that look like anything else are put so far apart, for one that says otherwise to come in between. */
const STRAGGLE_MS = 500;

export function takeTold<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  const { traits } = state;
  const isHeld = state.sentAt !== undefined && traits.acknowledgedBy !== 'nobody' && state.acknowledged === 'awaited';
  if (isHeld) return { ...state, waiting: [...state.waiting, ...claims] };
  return hear(state, claims, now);
}

/** What was held back while the acknowledgement was under way. */
export const drain = <Reason>(state: State<Reason>, now: number): State<Reason> =>
  hear({ ...state, waiting: [] }, state.waiting, now);

function hear<Reason>(state: State<Reason>, claims: readonly Claim[], now: number): State<Reason> {
  let next = state;
  for (const claim of claims) next = hearOne(next, claim, now);
  return next.verdict === undefined ? takeAlike(next, claims, now) : next;
}

function hearOne<Reason>(state: State<Reason>, claim: Claim, now: number): State<Reason> {
  const { sentAt, traits, memory } = state;
  const known = memory.known.get(claim.about)?.value;
  const differs = known !== undefined && known !== claim.value;
  const isAsAsked = state.goal.proof.some(({ about, value }) => about === claim.about && value === claim.value);
  // After a gap what is remembered may be the same as the echo: then nobody knows which word it is.
  const isOwed = state.echo === 'owed' && !Number.isFinite(state.returnedAt);
  const isEcho = isOwed && differs && isAsAsked && !claim.kept && !claim.carried;
  const remembered = {
    ...state,
    memory: afterWord(memory, claim, traits.lateByMs),
    ...(isEcho && { echo: claim }),
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

const namesUs = <Reason>({ traits }: State<Reason>, { cause }: Claim): boolean =>
  cause === 'remote' && Number.isFinite(traits.oldByMs);

/** A word that may be of an earlier command says nothing of this one, but that nothing else became known since. */
function standStill<Reason>(state: State<Reason>, { about, value }: Claim): State<Reason> {
  const stood = state.traits.tellsChanges && state.before.get(about)?.value === value;
  const isAsked = state.goal.proof.some((sought) => sought.about === about && sought.value === value);
  return stood && isAsked ? { ...state, stillStands: true } : state;
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

export function takeAnswer<Reason>(
  state: State<Reason>,
  id: number,
  claims: readonly Claim[],
  now: number,
): State<Reason> {
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
  const { traits, goal, open, sentAt, plan: given } = state;
  if (traits.answers !== 'mixed' || sentAt === undefined) return state;
  const subjects = subjectsOf(goal);
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

export function takeSilence<Reason>(
  state: State<Reason>,
  id: number,
  reason: Reason | undefined,
  now: number,
): State<Reason> {
  if (state.open?.id !== id) return state;
  const missed = [...state.missed, state.open.began];
  return plan({ ...state, open: undefined, missed, silence: { reason } }, now);
}

export function takePut<Reason>(state: State<Reason>, id: number, at: number): State<Reason> {
  if (state.open?.id !== id) return state;
  let { memory } = state;
  for (const about of subjectsOf(state.goal)) memory = afterQuestion(memory, about, at, state.traits.lateByMs);
  return { ...state, memory, open: { id, began: at } };
}

export function giveUpQuestion<Reason>(state: State<Reason>, now: number): State<Reason> {
  const { open, traits, plan: given } = state;
  if (traits.answers !== 'mixed' || open === undefined || now < open.began + given.patienceMs) return state;
  return plan({ ...state, open: undefined }, now);
}
