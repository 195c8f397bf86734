import type { Logger } from 'pino';
import type { Followed } from '../access-codes/code-repository.ts';
import type { GrantCodes } from '../access-codes/grant-codes.ts';
import type { Clock, Timer, Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { AccessGrantRecord, SpaceRecord } from '../model/grant-records.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Rewording } from '../model/rewording.ts';
import type { Change, Store } from '../model/store.ts';
import { assertKept } from '../model/when-kept.ts';
import type { Draft } from './draft.ts';
import { provision } from './provisioning.ts';
import type { CodesForGrants, ProvisioningOptions } from './provisioning-options.ts';
import { whatFollows } from './watching.ts';

export interface GrantWorkOptions extends ProvisioningOptions {
  readonly codes: CodesForGrants & Pick<GrantCodes, 'commit' | 'follow'>;
  readonly clock: Clock;
  readonly registry: Pick<DeviceRegistry, 'onReport'>;
  readonly store: Pick<Store, 'kept' | 'scrub'>;
  /** What the device can do was seen since the start. */
  readonly capabilitiesKnown: (deviceId: string) => boolean;
  readonly log: Logger;
}

/** How often grants with a door that has no code are looked at without a cause, in milliseconds. A guess. */
const troubledEveryMs = 600_000;

/** How long what found no room on disk waits before it is tried again, in milliseconds. A guess. */
const againMs = 60_000;

/** How long a grant that is gone is remembered, in milliseconds. A guess: longer than any client repeats itself. */
const rememberedMs = 30 * 86_400_000;

/** Looks at grants again whenever a code, a door or a request may have changed what they should have. */
export class GrantWork {
  readonly options: GrantWorkOptions;
  readonly #waiting = new Set<string>();
  readonly #timers = new Set<Timer>();
  #unsubscribe: Unsubscribe | undefined;
  #started = false;
  #closed = false;

  constructor(options: GrantWorkOptions) {
    this.options = options;
    options.codes.follow((before, after) => this.#heard(before, after));
  }

  /** Call it once the devices are open: whatever an earlier run left undone is taken up. */
  start(): void {
    const { repository, registry, moment } = this.options;
    this.#started = true;
    this.#forget(moment().at);
    for (const { accessGrantId } of repository.living()) this.soon(accessGrantId);
    this.#unsubscribe = registry.onReport(({ deviceId }, report) => {
      if (report.kind !== 'health' || report.health.status !== 'online') return;
      for (const { accessGrantId, refusals } of repository.troubled) {
        if (refusals.some((refusal) => refusal.deviceId === deviceId)) this.soon(accessGrantId);
      }
    });
    this.#every();
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
    for (const timer of this.#timers) timer.cancel();
  }

  /** @throws GatewayError `storage_unavailable`, and then nothing of the draft was done */
  async commit(draft: Draft): Promise<void> {
    if (draft.isEmpty) return this.assertKept();
    await this.options.codes.commit(draft.accessCodeIds, draft.changes, () => draft.undo());
  }

  /** Takes what was deleted out of the store's files as well. */
  async scrub(): Promise<void> {
    await this.options.store.scrub().catch((error: unknown) => {
      this.options.log.warn({ err: error }, 'what was deleted may be left in the log of the database for a while');
    });
  }

  /**
   * For whoever asks for what was done already: it may be on its way to the disk.
   * @throws GatewayError `storage_unavailable` when it did not get there
   */
  assertKept(): Promise<void> {
    return assertKept(this.options.store);
  }

  /** Has a grant looked at again once what is being decided now was decided. */
  soon(accessGrantId: string): void {
    if (!this.#started || this.#closed) return;
    if (this.#waiting.size === 0) queueMicrotask(() => void this.#turn());
    this.#waiting.add(accessGrantId);
  }

  async #turn(): Promise<void> {
    const ids = [...this.#waiting];
    this.#waiting.clear();
    if (this.#closed) return;
    for (const id of ids) {
      const draft = this.options.repository.draft();
      provision(this.options, id, draft);
      this.commit(draft).catch((error: unknown) => {
        this.options.log.error({ err: error, accessGrantId: id }, 'what a grant wants could not be written down');
        this.#later(againMs, () => this.soon(id));
      });
    }
  }

  #heard(before: AccessCodeRecord | undefined, after: AccessCodeRecord | undefined): Followed {
    const grant = (after ?? before)?.grant;
    if (!grant) return this.options.repository.draft();
    const isTrouble =
      after !== undefined && after.removal === undefined && isLate(after) && !(before && isLate(before));
    if (after === undefined || isTrouble) this.soon(grant.accessGrantId);
    return whatFollows(this.options.repository, before, after, this.options.moment().at);
  }

  #forget(at: number): void {
    const { repository, log } = this.options;
    const changes: Change[] = [];
    const gone: AccessGrantRecord[] = [];
    for (const grant of [...repository.grants.values()]) {
      const { accessGrantId, deletedAt } = grant;
      if (deletedAt === undefined || at - deletedAt < rememberedMs) continue;
      gone.push(grant);
      repository.grants.set(accessGrantId, undefined);
      changes.push({ kind: 'access_grant_removed', accessGrantId });
    }
    if (changes.length === 0) return;
    this.options.codes
      .commit([], changes, () => {
        for (const grant of gone) repository.grants.set(grant.accessGrantId, grant);
      })
      .catch((error: unknown) => {
        log.warn({ err: error }, 'grants that are long gone could not be forgotten');
      });
  }

  #every(): void {
    this.#later(troubledEveryMs, () => {
      for (const { accessGrantId } of this.options.repository.troubled) this.soon(accessGrantId);
      this.#every();
    });
  }

  #later(ms: number, run: () => void): void {
    const timer = this.options.clock.setTimer(() => {
      this.#timers.delete(timer);
      if (!this.#closed) run();
    }, ms);
    this.#timers.add(timer);
  }
}

