import { type AccessCodeRules, GatewayError, type Secret } from '../contract/index.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { AccessCodeRecord, CodePlacement, CodeTimes, UnmanagedCodeRecord } from '../model/records.ts';
import type { Change, StoreReader } from '../model/store.ts';
import { eventsOfCode, isStale, reviewed } from './code-review.ts';
import { HoursCalendar } from './hours.ts';
import type { EvaluatedCode, LockHoldings } from './next-step.ts';
import type { AccessCodeSettings } from './settings.ts';
import { type Circumstances, type CodeEvaluation, evaluate, holds, type Moment, overlap } from './wanted.ts';

/** Turns digits into something that may lie on disk, and back. What it is about is bound into the sealed form. */
export interface CodeVault {
  seal(code: Secret, about: CodeSealContext): Uint8Array;
  /** @throws GatewayError `internal_error` when it was sealed with another key, or was changed since */
  open(sealed: Uint8Array, about: CodeSealContext): Secret;
  /** The same for the same digits while this process lives, to compare by; it is kept nowhere. */
  mark(code: Secret): string;
}

export interface CodeSealContext {
  readonly accessCodeId: string;
  readonly deviceId: string;
}

export interface CodeRepositoryOptions {
  readonly store: StoreReader;
  readonly vault: CodeVault;
  readonly events: EventRecorder;
  readonly settings: AccessCodeSettings;
  readonly moment: () => Moment;
  /** Undefined for a device that has not been opened yet, or has no keypad. */
  readonly rulesOf: (deviceId: string) => AccessCodeRules | undefined;
}

/** Undefined: before it was made, after it was gone. */
export type CodeFollower = (before: AccessCodeRecord | undefined, after: AccessCodeRecord | undefined) => Followed;

/** What follows for others from a change of a code. */
export interface Followed {
  readonly changes: readonly Change[];
  /** After the commit failed. */
  undo(): void;
}

/**
 * The codes as they are now, including changes on their way to disk: what one command decides, the next must see,
 * although neither has been committed yet.
 */
export class CodeRepository {
  readonly #options: CodeRepositoryOptions;
  readonly #calendar = new HoursCalendar();
  readonly #codes = new Map<string, AccessCodeRecord>();
  /** The same by device: a site has a thousand doors, and every look at one asks for its codes alone. */
  readonly #byDevice = new Map<string, Map<string, AccessCodeRecord>>();
  readonly #unmanaged = new Map<string, UnmanagedCodeRecord>();
  readonly #unmanagedByDevice = new Map<string, Map<string, UnmanagedCodeRecord>>();
  /** Marks of sealed digits that were opened: a busy door's many codes are compared with each new one. */
  readonly #marks = new WeakMap<Uint8Array, string>();
  /** A code is judged once for each change of it, and again when the time or the lock has changed what follows. */
  readonly #evaluated = new WeakMap<AccessCodeRecord, EvaluatedCode>();
  #follower: CodeFollower = () => ({ changes: [], undo: () => undefined });
  /** What followed from changes that are noted. */
  #noted: Followed[] | undefined;

  constructor(options: CodeRepositoryOptions) {
    this.#options = options;
    for (const code of options.store.accessCodes()) this.#put(code);
    for (const code of options.store.unmanagedCodes()) this.#putFound(code);
  }

  get(accessCodeId: string): AccessCodeRecord | undefined {
    return this.#codes.get(accessCodeId);
  }

