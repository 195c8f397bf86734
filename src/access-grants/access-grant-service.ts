import { sameHours } from '../access-codes/hours.ts';
import { GatewayError, Secret } from '../contract/index.ts';
import type { AccessGrantRecord, AccessMethodRecord, RequestedMethod } from '../model/grant-records.ts';
import type { AccessGrantPatch, AccessGrants, GrantsOf, NewAccessGrant } from '../model/grants.ts';
import type { Draft } from './draft.ts';
import { ofGrant, timesChanged } from './grant-events.ts';
import type { GrantWork } from './grant-work.ts';
import { codeTimes } from './methods.ts';
import { requestedDigits } from './pins.ts';
import { provision } from './provisioning.ts';
import { type SpaceService, sameDoors } from './space-service.ts';
import { keyInUse, type UserIdentityService } from './user-identity-service.ts';

/** Deleted methods that are remembered: a client whose answer was lost asks again. A guess. */
const rememberedDeletions = 1_000;

/** Takes requests about grants: writes down what is wanted of all doors together, and sees to it that it comes about. */
export class AccessGrantService implements AccessGrants {
  readonly #work: GrantWork;
  readonly #identities: UserIdentityService;
  readonly #spaces: SpaceService;
  readonly #deletedMethods = new Set<string>();

  constructor(work: GrantWork, identities: UserIdentityService, spaces: SpaceService) {
    this.#work = work;
    this.#identities = identities;
    this.#spaces = spaces;
  }

