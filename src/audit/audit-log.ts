import type { Logger } from 'pino';
import { type Clock, GatewayError, Secret, type Timer, type Unsubscribe } from '../contract/index.ts';
import type { AuditEntry, AuditRecord } from '../model/audit.ts';
import type { AuditHead, Change, Store } from '../model/store.ts';
import { chainBegin, chainSeal } from '../store/audit-chain.mjs';
import { placeOf } from './verify-chain.ts';

/** How long after an entry the place of the chain's end is vouched for, in milliseconds: the last ones can be cut off. */
const sealAfterMs = 60_000;
const pruneEveryMs = 3_600_000;
const rowsPerPrune = 500;
const dayMs = 86_400_000;

export const auditKeyFact = 'audit_key';
export const auditHeadFact = 'audit_head';
export const auditAnchorFact = 'audit_anchor';

/** Seals the chain's own key, so that the store's key can be changed and the chain goes on. */
export interface AuditVault {
  seal(secret: Secret, about: { readonly fact: string }): Uint8Array;
  /** @throws GatewayError `internal_error` when it does not open */
  open(sealed: Uint8Array, about: { readonly fact: string }): Secret;
}

export interface AuditLogOptions {
  readonly store: Store;
  readonly vault: AuditVault;
  readonly clock: Clock;
  readonly log: Logger;
  /** Cryptographically strong. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** How long entries are kept. */
  readonly days: number;
  /** By a clock that jumped ahead everything would be old. */
  readonly isClockSure: () => boolean;
}

