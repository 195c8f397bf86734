import { GatewayError, Secret } from '../contract/index.ts';
import type { MethodDoor, Person, UserIdentityRecord } from '../model/grant-records.ts';
import type { NewUserIdentity, UserIdentities, UserIdentity, UserIdentityPatch } from '../model/grants.ts';
import type { Draft } from './draft.ts';
import { isLive } from './grant-repository.ts';
import type { GrantWork } from './grant-work.ts';

/** Deleted ones that are remembered: a client whose answer was lost asks again. A guess. */
const rememberedDeletions = 1_000;

const nobody: Person = { fullName: undefined, emailAddress: undefined, phoneNumber: undefined };

/** People: what names them is sealed before it is kept, and forgotten with them. */
export class UserIdentityService implements UserIdentities {
  readonly #work: GrantWork;
  readonly #deleted = new Set<string>();

  constructor(work: GrantWork) {
    this.#work = work;
  }

  async create(request: NewUserIdentity): Promise<UserIdentity> {
    const draft = this.#work.options.repository.draft();
    const { userIdentityId } = this.decide(request, draft);
    await this.#work.commit(draft);
    return this.#shown(this.require(userIdentityId));
  }

  /**
   * A new person, or the one that has the key already, as part of something larger.
   * @throws GatewayError `duplicate_key` when the key is somebody else's
   */
  decide({ key, ...given }: NewUserIdentity, draft: Draft): UserIdentityRecord {
    const { repository, newId, moment } = this.#work.options;
    const person: Person = { ...nobody, ...given };
    const known = key === undefined ? undefined : repository.identityWithKey(key);
    if (known) {
      const before = this.#person(known);
      const isSame = (['fullName', 'emailAddress', 'phoneNumber'] as const).every(
        (name) => person[name] === undefined || person[name] === before[name],
      );
      if (isSame) return known;
      throw keyInUse('user_identity_key', 'person', '/user_identities/update');
    }
    const userIdentityId = newId();
    const identity: UserIdentityRecord = {
      userIdentityId,
      key,
      sealedPerson: this.#sealed(person, userIdentityId),
      deviceIds: [],
      createdAt: moment().at,
    };
    draft.identity(identity);
    return identity;
  }

  get(userIdentityId: string): UserIdentity | undefined {
    const identity = this.#work.options.repository.identities.get(userIdentityId);
    return identity && this.#shown(identity);
  }

  withKey(key: string): UserIdentity | undefined {
    const identity = this.#work.options.repository.identityWithKey(key);
    return identity && this.#shown(identity);
  }

