import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { GatewayError } from '../contract/index.ts';
import { type DeviceSettings, noSettings } from '../model/device-snapshot.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { DeviceAdministration, DeviceUpdate, Origin } from '../model/gateway.ts';
import type { Actor } from '../model/records.ts';
import type { Rewording } from '../model/rewording.ts';
import type { Store, StoreReader } from '../model/store.ts';
import type { DeviceRegistry } from './device-registry.ts';

/** Seam's own limit (`/devices/update`, custom_metadata). */
const mostMetadata = 50;

const keptSettings = z.object({
  name: z.string().optional(),
  customMetadata: z.record(z.string(), z.union([z.string(), z.boolean()])),
  isManaged: z.boolean(),
  backupPool: z.boolean().optional(),
  codeLengths: z.array(z.number()).optional(),
  stopped: z.object({ at: z.number(), by: z.string(), reason: z.string().optional() }).optional(),
});

/** What was set for a device in earlier runs. */
export const keptSettingsOf = (store: StoreReader, deviceId: string): DeviceSettings =>
  settingsIn(store.fact(nameOf(deviceId)));

function settingsIn(text: string | undefined): DeviceSettings {
  if (text === undefined) return noSettings;
  const { name, customMetadata, isManaged, backupPool, codeLengths, stopped } = keptSettings.parse(JSON.parse(text));
  return {
    name,
    customMetadata,
    isManaged,
    backupPool,
    codeLengths,
    stopped: stopped && { at: stopped.at, by: stopped.by, reason: stopped.reason },
  };
}

/**
 * The same of many devices at once: for most of them nothing was ever set, and to ask the store for each takes a twentieth of
 * a start with ten thousand. Whoever is set meanwhile is not seen.
 */
export function keptSettingsOfAll(store: StoreReader): (deviceId: string) => DeviceSettings {
  const facts = store.facts(nameOf(''));
  return (deviceId) => settingsIn(facts.get(nameOf(deviceId)));
}

export interface DeviceAdministratorOptions {
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly events: EventRecorder;
  readonly clock: { wallTime(): number };
}

/** What people set for devices while the gateway runs: kept on disk, and shown only once it is there. */
export class DeviceAdministrator implements DeviceAdministration {
  readonly #options: DeviceAdministratorOptions;
  /** One change after the other: each is made of what the one before left. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DeviceAdministratorOptions) {
    this.#options = options;
  }

  update(deviceId: string, update: DeviceUpdate): Promise<void> {
    return this.#change(deviceId, (before, configuredName) => {
      if (update.codeLengths) this.#assertTakes(deviceId, update.codeLengths);
      const customMetadata = { ...before.customMetadata };
      for (const [key, value] of Object.entries(update.customMetadata ?? {})) {
        if (value === null || value === '') delete customMetadata[key];
        else customMetadata[key] = value;
      }
      if (Object.keys(customMetadata).length > mostMetadata) throw tooMuchMetadata();
      const name = update.name === undefined ? before.name : (update.name ?? undefined);
      const { isManaged = before.isManaged, backupPool = before.backupPool, codeLengths = before.codeLengths } = update;
      const settings = { ...before, name, customMetadata, isManaged, backupPool, codeLengths };
      const renamed = (name ?? configuredName) !== (before.name ?? configuredName);
      const event = { eventType: 'device.name_changed', details: { device_name: name ?? configuredName } } as const;
      const eventType = settings.isManaged ? 'device.unmanaged.converted_to_managed' : 'device.converted_to_unmanaged';
      const converted = settings.isManaged === before.isManaged ? [] : [{ eventType } as const];
      return { settings, events: [...(renamed ? [event] : []), ...converted] };
    });
  }

  takeOutOfService(deviceId: string, reason: string | undefined, origin: Origin): Promise<void> {
    return this.#change(deviceId, (before) => {
      if (before.stopped && before.stopped.reason === reason) return { settings: before, events: [] };
      const by = nameOfActor(origin.actor);
      const stopped = { at: this.#options.clock.wallTime(), by, reason };
      const details = { by, ...(reason !== undefined && { reason }) };
      const event = { eventType: 'strikeplate.device.taken_out_of_service', details } as const;
      return { settings: { ...before, stopped }, events: [event] };
    });
  }

  putIntoService(deviceId: string, origin: Origin): Promise<void> {
    return this.#change(deviceId, (before) => {
      const device = this.#options.registry.require(deviceId);
      if (device.isOutOfServiceByConfiguration) throw outByConfiguration(device.snapshot.name);
      if (!before.stopped) return { settings: before, events: [] };
      const event = {
        eventType: 'strikeplate.device.put_into_service',
        details: { by: nameOfActor(origin.actor) },
      } as const;
      return { settings: { ...before, stopped: undefined }, events: [event] };
    });
  }

  /** @throws GatewayError `unsupported_action`, `invalid_input` */
  #assertTakes(deviceId: string, lengths: readonly number[]): void {
    const { ownCodeLengths: own, snapshot } = this.#options.registry.require(deviceId);
    if (own === undefined)
      throw new GatewayError('unsupported_action', `${snapshot.name} takes no access codes, or is not open yet.`);
    if (!own.some((length) => lengths.includes(length)))
      throw new GatewayError(
        'invalid_input',
        `${snapshot.name} takes codes of ${own.join(', ')} digits, and none of these lengths was reported.`,
      );
  }

  reword(deviceId: string, { text, pairs }: Rewording): Promise<void> {
    return this.#change(deviceId, (before) => {
      const { stopped, customMetadata } = before;
      const settings = {
        ...before,
        customMetadata: pairs(customMetadata),
        stopped: stopped && {
          ...stopped,
          by: text(stopped.by),
          reason: stopped.reason === undefined ? undefined : text(stopped.reason),
        },
      };
      return { settings: isDeepStrictEqual(settings, before) ? before : settings, events: [] };
    });
  }

  #change(
    deviceId: string,
    decide: (
      before: DeviceSettings,
      configuredName: string,
    ) => { readonly settings: DeviceSettings; readonly events: readonly Untold[] },
  ): Promise<void> {
    const turn = this.#last.then(async () => {
      const { registry, store, events: recorder, clock } = this.#options;
      const device = registry.require(deviceId);
      const { settings, events } = decide(device.settings, device.configuredName);
      if (settings === device.settings) return;
      const occurredAt = clock.wallTime();
      await store.commit([
        { kind: 'fact_put', name: nameOf(deviceId), value: JSON.stringify(settings) },
        ...events.map((event) => recorder.record({ ...event, deviceId, occurredAt })),
      ]);
      device.apply(settings);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** An event without what all of them have. */
type Untold = EventDraft extends infer Draft
  ? Draft extends EventDraft
    ? Omit<Draft, 'deviceId' | 'occurredAt'>
    : never
  : never;

const nameOf = (deviceId: string): string => `device_settings:${deviceId}`;

const nameOfActor = (actor: Actor): string =>
  actor.kind === 'api_key' || actor.kind === 'cli' || actor.kind === 'mqtt' ? actor.name : 'the gateway';

const tooMuchMetadata = () =>
  new GatewayError('invalid_input', `custom_metadata: a device has at most ${mostMetadata} pairs. Remove some first.`);

const outByConfiguration = (name: string) =>
  new GatewayError(
    'invalid_input',
    `${name} is out of service by configuration. Take out_of_service out of its entry there and restart the gateway.`,
  );
