import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { GatewayError } from '../contract/index.ts';
import { type AuditEntry, auditActor } from '../model/audit.ts';
import type { Gateway, Origin } from '../model/gateway.ts';
import type { UserIdentity } from '../model/grants.ts';
import type { AttemptRecord } from '../model/records.ts';
import type { Rewording } from '../model/rewording.ts';
import type { Change, Store } from '../model/store.ts';
import { AllWords } from './all-words.ts';
import { NamePattern } from './name-pattern.ts';

/** Rows that are looked at between two turns of the loop: doors go on meanwhile. */
const BATCH = 500;
const LEAST_LETTERS = 3;

/** Whom to forget. */
export type Forgettable = { readonly name: string } | { readonly userIdentityId: string };

/** In how many places something was forgotten. */
export interface Forgotten {
  readonly userIdentities: number;
  readonly accessGrants: number;
  readonly accessCodes: number;
  readonly attempts: number;
  readonly events: number;
  readonly auditEntries: number;
  readonly revokedKeys: number;
  /** Keys that applications chose, customers' data, thresholds' names, and what is remembered of devices. */
  readonly others: number;
}

/** The names of keys: those that are taken, and those that were taken away. */
export interface KeyNames {
  live(): readonly { readonly id: string; readonly name: string }[];
  /** @returns how many */
  forgetRevoked(matches: (name: string) => boolean): Promise<number>;
}

export interface PersonalDataOptions {
  readonly gateway: Gateway;
  readonly store: Store;
  readonly keys: KeyNames;
  readonly entry: (entry: Omit<AuditEntry, 'at'>) => Change;
  /** @returns in how many codes, people, spaces and grants */
  readonly reword: (words: Rewording) => Promise<number>;
  /** A key that nobody has, for what must stay unique. */
  readonly newKey: () => string;
}

/**
 * Forgets somebody, wherever this gateway keeps their name: people and their grants, codes, the attempts and events of the
 * past, names beside the audit log (the chain of which holds digests), keys that were revoked; and sees to it that no
 * file of the database holds the bytes any more.
 */
