import type { MessageSource, MessageVerdict, WeighedMessage } from '../../contract/index.ts';
import type { Claim, Input, Verdict } from './claims.ts';
import type { State } from './state.ts';

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
