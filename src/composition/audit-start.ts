import type { AuditLog } from '../audit/audit-log.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { GatewayIdentity } from '../model/gateway.ts';
import type { Store } from '../model/store.ts';
import type { PairingFiles } from '../store/pairing-files.ts';

/** The pairings as they were at the last start: pairing is done while the gateway is stopped. */
const knownPairingsFact = 'pairings_known';

/** Writes down that the gateway started, with what, and which devices were paired since it last ran. */
export async function writeStart(
  audit: AuditLog,
  config: Pick<LoadedConfig, 'digest' | 'devices'>,
  { version, bootId }: GatewayIdentity,
  pairings: Pick<PairingFiles, 'fingerprints'>,
  store: Pick<Store, 'read' | 'commit'> & { readonly damaged: readonly string[] },
): Promise<void> {
  const by = { kind: 'gateway' } as const;
  const known = JSON.parse(store.read.fact(knownPairingsFact) ?? '{}') as Record<string, string>;
  const now = pairings.fingerprints();
  const changed = Object.keys({ ...known, ...now }).filter((deviceId) => known[deviceId] !== now[deviceId]);
  if (audit.head === undefined) await audit.write({ kind: 'database_created', by, details: {} });
  await store.commit([
    audit.entry({
      kind: 'gateway_started',
      by,
      details: { version, boot_id: bootId, config_sha256: config.digest, devices: config.devices.length },
    }),
    ...(store.damaged.length > 0
      ? [audit.entry({ kind: 'rows_left_out', by, details: { rows: store.damaged.slice(0, 100) } })]
      : []),
    ...changed.map((deviceId) =>
      audit.entry({
        kind: 'pairing_changed',
        by: { kind: 'cli' },
        details: { device_id: deviceId, paired: now[deviceId] !== undefined },
      }),
    ),
    ...(changed.length > 0 ? [{ kind: 'fact_put', name: knownPairingsFact, value: JSON.stringify(now) } as const] : []),
  ]);
}
