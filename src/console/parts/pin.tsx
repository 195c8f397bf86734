import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import { may } from '../state.ts';

/** How long digits stay on the screen, in milliseconds. */
const SHOWN_MS = 8_000;

export type PinOf = 'access_code' | 'unmanaged_access_code' | 'access_method';

const routes: Readonly<Record<PinOf, string>> = {
  access_code: '/access_codes/get',
  unmanaged_access_code: '/access_codes/unmanaged/get',
  access_method: '/access_methods/get',
};

/** Digits are asked for when somebody wants to see them, and go by themselves. */
export function Pin({ id, of }: { readonly id: string; readonly of: PinOf }) {
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
    const name = of === 'access_method' ? 'access_method' : 'access_code';
    const answer = await call<Record<string, { readonly code: string | null }>>(routes[of], {
      [`${name}_id`]: id,
    }).catch(() => undefined);
    pin.value = answer?.[name]?.code ?? codes.noPin;
  };
  return (
    <span class="pin">
      {pin.value === undefined ? (
        <button type="button" class="quiet" onClick={show}>
          {codes.show}
        </button>
      ) : (
        <>
          <output>{pin.value}</output>
          <span class="fuse" aria-hidden="true" />
        </>
      )}
    </span>
  );
}
