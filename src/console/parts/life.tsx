import { words } from '../languages/index.ts';
import type { Attempt, Device } from '../objects.ts';
import { duration } from '../time.ts';
import { truthOf } from '../truth.ts';
import { Icon } from './icon.tsx';

/** An attempt's life as it happens: each state with when it began, and at the end the truth in a sentence. */
export function Life({
  attempt,
  device,
  isShort = false,
}: {
  readonly attempt: Attempt;
  readonly device: Device | undefined;
  readonly isShort?: boolean;
}) {
  const { steps, waits } = words();
  const { action_attempt, action_attempt_history: life } = attempt;
  const truth = truthOf(attempt, device);
  const began = Date.parse(life.accepted_at);
  const last = life.history.at(-1);
  const isPending = action_attempt.status === 'pending';
  return (
    <div class={`life ${truth.tone}`} aria-live="polite">
      <p class="truth">
        <Icon
          name={
            truth.tone === 'good'
              ? 'good'
              : truth.tone === 'busy'
                ? 'busy'
                : truth.tone === 'unsure'
                  ? 'unknown'
                  : 'bad'
          }
        />
        <span>
          <strong>{isPending ? (waits[last?.state ?? 'accepted'] ?? truth.text) : truth.text}</strong>
          {truth.detail !== '' && <span class="detail">{truth.detail}</span>}
        </span>
      </p>
      <ol class={isShort ? 'steps short' : 'steps'}>
        {life.history.map(({ state, at, reason }) => (
          <li key={`${state}${at}`} class={state}>
            <span class="step">{steps[state] ?? state}</span>
            <time dateTime={at}>+{duration(Date.parse(at) - began)}</time>
            {!isShort && <span class="reason">{reason}</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}
