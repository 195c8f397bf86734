import { GatewayError } from '../contract/index.ts';
import type { SpaceRecord } from '../model/grant-records.ts';
import type { NewSpace, SpacePatch, Spaces } from '../model/grants.ts';
import type { Draft } from './draft.ts';
import { ofSpace } from './grant-events.ts';
import { isLive } from './grant-repository.ts';
import type { GrantWork } from './grant-work.ts';
import { provision } from './provisioning.ts';
import { keyInUse } from './user-identity-service.ts';

/** Deleted ones that are remembered: a client whose answer was lost asks again. A guess. */
const rememberedDeletions = 1_000;

/** Doors that are given together. */
export class SpaceService implements Spaces {
  readonly #work: GrantWork;
  readonly #deleted = new Set<string>();
  /** Doors that a space has on disk, by space: who may do what does not follow from what a full disk may still refuse. */
  readonly #kept = new Map<string, readonly string[]>();

  constructor(work: GrantWork) {
    this.#work = work;
    for (const { spaceId, deviceIds } of this.list()) this.#kept.set(spaceId, deviceIds);
  }

  /** The doors of a space that are on disk and were not taken out of it since. */
  keptDoors(spaceId: string): readonly string[] {
    const now = this.get(spaceId)?.deviceIds ?? [];
    const kept = this.#kept.get(spaceId) ?? [];
    return now === kept ? now : now.filter((deviceId) => kept.includes(deviceId));
  }

  async create(request: NewSpace): Promise<SpaceRecord> {
    const { repository, newId, moment } = this.#work.options;
    const { key, name, deviceIds = [], parentSpaceId, customerKey, customerData } = request;
    if (parentSpaceId !== undefined) this.require(parentSpaceId);
    const doors = [...new Set(deviceIds)];
    const known = key === undefined ? undefined : repository.spaceWithKey(key);
    if (known) {
      const isSame = known.name === name && known.parentSpaceId === parentSpaceId && sameDoors(known.deviceIds, doors);
      if (isSame) {
        await this.#work.assertKept();
        return known;
      }
      throw keyInUse('space_key', 'space', '/spaces/update');
    }
    const { at } = moment();
    const space: SpaceRecord = {
      spaceId: newId(),
      key,
      name,
      deviceIds: doors,
      parentSpaceId,
      customerKey,
      customerData,
      createdAt: at,
    };
    const draft = repository.draft();
    draft.space(space);
    draft.tell(ofSpace('space.created', space, at));
    await this.#work.commit(draft);
    this.#kept.set(space.spaceId, space.deviceIds);
    return space;
  }

  get(spaceId: string): SpaceRecord | undefined {
    return this.#work.options.repository.spaces.get(spaceId);
  }

  withKey(key: string): SpaceRecord | undefined {
    return this.#work.options.repository.spaceWithKey(key);
  }

  list(): SpaceRecord[] {
    return [...this.#work.options.repository.spaces.values()];
  }

  ofDevice(deviceId: string): readonly string[] {
    return this.#work.options.repository.spacesOf(deviceId);
  }

  async update(spaceId: string, patch: SpacePatch): Promise<SpaceRecord> {
    const { repository } = this.#work.options;
    const before = this.require(spaceId);
    const holder = patch.key === undefined ? undefined : repository.spaceWithKey(patch.key);
    if (holder && holder !== before) throw keyInUse('space_key', 'space', '/spaces/update');
    if (patch.parentSpaceId !== undefined) this.#assertNoRing(before, patch.parentSpaceId);
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
    const after: SpaceRecord = { ...before, ...given, deviceIds: [...new Set(patch.deviceIds ?? before.deviceIds)] };
    await this.#change(before, after);
    return after;
  }

  async delete(spaceId: string): Promise<void> {
    const { repository, moment } = this.#work.options;
    if (this.#deleted.has(spaceId)) return;
    const space = this.require(spaceId);
    const { at } = moment();
    const live = repository.grantsOfSpace(spaceId).filter((grant) => isLive(grant, at));
    if (live.length > 0) {
      throw new GatewayError(
        'still_in_use',
        `space_id: ${live.length} live access ${live.length === 1 ? 'grant is' : 'grants are'} for this space, the ` +
          `first ${live[0]?.accessGrantId}. Delete them with /access_grants/delete first; nothing was done.`,
      );
    }
    const draft = repository.draft();
    for (const grant of repository.grantsOfSpace(spaceId)) {
      draft.grant({ ...grant, spaceIds: grant.spaceIds.filter((id) => id !== spaceId) });
    }
    for (const child of repository.spaces.values()) {
      if (child.parentSpaceId === spaceId) draft.space({ ...child, parentSpaceId: undefined });
    }
    draft.noSpace(spaceId);
    draft.tell(ofSpace('space.deleted', space, at));
    await this.#work.commit(draft);
    this.#kept.delete(spaceId);
    this.#deleted.add(spaceId);
    for (const oldest of this.#deleted) {
      if (this.#deleted.size <= rememberedDeletions) break;
      this.#deleted.delete(oldest);
    }
  }

  async addDevices(spaceId: string, deviceIds: readonly string[]): Promise<void> {
    const before = this.require(spaceId);
    await this.#change(before, { ...before, deviceIds: [...new Set([...before.deviceIds, ...deviceIds])] });
  }

  async removeDevices(spaceId: string, deviceIds: readonly string[]): Promise<void> {
    const before = this.require(spaceId);
    await this.#change(before, { ...before, deviceIds: before.deviceIds.filter((id) => !deviceIds.includes(id)) });
  }

  /** @throws GatewayError `space_not_found` */
  require(spaceId: string): SpaceRecord {
    const space = this.#work.options.repository.spaces.get(spaceId);
    if (space) return space;
    throw noSuchSpace();
  }

  /** A space and what its live grants want from now on, in one commit: no door is left between the two. */
  async #change(before: SpaceRecord, after: SpaceRecord): Promise<void> {
    const { repository, moment } = this.#work.options;
    const { at } = moment();
    const draft = repository.draft();
    draft.space(after);
    if (!sameDoors(before.deviceIds, after.deviceIds)) {
      draft.tell(ofSpace('space.device_membership_changed', after, at));
      this.#provisionGrants(after.spaceId, at, draft);
    }
    await this.#work.commit(draft);
    this.#kept.set(after.spaceId, after.deviceIds);
  }

  #provisionGrants(spaceId: string, at: number, draft: Draft): void {
    const { repository } = this.#work.options;
    for (const grant of repository.grantsOfSpace(spaceId)) {
      if (isLive(grant, at)) provision(this.#work.options, grant.accessGrantId, draft);
    }
  }

  #assertNoRing(space: SpaceRecord, parentSpaceId: string): void {
    for (let above: SpaceRecord | undefined = this.require(parentSpaceId); above !== undefined; ) {
      if (above.spaceId === space.spaceId) {
        throw new GatewayError('invalid_input', 'parent_space_id: a space cannot lie within itself.');
      }
      above = above.parentSpaceId === undefined ? undefined : this.get(above.parentSpaceId);
    }
  }
}

export const noSuchSpace = (): GatewayError =>
  new GatewayError(
    'space_not_found',
    'There is no such space at this gateway: it was deleted, or never created here. List them with /spaces/list.',
  );

/** The order says nothing. */
export const sameDoors = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((deviceId) => other.includes(deviceId));
