import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';
import { words } from '../languages/index.ts';
import { Icon } from './icon.tsx';
import type { Loaded } from './use-list.ts';

export const Empty = ({ children }: { readonly children: ComponentChildren }) => <div class="empty">{children}</div>;

/** Keeps the place of what is on its way, so that nothing jumps when it comes. */
export const Loading = ({ rows = 3 }: { readonly rows?: number }) => (
  <div class="loading" role="status" aria-label={words().common.loading}>
    {Array.from({ length: rows }, (_, row) => (
      <span key={row} class="bone" />
    ))}
  </div>
);

export function Failure({ error, again }: { readonly error: ApiError; readonly again?: () => void }) {
  const { common } = words();
  const text =
    error.type === 'unreachable'
      ? common.unreachable
      : error.status === 404
        ? common.notFound
        : error.message || common.failed;
  return (
    <div class="failure" role="alert">
      <Icon name="warning" />
      <p>{text}</p>
      {again !== undefined && (
        <button type="button" onClick={again}>
          {common.retry}
        </button>
      )}
    </div>
  );
}

/** Draws what was asked for, or why it is not there. */
export function Shown<Value>({
  of,
  again,
  rows,
  children,
}: {
  readonly of: Loaded<Value>;
  readonly again?: () => void;
  readonly rows?: number;
  readonly children: (value: Value) => ComponentChildren;
}) {
  if (of.status === 'loading') return <Loading {...(rows !== undefined && { rows })} />;
  if (of.status === 'failed') return <Failure error={of.error} {...(again && { again })} />;
  return <>{children(of.value)}</>;
}
