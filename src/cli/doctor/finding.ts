/** What the doctor looked at, in the order of its report. */
export type Check =
  | 'node'
  | 'configuration'
  | 'files'
  | 'database'
  | 'keys'
  | 'port'
  | 'service'
  | 'certificate'
  | 'broker'
  | 'bridge'
  | 'serial'
  | 'radio'
  | 'pairing'
  | 'devices'
  | 'webhooks'
  | 'backup'
  | 'clock'
  | 'disk'
  | 'memory'
  | 'versions';

/** One thing that was looked at. No secret is in it: this is what one sends to support. */
export interface Finding {
  readonly check: Check;
  readonly verdict: 'ok' | 'warning' | 'bad';
  /** A sentence: what is so, and where it is not well, what follows from it. */
  readonly says: string;
  /** The line to type, as root, that mends it. */
  readonly run?: string;
}

export const ok = (check: Check, says: string): Finding => ({ check, verdict: 'ok', says });
export const warning = (check: Check, says: string, run?: string): Finding => ({
  ...{ check, verdict: 'warning', says },
  ...(run !== undefined && { run }),
});
export const bad = (check: Check, says: string, run?: string): Finding => ({
  ...{ check, verdict: 'bad', says },
  ...(run !== undefined && { run }),
});

/** A word for a shell, whatever is in it. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
