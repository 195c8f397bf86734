import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { AccessCode } from '../objects.ts';
import { may, nameOf } from '../state.ts';
import { dayAndTime } from '../time.ts';
import { ConfirmButton } from './confirm-button.tsx';
import { Icon } from './icon.tsx';
import { Failure } from './states.tsx';

/** How long digits stay on the screen, in milliseconds. */
const SHOWN_MS = 8_000;

export const times = (code: AccessCode): string => {
  const { codes } = words();
  if (code.type === 'ongoing') return codes.ongoing;
  if (code.ends_at == null) return codes.fromTo(dayAndTime(code.starts_at ?? code.created_at), '…');
  return codes.fromTo(dayAndTime(code.starts_at ?? code.created_at), dayAndTime(code.ends_at));
};

export function CodeRow({
  code,
  onChange,
  isAtDoor = false,
}: {
  readonly code: AccessCode;
  readonly onChange: () => void;
  readonly isAtDoor?: boolean;
}) {
  const { codes } = words();
  const failed = useSignal<ApiError | undefined>(undefined);
  const end = async () => {
    failed.value = undefined;
    try {
      await call(code.is_managed ? '/access_codes/delete' : '/access_codes/unmanaged/delete', {
        access_code_id: code.access_code_id,
      });
      onChange();
    } catch (error) {
      failed.value = error instanceof ApiError ? error : new ApiError('internal_error', 0, String(error));
    }
  };
  const problems = [...code.errors, ...code.warnings];
  return (
    <li class={`row code ${code.status} ${problems.length > 0 ? 'bad' : ''}`}>
      <Icon name={code.status === 'set' ? 'good' : code.status === 'unset' ? 'clock' : 'busy'} />
      <span class="what">
        <strong>{code.name ?? '–'}</strong>
        {!isAtDoor && <span>{nameOf(code.device_id)}</span>}
      </span>
      <span class="how">
        {codes.status[code.status] ?? code.status}
        <small>{times(code)}</small>
      </span>
      <Pin id={code.access_code_id} isManaged={code.is_managed} />
      {may('codes') && code.status !== 'removing' && (
        <ConfirmButton kind="small" label={codes.end} again={codes.endAgain} onConfirm={end} />
      )}
      {problems.map((problem) => (
        <p key={problem.error_code ?? problem.warning_code} class="problem">
          <Icon name="warning" /> {problem.message}
        </p>
      ))}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

/** Digits are asked for when somebody wants to see them, and go by themselves. */
function Pin({ id, isManaged }: { readonly id: string; readonly isManaged: boolean }) {
  const { codes } = words();
  const pin = useSignal<string | undefined>(undefined);
  useEffect(() => {
    if (pin.value === undefined) return;
    const timer = setTimeout(() => {
      pin.value = undefined;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [pin.value]);
  if (!may('codes')) return null;
  const show = async () => {
    const path = isManaged ? '/access_codes/get' : '/access_codes/unmanaged/get';
    const { access_code } = await call<{ access_code: AccessCode }>(path, { access_code_id: id }).catch(() => ({
      access_code: { code: null },
    }));
    pin.value = access_code.code ?? codes.noPin;
  };
  return (
    <span class="pin">
      {pin.value === undefined ? (
        <button type="button" class="quiet" onClick={show}>
          {codes.show}
        </button>
      ) : (
        <output>{pin.value}</output>
      )}
    </span>
  );
}
