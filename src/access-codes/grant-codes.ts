import { GatewayError, type Secret } from '../contract/index.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { CodeOfGrant } from '../model/grant-records.ts';
import type { AccessCodeRecord, CodeTimes } from '../model/records.ts';
import type { Change, Store } from '../model/store.ts';
import type { CodeTarget } from './code-generator.ts';
import type { CodeReconciler } from './code-reconciler.ts';
import type { CodeFollower } from './code-repository.ts';
import { assertAcceptable } from './code-rules.ts';
import { retimed } from './code-update.ts';
import { pull, readyBackup } from './lock-plan.ts';
import { chooseDigits, duplicate, type NewCodeOptions, newRecord, targetOf } from './new-code.ts';
import type { Moment } from './wanted.ts';

export interface GrantCodesOptions extends NewCodeOptions {
  readonly store: Store;
  readonly time: { moment(): Moment };
  /** UUIDv7 */
  readonly newId: () => string;
}

/** A code that a grant wants on one door. */
export interface CodeOrder {
  readonly deviceId: string;
  readonly digits: Secret;
  readonly times: CodeTimes;
  readonly maxUses: number | undefined;
  readonly grant: CodeOfGrant;
}

/** A change of a code that is decided and not on disk yet. */
export interface CodeChange {
  readonly code: AccessCodeRecord;
  readonly changes: readonly Change[];
  /** Takes it back after its commit failed. */
  undo(): void;
}

/**
 * Codes as access grants want them: decided at once, committed by the grant together with its own changes, and brought
 * about by the reconciler like all others.
 */
export class GrantCodes {
  readonly #options: GrantCodesOptions;
  readonly #reconciler: Pick<CodeReconciler, 'holding' | 'look'>;

  constructor(options: GrantCodesOptions, reconciler: Pick<CodeReconciler, 'holding' | 'look'>) {
    this.#options = options;
    this.#reconciler = reconciler;
  }

  /** The lock as one that digits are chosen for. @throws GatewayError `device_not_found`, `unsupported_action` */
  target(deviceId: string, times: CodeTimes): CodeTarget {
    return targetOf(this.#options, deviceId, times);
  }

  /** Digits that all of these locks take. @throws GatewayError as {@link chooseDigits} does */
  choose(targets: readonly CodeTarget[]): Secret {
    return chooseDigits(this.#options, {}, targets);
  }

  /** @throws GatewayError `invalid_input`, `duplicate_access_code` when this lock would not take these digits */
  assertTakes({ name, rules, isTaken }: CodeTarget, digits: Secret): void {
    assertAcceptable(digits, rules, name);
    if (isTaken(digits)) throw duplicate(name);
  }

  get(accessCodeId: string): AccessCodeRecord | undefined {
    return this.#options.repository.get(accessCodeId);
  }

  add({ deviceId, digits, times, maxUses, grant }: CodeOrder): CodeChange {
    const { repository, newId, time } = this.#options;
    const about = { accessCodeId: newId(), deviceId, createdAt: time.moment().at };
    const record = {
      ...newRecord(
        repository,
        about,
        digits,
        { useBackupPool: true, ...(maxUses !== undefined && { maxUses }) },
        times,
      ),
      grant,
    };
    const created: EventDraft = {
      eventType: 'access_code.created',
      deviceId,
      accessCodeId: about.accessCodeId,
      occurredAt: about.createdAt,
    };
    return this.#changed(about.accessCodeId, () => repository.save(record, created));
  }

  /** @throws GatewayError `duplicate_access_code` when another code of the lock has the digits in that time */
  assertRetimable(code: AccessCodeRecord, times: CodeTimes): void {
    const { repository, registry } = this.#options;
    const digits = repository.read(code.sealedCode, code);
    if (digits && repository.duplicateOf(digits, code.deviceId, times, code.accessCodeId)) {
      throw duplicate(registry.require(code.deviceId).snapshot.name);
    }
  }

  retime(code: AccessCodeRecord, times: CodeTimes): CodeChange {
    const { repository, time } = this.#options;
    const { code: record, drafts } = retimed(code, times, time.moment());
    return this.#changed(code.accessCodeId, () => repository.save(record, ...drafts));
  }

  /** It is not wanted any more, and goes as soon as the lock can be reached. */
  remove(code: AccessCodeRecord): CodeChange {
    const { repository, time } = this.#options;
    const removal = { cause: 'requested', at: time.moment().at } as const;
    return this.#changed(code.accessCodeId, () => repository.change(code.accessCodeId, { removal }));
  }

  /** A backup code lies ready on the lock. */
  hasBackup(deviceId: string): boolean {
    return readyBackup(this.#options.repository, deviceId) !== undefined;
  }

  /** Gives a code's guest a backup one, for another method of the grant. @throws GatewayError `invalid_input` */
  pull(code: AccessCodeRecord, grant: CodeOfGrant): CodeChange & { readonly backup: AccessCodeRecord } {
    const { repository, registry, time } = this.#options;
    const { name } = registry.require(code.deviceId).snapshot;
    const ready = readyBackup(repository, code.deviceId);
    let backupId = '';
    const { changes, undo } = repository.noting(() => {
      const pulled = pull(repository, code, name, time.moment().at);
      backupId = pulled.backup.accessCodeId;
      return [...pulled.changes, ...repository.change(backupId, { grant })];
    });
    return {
      code: repository.require(code.accessCodeId),
      backup: repository.require(backupId),
      changes,
      undo: () => {
        undo();
        if (ready) repository.restore(ready.accessCodeId, ready);
        repository.restore(code.accessCodeId, code);
      },
    };
  }

  /** The digits; undefined when they cannot be read any more. */
  reveal(code: AccessCodeRecord): Secret | undefined {
    return this.#options.repository.read(code.sealedCode, code);
  }

  /**
   * Commits what was decided of these codes, with all that goes with it, and has it brought about.
   * @param undo called when it could not be committed, before anybody acts on what was decided
   */
  commit(accessCodeIds: readonly string[], changes: readonly Change[], undo: () => void): Promise<void> {
    return this.#reconciler.holding(accessCodeIds, async () => {
      try {
        await this.#options.store.commit(changes);
      } catch (error) {
        undo();
        throw error;
      }
    });
  }

  follow(follower: CodeFollower): void {
    this.#options.repository.follow(follower);
  }

  #changed(accessCodeId: string, change: () => readonly Change[]): CodeChange {
    const { repository } = this.#options;
    const before = repository.get(accessCodeId);
    const { changes, undo } = repository.noting(change);
    return {
      code: repository.require(accessCodeId),
      changes,
      undo: () => {
        undo();
        repository.restore(accessCodeId, before);
      },
    };
  }
}

/** A code of a grant changes with its grant alone: otherwise the two would work against each other. */
export function assertOwnMaster({ grant }: AccessCodeRecord): void {
  if (!grant) return;
  throw new GatewayError(
    'invalid_input',
    `access_code_id: this code belongs to access grant ${grant.accessGrantId}. Change or delete the grant instead, ` +
      'with /access_grants/update or /access_grants/delete.',
  );
}
