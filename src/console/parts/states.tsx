import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Loaded } from '../questions.ts';
import { when } from '../time.ts';
import { Icon, type IconName } from './icon.tsx';

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

function reasonOf(error: ApiError): string {
  const { common } = words();
  if (error.type === 'unreachable') return common.unreachable;
  if (error.status === 404 && error.message === '') return common.notFound;
  return error.message || common.failed;
}

export function Failure({ error, again }: { readonly error: ApiError; readonly again?: () => void }) {
  const { common } = words();
  const isForbidden = error.status === 403;
  const isAway = error.type === 'unreachable';
  const text = reasonOf(error);
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

/** What stands below could not be brought up to date: from when it is, why, and that it is asked for again. */
export function Stale({
  asOf,
  error,
  again,
}: {
  readonly asOf: number;
  readonly error: ApiError;
  readonly again?: () => void;
}) {
  const { common } = words();
  return (
    <div class="stale" role="status">
      <Icon name="away" />
      <p>
        <strong>{common.asOf(when(new Date(asOf).toISOString()))}</strong> {reasonOf(error)} {common.askedAgain}
      </p>
      {again !== undefined && (
        <button type="button" class="small" onClick={again}>
          {common.retry}
        </button>
      )}
    </div>
  );
}

/** Draws what was asked for, or why it is not there. What was there stays while it cannot be asked for. */
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
  return (
    <div class="shown" aria-busy={of.isBefore === true}>
      {of.failed !== undefined && <Stale asOf={of.asOf} error={of.failed} {...(again && { again })} />}
      {children(of.value)}
    </div>
  );
}
