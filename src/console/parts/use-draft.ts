import { type Signal, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

/** A field over what is known. */
export interface Draft {
  readonly text: Signal<string>;
  /** Whether somebody typed over it. Nothing else is sent: what others changed meanwhile is not undone by it. */
  readonly isChanged: () => boolean;
  /** What stands in it is what is known by now. */
  readonly keep: () => void;
}

export function useDraft(known: string): Draft {
  const before = useRef(known.trim());
  const text = useSignal(known);
  return {
    text,
    isChanged: () => text.value.trim() !== before.current,
    keep: () => {
      before.current = text.value.trim();
    },
  };
}

/** For the API: null when nothing stands there. */
export const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim());