export class PersonalData {
  readonly #options: PersonalDataOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: PersonalDataOptions) {
    this.#options = options;
  }

  /**
   * Repeating it does no harm.
   * @throws GatewayError `invalid_input` for what names no person, `user_identity_not_found`, `still_in_use` while a
   * grant or a key of that name is live, `storage_unavailable`
   */
  forget(whom: Forgettable, origin: Origin): Promise<Forgotten> {
    const next = this.#last.catch(() => undefined).then(() => this.#forget(whom, origin));
    this.#last = next;
    return next;
  }

  async #forget(whom: Forgettable, origin: Origin): Promise<Forgotten> {
    const { gateway, keys, store, reword, newKey } = this.#options;
    const names = this.#namesOf(whom);
    for (const name of names) this.#assertForgettable(name);
    const words = new AllWords(names, newKey);
    const isNamed = (text: string | undefined) => words.isIn(text);
    this.#assertNoWebhook(words);
    const userIdentities = await this.#people(whom, isNamed);
    const accessGrants = await this.#grants(isNamed);
    const accessCodes = await this.#codes(isNamed, origin);
    for (const { deviceId } of gateway.devices.list()) await gateway.administration.reword(deviceId, words);
    const others = (await reword(words)) + (await this.#thresholds(words, origin)) + (await this.#facts(words));
    const attempts = await this.#attempts(words);
    const events = await this.#events(words);
    const revokedKeys = await keys.forgetRevoked(isNamed);
    const found = { userIdentities, accessGrants, accessCodes, attempts, events, revokedKeys, others };
    const auditEntries = await this.#auditNames(isNamed, found, origin);
    await store.scrub();
    return { ...found, auditEntries };
  }

  #namesOf(whom: Forgettable): readonly string[] {
    if ('name' in whom) return [whom.name];
    const person = this.#options.gateway.userIdentities.get(whom.userIdentityId);
    if (person === undefined)
      throw new GatewayError(
        'user_identity_not_found',
        'There is no such person at this gateway: they were forgotten, or never created here.',
      );
    return namesOf(person).filter(isLongEnough);
  }

  /** @throws GatewayError */
  #assertForgettable(name: string): void {
    const { gateway, keys } = this.#options;
    if (!isLongEnough(name))
      throw new GatewayError('invalid_input', `name: give at least ${LEAST_LETTERS} letters or digits.`);
    const pattern = new NamePattern(name);
    const thing = [...gateway.devices.list(), ...gateway.spaces.list(), gateway.identity].find((one) =>
      pattern.isIn(one.name),
    );
    if (thing !== undefined)
      throw new GatewayError(
        'invalid_input',
        `name: "${thing.name}" is a door, a space or this gateway, and is named in what it did. Rename it first.`,
      );
    const key = keys.live().find((one) => pattern.isIn(one.name));
    if (key !== undefined)
      throw new GatewayError(
        'still_in_use',
        `name: the API key ${key.id} is called that. Revoke it or give it another name first; nothing was done.`,
      );
  }

  async #people(whom: Forgettable, isNamed: (text: string | undefined) => boolean): Promise<number> {
    const { userIdentities } = this.#options.gateway;
    const people = userIdentities
      .list()
      .filter((person) =>
        'userIdentityId' in whom ? person.userIdentityId === whom.userIdentityId : namesOf(person).some(isNamed),
      );
    // Deleting refuses, with what to do, before anything is forgotten.
    for (const { userIdentityId } of people) await userIdentities.delete(userIdentityId);
    return people.length;
  }

  async #grants(isNamed: (text: string | undefined) => boolean): Promise<number> {
    const { accessGrants } = this.#options.gateway;
    const grants = [...accessGrants.list()].filter((grant) => isNamed(accessGrants.nameOf(grant)));
    for (const { accessGrantId } of grants) await accessGrants.update(accessGrantId, { name: null });
    return grants.length;
  }

  async #codes(isNamed: (text: string | undefined) => boolean, origin: Origin): Promise<number> {
    const { accessCodes, devices } = this.#options.gateway;
    // Those that are going, or whose lock is no more, cannot be asked for anything: `reword` has them.
    const isThere = new Set(devices.list().map(({ deviceId }) => deviceId));
    const codes = accessCodes
      .list()
      .filter(({ name, deviceId, removal }) => isNamed(name) && removal === undefined && isThere.has(deviceId));
    for (const { accessCodeId } of codes) await accessCodes.update(accessCodeId, { name: null }, origin);
    return codes.length;
  }

  /** Where an application wants to be told is its own: whoever asks decides. @throws GatewayError */
  #assertNoWebhook(words: AllWords): void {
    const named = this.#options.gateway.webhooks.list().find(({ url }) => words.isIn(url) || words.isIn(decoded(url)));
    if (named !== undefined)
      throw new GatewayError(
        'still_in_use',
        `name: the webhook ${named.webhookId} has it in its URL. Delete it first; nothing was done.`,
      );
  }

  async #thresholds(words: AllWords, origin: Origin): Promise<number> {
    const { noise } = this.#options.gateway;
    const named = noise.list().filter(({ name }) => words.isIn(name));
    for (const { noiseThresholdId, name } of named)
      await noise.update(noiseThresholdId, { name: words.text(name) }, origin);
    return named.length;
  }

  /** What is remembered of devices, also of those that are no more. */
  async #facts(words: AllWords): Promise<number> {
    const { store } = this.#options;
    const changes = store.read.factNames('').flatMap((name): Change[] => {
      const value = store.read.fact(name);
      const kept = value === undefined ? undefined : objectIn(value);
      const after = kept && JSON.stringify(words.all(kept));
      return after === undefined || after === JSON.stringify(kept) ? [] : [{ kind: 'fact_put', name, value: after }];
    });
    if (changes.length > 0) await store.commit(changes);
    return changes.length;
  }

  async #attempts(words: AllWords): Promise<number> {
    const { store, gateway } = this.#options;
    let reworded = 0;
    const reword = async (attempts: readonly AttemptRecord[]) => {
      const changes = attempts.flatMap((attempt): Change[] => {
        const after = rewordedAttempt(attempt, words);
        return after === undefined ? [] : [{ kind: 'attempt_reworded', attempt: after }];
      });
      reworded += changes.length;
      if (changes.length > 0) await store.commit(changes);
    };
    // What is under way is written anew when it ends, which it does by its deadline (P5).
    for (const attempt of store.read.pendingAttempts())
      if (rewordedAttempt(attempt, words) !== undefined)
        await gateway.attempts.settled(attempt.actionAttemptId, new AbortController().signal);
    let beforeSeq = Number.MAX_SAFE_INTEGER;
    for (;;) {
      const batch = store.read.attempts({ limit: BATCH, beforeSeq });
      await reword(batch.filter(({ settlement }) => settlement !== undefined));
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) return reworded;
      beforeSeq = last.seq;
      await turnOfTheLoop();
    }
  }

  async #events(words: AllWords): Promise<number> {
    const { store } = this.#options;
    let reworded = 0;
    let after = 0;
    for (;;) {
      const batch = store.read.eventsAfter(after, BATCH);
      const changes = batch.flatMap((event): Change[] => {
        const details = words.all(event.details);
        if (JSON.stringify(details) === JSON.stringify(event.details)) return [];
        return [{ kind: 'event_reworded', event: { ...event, details } }];
      });
      reworded += changes.length;
      if (changes.length > 0) await store.commit(changes);
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) return reworded;
      after = last.seq;
      await turnOfTheLoop();
    }
  }

  /** The entry that tells of it names the entries whose names went: whoever verifies knows that nobody else took them. */
  async #auditNames(
    isNamed: (text: string | undefined) => boolean,
    found: Omit<Forgotten, 'auditEntries'>,
    origin: Origin,
  ): Promise<number> {
    const { store, entry } = this.#options;
    let forgotten = 0;
    let after = 0;
    for (
      let batch = store.read.auditAfter(after, BATCH);
      batch.length > 0;
      batch = store.read.auditAfter(after, BATCH)
    ) {
      after = batch.at(-1)?.seq ?? after;
      const seqs = batch.filter(({ name }) => name !== undefined && isNamed(nameIn(name))).map(({ seq }) => seq);
      forgotten += seqs.length;
      if (seqs.length > 0)
        await store.commit([
          { kind: 'audit_names_removed', seqs },
          entry({ kind: 'personal_data_forgotten', by: auditActor(origin.actor), details: { audit_entries: seqs } }),
        ]);
      await turnOfTheLoop();
    }
    const details = {
      user_identities: found.userIdentities,
      access_grants: found.accessGrants,
      access_codes: found.accessCodes,
      attempts: found.attempts,
      events: found.events,
      revoked_keys: found.revokedKeys,
      others: found.others,
    };
    await store.commit([entry({ kind: 'personal_data_forgotten', by: auditActor(origin.actor), details })]);
    return forgotten;
  }
}

/** A key names whom nothing else does; beside a name it may tell of somebody else. */
function namesOf({ fullName, emailAddress, phoneNumber, key }: UserIdentity): readonly string[] {
  const names = [fullName, emailAddress, phoneNumber].filter((name) => name !== undefined);
  return names.length > 0 || key === undefined ? names : [key];
}

const isLongEnough = (name: string): boolean =>
  name.normalize('NFKC').replaceAll(/[^\p{L}\p{N}]/gu, '').length >= LEAST_LETTERS;

/** Undefined when there is nothing to take out. */
function rewordedAttempt(attempt: AttemptRecord, words: AllWords): AttemptRecord | undefined {
  const { actor, settlement, history } = attempt;
  const after = { actor: words.all(actor), settlement: words.all(settlement), history: words.all(history) };
  return JSON.stringify(after) === JSON.stringify({ actor, settlement, history })
    ? undefined
    : { ...attempt, ...after };
}

/** Undefined for what is no JSON object, such as a sealed key. */
function objectIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

function nameIn(pair: string): string | undefined {
  try {
    const [, name] = JSON.parse(pair) as readonly unknown[];
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
