import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Attempt, Device, GatewayEvent } from '../objects.ts';
import { AttemptRow } from '../parts/attempt-row.tsx';
import { DoorCommands } from '../parts/door-commands.tsx';
import { DoorState, Facts, Health } from '../parts/door-state.tsx';
import { Field } from '../parts/field.tsx';
import { useAccess } from '../parts/new-access.tsx';
import { Empty, Failure, Loading, Shown } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { useCall } from '../parts/use-list.ts';
import { linkTo } from '../router.ts';
import { deviceOf, isLoaded, lastAttemptOf, may } from '../state.ts';
import { clockTime, day as dayName, now, startOfDay } from '../time.ts';
import { truthOf } from '../truth.ts';
import { CodesOfDoor } from './codes-by-door.tsx';

export function DoorView({ id }: { readonly id: string }) {
  const device = deviceOf(id)?.value;
  const crumb = (
    <p class="crumb">
      <a href={linkTo('doors')}>{words().doors.title}</a>
    </p>
  );
  if (device === undefined)
    return (
      <>
        {crumb}
        <h1>{words().attempts.door}</h1>
        {isLoaded.value ? <Empty>{words().common.notFound}</Empty> : <Loading rows={6} />}
      </>
    );
  return (
    <>
      {crumb}
      <h1>{device.display_name}</h1>
      <div class="columns">
        <section class="card wide" aria-label={device.display_name}>
          <DoorState device={device} />
          <Health device={device} />
          <Facts device={device} isWhole />
          <DoorCommands device={device} />
          {may('control') && <Service device={device} />}
        </section>
        <div>
          <Day device={device} />
          {device.can_program_online_access_codes && <Codes device={device} />}
        </div>
      </div>
    </>
  );
}

const DAY_MS = 86_400_000;

function Day({ device }: { readonly device: Device }) {
  const { day, attempts: text } = words();
  const back = useSignal(0);
  const start = startOfDay(startOfDay(Date.now()) - back.value * DAY_MS + DAY_MS / 2);
  const from = new Date(start).toISOString();
  const to = new Date(start + DAY_MS).toISOString();
  const newest = lastAttemptOf(device.device_id).value;
  const ends = device.properties.strikeplate_metadata.lock_state;
  const attempts = useCall<{ attempts: Attempt[]; has_more: boolean }>(
    '/strikeplate/attempts/list',
    { device_id: device.device_id, from, to, limit: 200 },
    [newest, ends],
  );
  const events = useCall<{ events: GatewayEvent[] }>(
    '/events/list',
    { device_id: device.device_id, between: [from, to], limit: 500 },
    [newest, ends],
  );
  return (
    <section>
      <div class="day-head">
        <h2>{back.value === 0 ? day.title : dayName(start)}</h2>
        <button
          type="button"
          class="quiet"
          aria-label={day.before}
          onClick={() => {
            back.value += 1;
          }}
        >
          ←
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={day.after}
          aria-disabled={back.value === 0}
          onClick={() => {
            back.value = Math.max(0, back.value - 1);
          }}
        >
          →
        </button>
      </div>
      <Shown of={attempts.state.value} again={attempts.again}>
        {({ attempts: list }) => (
          <>
            <DayStrip
              name={device.display_name}
              from={start}
              attempts={list}
              events={events.state.value.status === 'ready' ? events.state.value.value.events : []}
            />
            {events.state.value.status === 'failed' && (
              <Failure error={events.state.value.error} again={events.again} />
            )}
            {list.length === 0 ? (
              <p class="quiet-note">{day.quiet}</p>
            ) : (
              <ul class="rows">
                {list.slice(0, 12).map((attempt) => (
                  <AttemptRow key={attempt.action_attempt.action_attempt_id} attempt={attempt} isAtDoor />
                ))}
              </ul>
            )}
            <a class="more" href={`${linkTo('attempts')}?device=${device.device_id}`}>
              {text.title}
            </a>
          </>
        )}
      </Shown>
    </section>
  );
}

