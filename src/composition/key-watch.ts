import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import { canonicalJson } from '../config/canonical-json.ts';
import type { ApiKeyRecord } from '../http/api-key-file.ts';
import type { ApiKeys, KeysChanged } from '../http/api-keys.ts';
import type { RefusedKeysReport } from '../http/refused-keys.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { Store } from '../model/store.ts';

/** The keys as they were last told of, by id: what changed while the gateway was stopped is told at its start. */
const knownKeysFact = 'api_keys_known';

export interface KeyWatchOptions {
  readonly keys: ApiKeys;
  readonly store: Pick<Store, 'read' | 'commit'>;
  readonly audit: AuditLog;
  /** Writes events down. */
  readonly tell: (drafts: readonly EventDraft[]) => void;
  readonly log: Logger;
  readonly wallTime: () => number;
}

/** Tells of keys that were made, changed and taken away, however that was done, and of keys that were refused. */
export class KeyWatch {
  readonly #options: KeyWatchOptions;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
    options.keys.onChange((change) => this.#changed(change));
  }

  /** Compares with what was known when the gateway last ran. */
  start(): void {
    const { keys, store } = this.#options;
    const known = new Map(Object.entries(JSON.parse(store.read.fact(knownKeysFact) ?? '{}') as Record<string, string>));
    const isFirst = store.read.fact(knownKeysFact) === undefined;
    const now = keys.list();
    const ids = new Set(now.map(({ id }) => id));
    this.#changed({
      created: now.filter(({ id }) => !known.has(id)),
      changed: now.filter((record) => known.has(record.id) && known.get(record.id) !== shapeOf(record)),
      revoked: [...known.keys()].filter((id) => !ids.has(id)).map((id) => ({ id })),
      isFirst,
    });
  }

  refused({ address, reason, keyId, count }: RefusedKeysReport): void {
    const { log, audit, tell, wallTime } = this.#options;
    const details = {
      reason,
      count,
      ...(address !== undefined && { address }),
      ...(keyId !== undefined && { api_key_id: keyId }),
    };
    log.warn(details, 'requests with wrong API keys were refused');
    audit.append({ kind: 'login_refused', by: { kind: 'gateway' }, details });
    tell([{ eventType: 'strikeplate.api_key.refused', occurredAt: wallTime(), details }]);
  }

  #changed(change: Omit<KeysChanged, 'revoked'> & { revoked: readonly { id: string }[]; isFirst?: boolean }): void {
    const { created, changed, revoked, isFirst = false } = change;
    const { keys, store, audit, tell, wallTime, log } = this.#options;
    if (created.length + changed.length + revoked.length === 0) return;
    const by = { kind: 'gateway' } as const;
    const entries = [
      ...created.map((key) =>
        audit.entry({ kind: 'api_key_created', by, details: { api_key_id: key.id, ...reachOf(key) }, name: key.name }),
      ),
      ...changed.map((key) =>
        audit.entry({ kind: 'api_key_changed', by, details: { api_key_id: key.id, ...reachOf(key) }, name: key.name }),
      ),
      ...revoked.map(({ id }) => audit.entry({ kind: 'api_key_revoked', by, details: { api_key_id: id } })),
    ];
    const shapes = Object.fromEntries(keys.list().map((record) => [record.id, shapeOf(record)]));
    store
      .commit([...entries, { kind: 'fact_put', name: knownKeysFact, value: JSON.stringify(shapes) }])
      .catch((error: unknown) => log.error({ err: error }, 'a change of the API keys could not be written down'));
    const occurredAt = wallTime();
    // The keys of a site that had no such events yet were not made now.
    if (!isFirst)
      tell([
        ...created.map(
          ({ id, scopes }): EventDraft => ({
            eventType: 'strikeplate.api_key.created',
            occurredAt,
            details: { api_key_id: id, scopes },
          }),
        ),
        ...revoked.map(
          ({ id }): EventDraft => ({
            eventType: 'strikeplate.api_key.revoked',
            occurredAt,
            details: { api_key_id: id },
          }),
        ),
      ]);
  }
}

const reachOf = ({ scopes, devices, spaces, expires_at, previous }: ApiKeyRecord) => ({
  scopes,
  device_ids: devices ?? null,
  ...(spaces && { space_ids: spaces }),
  expires_at: expires_at ?? null,
  ...(previous && { previous_until: previous.until }),
});

/** Tells two states of a key apart without keeping anything of it. */
const shapeOf = ({ hash, ...record }: ApiKeyRecord): string =>
  `${hash.slice(0, 8)} ${canonicalJson(reachOf({ hash, ...record }))}`;
