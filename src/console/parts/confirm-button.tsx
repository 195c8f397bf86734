import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** How long a finger rests on the button before it counts, in milliseconds. A guess: longer than a slip. */
const HOLD_MS = 600;
/** How far a finger may slip before it means something else. A guess. */
const SLIP_PX = 40;
/**
 * How long the second press may take, in milliseconds, unless the focus leaves before: what WCAG 2.2, success criterion
 * 2.2.1, gives whoever must do something simple before a time is over.
 */
const AGAIN_MS = 20_000;

/**
 * A button that nobody presses by accident: held by a finger or a mouse, or pressed twice by keyboard or a screen reader,
 * whose presses have no length. A double click, or a key that is held down, is one press.
 */
export function ConfirmButton({
  label,
  hold,
  again,
  onConfirm,
  disabled = false,
  isBusy = false,
  kind = '',
}: {
  readonly label: string;
  /** Shown while it is held; undefined: it is pressed twice by everybody. */
  readonly hold?: string;
  readonly again: string;
  readonly onConfirm: () => void;
  readonly disabled?: boolean;
  /** Something is under way: it is not pressed, and keeps the focus. */
  readonly isBusy?: boolean;
  readonly kind?: string;
}) {
  const stage = useSignal<'rest' | 'held' | 'asked'>('rest');
  const timer = useRef<number | undefined>(undefined);
  const wasHeld = useRef(false);
  const from = useRef({ x: 0, y: 0 });
  const wait = (ms: number, then: () => void) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(then, ms);
  };
  const release = useRef(new AbortController());
  const rest = () => {
    clearTimeout(timer.current);
    release.current.abort();
    stage.value = 'rest';
  };
  useEffect(() => rest, []);
  const letGo = () => {
    if (stage.value === 'held') rest();
  };
  const confirm = () => {
    rest();
    onConfirm();
  };
  return (
    <button
      type="button"
      class={`confirm ${kind} ${stage.value}`}
      disabled={disabled}
      aria-disabled={isBusy}
      onPointerDown={(event) => {
        if (hold === undefined || event.button !== 0 || isBusy) return;
        // Kept even when live data moves the button away under the finger.
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, y: event.clientY };
        // A button that is drawn elsewhere meanwhile loses it: that the finger was lifted is heard all the same.
        release.current = new AbortController();
        for (const end of ['pointerup', 'pointercancel'])
          addEventListener(end, letGo, { signal: release.current.signal });
        wasHeld.current = true;
        stage.value = 'held';
        wait(HOLD_MS, confirm);
      }}
      onPointerMove={(event) => {
        if (Math.hypot(event.clientX - from.current.x, event.clientY - from.current.y) > SLIP_PX) letGo();
      }}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.repeat && event.key === 'Enter') event.preventDefault();
        if (event.key === 'Escape' && stage.value === 'asked') {
          event.preventDefault();
          rest();
        }
      }}
      onBlur={({ currentTarget: button }) =>
        // A row that is drawn at another place has the focus again by then.
        setTimeout(() => {
          if (stage.value === 'asked' && document.hasFocus() && document.activeElement !== button) rest();
        })
      }
      onClick={({ detail }) => {
        // A pointer's click is the end of a hold, which was judged by its length; keys have no clicks to count.
        if (wasHeld.current && detail > 0) {
          wasHeld.current = false;
          return;
        }
        if (isBusy || detail > 1) return;
        if (stage.value === 'asked') confirm();
        else {
          stage.value = 'asked';
          wait(AGAIN_MS, rest);
        }
      }}
    >
      <span class="fill" aria-hidden="true" />
      <span aria-live="polite">
        {stage.value === 'held' ? (hold ?? label) : stage.value === 'asked' ? again : label}
      </span>
    </button>
  );
}
