import type { Secret } from '../contract/index.ts';
import type { WeeklyHours } from './code-hours.ts';
import type { AccessGrantRecord, AccessMethodRecord, Person, SpaceRecord } from './grant-records.ts';

export interface NewUserIdentity extends Partial<Person> {
  readonly key?: string | undefined;
}

/** Undefined leaves as it is; null takes away. */
export interface UserIdentityPatch {
  readonly key?: string | null | undefined;
  readonly fullName?: string | null | undefined;
  readonly emailAddress?: string | null | undefined;
  readonly phoneNumber?: string | null | undefined;
}

export interface UserIdentity extends Person {
  readonly userIdentityId: string;
  readonly key: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** People. What names them is in no event, log or history, and on disk only encrypted. */
export interface UserIdentities {
  /**
   * Repeated with the same key and the same person it answers with the one that is there.
   * @throws GatewayError `duplicate_key`, `storage_unavailable`
   */
  create(request: NewUserIdentity): Promise<UserIdentity>;
  get(userIdentityId: string): UserIdentity | undefined;
  withKey(key: string): UserIdentity | undefined;
  /** Oldest first. */
  list(): UserIdentity[];
  /** @throws GatewayError `user_identity_not_found`, `duplicate_key`, `storage_unavailable` */
  update(userIdentityId: string, patch: UserIdentityPatch): Promise<void>;
  /**
   * Forgets the person, and what their grants were called. Repeating it does no harm.
   * @throws GatewayError `user_identity_not_found`, `still_in_use` while a grant of theirs is live
   */
  delete(userIdentityId: string): Promise<void>;
  /** Associates a door with the person; it opens nothing by itself. @throws GatewayError `user_identity_not_found` */
  grantAccessToDevice(userIdentityId: string, deviceId: string): Promise<void>;
  revokeAccessToDevice(userIdentityId: string, deviceId: string): Promise<void>;
  /** Doors of theirs: associated, and those of their live grants. @throws GatewayError `user_identity_not_found` */
  accessibleDevices(userIdentityId: string): readonly string[];
}

export interface NewSpace {
  readonly name: string;
  readonly key?: string | undefined;
  readonly deviceIds?: readonly string[] | undefined;
  readonly parentSpaceId?: string | undefined;
  readonly customerKey?: string | undefined;
  readonly customerData?: SpaceRecord['customerData'];
}

/** Undefined leaves as it is. */
export type SpacePatch = Partial<NewSpace>;

export interface Spaces {
  /**
   * Repeated with the same key and all else the same it answers with the one that is there.
   * @throws GatewayError `duplicate_key`, `space_not_found` for its parent, `storage_unavailable`
   */
  create(request: NewSpace): Promise<SpaceRecord>;
  get(spaceId: string): SpaceRecord | undefined;
  withKey(key: string): SpaceRecord | undefined;
  /** Oldest first. */
  list(): SpaceRecord[];
  /** The spaces that a device is in. */
  ofDevice(deviceId: string): readonly string[];
  /** @throws GatewayError `space_not_found`, `duplicate_key`, `storage_unavailable` */
  update(spaceId: string, patch: SpacePatch): Promise<SpaceRecord>;
  /** Repeating it does no harm. @throws GatewayError `space_not_found`, `still_in_use` while a live grant names it */
  delete(spaceId: string): Promise<void>;
  /** Its live grants are given the doors. @throws GatewayError `space_not_found`, `storage_unavailable` */
  addDevices(spaceId: string, deviceIds: readonly string[]): Promise<void>;
  /** Its live grants lose the doors, unless they have them otherwise. */
  removeDevices(spaceId: string, deviceIds: readonly string[]): Promise<void>;
}

export interface NewAccessGrant {
  /** An identity that is there, or a new one, which comes to be together with the grant or not at all. */
  readonly user: { readonly userIdentityId: string } | NewUserIdentity;
  readonly deviceIds: readonly string[];
  readonly spaceIds: readonly string[];
  readonly key?: string | undefined;
  readonly reservationKey?: string | undefined;
  readonly name?: string | undefined;
  /** Milliseconds since the Unix epoch; from now on unless given. */
  readonly startsAt?: number | undefined;
  /** Undefined: open. */
  readonly endsAt?: number | undefined;
  readonly hours?: WeeklyHours | undefined;
  /** How often each door lets each PIN in; any number unless given. */
  readonly maxUses?: number | undefined;
  /** PINs: each with the digits that are wanted, or chosen by the gateway. */
  readonly requests: readonly { readonly code?: Secret | undefined }[];
}

/** Undefined leaves as it is; a name or an end that is null is taken away. */
export interface AccessGrantPatch {
  readonly name?: string | null | undefined;
  readonly startsAt?: number | undefined;
  readonly endsAt?: number | null | undefined;
  readonly hours?: WeeklyHours | null | undefined;
}

/** Of which grants alone there is need; what else is asked of them is for whoever asks. */
export interface GrantsOf {
  readonly userIdentityId?: string | undefined;
  readonly spaceId?: string | undefined;
  /** One of the doors that they are for now. */
  readonly deviceId?: string | undefined;
}

export interface AccessGrants {
  /**
   * Resolves once what is wanted is on disk; the doors follow. Repeated with the same key and all else the same it
   * answers with the one that is there.
   * @throws GatewayError `device_not_found`, `space_not_found`, `user_identity_not_found`, `unsupported_action`,
   * `invalid_input`, `duplicate_key`, `duplicate_access_code`, `storage_unavailable`
   */
  create(request: NewAccessGrant): Promise<AccessGrantRecord>;
  get(accessGrantId: string): AccessGrantRecord | undefined;
  withKey(key: string): AccessGrantRecord | undefined;
  /** Oldest first. A site has thousands, and what is asked for is found without looking at all of them. */
  list(of?: GrantsOf): Iterable<AccessGrantRecord>;
  /** @throws GatewayError `access_grant_not_found`, `invalid_input`, `duplicate_access_code`, `storage_unavailable` */
  update(accessGrantId: string, patch: AccessGrantPatch): Promise<void>;
  /** Its codes go from every lock. Repeating it does no harm. @throws GatewayError `access_grant_not_found` */
  delete(accessGrantId: string): Promise<void>;
  /** @throws GatewayError as `create` does, and `access_grant_not_found` */
  requestMethods(accessGrantId: string, requests: NewAccessGrant['requests']): Promise<AccessGrantRecord>;
  /** What it is called; undefined also when that cannot be read any more. */
  nameOf(grant: AccessGrantRecord): string | undefined;
  /** The doors that it is for now, by its spaces and one by one. */
  doorsOf(grant: AccessGrantRecord): readonly string[];
  /** The digits that were asked for. */
  requestedDigits(grant: AccessGrantRecord, request: number): Secret | undefined;
  method(accessMethodId: string): AccessMethodRecord | undefined;
  /** Oldest first. */
  methodsOf(accessGrantId: string): AccessMethodRecord[];
  /** The digits, only for an answer to somebody who may see them; undefined when they cannot be read any more. */
  reveal(method: AccessMethodRecord): Secret | undefined;
  /** Takes one PIN away from its doors. Repeating it does no harm. @throws GatewayError `access_method_not_found` */
  deleteMethod(accessMethodId: string): Promise<void>;
}
