import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Box, GatewayEvent } from '../objects.ts';
import { Icon } from '../parts/icon.tsx';
import { Failure, Shown } from '../parts/states.tsx';
import { useCall } from '../parts/use-list.ts';
import { box, events, may, nameOf } from '../state.ts';
import { dayAndTime, when } from '../time.ts';

export function BoxView() {
  const { box: text } = words();
  const got = useCall<{ gateway: Box }>('/strikeplate/gateway/get', {}, []);
  const current = box.value;
  const state = current === undefined ? got.state.value : ({ status: 'ready', value: { gateway: current } } as const);
  return (
    <>
      <h1>{text.title}</h1>
      <Shown of={state} again={got.again} rows={6}>
        {({ gateway }: { readonly gateway: Box }) => <Whole box={gateway} />}
      </Shown>
    </>
  );
}

function Whole({ box: one }: { readonly box: Box }) {
  const { box: text, common } = words();
  return (
    <div class="columns">
      <div class="wide">
        <section class="card">
          <p class={`state ${one.ready ? '' : 'jammed'}`}>
            <Icon name={one.ready ? 'good' : 'warning'} />
            <span>
              <strong>{one.ready ? text.ready : text.notReady}</strong>
              {one.not_ready_reason !== null && <small>{one.not_ready_reason}</small>}
            </span>
          </p>
          <dl class="facts">
            <div>
              <dt>{text.version}</dt>
              <dd>{one.version}</dd>
            </div>
            <div>
              <dt>{text.up}</dt>
              <dd>{dayAndTime(one.started_at)}</dd>
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
              <dd>{one.clock_confirmed ? text.clockGood : text.clockDoubt}</dd>
            </div>
          </dl>
          {!one.clock_confirmed && (
            <div class="problem">
              <Icon name="warning" /> <span>{one.clock_doubt}</span>
              {may('control') && (
                <button type="button" onClick={() => void call('/clock/confirm').catch(() => undefined)}>
                  {text.confirmClock}
                </button>
              )}
            </div>
          )}
        </section>
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
                    <span>{link.status === 'up' ? text.up_ : text.down}</span>
                  </span>
                  <span class="how">{text.reconnects(link.reconnects)}</span>
                  {link.hint !== null && <p class="problem">{link.hint}</p>}
                </li>
              ))}
            </ul>
          )}
        </section>
        <Receivers />
      </div>
      <section>
        <h2>{text.events}</h2>
        {events.value.length === 0 ? <p class="quiet-note">{text.noEvents}</p> : null}
        <ul class="rows events">
          {events.value.slice(0, 60).map((event) => (
            <EventRow key={event.event_id} event={event} />
          ))}
        </ul>
        <p class="quiet-note">{common.search}: /events/list</p>
      </section>
    </div>
  );
}

const EventRow = ({ event }: { readonly event: GatewayEvent }) => (
  <li class="row">
    <span class="what">
      <code>{event.event_type}</code>
      {event.device_id !== undefined && <span>{nameOf(event.device_id)}</span>}
    </span>
    <time dateTime={event.occurred_at}>{when(event.occurred_at)}</time>
  </li>
);

interface Webhook {
  readonly webhook_id: string;
  readonly url: string;
  readonly event_types?: readonly string[];
}

function Receivers() {
  const { box: text } = words();
  const { state, again } = useCall<{ webhooks: Webhook[] }>('/webhooks/list', {}, []);
  // A key that may not see them is not told that there are any.
  if (state.value.status === 'failed' && state.value.error.status === 403) return null;
  return (
    <section>
      <h2>{text.receivers}</h2>
      {state.value.status === 'failed' && <Failure error={state.value.error} again={again} />}
      {state.value.status === 'ready' && state.value.value.webhooks.length === 0 && (
        <p class="quiet-note">{text.noReceivers}</p>
      )}
      {state.value.status === 'ready' && (
        <ul class="rows">
          {state.value.value.webhooks.map((one) => (
            <li key={one.webhook_id} class="row">
              <Icon name="link" />
              <span class="what">
                <strong>{one.url}</strong>
                <span>{one.event_types?.join(', ') ?? '*'}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
