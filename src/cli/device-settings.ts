import { parse } from 'yaml';

/** One `--set`: where, and what. */
export type Setting = readonly [place: string, value: string];

/** `pin_slots.count=20` as an object; a value is read as the file would read it. */
export function settingsTree(set: readonly Setting[], unset: readonly string[] = []): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  const put = (place: string, value: unknown) => {
    const steps = place.split('.');
    const last = steps.pop() ?? '';
    let at = root;
    for (const step of steps) {
      const below = Object.hasOwn(at, step) ? at[step] : undefined;
      const next = typeof below === 'object' && below !== null ? (below as Record<string, unknown>) : {};
      at[step] = next;
      at = next;
    }
    at[last] = value;
  };
  for (const [place, text] of set) put(place, settingValue(text));
  for (const place of unset) put(place, null);
  return root;
}

function settingValue(text: string): unknown {
  try {
    const value: unknown = parse(text);
    // What the shell handed over as text is text, unless it is plainly a number, a truth or something in brackets.
    return value === null || typeof value === 'string' ? (/^["']/.test(text) ? value : text) : value;
  } catch {
    return text;
  }
}
