import { useSignal } from '@preact/signals';
import { type ApiError, problemOf } from '../api.ts';

/** One thing at a time that may fail: whether it is under way, and why it did not work. */
export function useAction() {
  const isBusy = useSignal(false);
  const failed = useSignal<ApiError | undefined>(undefined);
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
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