  async create(request: NewAccessGrant): Promise<AccessGrantRecord> {
    const { repository, newId, moment } = this.#work.options;
    const { at, sure } = moment();
    const { key, startsAt = at, endsAt } = request;
    for (const spaceId of request.spaceIds) this.#spaces.require(spaceId);
    assertTimes(startsAt, endsAt, sure ? at : undefined);
    const known = key === undefined ? undefined : repository.grantWithKey(key);
    if (known) {
      const same = this.#repetition(known, request);
      await this.#work.assertKept();
      return same;
    }
    const draft = repository.draft();
    try {
      const { user } = request;
      const { userIdentityId } =
        'userIdentityId' in user ? this.#identities.require(user.userIdentityId) : this.#identities.decide(user, draft);
      const accessGrantId = newId();
      const grant: AccessGrantRecord = {
        accessGrantId,
        key,
        reservationKey: request.reservationKey,
        userIdentityId,
        sealedName: this.#sealedName(request.name, accessGrantId),
        deviceIds: [...new Set(request.deviceIds)],
        spaceIds: [...new Set(request.spaceIds)],
        startsAt,
        endsAt,
        ...(request.hours && { hours: request.hours }),
        ...(request.maxUses !== undefined && { maxUses: request.maxUses }),
        createdAt: at,
        requests: this.#requests(request.requests, accessGrantId, at),
        refusals: [],
        isComplete: false,
        removal: undefined,
        deletedAt: undefined,
      };
      draft.grant(grant, true);
      draft.tell(ofGrant('access_grant.created', grant, at));
      provision(this.#work.options, accessGrantId, draft);
      this.#assertSomewhere(accessGrantId, grant.requests.keys());
      await this.#work.commit(draft);
      return repository.grant(accessGrantId) ?? grant;
    } catch (error) {
      draft.undo();
      throw error;
    }
  }

  get(accessGrantId: string): AccessGrantRecord | undefined {
    return this.#work.options.repository.grant(accessGrantId);
  }

  withKey(key: string): AccessGrantRecord | undefined {
    return this.#work.options.repository.grantWithKey(key);
  }

  list(of: GrantsOf = {}): Iterable<AccessGrantRecord> {
    return this.#work.options.repository.livingOf(of);
  }

  async update(accessGrantId: string, { name, startsAt, endsAt, hours: given }: AccessGrantPatch): Promise<void> {
    const { repository, moment } = this.#work.options;
    const before = this.#require(accessGrantId);
    const { at, sure } = moment();
    const from = startsAt ?? before.startsAt;
    const until = endsAt === undefined ? before.endsAt : (endsAt ?? undefined);
    const hours = given === undefined ? before.hours : (given ?? undefined);
    const differs = from !== before.startsAt || until !== before.endsAt || !sameHours(hours, before.hours);
    if (differs) assertTimes(from, until, sure ? at : undefined);
    const after: AccessGrantRecord = {
      ...before,
      startsAt: from,
      endsAt: until,
      hours,
      ...(name !== undefined && { sealedName: this.#sealedName(name ?? undefined, accessGrantId) }),
    };
    if (differs) this.#assertRetimable(after);
    const draft = repository.draft();
    draft.grant(after);
    if (differs) {
      draft.tell(timesChanged(after, at));
      provision(this.#work.options, accessGrantId, draft);
    }
    await this.#work.commit(draft);
  }

  async delete(accessGrantId: string): Promise<void> {
    const { repository, moment } = this.#work.options;
    const known = repository.grants.get(accessGrantId);
    if (known?.deletedAt !== undefined || known?.removal) return this.#work.assertKept();
    const before = this.#require(accessGrantId);
    const draft = repository.draft();
    draft.grant({ ...before, removal: { at: moment().at } });
    provision(this.#work.options, accessGrantId, draft);
    await this.#work.commit(draft);
  }

  async requestMethods(accessGrantId: string, requests: NewAccessGrant['requests']): Promise<AccessGrantRecord> {
    const { repository, moment } = this.#work.options;
    const before = this.#require(accessGrantId);
    const { at } = moment();
    const draft = repository.draft();
    try {
      const added = this.#requests(requests, accessGrantId, at);
      draft.grant({ ...before, requests: [...before.requests, ...added] });
      provision(this.#work.options, accessGrantId, draft);
      this.#assertSomewhere(accessGrantId, added.map((_, index) => before.requests.length + index).values());
    } catch (error) {
      draft.undo();
      throw error;
    }
    await this.#work.commit(draft);
    return this.#require(accessGrantId);
  }

  nameOf({ sealedName, accessGrantId }: AccessGrantRecord): string | undefined {
    return sealedName && this.#opened(sealedName, { accessGrantId })?.reveal();
  }

  doorsOf(grant: AccessGrantRecord): readonly string[] {
    return this.#work.options.repository.doorsOf(grant);
  }

  requestedDigits(grant: AccessGrantRecord, request: number): Secret | undefined {
    return requestedDigits(this.#work.options, grant, request);
  }

  method(accessMethodId: string): AccessMethodRecord | undefined {
    return this.#work.options.repository.methods.get(accessMethodId);
  }

  methodsOf(accessGrantId: string): AccessMethodRecord[] {
    return this.#work.options.repository.methodsOf(accessGrantId);
  }

  reveal({ sealedCode, accessMethodId }: AccessMethodRecord): Secret | undefined {
    return this.#opened(sealedCode, { accessMethodId });
  }

  async deleteMethod(accessMethodId: string): Promise<void> {
    const { repository, moment } = this.#work.options;
    const method = repository.methods.get(accessMethodId);
    if (!method && this.#deletedMethods.has(accessMethodId)) return;
    if (!method) throw noSuchMethod();
    if (method.removal) return this.#work.assertKept();
    const { accessGrantId } = method;
    const grant = this.#require(accessGrantId);
    const draft = repository.draft();
    this.#withdraw(grant, method, draft);
    draft.method({ ...method, removal: { at: moment().at }, issuedAt: undefined });
    provision(this.#work.options, accessGrantId, draft);
    await this.#work.commit(draft);
    this.#deletedMethods.add(accessMethodId);
    for (const oldest of this.#deletedMethods) {
      if (this.#deletedMethods.size <= rememberedDeletions) break;
      this.#deletedMethods.delete(oldest);
    }
  }

  /** The doors of a method that was deleted get no other PIN in its place. */
  #withdraw(grant: AccessGrantRecord, method: AccessMethodRecord, draft: Draft): void {
    const others = this.methodsOf(grant.accessGrantId).filter(
      ({ accessMethodId, request, removal }) =>
        accessMethodId !== method.accessMethodId && request === method.request && removal === undefined,
    );
    const requests = grant.requests.map((request, index) => {
      if (index !== method.request) return request;
      if (others.length === 0) return { ...request, isWithdrawn: true };
      return { ...request, without: [...request.without, ...method.doors.map(({ deviceId }) => deviceId)] };
    });
    draft.grant({ ...grant, requests });
  }

  #requests(requests: NewAccessGrant['requests'], accessGrantId: string, createdAt: number): RequestedMethod[] {
    const { vault } = this.#work.options;
    return requests.map(({ code }) => ({
      createdAt,
      sealedCode: code && vault.seal(code, { accessGrantId }),
      isWithdrawn: false,
      without: [],
    }));
  }

  /** Another guest's dates must not be answered with the grant of the guest before. */
  #repetition(known: AccessGrantRecord, request: NewAccessGrant): AccessGrantRecord {
    const { user } = request;
    const person = this.#identities.get(known.userIdentityId);
    const isSamePerson =
      'userIdentityId' in user
        ? user.userIdentityId === known.userIdentityId
        : (['key', 'fullName', 'emailAddress', 'phoneNumber'] as const).every((name) => user[name] === person?.[name]);
    const isSame =
      isSamePerson &&
      known.removal === undefined &&
      (request.startsAt ?? known.startsAt) === known.startsAt &&
      request.endsAt === known.endsAt &&
      sameHours(request.hours, known.hours) &&
      request.maxUses === known.maxUses &&
      request.name === this.nameOf(known) &&
      sameDoors(known.deviceIds, [...new Set(request.deviceIds)]) &&
      sameDoors(known.spaceIds, [...new Set(request.spaceIds)]) &&
      request.requests.length === known.requests.length &&
      request.requests.every(({ code }, index) => {
        const digits = this.requestedDigits(known, index);
        return code === undefined ? digits === undefined : (digits?.equals(code) ?? false);
      });
    if (isSame) return known;
    throw keyInUse('access_grant_key', 'grant', '/access_grants/update');
  }

  /** A request that no door at all can fulfil is refused with the doors' own reasons; nothing of it is kept. */
  #assertSomewhere(accessGrantId: string, requests: Iterable<number>): void {
    const { repository, capabilitiesKnown } = this.#work.options;
    const refusals = repository.grant(accessGrantId)?.refusals ?? [];
    // A lock that could not be opened since the start may well take codes: the grant waits for it.
    const [first] = refusals.filter(({ deviceId }) => capabilitiesKnown(deviceId));
    for (const request of requests) {
      const isSomewhere = repository.methodsOf(accessGrantId).some((method) => method.request === request);
      if (isSomewhere || !first) continue;
      throw new GatewayError(first.type as GatewayError['type'], refusals.map(({ message }) => message).join(' '));
    }
  }

  /** @throws GatewayError `duplicate_access_code` when a door has the digits for somebody else in that time */
  #assertRetimable(grant: AccessGrantRecord): void {
    const { codes } = this.#work.options;
    for (const { doors } of this.methodsOf(grant.accessGrantId)) {
      for (const { accessCodeId } of doors) {
        const code = codes.get(accessCodeId ?? '');
        if (code && code.removal === undefined && code.backup === undefined) {
          codes.assertRetimable(code, codeTimes(grant));
        }
      }
    }
  }

  /** @throws GatewayError `access_grant_not_found`, also for one that is being deleted */
  #require(accessGrantId: string): AccessGrantRecord {
    const grant = this.#work.options.repository.grant(accessGrantId);
    if (grant && grant.removal === undefined) return grant;
    throw noSuchGrant();
  }

  #sealedName(name: string | undefined, accessGrantId: string): Uint8Array | undefined {
    return name === undefined ? undefined : this.#work.options.vault.seal(new Secret(name), { accessGrantId });
  }

  #opened(sealed: Uint8Array, about: Parameters<GrantWork['options']['vault']['open']>[1]): Secret | undefined {
    try {
      return this.#work.options.vault.open(sealed, about);
    } catch (error) {
      if (error instanceof GatewayError) return undefined;
      throw error;
    }
  }
}

/** @param at the time, when the clock can be believed */
function assertTimes(startsAt: number, endsAt: number | undefined, at: number | undefined): void {
  if (endsAt === undefined) return;
  if (endsAt <= startsAt) throw new GatewayError('invalid_input', 'ends_at: it must be after starts_at.');
  if (at !== undefined && endsAt <= at) throw new GatewayError('invalid_input', 'ends_at: it is in the past.');
}

export const noSuchGrant = (): GatewayError =>
  new GatewayError(
    'access_grant_not_found',
    'There is no such access grant at this gateway: it was deleted, or never created here. List them with ' +
      '/access_grants/list.',
  );

export const noSuchMethod = (): GatewayError =>
  new GatewayError(
    'access_method_not_found',
    'There is no such access method at this gateway: it was deleted, or never created here. List them with ' +
      '/access_methods/list.',
  );
