import { type Signal, useSignal } from '@preact/signals';
import { type ApiError, problemOf } from '../api.ts';

export interface Action {
  readonly isBusy: Signal<boolean>;
  readonly failed: Signal<ApiError | undefined>;
  /** Answers whether it was done. While something is under way, nothing else begins. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/**
 * One thing at a time that may fail: whether it is under way, and why it did not work. A button is `aria-disabled`
 * meanwhile: one that is disabled loses the focus.
 */
export function useAction(): Action {
  const isBusy = useSignal(false);
  const failed = useSignal<ApiError | undefined>(undefined);
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (isBusy.value) return false;
    isBusy.value = true;
    failed.value = undefined;
    try {
      await work();
      return true;
    } catch (error) {
      failed.value = problemOf(error);
      return false;
    } finally {
      isBusy.value = false;
    }
  };
  return { isBusy, failed, run };
}
