import { useSignal } from '@preact/signals';
import { ApiError, call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { AccessCode } from '../objects.ts';
import { CodeRow } from '../parts/code-row.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { useCall } from '../parts/use-list.ts';
import { allDevices, events, isLoaded, may } from '../state.ts';
import { fromField, now, toField } from '../time.ts';

export function CodesView() {
  const { codes } = words();
  const newest = events.value.find(({ event_type: type }) => type.startsWith('access_code.'))?.event_id;
  const keypads = allDevices().filter((device) => device.can_program_online_access_codes);
  const { state, again } = useCall<{ access_codes: AccessCode[]; unmanaged_access_codes: AccessCode[] }>(
    '/strikeplate/access_codes/list',
    {},
    [newest],
  );
  return (
    <>
      <h1>{codes.title}</h1>
      {isLoaded.value && keypads.length === 0 && <Empty>{codes.noKeypads}</Empty>}
      {may('codes') && keypads.length > 0 && <NewCode keypads={keypads} onCreated={again} />}
      <Shown of={state.value} again={again}>
        {({ access_codes, unmanaged_access_codes }) => (
          <>
            <Groups list={access_codes} again={again} />
            <Group title={codes.unmanaged} list={unmanaged_access_codes} again={again} />
          </>
        )}
      </Shown>
    </>
  );
}

function Groups({ list, again }: { readonly list: readonly AccessCode[]; readonly again: () => void }) {
  const { codes } = words();
  const isTroubled = (code: AccessCode) => code.errors.length + code.warnings.length > 0;
  const isToCome = (code: AccessCode) =>
    code.status === 'unset' && code.starts_at !== undefined && Date.parse(code.starts_at) > now.value;
  const rest = list.filter((code) => !isTroubled(code));
  if (list.length === 0) return <Empty>{codes.empty}</Empty>;
  return (
    <>
      <Group title={codes.attention} list={list.filter(isTroubled)} again={again} />
      <Group
        title={codes.now}
        list={rest.filter((code) => code.status !== 'removing' && !isToCome(code))}
        again={again}
      />
      <Group title={codes.next} list={rest.filter(isToCome)} again={again} />
      <Group title={codes.going} list={rest.filter((code) => code.status === 'removing')} again={again} />
    </>
  );
}

function Group({
  title,
  list,
  again,
}: {
  readonly title: string;
  readonly list: readonly AccessCode[];
  readonly again: () => void;
}) {
  if (list.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul class="rows">
        {list.map((code) => (
          <CodeRow key={code.access_code_id} code={code} onChange={again} />
        ))}
      </ul>
    </section>
  );
}

function NewCode({
  keypads,
  onCreated,
}: {
  readonly keypads: readonly { readonly device_id: string; readonly display_name: string }[];
  readonly onCreated: () => void;
}) {
  const { codes } = words();
  const name = useSignal('');
  const device = useSignal(keypads[0]?.device_id ?? '');
  const begins = useSignal('');
  const ends = useSignal('');
  const result = useSignal<ApiError | 'created' | undefined>(undefined);
  const isBusy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    isBusy.value = true;
    result.value = undefined;
    const starts_at = fromField(begins.value);
    const ends_at = fromField(ends.value);
    try {
      await call(
        '/access_codes/create',
        {
          device_id: device.value,
          ...(name.value.trim() !== '' && { name: name.value.trim() }),
          ...(starts_at && { starts_at }),
          ...(ends_at && { ends_at }),
        },
        { prefer: 'respond-async', 'idempotency-key': crypto.randomUUID() },
      );
      result.value = 'created';
      name.value = '';
      onCreated();
    } catch (error) {
      result.value = error instanceof ApiError ? error : new ApiError('internal_error', 0, String(error));
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <details class="new">
      <summary>{codes.create}</summary>
      <form class="filters" onSubmit={submit}>
        <label>
          {codes.name}
          <input
            value={name.value}
            maxLength={100}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          {codes.door}
          <select
            value={device.value}
            onChange={(event) => {
              device.value = event.currentTarget.value;
            }}
          >
            {keypads.map((one) => (
              <option key={one.device_id} value={one.device_id}>
                {one.display_name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {codes.begins}
          <input
            type="datetime-local"
            value={begins.value}
            onInput={(event) => {
              begins.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          {codes.ends}
          <input
            type="datetime-local"
            min={toField(now.value)}
            value={ends.value}
            onInput={(event) => {
              ends.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit" disabled={isBusy.value}>
          {codes.submit}
        </button>
      </form>
      {result.value === 'created' && (
        <p class="quiet-note" role="status">
          {codes.created}
        </p>
      )}
      {result.value instanceof ApiError && <Failure error={result.value} />}
    </details>
  );
}
