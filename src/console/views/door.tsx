import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Attempt, Device, GatewayEvent } from '../objects.ts';
import { AttemptRow } from '../parts/attempt-row.tsx';
import { DayStrip } from '../parts/day-strip.tsx';
import { DoorCommands } from '../parts/door-commands.tsx';
import { DoorState, Facts, Health } from '../parts/door-state.tsx';
import { Field } from '../parts/field.tsx';
import { Empty, Failure, Loading, Shown } from '../parts/states.tsx';
import { useAccess } from '../parts/use-access.ts';
import { useAction } from '../parts/use-action.ts';
import { useCall } from '../parts/use-list.ts';
import { linkTo } from '../router.ts';
import { deviceOf, isLoaded, lastAttemptOf, may } from '../state.ts';
import { day as dayName, startOfDay } from '../time.ts';
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
