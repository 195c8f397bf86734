/** Where the focus was: the element, what it stood in from the inside out, and the rows around its own. */
interface Trail {
  readonly element: HTMLElement;
  readonly within: readonly HTMLElement[];
  readonly row: HTMLElement | undefined;
  readonly otherRows: readonly Element[];
}

const focusable =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), summary, [tabindex]:not([tabindex="-1"])';

/**
 * Called once. Whoever works by keyboard or with a screen reader is never put back to the beginning of the page: when what
 * had the focus is drawn no more, the next row has it, the button that opened the form, or the heading above. Escape closes
 * what stands open around the focus.
 */
export function keepFocus(): void {
  let last: Trail | undefined;
  addEventListener('focusin', ({ target }) => {
    last = target instanceof HTMLElement ? trailOf(target) : undefined;
  });
  addEventListener('focusout', ({ target }) => {
    // Who presses beside everything has left it; what was taken away is gone by then, what was moved has it again.
    setTimeout(() => {
      if (document.hasFocus() && last?.element === target && isLost()) last = undefined;
    });
  });
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.defaultPrevented && event.target instanceof Element) close(event.target);
  });
  new MutationObserver((changes) => {
    if (last === undefined || !isLost()) return;
    const lost = last;
    if (lost.element.isConnected) {
      // Its row was drawn at another place, which not every browser does without taking the focus away.
      if (changes.some(({ removedNodes }) => [...removedNodes].some((node) => node.contains(lost.element))))
        lost.element.focus();
      return;
    }
    last = undefined;
    take(placeAfter(lost));
  }).observe(document.body, { childList: true, subtree: true });
}

const isLost = (): boolean => document.activeElement === null || document.activeElement === document.body;

function trailOf(element: HTMLElement): Trail {
  const within: HTMLElement[] = [];
  for (let one = element.parentElement; one !== null; one = one.parentElement) within.push(one);
  const row = element.closest<HTMLElement>('li') ?? undefined;
  const rows = [...(row?.parentElement?.children ?? [])].filter((one) => !one.matches('.group'));
  const at = row === undefined ? -1 : rows.indexOf(row);
  return { element, within, row, otherRows: [...rows.slice(at + 1), ...rows.slice(0, Math.max(at, 0)).reverse()] };
}

function placeAfter({ within, row, otherRows }: Trail): HTMLElement | null {
  if (row !== undefined && !row.isConnected) {
    const next = otherRows.find((one) => one.isConnected);
    if (next instanceof HTMLElement) return next;
  }
  const left = within.find((one) => one.isConnected);
  const place = left?.closest<HTMLElement>('li, .pin, fieldset, article, section, details, main') ?? null;
  const isRowGone = row !== undefined && !row.isConnected;
  const inner = place?.matches('main, section') !== true && !isRowGone;
  const found = inner
    ? (place?.querySelector<HTMLElement>('[aria-expanded]') ?? place?.querySelector<HTMLElement>(focusable))
    : place?.querySelector<HTMLElement>('h1, h2, h3');
  return found ?? place ?? document.querySelector<HTMLElement>('main h1') ?? document.querySelector('main');
}

/** Headings and rows take it for this once. */
function take(element: HTMLElement | null): void {
  if (element === null) return;
  if (!element.matches(focusable)) {
    element.tabIndex = -1;
    element.addEventListener('blur', () => element.removeAttribute('tabindex'), { once: true });
  }
  element.focus();
}

function close(from: Element): void {
  const toggle = from.closest('li, .account')?.querySelector<HTMLElement>('[aria-expanded="true"]');
  if (toggle) {
    toggle.click();
    toggle.focus();
    return;
  }
  const open = from.closest<HTMLDetailsElement>('details[open]');
  if (open === null) return;
  open.open = false;
  open.querySelector('summary')?.focus();
}
