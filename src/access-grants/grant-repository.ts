import type { EventRecorder } from '../model/event-recorder.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord, UserIdentityRecord } from '../model/grant-records.ts';
import type { GrantsOf } from '../model/grants.ts';
import type { StoreReader } from '../model/store.ts';
import { Draft } from './draft.ts';
import { Index, Shelf } from './shelf.ts';

/**
 * People, spaces, grants and methods as they are now, including changes on their way to disk: what one request
 * decides, the next must see, although neither has been committed yet.
 */
export class GrantRepository {
  readonly identities: Shelf<UserIdentityRecord>;
  readonly spaces: Shelf<SpaceRecord>;
  /** Those that are gone and only remembered are among them. */
  readonly grants: Shelf<AccessGrantRecord>;
  readonly methods: Shelf<AccessMethodRecord>;
  readonly #events: EventRecorder;
  readonly #identityKeys = new Index();
  readonly #spaceKeys = new Index();
  readonly #grantKeys = new Index();
  readonly #spacesOfDevice = new Index();
  readonly #grantsOfSpace = new Index();
  /** Those that name it themselves, and not by a space. */
  readonly #grantsOfDevice = new Index();
  readonly #grantsOfIdentity = new Index();
  readonly #methodsOfGrant = new Index();
  /** Grants with a door that has no code: they are looked at again when that door may have changed its mind. */
  readonly #troubled = new Set<string>();

  constructor(store: StoreReader, events: EventRecorder) {
    this.#events = events;
    this.identities = new Shelf(
      store.userIdentities(),
      ({ userIdentityId }) => userIdentityId,
      (before, after) => this.#identityKeys.move(idOf(before, after, 'userIdentityId'), [before?.key], [after?.key]),
    );
    this.spaces = new Shelf(
      store.spaces(),
      ({ spaceId }) => spaceId,
      (before, after) => {
        const id = idOf(before, after, 'spaceId');
        this.#spaceKeys.move(id, [before?.key], [after?.key]);
        this.#spacesOfDevice.move(id, before?.deviceIds ?? [], after?.deviceIds ?? []);
      },
    );
    this.grants = new Shelf(
      store.accessGrants(),
      ({ accessGrantId }) => accessGrantId,
      (before, after) => this.#grantChanged(before, after),
    );
    this.methods = new Shelf(
      store.accessMethods(),
      ({ accessMethodId }) => accessMethodId,
      (before, after) =>
        this.#methodsOfGrant.move(
          idOf(before, after, 'accessMethodId'),
          [before?.accessGrantId],
          [after?.accessGrantId],
        ),
    );
  }

  draft(): Draft {
    return new Draft(this, this.#events);
  }

  /** Undefined for one that is gone. */
  grant(accessGrantId: string): AccessGrantRecord | undefined {
    const grant = this.grants.get(accessGrantId);
    return grant?.deletedAt === undefined ? grant : undefined;
  }

  *living(): Generator<AccessGrantRecord> {
    for (const grant of this.grants.values()) if (grant.deletedAt === undefined) yield grant;
  }

  /** Oldest first. */
  livingOf({ userIdentityId, spaceId, deviceId }: GrantsOf): Iterable<AccessGrantRecord> {
    const sets = [
      ...(userIdentityId === undefined ? [] : [this.#grantsOfIdentity.of(userIdentityId)]),
      ...(spaceId === undefined ? [] : [this.#grantsOfSpace.of(spaceId)]),
      ...(deviceId === undefined ? [] : [this.#grantsAtDoor(deviceId)]),
    ];
    const [smallest, ...others] = sets.sort((a, b) => a.length - b.length);
    if (smallest === undefined) return this.living();
    const rest = others.map((ids) => new Set(ids));
    // Ids are UUIDv7: older ones sort before.
    const ids = smallest.filter((id) => rest.every((of) => of.has(id))).sort();
    return ids.flatMap((id) => this.grant(id) ?? []);
  }

  #grantsAtDoor(deviceId: string): readonly string[] {
    const ofSpaces = this.spacesOf(deviceId).flatMap((spaceId) => this.#grantsOfSpace.of(spaceId));
    return [...new Set([...this.#grantsOfDevice.of(deviceId), ...ofSpaces])];
  }

  identityWithKey(key: string): UserIdentityRecord | undefined {
    return this.identities.get(this.#identityKeys.of(key)[0] ?? '');
  }

  spaceWithKey(key: string): SpaceRecord | undefined {
    return this.spaces.get(this.#spaceKeys.of(key)[0] ?? '');
  }

  grantWithKey(key: string): AccessGrantRecord | undefined {
    return this.grant(this.#grantKeys.of(key)[0] ?? '');
  }

  spacesOf(deviceId: string): readonly string[] {
    return this.#spacesOfDevice.of(deviceId);
  }

  grantsOfSpace(spaceId: string): AccessGrantRecord[] {
    return this.#grantsOfSpace.of(spaceId).flatMap((id) => this.grant(id) ?? []);
  }

  grantsOfIdentity(userIdentityId: string): AccessGrantRecord[] {
    return this.#grantsOfIdentity.of(userIdentityId).flatMap((id) => this.grant(id) ?? []);
  }

  /** Oldest first. */
  methodsOf(accessGrantId: string): AccessMethodRecord[] {
    return this.#methodsOfGrant.of(accessGrantId).flatMap((id) => this.methods.get(id) ?? []);
  }

  get troubled(): AccessGrantRecord[] {
    return [...this.#troubled].flatMap((id) => this.grant(id) ?? []);
  }

  /** The doors that a grant is for now, each once. */
  doorsOf({ deviceIds, spaceIds }: AccessGrantRecord): string[] {
    const ofSpaces = spaceIds.flatMap((id) => this.spaces.get(id)?.deviceIds ?? []);
    return [...new Set([...deviceIds, ...ofSpaces])];
  }

  #grantChanged(before: AccessGrantRecord | undefined, after: AccessGrantRecord | undefined): void {
    const id = idOf(before, after, 'accessGrantId');
    const now = after?.deletedAt === undefined ? after : undefined;
    this.#grantKeys.move(id, [before?.key], [now?.key]);
    this.#grantsOfSpace.move(id, before?.spaceIds ?? [], now?.spaceIds ?? []);
    this.#grantsOfDevice.move(id, before?.deviceIds ?? [], now?.deviceIds ?? []);
    this.#grantsOfIdentity.move(id, [before?.userIdentityId], [now?.userIdentityId]);
    if (now && now.refusals.length > 0) this.#troubled.add(id);
    else this.#troubled.delete(id);
  }
}

const idOf = <Name extends string>(
  before: Readonly<Record<Name, string>> | undefined,
  after: Readonly<Record<Name, string>> | undefined,
  name: Name,
): string => (after ?? before)?.[name] ?? '';

/** Whether a grant still wants anything: it was not deleted, and its end has not come. */
export const isLive = ({ removal, deletedAt, endsAt }: AccessGrantRecord, at: number): boolean =>
  removal === undefined && deletedAt === undefined && (endsAt === undefined || at < endsAt);
