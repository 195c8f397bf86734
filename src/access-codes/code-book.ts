import { GatewayError, type Secret } from '../contract/index.ts';
import type { AccessCodeRecord, CodePlacement } from '../store/records.ts';
import type { Change, StoreReader } from '../store/store.ts';

/** Turns digits into something that may lie on disk, and back. What it is about is bound into the sealed form. */
export interface CodeVault {
  seal(code: Secret, about: CodeSealContext): Uint8Array;
  /** @throws GatewayError `misconfigured` when the store's key does not fit */
  open(sealed: Uint8Array, about: CodeSealContext): Secret;
}

export interface CodeSealContext {
  readonly accessCodeId: string;
  readonly deviceId: string;
}

/**
 * The codes as they are now, including changes on their way to disk: what one command decides, the next must see,
 * although neither has been committed yet.
 */
export class CodeBook {
  readonly #vault: CodeVault;
  readonly #codes = new Map<string, AccessCodeRecord>();
  readonly #foreign = new Map<string, Set<number>>();

  constructor(store: StoreReader, vault: CodeVault, deviceIds: readonly string[]) {
    this.#vault = vault;
    for (const code of store.accessCodes()) this.#codes.set(code.accessCodeId, code);
    for (const deviceId of deviceIds) {
      this.#foreign.set(deviceId, new Set(store.unmanagedCodes(deviceId).map(({ slot }) => slot)));
    }
  }

  get(accessCodeId: string): AccessCodeRecord | undefined {
    return this.#codes.get(accessCodeId);
  }

  /** Oldest first; all devices when `deviceId` is undefined. */
  list(deviceId?: string): AccessCodeRecord[] {
    const all = [...this.#codes.values()];
    return deviceId === undefined ? all : all.filter((code) => code.deviceId === deviceId);
  }

  seal(code: Secret, about: CodeSealContext): Uint8Array {
    return this.#vault.seal(code, about);
  }

  reveal(code: AccessCodeRecord): Secret {
    return this.#vault.open(code.sealedCode, code);
  }

  put(code: AccessCodeRecord): Change {
    this.#codes.set(code.accessCodeId, code);
    return { kind: 'access_code_put', code };
  }

  /** @throws GatewayError `access_code_not_found` */
  change(accessCodeId: string, patch: Partial<AccessCodeRecord>): Change {
    return this.put({ ...this.require(accessCodeId), ...patch });
  }

  remove(accessCodeId: string): Change {
    this.#codes.delete(accessCodeId);
    return { kind: 'access_code_removed', accessCodeId };
  }

  /** Takes back what was put for a commit that failed. */
  restore(accessCodeId: string, before: AccessCodeRecord | undefined): void {
    if (before) this.#codes.set(accessCodeId, before);
    else this.#codes.delete(accessCodeId);
  }

  /** @throws GatewayError `access_code_not_found` */
  require(accessCodeId: string): AccessCodeRecord {
    const code = this.#codes.get(accessCodeId);
    if (code) return code;
    throw new GatewayError(
      'access_code_not_found',
      `There is no access code ${accessCodeId}; it may have been deleted.`,
    );
  }

  isForeign(deviceId: string, slot: number): boolean {
    return this.#foreign.get(deviceId)?.has(slot) ?? false;
  }

  /** A slot that somebody else filled: it is never written. */
  markForeign(accessCodeId: string, deviceId: string, slot: number, createdAt: number): Change {
    const slots = this.#foreign.get(deviceId) ?? new Set();
    this.#foreign.set(deviceId, slots.add(slot));
    return {
      kind: 'unmanaged_code_put',
      code: { accessCodeId, deviceId, slot, name: undefined, sealedCode: undefined, createdAt },
    };
  }

  /** The live code of this device with the same digits. Codes that never got onto the lock are no obstacle. */
  duplicateOf(code: Secret, deviceId: string): AccessCodeRecord | undefined {
    return this.list(deviceId).find((other) => mayBeOnLock(other) && this.reveal(other).equals(code));
  }

  /** The lowest slot that nobody holds, as far as is known. */
  freeSlot(deviceId: string, slots: { readonly first: number; readonly count: number }): number | undefined {
    const taken = new Set(this.list(deviceId).map(slotOf));
    for (let slot = slots.first; slot < slots.first + slots.count; slot++) {
      if (!taken.has(slot) && !this.isForeign(deviceId, slot)) return slot;
    }
    return undefined;
  }
}

/** False only for a code that failed before anything was written. */
const mayBeOnLock = (code: AccessCodeRecord): boolean =>
  code.status !== 'unset' || slotOf(code) !== undefined || code.errors.length === 0;

/** Where it stands, or may stand. */
export const slotOf = ({ placements }: AccessCodeRecord): number | undefined => placements[0]?.slot;

/** The placement of a code in a slot. */
export const placedAt = (slot: number | undefined, { sealedCode }: AccessCodeRecord): readonly CodePlacement[] =>
  slot === undefined ? [] : [{ slot, label: '', sealedCode, schedule: undefined, state: 'writing' }];
