import { useSignal } from '@preact/signals';
import type { AccessLists } from '../access.ts';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { CodesOfLocks, Grant, Person, Space } from '../objects.ts';
import type { Loaded } from '../questions.ts';
import { allDevices, events } from '../state.ts';
import { fromField, now, toField } from '../time.ts';
import { type Hours, isWhole, scheduleOf } from '../weekly-hours.ts';
import { Choice, Field, Several } from './field.tsx';
import { Form, New } from './form.tsx';
import { useAction } from './use-action.ts';
import { together, useCall } from './use-list.ts';
import { WeeklyHours } from './weekly-hours.tsx';

const NEW = '';
const NOBODY = '-';

/** Lets somebody in: a person and some doors make a grant; a name on one door alone, a code. */
export function NewAccess({ lists, onCreated }: { readonly lists: AccessLists; readonly onCreated: () => void }) {
  const { codes } = words();
  const keypads = allDevices().filter((device) => device.can_program_online_access_codes);
  const who = useSignal(NEW);
  const name = useSignal('');
  const [only] = keypads;
  const doors = useSignal<readonly string[]>(keypads.length === 1 && only !== undefined ? [only.device_id] : []);
  const spaces = useSignal<readonly string[]>([]);
  const begins = useSignal('');
  const ends = useSignal('');
  const pin = useSignal('');
  const isDone = useSignal(false);
  const hours = useSignal<readonly Hours[]>([]);
  const action = useAction();
  const isPerson = who.value !== NOBODY;
  const isSomewhere = doors.value.length > 0 || (isPerson && spaces.value.length > 0);
  const submit = async () => {
    isDone.value = false;
    const starts_at = fromField(begins.value);
    const ends_at = fromField(ends.value);
    const strikeplate_schedule = scheduleOf(hours.value);
    const when = {
      ...(starts_at && { starts_at }),
      ...(ends_at && { ends_at }),
      ...(strikeplate_schedule && { strikeplate_schedule }),
    };
    const digits = pin.value.trim();
    const once = { prefer: 'respond-async', 'idempotency-key': crypto.randomUUID() };
    const create = () =>
      isPerson
        ? call(
            '/access_grants/create',
            {
              ...(who.value === NEW
                ? { user_identity: { full_name: name.value.trim() } }
                : { user_identity_id: who.value, ...(name.value.trim() !== '' && { name: name.value.trim() }) }),
              device_ids: doors.value,
              ...(spaces.value.length > 0 && { space_ids: spaces.value }),
              requested_access_methods: [{ mode: 'code', ...(digits !== '' && { code: digits }) }],
              ...when,
            },
            once,
          )
        : call(
            '/access_codes/create_multiple',
            {
              device_ids: doors.value,
              ...(name.value.trim() !== '' && { name: name.value.trim() }),
              ...(digits !== '' && { code: digits }),
              behavior_when_code_cannot_be_shared: 'create_random_code',
              ...when,
            },
            once,
          );
    if (!(await action.run(create))) return;
    isDone.value = true;
    name.value = '';
    pin.value = '';
    hours.value = [];
    onCreated();
  };
  return (
    <New label={codes.create}>
      <Form
        kind="wide-form"
        submit={codes.submit}
        action={action}
        isReady={isSomewhere && isWhole(hours.value)}
        {...(!isSomewhere && { needs: codes.needed })}
        onSubmit={submit}
      >
        <div class="filters">
          <Choice label={codes.who} value={who}>
            <option value={NEW}>{codes.newPerson}</option>
            {lists.people.map((person) => (
              <option key={person.user_identity_id} value={person.user_identity_id}>
                {person.display_name}
              </option>
            ))}
            <option value={NOBODY}>{codes.nobody}</option>
          </Choice>
          <Field
            label={who.value === NEW ? codes.fullName : codes.name}
            value={name}
            maxLength={100}
            required={who.value === NEW}
          />
          <Field label={codes.begins} value={begins} type="datetime-local" />
          <Field label={codes.ends} value={ends} type="datetime-local" min={toField(now.value)} />
          <Field
            label={codes.digits}
            value={pin}
            inputMode="numeric"
            pattern="[0-9]{4,12}"
            maxLength={12}
            autoComplete="off"
            placeholder={codes.digitsHint}
          />
        </div>
        <Several
          legend={codes.doors}
          options={keypads.map(({ device_id: id, display_name }) => ({ id, name: display_name }))}
          chosen={doors}
        />
        {isPerson && lists.spaces.length > 0 && (
          <Several
            legend={codes.spaces}
            options={lists.spaces.map((space) => ({ id: space.space_id, name: space.name }))}
            chosen={spaces}
          />
        )}
        <WeeklyHours value={hours} />
      </Form>
      {isDone.value && (
        <p class="quiet-note" role="status">
          {codes.created}
        </p>
      )}
    </New>
  );
}

const touches = /^(access_(code|grant|method)|space)\./;
const MOST = 1_000;

/** Everything about who may enter, asked for anew whenever an event says that it changed. */
export function useAccess(): { readonly state: Loaded<AccessLists>; readonly again: () => void } {
  const newest = events.value.find(({ event_type: type }) => touches.test(type))?.event_id;
  const codes = useCall<CodesOfLocks>('/strikeplate/access_codes/list', {}, [newest]);
  const grants = useCall<{ access_grants: Grant[] }>('/access_grants/list', { limit: MOST }, [newest]);
  const people = useCall<{ user_identities: Person[] }>('/user_identities/list', { limit: MOST }, [newest]);
  const spaces = useCall<{ spaces: Space[] }>('/spaces/list', { limit: MOST }, [newest]);
  const again = () => {
    for (const one of [codes, grants, people, spaces]) one.again();
  };
  const state = together(
    [codes.state.value, grants.state.value, people.state.value, spaces.state.value],
    (c, { access_grants }, { user_identities }, s) => ({
      codes: c,
      grants: access_grants,
      people: user_identities,
      spaces: s.spaces,
    }),
  );
  return { state, again };
}
