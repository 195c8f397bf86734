import { words } from '../languages/index.ts';
import type { Device } from '../objects.ts';
import { ago } from '../time.ts';
import { Icon, type IconName } from './icon.tsx';

/** Where the bolt is, in words, and what that knowledge rests on: never by colour alone. */
export function DoorState({ device }: { readonly device: Device }) {
  const { state, rests } = words();
  const { strikeplate_metadata: facts, door_open: isOpen, online } = device.properties;
  const { observes = 'nothing', lock_state: place = 'unknown' } = facts;
  const isStrike = observes === 'actuator';
  const text =
    isStrike && place === 'unlocked' ? state.released : isStrike && place === 'locked' ? state.secured : state[place];
  const icon: IconName =
    place === 'locked'
      ? 'locked'
      : place === 'unlocked'
        ? 'unlocked'
        : place === 'jammed'
          ? 'warning'
          : place === 'unknown'
            ? 'unknown'
            : 'busy';
  const basis =
    place === 'unknown'
      ? rests.unknown
      : online || facts.last_seen_at === null
        ? rests[observes]
        : rests.stale(ago(facts.last_seen_at));
  return (
    <p class={`state ${place} ${online ? '' : 'stale'}`}>
      <Icon name={icon} />
      <span>
        <strong>{text}</strong>
        <small>{basis}</small>
      </span>
      {isOpen !== undefined && (
        <span class={`contact ${isOpen ? 'open' : 'closed'}`}>{isOpen ? state.open : state.closed}</span>
      )}
    </p>
  );
}

/** Whether it can be spoken to, and if not, why and what to do. */
export function Health({ device }: { readonly device: Device }) {
  const { health, common } = words();
  const facts = device.properties.strikeplate_metadata;
  const problems = [...device.errors, ...device.warnings];
  if (facts.out_of_service)
    return (
      <p class="problem stopped">
        <Icon name="warning" />
        <span>
          <strong>{health.outOfService}</strong>{' '}
          {health.outOfServiceBy(facts.out_of_service_by ?? '?', facts.out_of_service_reason ?? '')}
        </span>
      </p>
    );
  if (problems.length === 0 && facts.health === 'online') return null;
  return (
    <>
      {facts.health !== 'online' && problems.length === 0 && (
        <p class="problem">
          <Icon name="warning" />
          <span>
            <strong>{health[facts.health]}</strong> {common.since(ago(facts.health_since))}
          </span>
        </p>
      )}
      {problems.slice(0, 3).map((problem) => (
        <p key={problem.error_code ?? problem.warning_code} class="problem">
          <Icon name="warning" />
          <span>
            {facts.health !== 'online' && <strong>{health[facts.health]}. </strong>}
            {problem.message}
          </span>
        </p>
      ))}
    </>
  );
}

/** What a person asks next: battery, link, who moved it last. */
export function Facts({ device, isWhole = false }: { readonly device: Device; readonly isWhole?: boolean }) {
  const { facts: text, by } = words();
  const { battery, strikeplate_metadata: facts, manufacturer, model } = device.properties;
  return (
    <dl class="facts">
      {battery !== undefined && (
        <div class={battery.status}>
          <dt>{text.battery}</dt>
          <dd>
            <Icon name="battery" /> {Math.round(battery.level * 100)} %
          </dd>
        </div>
      )}
      {facts.last_operated_by !== null && (
        <div>
          <dt>{text.lastBy}</dt>
          <dd>{by[facts.last_operated_by] ?? facts.last_operated_by}</dd>
        </div>
      )}
      {isWhole && (
        <>
          {facts.last_seen_at !== null && (
            <div>
              <dt>{text.lastSeen}</dt>
              <dd>{words().common.ago(ago(facts.last_seen_at))}</dd>
            </div>
          )}
          <div>
            <dt>{text.link}</dt>
            <dd>{facts.link}</dd>
          </div>
          <div>
            <dt>{text.maker}</dt>
            <dd>
              {manufacturer} {model?.display_name}
            </dd>
          </div>
          <div>
            <dt>{text.driver}</dt>
            <dd>{facts.driver}</dd>
          </div>
        </>
      )}
    </dl>
  );
}
