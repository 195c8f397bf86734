import { words } from '../languages/index.ts';
import type { GatewayEvent } from '../objects.ts';
import { linkTo } from '../router.ts';
import { nameOf } from '../state.ts';
import { when } from '../time.ts';
import { Icon, type IconName } from './icon.tsx';

const families: readonly (readonly [RegExp, IconName])[] = [
  [/jammed|forced|held_open|denied|tampered|refused|limit_reached|failed|lost|missed/, 'warning'],
  [/^lock\.locked$/, 'locked'],
  [/^lock\.unlocked$/, 'unlocked'],
  [/^action_attempt\./, 'clock'],
  [/^access_grant\.|^access_method\./, 'people'],
  [/^access_code\./, 'key'],
  [/noise/, 'noise'],
  [/^space\./, 'space'],
  [/door/, 'door'],
];

/** An event in words, with a way to what it is about. */
export function EventRow({ event, who }: { readonly event: GatewayEvent; readonly who?: string | undefined }) {
  const { events: text, by } = words();
  const { event_type: type, device_id, action_attempt_id, access_grant_id, method } = event;
  const icon = families.find(([pattern]) => pattern.test(type))?.[1] ?? 'box';
  const link =
    action_attempt_id !== undefined
      ? linkTo('attempt', action_attempt_id)
      : access_grant_id !== undefined && type !== 'access_grant.deleted'
        ? linkTo('grant', access_grant_id)
        : undefined;
  const content = (
    <>
      <Icon name={icon} />
      <span class="what">
        <strong>{text.types[type] ?? event.event_description ?? type}</strong>
        <span>
          {device_id !== undefined && nameOf(device_id)}
          {who !== undefined && ` · ${who}`}
          {method !== undefined && ` · ${by[method] ?? method}`}
          {event.noise_level_decibels !== undefined &&
            ` · ${event.noise_threshold_name ?? ''} ${words().facts.level(event.noise_level_decibels.toFixed(1))}`}
        </span>
      </span>
      <time dateTime={event.occurred_at} title={type}>
        {when(event.occurred_at)}
      </time>
    </>
  );
  return (
    <li class={`row event ${icon === 'warning' ? 'bad' : ''}`}>
      {link === undefined ? content : <a href={link}>{content}</a>}
    </li>
  );
}
