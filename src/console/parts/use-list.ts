import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type ApiError, call, problemOf } from '../api.ts';

export type Loaded<Value> =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly value: Value }
  | { readonly status: 'failed'; readonly error: ApiError };

/** What a route answers, asked again whenever one of `when` changes; what was there stays until the new has come. */
export function useCall<Answer>(
  path: string,
  body: object,
  when: readonly unknown[],
): { readonly state: Signal<Loaded<Answer>>; readonly again: () => void } {
  const state = useSignal<Loaded<Answer>>({ status: 'loading' });
  const round = useSignal(0);
  useEffect(() => {
    let isCurrent = true;
    call<Answer>(path, body).then(
      (value) => {
        if (isCurrent) state.value = { status: 'ready', value };
      },
      (error) => {
        if (isCurrent) state.value = { status: 'failed', error: problemOf(error) };
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [path, JSON.stringify(body), round.value, ...when]);
  return {
    state,
    again: () => {
      round.value += 1;
    },
  };
}
