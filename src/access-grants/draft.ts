import type { CodeChange } from '../access-codes/grant-codes.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord, UserIdentityRecord } from '../model/grant-records.ts';
import type { Change } from '../model/store.ts';
import type { Shelf } from './shelf.ts';

/** Where what is decided stands at once. */
interface Shelves {
  readonly identities: Shelf<UserIdentityRecord>;
  readonly spaces: Shelf<SpaceRecord>;
  readonly grants: Shelf<AccessGrantRecord>;
  readonly methods: Shelf<AccessMethodRecord>;
}

/** Changes that are decided together: to be committed as a whole, or taken back as a whole. */
export class Draft {
  readonly #repository: Shelves;
  readonly #events: EventRecorder;
  readonly #changes: Change[] = [];
  readonly #codes = new Set<string>();
  readonly #undo: (() => void)[] = [];

  constructor(repository: Shelves, events: EventRecorder) {
    this.#repository = repository;
    this.#events = events;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  /** Codes that it changes. */
  get accessCodeIds(): readonly string[] {
    return [...this.#codes];
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0;
  }

  identity(identity: UserIdentityRecord): void {
    this.#put(this.#repository.identities, identity.userIdentityId, identity, { kind: 'user_identity_put', identity });
  }

  noIdentity(userIdentityId: string): void {
    this.#put(this.#repository.identities, userIdentityId, undefined, {
      kind: 'user_identity_removed',
      userIdentityId,
    });
  }

  space(space: SpaceRecord): void {
    this.#put(this.#repository.spaces, space.spaceId, space, { kind: 'space_put', space });
  }

  noSpace(spaceId: string): void {
    this.#put(this.#repository.spaces, spaceId, undefined, { kind: 'space_removed', spaceId });
  }

  grant(grant: AccessGrantRecord, isNew = false): void {
    const change: Change = { kind: 'access_grant_put', grant, ...(isNew && { isNew: true }) };
    this.#put(this.#repository.grants, grant.accessGrantId, grant, change);
  }

  method(method: AccessMethodRecord): void {
    this.#put(this.#repository.methods, method.accessMethodId, method, { kind: 'access_method_put', method });
  }

  noMethod(accessMethodId: string): void {
    this.#put(this.#repository.methods, accessMethodId, undefined, { kind: 'access_method_removed', accessMethodId });
  }

  code({ code, changes, undo }: CodeChange): void {
    this.#codes.add(code.accessCodeId);
    this.#changes.push(...changes);
    this.#undo.push(undo);
  }

  tell(...drafts: readonly EventDraft[]): void {
    this.#changes.push(...drafts.map((draft) => this.#events.record(draft)));
  }

  /** After its commit failed. What somebody else changed meanwhile stays. */
  undo(): void {
    for (const undo of this.#undo.reverse()) undo();
  }

  #put<Kept>(shelf: Shelf<Kept>, id: string, record: Kept | undefined, change: Change): void {
    const before = shelf.get(id);
    shelf.set(id, record);
    this.#changes.push(change);
    this.#undo.push(() => {
      if (before === undefined || shelf.get(id) === record) shelf.set(id, before);
    });
  }
}