  list(): UserIdentity[] {
    return [...this.#work.options.repository.identities.values()].map((identity) => this.#shown(identity));
  }

  async update(userIdentityId: string, { key, ...patch }: UserIdentityPatch): Promise<void> {
    const { repository } = this.#work.options;
    const before = this.require(userIdentityId);
    const newKey = key === undefined ? before.key : (key ?? undefined);
    const holder = newKey === undefined ? undefined : repository.identityWithKey(newKey);
    if (holder && holder !== before) throw keyInUse('user_identity_key', 'person', '/user_identities/update');
    const person = this.#person(before);
    const either = <Value>(given: Value | null | undefined, old: Value | undefined) =>
      given === undefined ? old : (given ?? undefined);
    const after: Person = {
      fullName: either(patch.fullName, person.fullName),
      emailAddress: either(patch.emailAddress, person.emailAddress),
      phoneNumber: either(patch.phoneNumber, person.phoneNumber),
    };
    await this.#put({ ...before, key: newKey, sealedPerson: this.#sealed(after, userIdentityId) });
  }

  async delete(userIdentityId: string): Promise<void> {
    const { repository, moment } = this.#work.options;
    if (this.#deleted.has(userIdentityId)) return;
    this.require(userIdentityId);
    const grants = repository.grantsOfIdentity(userIdentityId);
    const live = grants.filter((grant) => isLive(grant, moment().at));
    if (live.length > 0) {
      throw new GatewayError(
        'still_in_use',
        `user_identity_id: this person has ${live.length} live access ${live.length === 1 ? 'grant' : 'grants'}, the ` +
          `first ${live[0]?.accessGrantId}. Delete them with /access_grants/delete first; nothing was done.`,
      );
    }
    const draft = repository.draft();
    this.#gone(userIdentityId, draft);
    await this.#work.commit(draft);
    // What was sealed of somebody can be opened as long as the key is there.
    await this.#work.scrub();
    this.#deleted.add(userIdentityId);
    for (const oldest of this.#deleted) {
      if (this.#deleted.size <= rememberedDeletions) break;
      this.#deleted.delete(oldest);
    }
  }

  /**
   * Deletes people whom nothing refers to, and who were not used since.
   * @param before milliseconds since the Unix epoch
   * @returns how many there were; at most so many
   */
  async deleteUnused(before: number, most: number): Promise<number> {
    const { repository } = this.#work.options;
    const draft = repository.draft();
    let gone = 0;
    for (const [identity, usedAt] of this.#unused()) {
      if (gone >= most) break;
      if (usedAt < before) {
        this.#gone(identity.userIdentityId, draft);
        gone += 1;
      } else if (usedAt > (identity.usedAt ?? identity.createdAt)) {
        // The grants that tell of it are forgotten sooner than a person may be.
        draft.identity({ ...identity, usedAt });
      }
    }
    if (draft.isEmpty) return 0;
    await this.#work.commit(draft);
    if (gone > 0) await this.#work.scrub();
    return gone;
  }

  /** People without a door of their own, a live grant or a code of one on a lock, and when they were last used. */
  #unused(): Map<UserIdentityRecord, number> {
    const { repository, moment } = this.#work.options;
    const { at } = moment();
    const unused = new Map<UserIdentityRecord, number>();
    for (const identity of repository.identities.values())
      if (identity.deviceIds.length === 0) unused.set(identity, identity.usedAt ?? identity.createdAt);
    for (const grant of repository.grants.values()) {
      const identity = repository.identities.get(grant.userIdentityId);
      const known = identity && unused.get(identity);
      if (identity === undefined || known === undefined) continue;
      const isAtDoors = repository.methodsOf(grant.accessGrantId).some(({ doors }) => doors.some(holdsCode));
      if (isLive(grant, at) || isAtDoors) unused.delete(identity);
      else unused.set(identity, Math.max(known, grant.removal?.at ?? grant.endsAt ?? grant.createdAt));
    }
    return unused;
  }

  #gone(userIdentityId: string, draft: Draft): void {
    const { repository } = this.#work.options;
    for (const grant of repository.grantsOfIdentity(userIdentityId)) draft.grant({ ...grant, sealedName: undefined });
    draft.noIdentity(userIdentityId);
  }

  async grantAccessToDevice(userIdentityId: string, deviceId: string): Promise<void> {
    const before = this.require(userIdentityId);
    if (before.deviceIds.includes(deviceId)) return this.#work.assertKept();
    await this.#put({ ...before, deviceIds: [...before.deviceIds, deviceId] });
  }

  async revokeAccessToDevice(userIdentityId: string, deviceId: string): Promise<void> {
    const before = this.require(userIdentityId);
    if (!before.deviceIds.includes(deviceId)) return this.#work.assertKept();
    await this.#put({ ...before, deviceIds: before.deviceIds.filter((id) => id !== deviceId) });
  }

  accessibleDevices(userIdentityId: string): readonly string[] {
    const { repository, moment } = this.#work.options;
    const { deviceIds } = this.require(userIdentityId);
    const live = repository.grantsOfIdentity(userIdentityId).filter((grant) => isLive(grant, moment().at));
    return [...new Set([...deviceIds, ...live.flatMap((grant) => repository.doorsOf(grant))])];
  }

  /** @throws GatewayError `user_identity_not_found` */
  require(userIdentityId: string): UserIdentityRecord {
    const identity = this.#work.options.repository.identities.get(userIdentityId);
    if (identity) return identity;
    throw new GatewayError(
      'user_identity_not_found',
      'There is no such person at this gateway: they were deleted, or never created here. List them with ' +
        '/user_identities/list.',
    );
  }

  async #put(identity: UserIdentityRecord): Promise<void> {
    const { repository, moment } = this.#work.options;
    const draft = repository.draft();
    draft.identity({ ...identity, usedAt: moment().at });
    await this.#work.commit(draft);
  }

  #shown(identity: UserIdentityRecord): UserIdentity {
    const { userIdentityId, key, createdAt } = identity;
    return { userIdentityId, key, createdAt, ...this.#person(identity) };
  }

  #sealed(person: Person, userIdentityId: string): Uint8Array {
    return this.#work.options.vault.seal(new Secret(JSON.stringify(person)), { userIdentityId });
  }

  /** Nobody, when it cannot be read any more: the grants of a person whose row was damaged go on. */
  #person({ sealedPerson, userIdentityId }: UserIdentityRecord): Person {
    try {
      const opened = this.#work.options.vault.open(sealedPerson, { userIdentityId }).reveal();
      return { ...nobody, ...(JSON.parse(opened) as Partial<Person>) };
    } catch (error) {
      if (error instanceof GatewayError) return nobody;
      throw error;
    }
  }
}

const holdsCode = ({ accessCodeId }: MethodDoor): boolean => accessCodeId !== undefined;

/** Two of the same kind never have one key. */
export const keyInUse = (parameter: string, what: string, update: string): GatewayError =>
  new GatewayError(
    'duplicate_key',
    `${parameter}: there is a ${what} with this key already, and it differs from what was sent. Change it with ${update}, ` +
      'or use another key; nothing was done.',
  );