/** In a way that a backup code may help. */
const isLate = ({ errors, warnings }: AccessCodeRecord): boolean =>
  errors.length > 0 || warnings.some(({ code }) => code === 'delay_in_setting_on_device');

/**
 * Takes a name out of keys, customers' data and reasons, also of grants that are gone and only remembered. Names that are
 * sealed are not looked at.
 * @returns how many people, spaces and grants were changed
 * @throws GatewayError `storage_unavailable`, and then nothing was
 */
export async function rewordGrants(work: GrantWork, words: Rewording): Promise<number> {
  const { repository } = work.options;
  const draft = repository.draft();
  const keyOf = (key: string | undefined) => (key === undefined ? undefined : words.key(key));
  let changed = 0;
  for (const identity of [...repository.identities.values()]) {
    const key = keyOf(identity.key);
    if (key === identity.key) continue;
    draft.identity({ ...identity, key });
    changed += 1;
  }
  for (const space of [...repository.spaces.values()]) {
    const after: SpaceRecord = {
      ...space,
      key: keyOf(space.key),
      customerKey: keyOf(space.customerKey),
      customerData: space.customerData && words.pairs(space.customerData),
    };
    if (JSON.stringify(after) === JSON.stringify(space)) continue;
    draft.space(after);
    changed += 1;
  }
  for (const grant of [...repository.grants.values()]) {
    const refusals = grant.refusals.map((refusal) => ({ ...refusal, message: words.text(refusal.message) }));
    const key = keyOf(grant.key);
    const reservationKey = keyOf(grant.reservationKey);
    const isSame = refusals.every(({ message }, index) => message === grant.refusals[index]?.message);
    if (isSame && key === grant.key && reservationKey === grant.reservationKey) continue;
    draft.grant({ ...grant, key, reservationKey, refusals });
    changed += 1;
  }
  if (!draft.isEmpty) await work.commit(draft);
  return changed;
}
