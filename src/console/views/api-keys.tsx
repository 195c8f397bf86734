import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { ApiKey, Space } from '../objects.ts';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Field, Several } from '../parts/field.tsx';
import { Form, New } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { useCall } from '../parts/use-list.ts';
import { allDevices, nameOf, session } from '../state.ts';
import { ago, dayAndTime, fromField, now, toField } from '../time.ts';
import { Once } from './webhooks.tsx';

const scopes = ['read', 'control', 'codes', 'metrics', 'admin'] as const;

/** Who may ask this gateway for something. */
export function ApiKeys() {
  const { box: text } = words();
  const { state, again } = useCall<{ api_keys: ApiKey[] }>('/strikeplate/api_keys/list', {}, []);
  const listed = useCall<{ spaces: Space[] }>('/spaces/list', { limit: 1_000 }, []);
  const inSpaces = listed.state.value;
  const spaces = inSpaces.status === 'ready' ? inSpaces.value.spaces : [];
  const token = useSignal<{ readonly name: string; readonly secret: string } | undefined>(undefined);
  return (
    <Shown of={state.value} again={again}>
      {({ api_keys }) => (
        <>
          <NewKey
            spaces={spaces}
            onCreated={(made) => {
              token.value = made;
              again();
            }}
          />
          {inSpaces.status === 'failed' && <Failure error={inSpaces.error} again={listed.again} />}
          {token.value !== undefined && <Once label={text.keyOf(token.value.name)} secret={token.value.secret} />}
          {api_keys.length === 0 ? (
            <Empty icon="key">{text.noKeys}</Empty>
          ) : (
            <ul class="rows">
              {api_keys.map((key) => (
                <KeyRow
                  key={key.api_key_id}
                  apiKey={key}
                  spaces={spaces}
                  onChange={again}
                  onRotated={(made) => {
                    token.value = made;
                    again();
                  }}
                />
              ))}
            </ul>
          )}
        </>
      )}
    </Shown>
  );
}

interface Made {
  readonly name: string;
  readonly secret: string;
}

function KeyRow({
  apiKey,
  spaces,
  onChange,
  onRotated,
}: {
  readonly apiKey: ApiKey;
  readonly spaces: readonly Space[];
  readonly onChange: () => void;
  readonly onRotated: (made: Made) => void;
}) {
  const { box: text } = words();
  const { failed, run } = useAction();
  const {
    api_key_id,
    name,
    device_ids: ids,
    space_ids: spaceIds,
    last_used_at: used,
    expires_at: expires,
    previous_until: previous,
  } = apiKey;
  const places = [
    ...(ids ?? []).map((id) => nameOf(id)),
    ...(spaceIds ?? []).map((id) => text.allOf(spaces.find(({ space_id }) => space_id === id)?.name ?? id)),
  ];
  const isOwn = typeof session.value === 'object' && session.value.api_key_id === api_key_id;
  const rotate = () =>
    run(async () => {
      const { token } = await call<{ token: string }>('/strikeplate/api_keys/rotate', { api_key_id });
      onRotated({ name, secret: token });
    });
  const revoke = async () => {
    if (await run(() => call('/strikeplate/api_keys/revoke', { api_key_id }))) onChange();
  };
  return (
    <li class="row key">
      <Icon name="key" />
      <span class="what">
        <strong>
          {name} {isOwn && <span class="tag">{text.ownKey}</span>}
        </strong>
        <span>{apiKey.scopes.map((scope) => text.scopes[scope] ?? scope).join(', ')}</span>
        <span>{ids === null && spaceIds === null ? text.allDevices : places.join(', ')}</span>
      </span>
      <span class="how">
        {used === null ? text.keyNever : text.used(ago(used))}
        <small>{text.made(dayAndTime(apiKey.created_at))}</small>
        {expires !== null && <small>{text.expires(dayAndTime(expires))}</small>}
        {previous !== null && <small>{text.previous(dayAndTime(previous))}</small>}
      </span>
      <span class="acts">
        <ConfirmButton kind="small" label={text.rotate} again={text.rotateAgain} onConfirm={rotate} />
        <ConfirmButton kind="small" label={text.revoke} again={text.revokeAgain} onConfirm={revoke} />
      </span>
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

function NewKey({
  spaces,
  onCreated,
}: {
  readonly spaces: readonly Space[];
  readonly onCreated: (made: Made) => void;
}) {
  const { box: text } = words();
  const name = useSignal('');
  const may = useSignal<readonly string[]>(['read', 'control']);
  const devices = useSignal<readonly string[]>([]);
  const inSpaces = useSignal<readonly string[]>([]);
  const ends = useSignal('');
  const action = useAction();
  const submit = async () => {
    const expires_at = fromField(ends.value);
    const called = name.value.trim();
    const done = await action.run(async () => {
      const { token } = await call<{ token: string }>('/strikeplate/api_keys/create', {
        name: called,
        scopes: may.value,
        ...(devices.value.length > 0 && { device_ids: devices.value }),
        ...(inSpaces.value.length > 0 && { space_ids: inSpaces.value }),
        ...(expires_at !== undefined && { expires_at }),
      });
      onCreated({ name: called, secret: token });
    });
    if (done) name.value = '';
  };
  return (
    <New label={text.newKey}>
      <Form kind="wide-form" submit={text.newKey} action={action} isReady={may.value.length > 0} onSubmit={submit}>
        <div class="filters">
          <Field label={text.keyName} value={name} required maxLength={60} />
          <Field label={text.keyEnds} value={ends} type="datetime-local" min={toField(now.value)} />
        </div>
        <Several
          legend={text.keyScopes}
          options={scopes.map((id) => ({ id, name: text.scopes[id] ?? id }))}
          chosen={may}
        />
        <Several
          legend={text.keyDevices}
          options={allDevices().map(({ device_id: id, display_name }) => ({ id, name: display_name }))}
          chosen={devices}
        />
        {spaces.length > 0 && (
          <Several
            legend={text.keySpaces}
            options={spaces.map(({ space_id: id, name: called }) => ({ id, name: called }))}
            chosen={inSpaces}
          />
        )}
      </Form>
    </New>
  );
}
