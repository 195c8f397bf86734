import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { type Access, accessesOf } from '../access.ts';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { GatewayEvent, Grant, Method } from '../objects.ts';
import { times } from '../parts/code-row.tsx';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { DoorChip } from '../parts/door-chip.tsx';
import { EventRow } from '../parts/event-row.tsx';
import { Field } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { useAccess } from '../parts/new-access.tsx';
import { Pin } from '../parts/pin.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { orNull, useDraft } from '../parts/use-draft.ts';
import { useCall } from '../parts/use-list.ts';
import { WeeklyHours } from '../parts/weekly-hours.tsx';
import { linkTo } from '../router.ts';
import { may } from '../state.ts';
import { dayAndTime, fromField, toField } from '../time.ts';
import { changedHours, hoursOf, inWords, isWhole } from '../weekly-hours.ts';

/** One stay over several doors: how each stands, and what happened. */
export function GrantView({ id }: { readonly id: string }) {
  const { codes } = words();
  const { state, again } = useAccess();
  return (
    <>
      <p class="crumb">
        <a href={linkTo('codes')}>{codes.title}</a>
      </p>
      {state.status !== 'ready' && <h1>{codes.grant}</h1>}
      <Shown of={state} again={again} rows={6}>
        {(lists) => {
          const access = accessesOf(lists).find((one) => one.grant?.access_grant_id === id);
          const grant = access?.grant;
          if (access === undefined || grant === undefined)
            return (
              <>
                <h1>{codes.grant}</h1>
                <Empty icon="people">{codes.grantGone}</Empty>
              </>
            );
          return <Whole access={access} grant={grant} again={again} />;
        }}
      </Shown>
    </>
  );
}

function Whole({
  access,
  grant,
  again,
}: {
  readonly access: Access;
  readonly grant: Grant;
  readonly again: () => void;
}) {
  const { codes } = words();
  return (
    <>
      <h1>{access.name}</h1>
      <div class="columns">
        <section class="card wide">
          <h2>{codes.doors}</h2>
          <ul class="chips tall">
            {access.doors.map((door) => (
              <DoorChip key={door.deviceId} door={door} />
            ))}
          </ul>
          {[...grant.errors, ...access.problems].map((problem, index) => (
            <p key={index} class="problem">
              <Icon name="warning" /> <span>{problem.message}</span>
            </p>
          ))}
          {access.isEnding && (
            <p class="repair">
              <Icon name="busy" /> {codes.isEnding}
            </p>
          )}
          <Methods grant={grant} />
        </section>
        <div>
          <section class="card">
            <dl class="facts stacked">
              <div>
                <dt>{codes.person}</dt>
                <dd>{access.person ?? access.name}</dd>
              </div>
              <div>
                <dt>{codes.when}</dt>
                <dd>{times(access.startsAt, access.endsAt)}</dd>
              </div>
              {access.schedule !== undefined && (
                <div>
                  <dt>{codes.hours}</dt>
                  <dd>{inWords(access.schedule)}</dd>
                </div>
              )}
              <div>
                <dt>{codes.given}</dt>
                <dd>{dayAndTime(grant.created_at)}</dd>
              </div>
            </dl>
            {may('codes') && !access.isEnding && <Change grant={grant} again={again} />}
          </section>
          <History grant={grant} />
        </div>
      </div>
    </>
  );
}

function Methods({ grant }: { readonly grant: Grant }) {
  const { codes } = words();
  const { state, again } = useCall<{ access_methods: Method[] }>(
    '/access_methods/list',
    { access_grant_id: grant.access_grant_id },
    [JSON.stringify(grant.access_method_ids)],
  );
  return (
    <Shown of={state.value} again={again} rows={1}>
      {({ access_methods }) => (
        <ul class="rows">
          {access_methods.map((method) => (
            <li key={method.access_method_id} class={`row ${method.is_issued ? 'good' : ''}`}>
              <Icon name={method.is_issued ? 'good' : 'busy'} />
              <span class="what">
                <strong>{codes.pin}</strong>
                <span>{method.is_issued ? codes.issued : codes.notIssued}</span>
              </span>
              <Pin id={method.access_method_id} of="access_method" />
            </li>
          ))}
        </ul>
      )}
    </Shown>
  );
}

function Change({ grant, again }: { readonly grant: Grant; readonly again: () => void }) {
  const { codes } = words();
  const action = useAction();
  const name = useDraft(grant.name ?? '');
  const begins = useDraft(toField(Date.parse(grant.starts_at)));
  const ends = useDraft(grant.ends_at === null ? '' : toField(Date.parse(grant.ends_at)));
  const schedule = useRef(grant.strikeplate_schedule);
  const hours = useSignal(hoursOf(schedule.current));
  const submit = async () => {
    const starts_at = begins.isChanged() ? fromField(begins.text.value) : undefined;
    const changed = changedHours(schedule.current, hours.value);
    const done = await action.run(() =>
      call('/access_grants/update', {
        access_grant_id: grant.access_grant_id,
        ...(name.isChanged() && { name: orNull(name.text.value) }),
        ...(starts_at !== undefined && { starts_at }),
        ...(ends.isChanged() && { ends_at: fromField(ends.text.value) ?? null }),
        ...changed,
      }),
    );
    if (!done) return;
    for (const draft of [name, begins, ends]) draft.keep();
    if (changed.strikeplate_schedule !== undefined) schedule.current = changed.strikeplate_schedule ?? undefined;
    again();
  };
  const end = async () => {
    if (await action.run(() => call('/access_grants/delete', { access_grant_id: grant.access_grant_id }))) again();
  };
  return (
    <>
      <Form kind="wide-form" action={action} isReady={isWhole(hours.value)} onSubmit={submit}>
        <div class="filters">
          <Field label={codes.grantName} value={name.text} maxLength={100} />
          <Field label={codes.begins} value={begins.text} type="datetime-local" />
          <Field label={codes.ends} value={ends.text} type="datetime-local" />
        </div>
        <WeeklyHours value={hours} />
      </Form>
      <ConfirmButton
        kind="unlock"
        label={codes.endGrant}
        again={codes.endAgain}
        isBusy={action.isBusy.value}
        onConfirm={end}
      />
    </>
  );
}

function History({ grant }: { readonly grant: Grant }) {
  const { codes } = words();
  const { state, again } = useCall<{ events: GatewayEvent[] }>(
    '/events/list',
    { access_grant_id: grant.access_grant_id, since: grant.created_at, limit: 200 },
    [JSON.stringify(grant.warnings)],
  );
  return (
    <section>
      <h2>{codes.happened}</h2>
      <Shown of={state.value} again={again} rows={3}>
        {({ events }) => (
          <ul class="rows">
            {events.toReversed().map((event) => (
              <EventRow key={event.event_id} event={{ ...event, access_grant_id: undefined as never }} />
            ))}
          </ul>
        )}
      </Shown>
    </section>
  );
}