  /** Oldest first; all devices when `deviceId` is undefined. Backup codes are among them. */
  list(deviceId?: string): AccessCodeRecord[] {
    if (deviceId === undefined) return [...this.#codes.values()];
    return [...(this.#byDevice.get(deviceId)?.values() ?? [])];
  }

  /** @throws GatewayError `access_code_not_found` */
  require(accessCodeId: string): AccessCodeRecord {
    const code = this.#codes.get(accessCodeId);
    if (code) return code;
    throw noSuchCode(accessCodeId);
  }

  seal(code: Secret, about: CodeSealContext): Uint8Array {
    return this.#options.vault.seal(code, about);
  }

  reveal(sealed: Uint8Array, about: CodeSealContext): Secret {
    return this.#options.vault.open(sealed, about);
  }

  /** The same, and undefined for digits that cannot be read: one damaged code must not keep the others from working. */
  read(sealed: Uint8Array, about: CodeSealContext): Secret | undefined {
    try {
      return this.reveal(sealed, about);
    } catch (error) {
      if (error instanceof GatewayError) return undefined;
      throw error;
    }
  }

  /** A code with what is wanted of it now. */
  evaluated(code: AccessCodeRecord, on = this.circumstancesOf(code.deviceId)): EvaluatedCode {
    const known = this.#evaluated.get(code);
    if (known && holds(known, on)) return known;
    const evaluation = this.#evaluate(code, on);
    const evaluated = { code, ...evaluation, isStale: isStale(code, evaluation) };
    this.#evaluated.set(code, evaluated);
    return evaluated;
  }

  /** What the codes of a lock are judged by now. */
  circumstancesOf(deviceId: string): Omit<Circumstances, 'read'> {
    const { settings, rulesOf, moment } = this.#options;
    return { moment: moment(), rules: rulesOf(deviceId), settings, calendar: this.#calendar };
  }

  /** What a lock holds, or may hold. */
  holdingsOf(deviceId: string): LockHoldings {
    return {
      codes: this.list(deviceId),
      unmanaged: this.unmanagedList(deviceId),
      markOf: this.#markOf,
    };
  }

  /** Takes a code in as it is now, with everything that follows, and tells of it. To be committed as a whole. */
  save(code: AccessCodeRecord, ...drafts: readonly EventDraft[]): readonly Change[] {
    const before = this.#codes.get(code.accessCodeId);
    const { code: after, moment } = this.#putReviewed(code);
    return [
      { kind: 'access_code_put', code: after },
      ...this.tell(...drafts, ...eventsOfCode(before, after, moment.at)),
      ...this.#follow(before, after),
    ];
  }

  /** @throws GatewayError `access_code_not_found` */
  change(accessCodeId: string, patch: Partial<AccessCodeRecord>, ...drafts: readonly EventDraft[]): readonly Change[] {
    return this.save({ ...this.require(accessCodeId), ...patch }, ...drafts);
  }

  /** Exchanges one placement of a code for another, or for none. */
  place(
    accessCodeId: string,
    old: CodePlacement | undefined,
    next: CodePlacement | undefined,
    ...drafts: readonly EventDraft[]
  ): readonly Change[] {
    const others = this.require(accessCodeId).placements.filter(
      (one) => old === undefined || one.label !== old.label || one.slot !== old.slot,
    );
    return this.change(accessCodeId, { placements: next ? [...others, next] : others }, ...drafts);
  }

  remove(accessCodeId: string): readonly Change[] {
    const code = this.#codes.get(accessCodeId);
    this.#forget(accessCodeId);
    const gone: Change = { kind: 'access_code_removed', accessCodeId };
    if (!code) return [];
    if (code.backup && code.backup.pulledFor === undefined) return [gone];
    const { deviceId } = code;
    return [
      gone,
      ...this.tell({ eventType: 'access_code.deleted', deviceId, accessCodeId, occurredAt: this.#options.moment().at }),
      ...this.#follow(code, undefined),
    ];
  }

  /** Takes back what was wanted by a commit that failed. What was written to the lock meanwhile stays known. */
  restore(accessCodeId: string, before: AccessCodeRecord | undefined): void {
    if (!before) {
      this.#forget(accessCodeId);
      return;
    }
    const { placements, errors } = this.#codes.get(accessCodeId) ?? before;
    const code = { ...before, placements, errors };
    this.#putReviewed(code);
  }

  /** Has somebody hear of every change of a code, who adds to its commit what follows for others. */
  follow(follower: CodeFollower): void {
    this.#follower = follower;
  }

  /** The changes of something that is decided, and how what followed from them is taken back. */
  noting(decide: () => readonly Change[]): Followed {
    const noted: Followed[] = [];
    this.#noted = noted;
    try {
      return {
        changes: decide(),
        undo: () => {
          for (const followed of noted.reverse()) followed.undo();
        },
      };
    } finally {
      this.#noted = undefined;
    }
  }

  tell(...drafts: readonly EventDraft[]): readonly Change[] {
    return drafts.map((draft) => this.#options.events.record(draft));
  }

  unmanaged(accessCodeId: string): UnmanagedCodeRecord | undefined {
    return this.#unmanaged.get(accessCodeId);
  }

  /** Oldest first; all devices when `deviceId` is undefined. */
  unmanagedList(deviceId?: string): UnmanagedCodeRecord[] {
    if (deviceId === undefined) return [...this.#unmanaged.values()];
    return [...(this.#unmanagedByDevice.get(deviceId)?.values() ?? [])];
  }

  unmanagedAt(deviceId: string, slot: number): UnmanagedCodeRecord | undefined {
    return this.unmanagedList(deviceId).find((code) => code.slot === slot);
  }

  /** A slot that somebody else filled: it is never written. */
  putUnmanaged(code: UnmanagedCodeRecord): readonly Change[] {
    const known = this.#unmanaged.has(code.accessCodeId);
    this.#putFound(code);
    const { accessCodeId, deviceId, slot, createdAt } = code;
    const told = known
      ? []
      : this.tell({
          eventType: 'access_code.unmanaged.created',
          deviceId,
          accessCodeId,
          occurredAt: createdAt,
          details: { slot },
        });
    return [{ kind: 'unmanaged_code_put', code }, ...told];
  }

  /** @param as what is told of it: that it is gone, or that it is ours now */
  removeUnmanaged(
    { accessCodeId, deviceId, slot }: UnmanagedCodeRecord,
    as: 'removed' | 'converted_to_managed',
  ): readonly Change[] {
    this.#unmanaged.delete(accessCodeId);
    this.#unmanagedByDevice.get(deviceId)?.delete(accessCodeId);
    const about = { deviceId, accessCodeId, occurredAt: this.#options.moment().at };
    const told: EventDraft =
      as === 'removed'
        ? { ...about, eventType: 'access_code.unmanaged.removed', details: { slot } }
        : { ...about, eventType: 'access_code.unmanaged.converted_to_managed' };
    return [{ kind: 'unmanaged_code_removed', accessCodeId }, ...this.tell(told)];
  }

  /** The code of ours whose entry stands, or may stand, in a slot. */
  atSlot(
    deviceId: string,
    slot: number,
  ): { readonly code: AccessCodeRecord; readonly placement: CodePlacement } | undefined {
    for (const code of this.list(deviceId)) {
      const placement = code.placements.find((one) => one.slot === slot);
      if (placement) return { code, placement };
    }
    return undefined;
  }

  /** Another code of the device with these digits that keeps a code with these times from being accepted. */
  duplicateOf(
    digits: Secret,
    deviceId: string,
    times: CodeTimes,
    exceptId?: string,
  ): AccessCodeRecord | UnmanagedCodeRecord | undefined {
    const always = this.#options.settings.duplicates === 'refuse';
    const mark = this.#options.vault.mark(digits);
    for (const other of this.#byDevice.get(deviceId)?.values() ?? []) {
      if (other.accessCodeId === exceptId || !(always || overlap(other, times))) continue;
      if (this.#markOf(other.sealedCode, other) === mark || this.#isPlaced(other, mark)) return other;
    }
    return this.unmanagedList(deviceId).find(
      (other) => other.sealedCode !== undefined && this.#markOf(other.sealedCode, other) === mark,
    );
  }

  #isPlaced(code: AccessCodeRecord, mark: string): boolean {
    return code.placements.some(({ sealedCode }) => this.#markOf(sealedCode, code) === mark);
  }

  /** Undefined for digits that cannot be read. */
  readonly #markOf = (sealed: Uint8Array, about: CodeSealContext): string | undefined => {
    const known = this.#marks.get(sealed);
    if (known !== undefined) return known;
    const digits = this.read(sealed, about);
    if (!digits) return undefined;
    const mark = this.#options.vault.mark(digits);
    this.#marks.set(sealed, mark);
    return mark;
  };

  #follow(before: AccessCodeRecord | undefined, after: AccessCodeRecord | undefined): readonly Change[] {
    const followed = this.#follower(before, after);
    this.#noted?.push(followed);
    return followed.changes;
  }

  #evaluate(code: AccessCodeRecord, on: Omit<Circumstances, 'read'>): CodeEvaluation {
    return evaluate(code, { ...on, read: (sealed) => this.read(sealed, code) });
  }

  /** With all that follows from what it is now. */
  #putReviewed(code: AccessCodeRecord): EvaluatedCode {
    const evaluation = this.#evaluate(code, this.circumstancesOf(code.deviceId));
    const after = reviewed(code, evaluation);
    const evaluated = { code: after, ...evaluation, isStale: false };
    this.#evaluated.set(after, evaluated);
    this.#put(after);
    return evaluated;
  }

  #put(code: AccessCodeRecord): void {
    this.#codes.set(code.accessCodeId, code);
    const ofDevice = this.#byDevice.get(code.deviceId);
    if (ofDevice) ofDevice.set(code.accessCodeId, code);
    else this.#byDevice.set(code.deviceId, new Map([[code.accessCodeId, code]]));
  }

  #putFound(code: UnmanagedCodeRecord): void {
    this.#unmanaged.set(code.accessCodeId, code);
    const ofDevice = this.#unmanagedByDevice.get(code.deviceId);
    if (ofDevice) ofDevice.set(code.accessCodeId, code);
    else this.#unmanagedByDevice.set(code.deviceId, new Map([[code.accessCodeId, code]]));
  }

  #forget(accessCodeId: string): void {
    const code = this.#codes.get(accessCodeId);
    if (!code) return;
    this.#codes.delete(accessCodeId);
    this.#byDevice.get(code.deviceId)?.delete(accessCodeId);
  }
}

export const noSuchCode = (accessCodeId: string): GatewayError =>
  new GatewayError('access_code_not_found', `There is no access code ${accessCodeId}; it may have been deleted.`);
