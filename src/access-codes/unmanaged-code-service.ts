import { type Clock, GatewayError, type Secret, type SlotReading } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Origin, UnmanagedCodes } from '../model/gateway.ts';
import type { AccessCodeRecord, AttemptRecord, Settlement, UnmanagedCodeRecord } from '../model/records.ts';
import type { Store } from '../model/store.ts';
import type { CodeAttempts } from './code-attempts.ts';
import { takeReading } from './code-findings.ts';
import type { CodeReconciler } from './code-reconciler.ts';
import type { CodeRepository } from './code-repository.ts';
import { inForeignCodeWords } from './code-words.ts';
import { newRecord } from './new-code.ts';

export interface UnmanagedCodeOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly repository: CodeRepository;
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Codes on locks that somebody else put there: shown, and touched only when somebody asks for it. */
export class UnmanagedCodeService implements UnmanagedCodes {
  readonly #options: UnmanagedCodeOptions;
  readonly #attempts: CodeAttempts;
  readonly #reconciler: Pick<CodeReconciler, 'doubt'>;

  constructor(options: UnmanagedCodeOptions, attempts: CodeAttempts, reconciler: Pick<CodeReconciler, 'doubt'>) {
    this.#options = options;
    this.#attempts = attempts;
    this.#reconciler = reconciler;
  }

  get(accessCodeId: string): UnmanagedCodeRecord | undefined {
    return this.#options.repository.unmanaged(accessCodeId);
  }

  list(deviceId?: string): UnmanagedCodeRecord[] {
    return this.#options.repository.unmanagedList(deviceId);
  }

  reveal(code: UnmanagedCodeRecord): Secret | undefined {
    return code.sealedCode && this.#options.repository.read(code.sealedCode, code);
  }

  async delete(accessCodeId: string, origin: Origin): Promise<AttemptRecord> {
    const code = this.get(accessCodeId);
    if (!code) {
      const removal = this.#attempts.removalOf(accessCodeId);
      if (removal) return removal;
      throw notFound(accessCodeId);
    }
    const { registry, store } = this.#options;
    return this.#attempts.acceptWork(
      { actionType: 'DELETE_ACCESS_CODE', code, laneClass: 'requested', origin, changes: [] },
      async (device, ctx) => {
        const { name } = registry.require(code.deviceId).snapshot;
        if (!device.accessCodes)
          throw new GatewayError('misconfigured', `${name} takes no access codes any more: its settings have changed.`);
        const reading = await device.accessCodes.read?.(ctx, code.slot);
        if (reading?.occupied === false) return {};
        if (reading && !this.#isStill(code, reading)) {
          await store.commit(takeReading(this.#options, code.deviceId, reading, 'writing'));
          throw new GatewayError(
            'slot_conflict',
            `${name} holds another code in that slot by now. List the unmanaged codes again before deleting one.`,
          );
        }
        await ctx.letDoorsPass();
        await device.accessCodes.clear(ctx, code.slot);
        return {};
      },
      (settlement) => this.afterDelete(accessCodeId, settlement),
      inForeignCodeWords,
    );
  }

  /** By its digits, or by its name on a lock that hides them. */
  #isStill(code: UnmanagedCodeRecord, reading: SlotReading): boolean {
    const known = this.reveal(code);
    if (known && reading.code) return reading.code.equals(known);
    return code.name === undefined || reading.label === undefined || reading.label === code.name;
  }

  afterDelete(accessCodeId: string, settlement: Settlement) {
    const code = this.get(accessCodeId);
    if (!code) return [];
    if (settlement.status === 'success') return this.#options.repository.removeUnmanaged(code, 'removed');
    // It may be gone all the same, and others may be waiting for its slot.
    this.#reconciler.doubt(code.deviceId, code.slot);
    return [];
  }

  async convert(accessCodeId: string): Promise<AccessCodeRecord> {
    const { repository, store, registry } = this.#options;
    const found = this.get(accessCodeId);
    if (!found) throw notFound(accessCodeId);
    const digits = this.reveal(found);
    if (!digits) {
      throw new GatewayError(
        'unsupported_action',
        `${registry.require(found.deviceId).snapshot.name} does not show the digits of its codes, so that this one ` +
          'cannot be looked after. Delete it and create a code with the same digits.',
      );
    }
    const { deviceId, slot, name, createdAt } = found;
    const request = { ...(name !== undefined && { name }) };
    const record = newRecord(repository, { accessCodeId, deviceId, createdAt }, digits, request, {
      startsAt: undefined,
      endsAt: undefined,
    });
    const { sealedCode } = record;
    const changes = [
      ...repository.removeUnmanaged(found, 'converted_to_managed'),
      ...repository.save({
        ...record,
        // It was there already: nobody is told that it was set now.
        status: 'set',
        placements: [{ slot, label: name ?? '', sealedCode, schedule: undefined, state: 'held' }],
      }),
    ];
    try {
      await store.commit(changes);
    } catch (error) {
      repository.restore(accessCodeId, undefined);
      repository.putUnmanaged(found);
      throw error;
    }
    return repository.require(accessCodeId);
  }
}

const notFound = (accessCodeId: string) =>
  new GatewayError(
    'access_code_not_found',
    `There is no unmanaged access code ${accessCodeId}; it may be gone by now.`,
  );
