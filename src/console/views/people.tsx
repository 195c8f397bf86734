import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { type AccessLists, accessesOf } from '../access.ts';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Person, Space } from '../objects.ts';
import { times } from '../parts/code-row.tsx';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Field, Several } from '../parts/field.tsx';
import { ChangeButton, Form, New } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { orNull, useDraft } from '../parts/use-draft.ts';
import { linkTo } from '../router.ts';
import { allDevices, may } from '../state.ts';

export function People({ lists, again }: { readonly lists: AccessLists; readonly again: () => void }) {
  const { codes } = words();
  return (
    <>
      {may('codes') && (
        <New label={codes.newPerson}>
          <PersonForm person={undefined} onDone={again} />
        </New>
      )}
      {lists.people.length === 0 ? (
        <Empty icon="people">{codes.noPeople}</Empty>
      ) : (
        <ul class="rows">
          {lists.people.map((person) => (
            <PersonRow key={person.user_identity_id} person={person} lists={lists} again={again} />
          ))}
        </ul>
      )}
    </>
  );
}

function PersonRow({
  person,
  lists,
  again,
}: {
  readonly person: Person;
  readonly lists: AccessLists;
  readonly again: () => void;
}) {
  const { codes } = words();
  const { failed, run } = useAction();
  const isChanging = useSignal(false);
  const grants = accessesOf(lists).filter(({ grant }) => grant?.user_identity_id === person.user_identity_id);
  const remove = async () => {
    if (await run(() => call('/user_identities/delete', { user_identity_id: person.user_identity_id }))) again();
  };
  return (
    <li class="row">
      <Icon name="person" />
      <span class="what">
        <strong>{person.display_name}</strong>
        <span>{[person.email_address, person.phone_number].filter((one) => one !== null).join(' · ')}</span>
      </span>
      <span class="how">
        {grants.length === 0
          ? codes.noGrants
          : grants.map((access) => (
              <a key={access.id} href={linkTo('grant', access.id)}>
                {access.name}: {times(access.startsAt, access.endsAt, access.schedule)}
              </a>
            ))}
      </span>
      {may('codes') && (
        <span class="acts">
          <ChangeButton isOpen={isChanging} />
          <ConfirmButton kind="small" label={codes.remove} again={codes.endAgain} onConfirm={remove} />
        </span>
      )}
      {isChanging.value && (
        <PersonForm
          person={person}
          onDone={() => {
            isChanging.value = false;
            again();
          }}
        />
      )}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

function PersonForm({ person, onDone }: { readonly person: Person | undefined; readonly onDone: () => void }) {
  const { codes } = words();
  const action = useAction();
  const name = useDraft(person?.full_name ?? '');
  const mail = useDraft(person?.email_address ?? '');
  const phone = useDraft(person?.phone_number ?? '');
  const submit = async () => {
    const fields = {
      ...(name.isChanged() && { full_name: orNull(name.text.value) }),
      ...(mail.isChanged() && { email_address: orNull(mail.text.value) }),
      ...(phone.isChanged() && { phone_number: orNull(phone.text.value) }),
    };
    const done = await action.run(() =>
      person === undefined
        ? call('/user_identities/create', fields)
        : call('/user_identities/update', { user_identity_id: person.user_identity_id, ...fields }),
    );
    if (!done) return;
    if (person === undefined) for (const { text } of [name, mail, phone]) text.value = '';
    onDone();
  };
  return (
    <Form kind="filters inline" action={action} onSubmit={submit}>
      <Field label={codes.fullName} value={name.text} maxLength={200} required />
      <Field label={codes.mail} value={mail.text} type="email" />
      <Field label={codes.phone} value={phone.text} type="tel" />
    </Form>
  );
}

/** Doors that are given together. */
export function Spaces({ lists, again }: { readonly lists: AccessLists; readonly again: () => void }) {
  const { codes } = words();
  return (
    <>
      {may('control') && (
        <New label={codes.newSpace}>
          <SpaceForm space={undefined} onDone={again} />
        </New>
      )}
      {lists.spaces.length === 0 ? (
        <Empty icon="space">{codes.noSpaces}</Empty>
      ) : (
        <ul class="rows">
          {lists.spaces.map((space) => (
            <SpaceRow key={space.space_id} space={space} again={again} />
          ))}
        </ul>
      )}
    </>
  );
}

const doorsOf = ({ space_id }: Space) => allDevices().filter(({ space_ids }) => space_ids?.includes(space_id));

function SpaceRow({ space, again }: { readonly space: Space; readonly again: () => void }) {
  const { codes } = words();
  const { failed, run } = useAction();
  const isChanging = useSignal(false);
  const remove = async () => {
    if (await run(() => call('/spaces/delete', { space_id: space.space_id }))) again();
  };
  return (
    <li class="row">
      <Icon name="space" />
      <span class="what">
        <strong>{space.name}</strong>
        <span>
          {doorsOf(space)
            .map((door) => door.display_name)
            .join(', ') || codes.noDoors}
        </span>
      </span>
      {may('control') && (
        <span class="acts">
          <ChangeButton isOpen={isChanging} />
          <ConfirmButton kind="small" label={codes.remove} again={codes.endAgain} onConfirm={remove} />
        </span>
      )}
      {isChanging.value && (
        <SpaceForm
          space={space}
          onDone={() => {
            isChanging.value = false;
            again();
          }}
        />
      )}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

function SpaceForm({ space, onDone }: { readonly space: Space | undefined; readonly onDone: () => void }) {
  const { codes } = words();
  const action = useAction();
  const name = useDraft(space?.name ?? '');
  /** As they were when the form was opened: what others change meanwhile stays. */
  const [before] = useState(() => (space === undefined ? [] : doorsOf(space).map(({ device_id }) => device_id)));
  const doors = useSignal<readonly string[]>(before);
  const submit = async () => {
    const done = await action.run(async () => {
      if (space === undefined) {
        await call('/spaces/create', { name: name.text.value.trim(), device_ids: doors.value });
        return;
      }
      const { space_id } = space;
      const added = doors.value.filter((id) => !before.includes(id));
      const gone = before.filter((id) => !doors.value.includes(id));
      if (name.isChanged()) await call('/spaces/update', { space_id, name: name.text.value.trim() });
      if (added.length > 0) await call('/spaces/add_devices', { space_id, device_ids: added });
      if (gone.length > 0) await call('/spaces/remove_devices', { space_id, device_ids: gone });
    });
    if (!done) return;
    if (space === undefined) {
      name.text.value = '';
      doors.value = [];
    }
    onDone();
  };
  return (
    <Form kind="wide-form inline" action={action} onSubmit={submit}>
      <Field label={codes.spaceName} value={name.text} maxLength={200} required />
      <Several
        legend={codes.doors}
        options={allDevices().map(({ device_id: id, display_name }) => ({ id, name: display_name }))}
        chosen={doors}
      />
    </Form>
  );
}
