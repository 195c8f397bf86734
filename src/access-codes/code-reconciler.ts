import type { Logger } from 'pino';
import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import type { DeviceReport, Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { CodeAttempts } from './code-attempts.ts';
import type { CodeProgress } from './code-progress.ts';
import type { CodeRepository } from './code-repository.ts';
import { LockReconciler, type LockReconcilerOptions } from './lock-reconciler.ts';
import type { TrustedClock } from './trusted-clock.ts';

export interface CodeReconcilerOptions extends LockReconcilerOptions {
  readonly attempts: AttemptRegistry;
  readonly time: TrustedClock;
}

/** One reconciler for each lock, and what they are told of. */
export class CodeReconciler {
  readonly #options: CodeReconcilerOptions;
  readonly #codeAttempts: CodeAttempts;
  readonly #progress: CodeProgress;
  readonly #locks = new Map<string, LockReconciler>();
  readonly #unsubscribe: Unsubscribe[] = [];
  #state: 'not_started' | 'started' | 'closed' = 'not_started';

  constructor(options: CodeReconcilerOptions, codeAttempts: CodeAttempts, progress: CodeProgress) {
    this.#options = options;
    this.#codeAttempts = codeAttempts;
    this.#progress = progress;
  }

  /** Call it once the devices are open and what an earlier run left has been taken up. */
  start(): void {
    const { registry, time, attempts } = this.#options;
    this.#state = 'started';
    this.#unsubscribe.push(registry.onReport((device, report) => this.#heard(device, report)));
    time.onChange(() => this.lookAtAll());
    this.#unsubscribe.push(
      attempts.onChange((attempt) => {
        if (attempt.settlement && attempt.subject?.kind === 'access_code') this.#of(attempt.deviceId).settled(attempt);
      }),
    );
    warnOfAbandoned(this.#options);
    this.lookAtAll();
  }

  /** Other devices are configured: those that went are let go of. */
  rosterChanged(): void {
    const { registry } = this.#options;
    warnOfAbandoned(this.#options);
    for (const [deviceId, lock] of this.#locks) {
      if (registry.get(deviceId) !== undefined) continue;
      lock.close();
      this.#locks.delete(deviceId);
    }
    this.lookAtAll();
  }

  close(): void {
    this.#state = 'closed';
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const lock of this.#locks.values()) lock.close();
  }

  lookAtAll(): void {
    for (const device of this.#options.registry.list()) if (this.#concerns(device)) this.look(device.deviceId);
  }

  #heard(device: DeviceSnapshot, report: DeviceReport): void {
    if (!this.#concerns(device)) return;
    const isNew = !this.#locks.has(device.deviceId);
    const lock = this.#of(device.deviceId);
    // It may be one that only now tells that it takes codes.
    if (isNew) lock.look();
    lock.heard(report);
  }

  /** Most doors of a building may take no codes at all, and nothing is kept for them. */
  #concerns({ deviceId, capabilities }: DeviceSnapshot): boolean {
    if (capabilities.accessCodes !== undefined || this.#locks.has(deviceId)) return true;
    const { codes, unmanaged } = this.#options.repository.holdingsOf(deviceId);
    return codes.length > 0 || unmanaged.length > 0;
  }

  /** Keeps everybody's hands off codes until the return value is called: a request about them is being accepted. */
  hold(accessCodeIds: readonly string[]): () => void {
    this.#progress.hold(accessCodeIds);
    return () => {
      this.#progress.release(accessCodeIds);
      const devices = new Set<string>();
      for (const id of accessCodeIds) {
        const code = this.#options.repository.get(id);
        if (code) devices.add(code.deviceId);
      }
      for (const deviceId of devices) this.look(deviceId);
    };
  }

  /** The same for as long as `accept` takes. */
  async holding<T>(accessCodeIds: readonly string[], accept: () => Promise<T>): Promise<T> {
    const release = this.hold(accessCodeIds);
    try {
      return await accept();
    } finally {
      release();
    }
  }

  /** Has a lock asked for one slot: what it holds may not be what is written down. */
  doubt(deviceId: string, slot: number): void {
    this.#of(deviceId).doubt(slot);
  }

  /** Looks at one lock again. */
  look(deviceId: string): void {
    if (this.#state === 'started') this.#of(deviceId).look();
  }

  /** A device that was changed is another one under the same id, and nothing is known of what it holds. */
  #of(deviceId: string): LockReconciler {
    const { registry } = this.#options;
    const device = registry.get(deviceId) && registry.require(deviceId);
    const known = this.#locks.get(deviceId);
    if (known && known.device === device) return known;
    known?.close();
    const lock = new LockReconciler({ deviceId, device }, this.#options, this.#codeAttempts, this.#progress);
    this.#locks.set(deviceId, lock);
    return lock;
  }
}

export interface AbandonedOptions {
  readonly repository: Pick<CodeRepository, 'list'>;
  readonly registry: Pick<DeviceRegistry, 'get'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** Says which locks hold codes and are configured no more: whoever knows such a code can still get in. */
export function warnOfAbandoned({ repository, registry, log }: AbandonedOptions): void {
  const counts = new Map<string, number>();
  for (const { deviceId, placements } of repository.list())
    if (placements.length > 0 && !registry.get(deviceId)) counts.set(deviceId, (counts.get(deviceId) ?? 0) + 1);
  for (const [deviceId, codes] of counts) {
    log.warn(
      { deviceId, codes },
      'a lock is no longer in the configuration and still holds codes: it goes on taking them. Put it back, delete its ' +
        'codes, and take it out again; or delete them at the lock',
    );
  }
}
