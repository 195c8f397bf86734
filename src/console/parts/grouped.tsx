import type { ComponentChildren, VNode } from 'preact';

export interface RowGroup {
  /** What the group is, whatever it is called. */
  readonly key: string;
  readonly heading?: ComponentChildren;
  /** Each with a key that is its own in all groups. */
  readonly rows: readonly VNode[];
}

/**
 * Rows in groups, as one list: what moves from a group to another stays the same row, with its first press, the form that
 * is open in it, and what was typed there.
 */
export const Grouped = ({ groups }: { readonly groups: readonly RowGroup[] }) => (
  <ul class="rows grouped">
    {groups.flatMap(({ key, heading, rows }) =>
      rows.length === 0
        ? []
        : [
            ...(heading === undefined
              ? []
              : [
                  <li key={`heading ${key}`} class="group">
                    {heading}
                  </li>,
                ]),
            ...rows,
          ],
    )}
  </ul>
);
