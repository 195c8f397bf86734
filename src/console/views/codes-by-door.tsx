import type { AccessLists } from '../access.ts';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { AccessCode, Device } from '../objects.ts';
import { CodeRow } from '../parts/code-row.tsx';
import { Health } from '../parts/door-state.tsx';
import { Grouped } from '../parts/grouped.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failure } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { linkTo } from '../router.ts';
import { may } from '../state.ts';

/** What each lock holds: ours, others', and spare codes. */
export const CodesByDoor = ({
  keypads,
  lists,
  again,
}: {
  readonly keypads: readonly Device[];
  readonly lists: AccessLists;
  readonly again: () => void;
}) => (
  <div class="stack">
    {keypads.map((device) => (
      <CodesOfDoor key={device.device_id} device={device} lists={lists} again={again} />
    ))}
  </div>
);

export function CodesOfDoor({
  device,
  lists,
  again,
  isAtDoor = false,
}: {
  readonly device: Device;
  readonly lists: AccessLists;
  readonly again: () => void;
  readonly isAtDoor?: boolean;
}) {
  const { codes: text } = words();
  const { codes } = lists;
  const grantNames = new Map(lists.grants.map((grant) => [grant.access_grant_id, grant.display_name]));
  const here = ({ device_id }: AccessCode) => device_id === device.device_id;
  const ours = codes.access_codes.filter(here);
  const others = codes.unmanaged_access_codes.filter(here);
  const rowsOf = (list: readonly AccessCode[]) =>
    list.map((code) => (
      <CodeRow key={code.access_code_id} code={code} codes={codes} grantNames={grantNames} onChange={again} isAtDoor />
    ));
  return (
    <section class={isAtDoor ? '' : 'card'}>
      {!isAtDoor && (
        <>
          <h2 class="title">
            <a href={linkTo('door', device.device_id)}>{device.display_name}</a>
          </h2>
          <Health device={device} />
        </>
      )}
      {ours.length === 0 && <p class="quiet-note">{text.empty}</p>}
      <Grouped
        groups={[
          { key: 'ours', rows: rowsOf(ours) },
          {
            key: 'others',
            heading: (
              <>
                <h3 class="minor">{text.unmanaged}</h3>
                <p class="hint">{text.unmanagedHint}</p>
              </>
            ),
            rows: rowsOf(others),
          },
        ]}
      />
      {device.properties.supports_backup_access_code_pool && <Spare device={device} />}
    </section>
  );
}

/** Spare codes lie on the lock for when it cannot be reached and somebody stands there. */
function Spare({ device }: { readonly device: Device }) {
  const { codes: text } = words();
  const { isBusy, failed, run } = useAction();
  const isOn = device.properties.backup_access_code_pool_enabled === true;
  const isPartial = device.warnings.some(({ warning_code: code }) => code === 'partial_backup_access_code_pool');
  const set = () =>
    run(() => call('/devices/update', { device_id: device.device_id, backup_access_code_pool_enabled: !isOn }));
  return (
    <div class="spare">
      <Icon name={isOn ? (isPartial ? 'busy' : 'good') : 'none'} />
      <span>
        <strong>{text.spare}</strong>{' '}
        <small>{isOn ? (isPartial ? text.sparePartial : text.spareReady) : text.spareOff}</small>
      </span>
      {may('control') && (
        <button type="button" class="small" aria-disabled={isBusy.value} onClick={set}>
          {isOn ? text.spareStop : text.spareKeep}
        </button>
      )}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </div>
  );
}
