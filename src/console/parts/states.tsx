import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';
import { words } from '../languages/index.ts';
import { Icon, type IconName } from './icon.tsx';
import type { Loaded } from './use-list.ts';

export const Empty = ({
  children,
  icon = 'none',
}: {
  readonly children: ComponentChildren;
  readonly icon?: IconName;
}) => (
  <div class="empty">
    <Icon name={icon} />
    <div>{children}</div>
  </div>
);

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
  const isForbidden = error.status === 403;
  const isAway = error.type === 'unreachable';
  const text = isAway
    ? common.unreachable
    : error.status === 404 && error.message === ''
      ? common.notFound
      : error.message || common.failed;
  return (
    <div class={`failure ${isForbidden ? 'forbidden' : ''}`} role="alert">
      <Icon name={isForbidden ? 'locked' : isAway ? 'away' : 'warning'} />
      <p>
        {isForbidden && <strong>{common.forbidden} </strong>}
        {text}
      </p>
      {again !== undefined && !isForbidden && (
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
