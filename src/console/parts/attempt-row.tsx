import { words } from '../languages/index.ts';
import type { Attempt } from '../objects.ts';
import { linkTo } from '../router.ts';
import { attemptOf, deviceOf, laterOf, nameOf } from '../state.ts';
import { when } from '../time.ts';
import { truthOf } from '../truth.ts';
import { Icon } from './icon.tsx';

export const actorOf = (attempt: Attempt): string => {
  const { attempts } = words();
  const { kind, name } = attempt.action_attempt_history.actor;
  if (kind === 'schedule') return attempts.schedule;
  if (kind === 'reconcile') return attempts.reconcile;
  return name ?? kind;
};

/** An attempt as a list has it, or as it went on since. */
export function AttemptRow({
  attempt: listed,
  isAtDoor = false,
}: {
  readonly attempt: Attempt;
  readonly isAtDoor?: boolean;
}) {
  const { types, attempts } = words();
  const live = attemptOf(listed.action_attempt.action_attempt_id)?.value;
  const attempt = live === undefined ? listed : laterOf(listed, live);
  const { action_attempt: one, action_attempt_history: life } = attempt;
  const { tone } = truthOf(attempt, deviceOf(life.device_id)?.peek());
  const outcome =
    one.status === 'error'
      ? (one.error?.type ?? attempts.error)
      : one.status === 'pending'
        ? attempts.pending
        : one.result?.was_confirmed_by_device === undefined
          ? attempts.success
          : one.result.was_confirmed_by_device
            ? attempts.observed
            : attempts.unobserved;
  return (
    <li class={`row ${tone}`}>
      <a href={linkTo('attempt', one.action_attempt_id)}>
        <Icon name={tone === 'good' ? 'good' : tone === 'busy' ? 'busy' : tone === 'unsure' ? 'unknown' : 'bad'} />
        <span class="what">
          <strong>{types[one.action_type] ?? one.action_type}</strong>
          <span>
            {!isAtDoor && `${nameOf(life.device_id)} · `}
            {actorOf(attempt)}
          </span>
        </span>
        <span class="how">{outcome}</span>
        <time dateTime={life.accepted_at}>{when(life.accepted_at)}</time>
      </a>
    </li>
  );
}
