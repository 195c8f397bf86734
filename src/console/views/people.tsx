import { useSignal } from '@preact/signals';
import { type AccessLists, accessesOf } from '../access.ts';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Person } from '../objects.ts';
import { times } from '../parts/code-row.tsx';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Field } from '../parts/field.tsx';
import { ChangeButton, Form, New } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { orNull, useDraft } from '../parts/use-draft.ts';
import { linkTo } from '../router.ts';
import { may } from '../state.ts';

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
