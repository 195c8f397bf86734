import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { doorOf } from '../access.ts';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { AccessCode, CodesOfLocks, WeeklySchedule } from '../objects.ts';
import { linkTo } from '../router.ts';
import { may, nameOf } from '../state.ts';
import { dayAndTime, fromField, toField } from '../time.ts';
import { changedHours, hoursOf, inWords, isWhole } from '../weekly-hours.ts';
import { ConfirmButton } from './confirm-button.tsx';
import { Field } from './field.tsx';
import { ChangeButton, Form } from './form.tsx';
import { Icon } from './icon.tsx';
import { Pin } from './pin.tsx';
import { Failure } from './states.tsx';
import { useAction } from './use-action.ts';
import { orNull, useDraft } from './use-draft.ts';
import { WeeklyHours } from './weekly-hours.tsx';

/** From when to when, and at what hours of the week. */
export function times(
  startsAt: string | undefined,
  endsAt: string | undefined,
  schedule?: WeeklySchedule | undefined,
): string {
  if (schedule === undefined) return timeFrame(startsAt, endsAt);
  const hours = inWords(schedule);
  return startsAt === undefined && endsAt === undefined ? hours : `${timeFrame(startsAt, endsAt)}: ${hours}`;
}

function timeFrame(startsAt: string | undefined, endsAt: string | undefined): string {
  const { codes } = words();
  if (endsAt === undefined) return startsAt === undefined ? codes.ongoing : codes.openFrom(dayAndTime(startsAt));
  return startsAt === undefined
    ? codes.until(dayAndTime(endsAt))
    : codes.fromTo(dayAndTime(startsAt), dayAndTime(endsAt));
}

/** A code on one lock: how it stands there, what is wrong with it and is done about it, and what can be done. */
export function CodeRow({
  code,
  codes: all,
  onChange,
  grantNames,
  isAtDoor = false,
}: {
  readonly code: AccessCode;
  readonly codes: Pick<CodesOfLocks, 'set_since'>;
  readonly onChange: () => void;
  /** What the grants are called whose codes these are. */
  readonly grantNames?: ReadonlyMap<string, string>;
  readonly isAtDoor?: boolean;
}) {
  const { codes } = words();
  const { failed, run } = useAction();
  const isChanging = useSignal(false);
  const id = { access_code_id: code.access_code_id };
  const act = async (path: string, body: object = id) => {
    if (await run(() => call(path, body))) onChange();
  };
  const door = doorOf(code, all);
  const problems = [...code.errors, ...code.warnings];
  const repairs = (code.pending_mutations ?? []).filter(({ scheduled_at }) => scheduled_at === undefined);
  return (
    <li class={`row code ${door.state} ${problems.length > 0 ? 'bad' : ''}`}>
      <Icon name={door.state === 'set' ? 'good' : door.state === 'coming' ? 'clock' : 'busy'} />
      <span class="what">
        <strong>
          {code.access_grant_id === undefined ? (
            (code.name ?? codes.nameless)
          ) : (
            <a href={linkTo('grant', code.access_grant_id)}>
              {grantNames?.get(code.access_grant_id) ?? code.name ?? codes.grant}
            </a>
          )}
        </strong>
        {!isAtDoor && <span>{nameOf(code.device_id)}</span>}
      </span>
      <span class="how">
        {code.is_managed ? door.text : codes.found(dayAndTime(code.created_at))}
        {code.is_managed && (
          <small>{times(code.starts_at, code.ends_at ?? undefined, code.strikeplate_schedule)}</small>
        )}
        {code.is_backup && <small>{codes.spareOne}</small>}
      </span>
      <Pin id={code.access_code_id} of={code.is_managed ? 'access_code' : 'unmanaged_access_code'} />
      {may('codes') && (
        <span class="acts">
          {code.is_backup_access_code_available && (
            <button type="button" class="small" onClick={() => act('/access_codes/pull_backup_access_code')}>
              {codes.pull}
            </button>
          )}
          {!code.is_managed && !code.cannot_be_managed && (
            <button type="button" class="small" onClick={() => act('/access_codes/unmanaged/convert_to_managed')}>
              {codes.takeOver}
            </button>
          )}
          {code.is_managed && code.access_grant_id === undefined && code.status !== 'removing' && (
            <ChangeButton isOpen={isChanging} />
          )}
          {code.status !== 'removing' && code.access_grant_id === undefined && (
            <ConfirmButton
              kind="small"
              label={code.is_managed ? codes.end : codes.remove}
              again={codes.endAgain}
              onConfirm={() => act(code.is_managed ? '/access_codes/delete' : '/access_codes/unmanaged/delete')}
            />
          )}
        </span>
      )}
      {repairs.map((repair) => (
        <p key={repair.mutation_code} class="repair">
          <Icon name="busy" /> {repair.message}
        </p>
      ))}
      {problems.map((problem) => (
        <p key={problem.error_code ?? problem.warning_code} class="problem">
          <Icon name="warning" /> <span>{problem.message}</span>
        </p>
      ))}
      {isChanging.value && (
        <ChangeCode
          code={code}
          onDone={() => {
            isChanging.value = false;
            onChange();
          }}
        />
      )}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

function ChangeCode({ code, onDone }: { readonly code: AccessCode; readonly onDone: () => void }) {
  const { codes } = words();
  const action = useAction();
  const field = (iso: string | null | undefined) => (iso == null ? '' : toField(Date.parse(iso)));
  const name = useDraft(code.name ?? '');
  const begins = useDraft(field(code.starts_at));
  const ends = useDraft(field(code.ends_at));
  const schedule = useRef(code.strikeplate_schedule);
  const hours = useSignal(hoursOf(schedule.current));
  const submit = async () => {
    const done = await action.run(() =>
      call(
        '/access_codes/update',
        {
          access_code_id: code.access_code_id,
          ...(name.isChanged() && { name: orNull(name.text.value) }),
          ...(begins.isChanged() && { starts_at: fromField(begins.text.value) ?? null }),
          ...(ends.isChanged() && { ends_at: fromField(ends.text.value) ?? null }),
          ...changedHours(schedule.current, hours.value),
        },
        { prefer: 'respond-async', 'idempotency-key': crypto.randomUUID() },
      ),
    );
    if (done) onDone();
  };
  return (
    <Form kind="wide-form inline" action={action} isReady={isWhole(hours.value)} onSubmit={submit}>
      <div class="filters">
        <Field label={codes.name} value={name.text} maxLength={100} />
        <Field label={codes.begins} value={begins.text} type="datetime-local" />
        <Field label={codes.ends} value={ends.text} type="datetime-local" />
      </div>
      <WeeklyHours value={hours} />
    </Form>
  );
}
