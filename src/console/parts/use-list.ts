import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { call } from '../api.ts';
import { type Loaded, Questions } from '../questions.ts';
import { returns } from '../state.ts';

/** A list that did not come by then is asked for again, in milliseconds: as long as a silent connection lives. */
const PATIENCE_MS = 22_000;

/**
 * What a route answers, asked again whenever one of `when` changes and when a lost connection is back. `about` tells one
 * question from another: left out, each other body is one; a body that only moves on with time is the same.
 */
export function useCall<Answer>(
  path: string,
  body: object,
  when: readonly unknown[],
  about: string = JSON.stringify(body),
): { readonly state: Signal<Loaded<Answer>>; readonly again: () => void } {
  const state = useSignal<Loaded<Answer>>({ status: 'loading' });
  const round = useSignal(0);
  const questions = useMemo(
    () =>
      new Questions<Answer>((next) => {
        state.value = next;
      }),
    [],
  );
  useEffect(() => {
    questions.ask(`${path} ${about}`, (hangUp) =>
      call(path, body, {}, AbortSignal.any([hangUp, AbortSignal.timeout(PATIENCE_MS)])),
    );
  }, [path, about, JSON.stringify(body), round.value, returns.value, ...when]);
  useEffect(() => () => questions.close(), []);
  return {
    state,
    again: () => {
      round.value += 1;
    },
  };
}

/** What several routes answer together, as old as the oldest of them. */
export function together<Values extends unknown[], Value>(
  answers: readonly [...{ readonly [At in keyof Values]: Loaded<Values[At]> }],
  join: (...values: Values) => Value,
): Loaded<Value> {
  const all: readonly Loaded<unknown>[] = answers;
  const failed = all.find((one) => one.status === 'failed');
  if (failed !== undefined) return failed;
  const ready = all.filter((one) => one.status === 'ready');
  if (ready.length < all.length) return { status: 'loading' };
  const refused = ready.find((one) => one.failed !== undefined)?.failed;
  return {
    status: 'ready',
    value: join(...(ready.map(({ value }) => value) as Values)),
    asOf: Math.min(...ready.map(({ asOf }) => asOf)),
    ...(refused && { failed: refused }),
    ...(ready.some(({ isBefore }) => isBefore) && { isBefore: true }),
  };
}