function Codes({ device }: { readonly device: Device }) {
  const { codes } = words();
  const { state, again } = useAccess();
  return (
    <section>
      <h2>{codes.title}</h2>
      <Shown of={state} again={again}>
        {(lists) => <CodesOfDoor device={device} lists={lists} again={again} isAtDoor />}
      </Shown>
    </section>
  );
}

function Service({ device }: { readonly device: Device }) {
  const { act } = words();
  const reason = useSignal('');
  const { isBusy, failed, run } = useAction();
  const isStopped = device.properties.strikeplate_metadata.out_of_service;
  const set = () =>
    run(() =>
      isStopped
        ? call('/devices/put_into_service', { device_id: device.device_id })
        : call('/devices/take_out_of_service', {
            device_id: device.device_id,
            ...(reason.value.trim() !== '' && { reason: reason.value.trim() }),
          }),
    );
  return (
    <details class="service">
      <summary>{isStopped ? act.putBack : act.takeOut}</summary>
      {!isStopped && <Field label={act.why} value={reason} maxLength={200} />}
      <button type="button" aria-disabled={isBusy.value} onClick={set}>
        {isStopped ? act.putBack : act.takeOut}
      </button>
      {failed.value !== undefined && <Failure error={failed.value} />}
    </details>
  );
}

const WIDTH = 960;

/** One door's day as a strip: what was asked for above the line, what it told below. */
function DayStrip({
  name,
  from,
  attempts,
  events: happened,
}: {
  readonly name: string;
  /** When the day began, in milliseconds since the Unix epoch. */
  readonly from: number;
  readonly attempts: readonly Attempt[];
  readonly events: readonly GatewayEvent[];
}) {
  const {
    day,
    events: { types: events },
  } = words();
  const x = (iso: string) => Math.round(((Date.parse(iso) - from) / DAY_MS) * WIDTH);
  const told = happened.filter(({ event_type: type }) =>
    /^(lock|device|access_code|strikeplate\.(lock|door))\./.test(type),
  );
  return (
    <figure class="strip">
      <svg viewBox={`0 0 ${WIDTH} 64`} preserveAspectRatio="none" role="img" aria-label={day.label(name)}>
        <line x1="0" y1="32" x2={WIDTH} y2="32" class="axis" />
        {Array.from({ length: 25 }, (_, hour) => (
          <line
            key={hour}
            x1={(hour / 24) * WIDTH}
            x2={(hour / 24) * WIDTH}
            y1={hour % 6 === 0 ? 4 : 28}
            y2={hour % 6 === 0 ? 60 : 36}
            class="hour"
          />
        ))}
        <rect x={x(new Date(now.value).toISOString())} y="0" width={WIDTH} height="64" class="to-come" />
        {attempts.map((attempt) => {
          const { tone } = truthOf(attempt, undefined);
          const { accepted_at: at, action_attempt_id: id } = attempt.action_attempt_history;
          return (
            <path
              key={id}
              class={`mark ${tone}`}
              d={
                tone === 'good'
                  ? `M${x(at)} 10v18`
                  : tone === 'unsure'
                    ? `M${x(at) - 4} 19h8M${x(at)} 10v18`
                    : `M${x(at) - 5} 12l10 14M${x(at) + 5} 12l-10 14`
              }
            >
              <title>{`${clockTime(at)} ${words().types[attempt.action_attempt.action_type] ?? ''}`}</title>
            </path>
          );
        })}
        {told.map(({ event_id: id, event_type: type, occurred_at: at }) => (
          <path key={id} class="mark told" d={`M${x(at)} 38v14`}>
            <title>{`${clockTime(at)} ${events[type] ?? type}`}</title>
          </path>
        ))}
      </svg>
      <div class="hours" aria-hidden="true">
        {['0', '6', '12', '18', '24'].map((hour) => (
          <span key={hour}>{hour}</span>
        ))}
      </div>
    </figure>
  );
}
