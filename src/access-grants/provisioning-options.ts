import type { GrantCodes } from '../access-codes/grant-codes.ts';
import type { Moment } from '../access-codes/wanted.ts';
import type { Secret } from '../contract/index.ts';
import type { GrantRepository } from './grant-repository.ts';

/** What of codes a grant needs. */
export type CodesForGrants = Pick<
  GrantCodes,
  | 'target'
  | 'choose'
  | 'assertTakes'
  | 'get'
  | 'add'
  | 'assertRetimable'
  | 'retime'
  | 'remove'
  | 'hasBackup'
  | 'pull'
  | 'reveal'
>;

export interface ProvisioningOptions {
  readonly repository: GrantRepository;
  readonly codes: CodesForGrants;
  readonly vault: GrantVault;
  readonly moment: () => Moment;
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Seals what must not lie readable on disk. */
export interface GrantVault {
  seal(secret: Secret, about: GrantSealContext): Uint8Array;
  /** @throws GatewayError `internal_error` when it does not open */
  open(sealed: Uint8Array, about: GrantSealContext): Secret;
}

export type GrantSealContext =
  | { readonly userIdentityId: string }
  | { readonly accessGrantId: string }
  | { readonly accessMethodId: string };
