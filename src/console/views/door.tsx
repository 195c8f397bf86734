import { useSignal } from '@preact/signals';
import { ApiError, call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { AccessCode, Attempt, Device, GatewayEvent } from '../objects.ts';
import { AttemptRow } from '../parts/attempt-row.tsx';
import { CodeRow } from '../parts/code-row.tsx';
import { DayStrip } from '../parts/day-strip.tsx';
import { DoorCommands } from '../parts/door-commands.tsx';
import { DoorState, Facts, Health } from '../parts/door-state.tsx';
import { Empty, Failure, Loading, Shown } from '../parts/states.tsx';
import { useCall } from '../parts/use-list.ts';
import { linkTo } from '../router.ts';
import { deviceOf, isLoaded, lastAttemptOf, may } from '../state.ts';
import { startOfDay } from '../time.ts';

export function DoorView({ id }: { readonly id: string }) {
  const device = deviceOf(id)?.value;
  if (device === undefined) return isLoaded.value ? <Empty>{words().common.notFound}</Empty> : <Loading rows={6} />;
  return (
    <>
      <p class="crumb">
        <a href={linkTo('doors')}>{words().doors.title}</a>
      </p>
      <h1>{device.display_name}</h1>
      <div class="columns">
        <section class="card wide" aria-label={device.display_name}>
          <DoorState device={device} />
          <Health device={device} />
          <DoorCommands device={device} />
          <Facts device={device} isWhole />
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

function Day({ device }: { readonly device: Device }) {
  const { day, attempts: text } = words();
  const from = new Date(startOfDay(Date.now())).toISOString();
  const newest = lastAttemptOf(device.device_id).value;
  const ends = device.properties.strikeplate_metadata.lock_state;
  const attempts = useCall<{ attempts: Attempt[]; has_more: boolean }>(
    '/strikeplate/attempts/list',
    { device_id: device.device_id, from, limit: 200 },
    [newest, ends],
  );
  const events = useCall<{ events: GatewayEvent[] }>(
    '/events/list',
    { device_id: device.device_id, since: from, limit: 500 },
    [newest, ends],
  );
  return (
    <section>
      <h2>{day.title}</h2>
      <Shown of={attempts.state.value} again={attempts.again}>
        {({ attempts: list }) => (
          <>
            <DayStrip
              name={device.display_name}
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
  const { state, again } = useCall<{ access_codes: AccessCode[] }>(
    '/access_codes/list',
    { device_id: device.device_id },
    [],
  );
  return (
    <section>
      <h2>{codes.title}</h2>
      <Shown of={state.value} again={again}>
        {({ access_codes: list }) =>
          list.length === 0 ? (
            <p class="quiet-note">{codes.empty}</p>
          ) : (
            <ul class="rows">
              {list.map((code) => (
                <CodeRow key={code.access_code_id} code={code} onChange={again} isAtDoor />
              ))}
            </ul>
          )
        }
      </Shown>
    </section>
  );
}

function Service({ device }: { readonly device: Device }) {
  const { act } = words();
  const reason = useSignal('');
  const failed = useSignal<ApiError | undefined>(undefined);
  const isStopped = device.properties.strikeplate_metadata.out_of_service;
  const set = async () => {
    failed.value = undefined;
    try {
      if (isStopped) await call('/devices/put_into_service', { device_id: device.device_id });
      else
        await call('/devices/take_out_of_service', {
          device_id: device.device_id,
          ...(reason.value.trim() !== '' && { reason: reason.value.trim() }),
        });
    } catch (error) {
      failed.value = error instanceof ApiError ? error : new ApiError('internal_error', 0, String(error));
    }
  };
  return (
    <details class="service">
      <summary>{isStopped ? act.putBack : act.takeOut}</summary>
      {!isStopped && (
        <label>
          {act.why}
          <input
            value={reason.value}
            maxLength={200}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
          />
        </label>
      )}
      <button type="button" onClick={set}>
        {isStopped ? act.putBack : act.takeOut}
      </button>
      {failed.value !== undefined && <Failure error={failed.value} />}
    </details>
  );
}
