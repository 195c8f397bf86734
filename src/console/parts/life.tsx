import { words } from '../languages/index.ts';
import type { Attempt, Device, Evidence } from '../objects.ts';
import { clockTime, duration } from '../time.ts';
import { type Tone, truthOf } from '../truth.ts';
import { Icon, type IconName } from './icon.tsx';

const icons: Readonly<Record<Tone, IconName>> = { good: 'good', busy: 'busy', unsure: 'unknown', bad: 'bad' };

/**
 * An attempt's life as it happens: each state with when it began, and at the end the truth in a sentence. Short, it keeps
 * one height from the first state to the last, so that nothing below it moves.
 */
export function Life({
  attempt,
  device,
  isShort = false,
  withEvidence = false,
}: {
  readonly attempt: Attempt;
  readonly device: Device | undefined;
  readonly isShort?: boolean;
  readonly withEvidence?: boolean;
}) {
  const { waits } = words();
  const { action_attempt, action_attempt_history: life } = attempt;
  const truth = truthOf(attempt, device);
  const began = Date.parse(life.accepted_at);
  const last = life.history.at(-1);
  const isPending = action_attempt.status === 'pending';
  return (
    <div class={`life ${truth.tone} ${isShort ? 'short' : ''}`} aria-live="polite">
      <p class="truth">
        <Icon name={icons[truth.tone]} />
        <span>
          <strong>{isPending ? (waits[last?.state ?? 'accepted'] ?? truth.text) : truth.text}</strong>{' '}
          {truth.detail !== '' && <span class="detail">{truth.detail}</span>}
        </span>
      </p>
      {isShort ? (
        <Dots attempt={attempt} began={began} />
      ) : (
        <Steps attempt={attempt} began={began} withEvidence={withEvidence} />
      )}
    </div>
  );
}

/** The states in a row; the name of the last is written out, all are read aloud. */
function Dots({ attempt, began }: { readonly attempt: Attempt; readonly began: number }) {
  const { steps } = words();
  const { history } = attempt.action_attempt_history;
  return (
    <ol class="dots">
      {history.map(({ state, at }, index) => (
        <li key={`${state}${at}`} class={`${state} ${index === history.length - 1 ? 'last' : ''}`}>
          <span class="step">{steps[state] ?? state}</span>
          <time dateTime={at}>+{duration(Date.parse(at) - began)}</time>
        </li>
      ))}
    </ol>
  );
}

function Steps({
  attempt,
  began,
  withEvidence,
}: {
  readonly attempt: Attempt;
  readonly began: number;
  readonly withEvidence: boolean;
}) {
  const { steps } = words();
  return (
    <ol class="steps">
      {attempt.action_attempt_history.history.map(({ state, at, reason, evidence = [] }) => (
        <li key={`${state}${at}`} class={state}>
          <span class="step">{steps[state] ?? state}</span>
          <time dateTime={at} title={clockTime(at)}>
            +{duration(Date.parse(at) - began)}
          </time>
          <span class="reason">{reason}</span>
          {withEvidence && evidence.length > 0 && (
            <ul class="evidence">
              {evidence.map((one, index) => (
                <Heard key={index} heard={one} began={began} />
              ))}
            </ul>
          )}
        </li>
      ))}
    </ol>
  );
}

const worth: Readonly<Record<string, string>> = {
  proves: 'good',
  moves: 'good',
  decides: 'decides',
  refuses: 'bad',
  stuck: 'bad',
  elsewhere: 'unsure',
  half_way: 'unsure',
  stands: 'unsure',
};

/** A message of the device, from where it came, and what it was worth. */
function Heard({ heard, began }: { readonly heard: Evidence; readonly began: number }) {
  const { evidence: text } = words();
  const { source, about, value, verdict, times, at } = heard;
  const tone = worth[verdict] ?? 'none';
  const isJudgement = source === 'judgement';
  return (
    <li class={`heard ${tone}`}>
      <Icon name={tone === 'good' ? 'good' : tone === 'bad' ? 'bad' : isJudgement ? 'strike' : 'ear'} />
      <span class="what">
        <span class="from">{text.sources[source] ?? source}</span>{' '}
        {isJudgement ? (
          <strong>{text.ends[value ?? ''] ?? value}</strong>
        ) : (
          value !== null && (
            <code>
              {about !== null && `${about}: `}
              {value}
            </code>
          )
        )}
        {times > 1 && <span class="times"> ×{times}</span>}
      </span>
      <time dateTime={at}>+{duration(Date.parse(at) - began)}</time>
      <span class="worth">
        {isJudgement ? (about === null ? '' : (text.because[about] ?? about)) : (text.verdicts[verdict] ?? verdict)}
      </span>
    </li>
  );
}
