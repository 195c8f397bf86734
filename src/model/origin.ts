import type { Actor } from './records.ts';

/** Where a request came from and when. */
export interface Origin {
  readonly actor: Actor;
  /** `Clock.now()` when the request was received: `send_by` and `deadline` count from here. */
  readonly receivedAt: number;
  /** Committed together with the attempt. */
  readonly idempotency?: { readonly scope: string; readonly fingerprint: string };
}
