import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Box } from '../objects.ts';
import { EventRow } from '../parts/event-row.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useAction } from '../parts/use-action.ts';
import { useBox } from '../parts/use-box.ts';
import type { PartOf } from '../places.ts';
import { linkTo } from '../router.ts';
import { allDevices, events, may, nameOf, session } from '../state.ts';
import { ago, dayAndTime } from '../time.ts';
import { ApiKeys } from './api-keys.tsx';
import { ConfigurationView, MetricsView } from './configuration.tsx';
import { Webhooks } from './webhooks.tsx';

/** How the box itself is. What a key may not see has no tab. */
export function BoxView({ id: part }: { readonly id: string | undefined }) {
  const { box: text } = words();
  const isWhole = typeof session.value === 'object' && !session.value.is_restricted;
  const tabs: readonly (readonly [PartOf<'box'> | undefined, string, boolean])[] = [
    [undefined, text.overview, true],
    ['events', text.events, true],
    ['metrics', text.metrics, isWhole],
    ['webhooks', text.receivers, may('control')],
    ['keys', text.keys, isWhole && may('admin')],
    ['configuration', text.configuration, isWhole && may('admin')],
  ];
  const Part = part !== undefined && Object.hasOwn(parts, part) ? parts[part as PartOf<'box'>] : Overview;
  return (
    <>
      <h1>{text.title}</h1>
      <Tabs
        tabs={tabs
          .filter(([, , isShown]) => isShown)
          .map(([name, label]) => ({ href: linkTo('box', name), name: label, isOpen: part === name }))}
      />
      <Part />
    </>
  );
}

const parts: Readonly<Record<PartOf<'box'>, () => VNode>> = {
  events: LiveEvents,
  metrics: MetricsView,
  webhooks: Webhooks,
  keys: ApiKeys,
  configuration: ConfigurationView,
};

function Overview() {
  const { state, again } = useBox();
  return (
    <Shown of={state} again={again} rows={6}>
      {(gateway) => (
        <div class="columns">
          <div>
            <State box={gateway} again={again} />
            <Links box={gateway} />
          </div>
          <div>
            <Lanes box={gateway} />
            <OutOfService />
          </div>
        </div>
      )}
    </Shown>
  );
}

function State({ box: one, again }: { readonly box: Box; readonly again: () => void }) {
  const { box: text } = words();
  const { isBusy, failed, run } = useAction();
  const confirmClock = async () => {
    if (await run(() => call('/clock/confirm'))) again();
  };
  return (
    <section class="card">
      <p class={`state ${one.ready ? 'locked' : 'jammed'}`}>
        <Icon name={one.ready ? 'good' : 'warning'} />
        <span>
          <strong>{one.ready ? text.ready : text.notReady}</strong>
          <small>{one.not_ready_reason ?? text.devices(one.device_count)}</small>
        </span>
      </p>
      <dl class="facts">
        <div>
          <dt>{text.version}</dt>
          <dd>{one.version}</dd>
        </div>
        <div>
          <dt>{text.up}</dt>
          <dd>
            {dayAndTime(one.started_at)} ({ago(one.started_at)})
          </dd>
        </div>
        <div>
          <dt>{text.waiting}</dt>
          <dd>{one.pending_attempts}</dd>
        </div>
        <div>
          <dt>{text.webhooks}</dt>
          <dd>{one.queued_webhooks}</dd>
        </div>
        <div class={one.clock_confirmed ? '' : 'low'}>
          <dt>{text.clock}</dt>
          <dd>
            {dayAndTime(one.now)} · {one.clock_confirmed ? text.clockGood : text.clockDoubt}
          </dd>
        </div>
      </dl>
      {!one.clock_confirmed && (
        <div class="problem">
          <Icon name="warning" /> <span>{one.clock_doubt}</span>
          {may('control') && (
            <button type="button" aria-disabled={isBusy.value} onClick={confirmClock}>
              {text.confirmClock}
            </button>
          )}
        </div>
      )}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </section>
  );
}

