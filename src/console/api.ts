/** What the gateway refused, or that it could not be reached. `type` is of docs/errors.md, or `unreachable`. */
export class ApiError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, status: number, message: string) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** Whatever was thrown, as something that can be shown. */
export const problemOf = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError('internal_error', 0, String(error));

/** Without it a cookie alone opens nothing: see src/http/console/sessions.ts. */
export const sessionHeaders = { 'x-strikeplate-console': '1' };

let current: () => unknown = () => undefined;
let onSignedOut: () => void = () => undefined;

/** `listener` is called when the session that `sessionNow` gives turns out to be over: not for what another one asked. */
export const whenSignedOut = (sessionNow: () => unknown, listener: () => void): void => {
  current = sessionNow;
  onSignedOut = listener;
};

/** Asks the public API. @throws ApiError */
export async function call<Answer>(
  path: string,
  body: object = {},
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
): Promise<Answer> {
  return send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...sessionHeaders, ...headers },
    body: JSON.stringify(body),
    signal,
  });
}

const get = <Answer>(path: string): Promise<Answer> => send(path, { method: 'GET', headers: sessionHeaders });

async function send<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const asked = current();
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch {
    throw new ApiError('unreachable', 0, '');
  }
  const answer = (await response.json().catch(() => undefined)) as
    | { readonly error?: { readonly type: string; readonly message: string } }
    | undefined;
  if (response.ok && answer !== undefined) return answer as Answer;
  // The line was cut in the middle of the answer.
  if (response.ok) throw new ApiError('unreachable', 0, '');
  const type = answer?.error?.type ?? 'unreachable';
  if (response.status === 401 && path !== '/strikeplate/session/create' && asked === current()) onSignedOut();
  throw new ApiError(type, response.status, answer?.error?.message ?? '');
}

export const signIn = (key: string): Promise<{ readonly session: Session }> =>
  call('/strikeplate/session/create', {}, { authorization: `Bearer ${key.trim()}` });

export const signOut = (): Promise<unknown> => call('/strikeplate/session/delete');

export const currentSession = async (): Promise<Session | undefined> =>
  (await get<{ readonly session: Session | null }>('/strikeplate/session')).session ?? undefined;

export type Scope = 'read' | 'control' | 'codes' | 'metrics' | 'admin';

export interface Session {
  readonly api_key_id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly is_restricted: boolean;
  readonly gateway: {
    readonly gateway_id: string;
    readonly name: string;
    readonly time_zone: string;
    readonly version: string;
    readonly boot_id: string;
    readonly now: string;
  };
}
