import type { Logger } from 'pino';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { CodeRepository } from './code-repository.ts';

export interface AbandonedOptions {
  readonly book: Pick<CodeRepository, 'list'>;
  readonly registry: Pick<DeviceRegistry, 'get'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** Says at the start which locks hold codes and are configured no more: whoever knows such a code can still get in. */
export function warnOfAbandoned({ book, registry, log }: AbandonedOptions): void {
  const counts = new Map<string, number>();
  for (const { deviceId, placements } of book.list())
    if (placements.length > 0 && !registry.get(deviceId)) counts.set(deviceId, (counts.get(deviceId) ?? 0) + 1);
  for (const [deviceId, codes] of counts) {
    log.warn(
      { deviceId, codes },
      'a lock is no longer in the configuration and still holds codes: it goes on taking them. Put it back, delete its ' +
        'codes, and take it out again; or delete them at the lock',
    );
  }
}
