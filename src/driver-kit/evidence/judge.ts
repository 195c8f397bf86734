import type { Input, Question } from './claims.ts';
import { drain, giveUpQuestion, takeAnswer, takePut, takeSilence, takeTold } from './hearing.ts';
import { afterGap, afterReturn, openQuestions } from './memory.ts';
import { type Before, hasten, type Judged, type State, subjectsOf } from './state.ts';
import { verdictOf } from './weighing.ts';

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
  const { memory, traits, plan, goal } = state;
  const before = new Map<string, Before>();
  for (const [about, { value, answeredAt, isSure, at: heardAt }] of memory.known) {
    const isAnswer = answeredAt !== undefined && answeredAt > at - plan.knownForMs;
    // An echo of another command looks like a word of the device.
    const wasAnswered = answeredAt !== undefined || !traits.echoes;
    const holds = isAnswer || (traits.tellsChanges && isSure && wasAnswered);
    if (value !== undefined && holds)
      before.set(about, { value, how: isAnswer ? 'answer' : 'told', at: isAnswer ? answeredAt : heardAt });
  }
  const subjects = [...subjectsOf(goal)];
  const open = new Set(subjects.flatMap((about) => openQuestions(memory, about, at, traits.lateByMs)));
  const stuckBefore = subjects.some((about) => (memory.known.get(about)?.stuckAt ?? -Infinity) > at - traits.oldByMs);
  const isQuestion = goal.question !== undefined;
  // Whoever comes back may say first what he remembers from before.
  const isAfterGap = memory.hadGap && subjects.some((about) => memory.known.get(about)?.value === undefined);
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
  let next = Number.POSITIVE_INFINITY;
  const at = (moment: number) => {
    if (moment > now && moment < next) next = moment;
  };
  at(end);
  if (state.goal.lastsMs !== undefined) at(state.sentAt + state.goal.lastsMs);
  if (given.lossMs !== undefined && state.lost !== undefined) at(state.sentAt + given.lossMs);
  if (open === undefined && traits.answers !== 'none') at(askAt);
  if (open !== undefined && traits.answers === 'mixed') at(open.began + given.patienceMs);
  if (standsAt !== undefined) at(standsAt + given.witnessMs);
  if (refused !== undefined) at(refused.at + given.reasonMs);
  return next;
}
