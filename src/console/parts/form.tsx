import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { words } from '../languages/index.ts';
import { Failure } from './states.tsx';
import type { Action } from './use-action.ts';

/** Fields, the button that sends them, and why that did not work. */
export function Form({
  action: { isBusy, failed },
  onSubmit,
  submit = words().common.save,
  isReady = true,
  needs,
  kind = 'filters',
  children,
}: {
  readonly action: Action;
  readonly onSubmit: () => Promise<unknown>;
  readonly submit?: string;
  /** Whether there is enough to be sent. */
  readonly isReady?: boolean;
  /** What is missing, for whoever wonders why nothing can be sent. */
  readonly needs?: string;
  readonly kind?: 'filters' | 'wide-form' | 'filters inline' | 'wide-form inline';
  readonly children: ComponentChildren;
}) {
  return (
    <form
      class={kind}
      onSubmit={(event) => {
        event.preventDefault();
        void onSubmit();
      }}
    >
      {children}
      <button type="submit" disabled={!isReady} aria-disabled={isBusy.value}>
        {submit}
      </button>
      {!isReady && needs !== undefined && <p class="hint">{needs}</p>}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </form>
  );
}

/** Something new is made here. */
export const New = ({ label, children }: { readonly label: string; readonly children: ComponentChildren }) => (
  <details class="new">
    <summary>{label}</summary>
    {children}
  </details>
);

/** Opens the form in a row, and closes it. */
export const ChangeButton = ({ isOpen }: { readonly isOpen: Signal<boolean> }) => (
  <button
    type="button"
    class="small"
    aria-expanded={isOpen.value}
    onClick={() => {
      isOpen.value = !isOpen.value;
    }}
  >
    {words().codes.change}
  </button>
);
