import type { EventDraft } from '../model/event-types.ts';
import type { Change, StoreReader } from '../model/store.ts';
import { toldFact } from './device-condition.ts';

/** Where it is kept which devices the last run had: name by `device_id`, as JSON. */
const factName = 'devices_told';

/** A device as it is known by. */
export interface Named {
  readonly deviceId: string;
  /** In configuration: what people name it while the gateway runs has an event of its own. */
  readonly configuredName: string;
  /** Whether that is the name it goes by. */
  readonly goesByIt: boolean;
}

/** Which devices came, went or were given another name in configuration since the last run. */
export function eventsOfDeviceList(
  devices: readonly Named[],
  store: StoreReader,
  occurredAt: number,
): { readonly drafts: readonly EventDraft[]; readonly changes: readonly Change[] } {
  const fact = store.fact(factName);
  const before = new Map(Object.entries((fact === undefined ? {} : JSON.parse(fact)) as Record<string, string>));
  const drafts: EventDraft[] = [];
  const changes: Change[] = [];
  for (const { deviceId, configuredName: name, goesByIt } of devices) {
    const known = before.get(deviceId);
    before.delete(deviceId);
    if (known === undefined) {
      drafts.push({ eventType: 'device.added', deviceId, occurredAt, details: { device_name: name } });
    } else if (known !== name && goesByIt) {
      drafts.push({ eventType: 'device.name_changed', deviceId, occurredAt, details: { device_name: name } });
    }
  }
  for (const [deviceId, name] of before) {
    // Nothing is left of it here: for Seam's applications that is a second thing.
    for (const eventType of ['device.removed', 'device.deleted'] as const) {
      drafts.push({ eventType, deviceId, occurredAt, details: { device_name: name } });
    }
    changes.push({ kind: 'fact_removed', name: toldFact(deviceId) });
  }
  const names = JSON.stringify(
    Object.fromEntries(devices.map(({ deviceId, configuredName }) => [deviceId, configuredName])),
  );
  if (names !== fact) changes.push({ kind: 'fact_put', name: factName, value: names });
  return { drafts, changes };
}