function Links({ box: one }: { readonly box: Box }) {
  const { box: text } = words();
  return (
    <section>
      <h2>{text.links}</h2>
      {one.links.length === 0 ? (
        <p class="quiet-note">{text.noLinks}</p>
      ) : (
        <ul class="rows">
          {one.links.map((link) => (
            <li key={link.name} class={`row ${link.status === 'up' ? 'good' : 'bad'}`}>
              <Icon name={link.status === 'up' ? 'link' : 'warning'} />
              <span class="what">
                <strong>{link.name}</strong>
                <span>{link.status === 'up' ? text.up_ : `${text.down}: ${link.reason ?? ''}`}</span>
              </span>
              <span class="how">{text.reconnects(link.reconnects)}</span>
              {link.hint !== null && (
                <p class="problem">
                  <Icon name="warning" /> <span>{link.hint}</span>
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** A lane takes 16; what waits there waits for the device. */
const LANE_DEPTH = 16;

function Lanes({ box: one }: { readonly box: Box }) {
  const { box: text } = words();
  return (
    <section class="card">
      <h2>{text.lanes}</h2>
      {one.lanes.length === 0 && <p class="quiet-note">{text.noLanes}</p>}
      <ul class="lanes">
        {one.lanes.map(({ device_id, waiting }) => (
          <li key={device_id}>
            <a href={linkTo('door', device_id)}>{nameOf(device_id)}</a>
            <meter min={0} max={LANE_DEPTH} high={LANE_DEPTH - 4} value={waiting} aria-label={nameOf(device_id)} />
            <span>{text.waits(waiting, LANE_DEPTH)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function OutOfService() {
  const { box: text, act, health } = words();
  const { isBusy, failed, run } = useAction();
  const stopped = allDevices().filter((device) => device.properties.strikeplate_metadata.out_of_service);
  return (
    <section class="card">
      <h2>{health.outOfService}</h2>
      {stopped.length === 0 && <p class="quiet-note">{text.allInService}</p>}
      <ul class="rows">
        {stopped.map((device) => {
          const facts = device.properties.strikeplate_metadata;
          return (
            <li key={device.device_id} class="row bad">
              <Icon name="warning" />
              <span class="what">
                <strong>
                  <a href={linkTo('door', device.device_id)}>{device.display_name}</a>
                </strong>
                <span>{health.outOfServiceBy(facts.out_of_service_by ?? '?', facts.out_of_service_reason ?? '')}</span>
              </span>
              {may('control') && (
                <button
                  type="button"
                  class="small"
                  aria-disabled={isBusy.value}
                  onClick={() => run(() => call('/devices/put_into_service', { device_id: device.device_id }))}
                >
                  {act.putBack}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {failed.value !== undefined && <Failure error={failed.value} />}
      <p class="hint">{text.takeOutHint}</p>
    </section>
  );
}

/** Drawn at a time: more is neither read nor drawn in time. */
const SHOWN = 60;

/** What happens, as it happens. */
function LiveEvents() {
  const { box: text, attempts } = words();
  const filter = useSignal('');
  const wanted = filter.value.trim().toLowerCase();
  const fitting = events.value.filter(
    ({ event_type, device_id }) =>
      wanted === '' ||
      event_type.includes(wanted) ||
      (device_id !== undefined && nameOf(device_id).toLowerCase().includes(wanted)),
  );
  return (
    <>
      <div class="toolbar">
        <Field label={text.filterEvents} value={filter} type="search" />
        <a class="more" href={linkTo('attempts', 'events')}>
          {attempts.searchAll}
        </a>
      </div>
      {fitting.length === 0 ? (
        <Empty icon="clock">{wanted === '' ? text.noEvents : attempts.noMatch}</Empty>
      ) : (
        <ul class="rows">
          {fitting.slice(0, SHOWN).map((event) => (
            <EventRow key={event.event_id} event={event} />
          ))}
        </ul>
      )}
    </>
  );
}