/**
 * Who asked for what, from where, with which key, and what became of it. Entries ride with the commits of what they tell
 * about and are chained by the store; this keeps the chain's key, vouches for its ends, and lets old entries go.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #key: Uint8Array;
  readonly #listeners = new Set<(head: AuditHead) => void>();
  readonly #stopHearing: Unsubscribe;
  #head: AuditHead | undefined;
  #sealed: AuditHead | undefined;
  #sealTimer: Timer | undefined;
  #pruneTimer: Timer | undefined;

  private constructor(options: AuditLogOptions, key: Uint8Array, head: AuditHead | undefined) {
    this.#options = options;
    this.#key = key;
    this.#head = head;
    this.#stopHearing = options.store.onAudit((head) => this.#heard(head));
    this.#pruneLater(sealAfterMs);
  }

  /** Where the chain's key cannot be read a new one is begun, and verifying says where: the doors go on. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const key = await chainKey(options);
    const last = newestIn(options.store);
    const end = endIn(options.store, key);
    const isCut = end !== undefined && end.seq > (last?.seq ?? 0);
    if (isCut)
      options.log.error(
        { from: (last?.seq ?? 0) + 1, to: end.seq },
        'the end of the audit log was cut off while no gateway ran: it goes on behind what is missing',
      );
    await options.store.keepAudit(key, end);
    const audit = new AuditLog(options, key, isCut ? end : last);
    if (end === undefined) await audit.#tellThatEndIsUnknown();
    return audit;
  }

  /** The change to commit together with what it tells about. */
  entry(entry: Omit<AuditEntry, 'at'>): Change {
    return { kind: 'audit_put', entry: { ...entry, at: this.#options.clock.wallTime() } };
  }

  /** Writes down what belongs to no commit of somebody's. What finds no room is lost, and the log says so. */
  append(entry: Omit<AuditEntry, 'at'>): void {
    this.write(entry).catch((error: unknown) => {
      this.#options.log.error({ err: error, kind: entry.kind }, 'an entry of the audit log could not be written');
    });
  }

  /** Resolves once it is on disk. @throws GatewayError `storage_unavailable` */
  async write(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    await this.#options.store.commit([this.entry(entry)]);
  }

  /** The newest entry there is. */
  get head(): AuditHead | undefined {
    return this.#head;
  }

  /** Newest first: those before `seq`. */
  before(seq: number | undefined, limit: number): AuditRecord[] {
    return this.#options.store.read.auditBefore(seq ?? Number.MAX_SAFE_INTEGER, limit);
  }

  onHead(listener: (head: AuditHead) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.write({ kind: 'gateway_stopped', by: { kind: 'gateway' }, details: {} }).catch(() => undefined);
    this.#stopHearing();
    this.#sealTimer?.cancel();
    this.#pruneTimer?.cancel();
    await this.#seal();
  }

  #heard(head: AuditHead): void {
    this.#head = head;
    for (const listener of this.#listeners) listener(head);
    this.#sealTimer ??= this.#options.clock.setTimer(() => {
      this.#sealTimer = undefined;
      void this.#seal();
    }, sealAfterMs);
  }

  /** It goes on, and is broken here: what stood at its end may have been cut off. */
  async #tellThatEndIsUnknown(): Promise<void> {
    const { log } = this.#options;
    log.error('what vouches for the end of the audit log was taken out or damaged: it is broken here');
    await this.write({ kind: 'audit_end_unknown', by: { kind: 'gateway' }, details: {} }).catch((error: unknown) => {
      log.error({ err: error }, 'that nothing vouches for the end of the audit log could not be written into it');
    });
  }

  async #seal(): Promise<void> {
    const head = this.#head;
    if (head === undefined || head.seq === this.#sealed?.seq) return;
    try {
      await this.#options.store.commit([
        { kind: 'fact_put', name: auditHeadFact, value: sealedPlace(this.#key, 'head', head) },
      ]);
      this.#sealed = head;
    } catch (error) {
      this.#options.log.warn({ err: error }, 'where the audit log ends could not be written down; trying again later');
    }
  }

  #pruneLater(ms: number): void {
    this.#pruneTimer = this.#options.clock.setTimer(() => {
      void this.#prune().then((more) => this.#pruneLater(more ? 1_000 : pruneEveryMs));
    }, ms);
  }

  async #prune(): Promise<boolean> {
    const { store, clock, days, isClockSure, log } = this.#options;
    if (!isClockSure()) return false;
    const before = clock.wallTime() - days * dayMs;
    const old = store.read.auditAfter(0, rowsPerPrune).filter(({ text }) => timeOf(text) < before);
    const last = old.at(-1);
    // The newest stays: the chain goes on from it.
    if (last === undefined || last.seq === this.#head?.seq) return false;
    try {
      await store.commit([
        { kind: 'audit_pruned', seq: last.seq },
        { kind: 'fact_put', name: auditAnchorFact, value: sealedPlace(this.#key, 'anchor', last) },
      ]);
      return old.length === rowsPerPrune;
    } catch (error) {
      log.warn({ err: error }, 'old entries of the audit log could not be deleted; trying again later');
      return false;
    }
  }
}

/** Of an entry that was damaged nobody knows how old it is: it stays. */
function timeOf(text: string): number {
  try {
    return Number((JSON.parse(text) as { readonly at?: unknown }).at);
  } catch {
    return Number.NaN;
  }
}

/** A place in the chain with what vouches for it, as a fact: `seq:hash:seal`. */
const sealedPlace = (key: Uint8Array, what: 'head' | 'anchor', { seq, hash }: AuditHead): string =>
  `${seq}:${hash}:${chainSeal(key, what, seq, hash)}`;

async function chainKey({ store, vault, randomBytes, log }: AuditLogOptions): Promise<Uint8Array> {
  const kept = store.read.fact(auditKeyFact);
  try {
    if (kept !== undefined) return openChainKey(vault, kept);
  } catch (error) {
    log.error({ err: error }, 'the audit log goes on with another key: it is broken here');
  }
  if (kept === undefined && store.read.auditAfter(0, 1).length > 0)
    log.error('the key of the audit log was taken out or damaged; it goes on with another one, and is broken here');
  const key = randomBytes(32);
  const sealed = vault.seal(new Secret(Buffer.from(key).toString('hex')), { fact: auditKeyFact });
  // From the first moment on there is a word for where it ends: one that is missing was taken out.
  const begin = newestIn(store) ?? { seq: 0, hash: chainBegin.toString('hex') };
  await store.commit([
    { kind: 'fact_put', name: auditKeyFact, value: Buffer.from(sealed).toString('hex') },
    { kind: 'fact_put', name: auditHeadFact, value: sealedPlace(key, 'head', begin) },
  ]);
  return key;
}

function newestIn(store: Pick<Store, 'read'>): AuditHead | undefined {
  const [last] = store.read.auditBefore(Number.MAX_SAFE_INTEGER, 1);
  return last && { seq: last.seq, hash: last.hash };
}

/** Where the chain was last vouched to end; undefined: nothing vouches for that. */
export function endIn(store: Pick<Store, 'read'>, key: Uint8Array): AuditHead | undefined {
  const kept = store.read.fact(auditHeadFact);
  return kept === undefined ? undefined : placeOf(key, 'head', kept);
}

/** @throws GatewayError `misconfigured` */
export function openChainKey(vault: Pick<AuditVault, 'open'>, kept: string): Uint8Array {
  try {
    return Buffer.from(vault.open(Buffer.from(kept, 'hex'), { fact: auditKeyFact }).reveal(), 'hex');
  } catch (error) {
    const why = error instanceof GatewayError ? error.message : String(error);
    throw new GatewayError('misconfigured', `The key of the audit log's chain cannot be read. ${why}`, {
      cause: error,
    });
  }
}
