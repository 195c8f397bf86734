import { z } from 'zod';
import { parseJson } from './codec.ts';

/** A device as `bridge/devices` lists it. */
export interface ListedDevice {
  /** Lower case, `0x` and sixteen digits. */
  readonly ieeeAddress: string;
  readonly friendlyName: string;
  /** Numbers and names of its endpoints: each makes a topic on which it takes commands. */
  readonly endpoints: readonly string[];
  readonly isDisabled: boolean;
  /** False where Zigbee2MQTT has no converter for it: it takes no commands. */
  readonly isSupported: boolean;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  /** The top level properties that it exposes, with those of its lock. */
  readonly properties: ReadonlySet<string>;
  /** The seconds after which it can be told to lock itself (`auto_relock_time`); undefined where it cannot be set. */
  readonly autoRelock: { readonly min: number; readonly max: number } | undefined;
}

/** A group as `bridge/groups` lists it: whoever commands it commands its members. */
export interface ListedGroup {
  readonly names: readonly string[];
  readonly members: ReadonlySet<string>;
}

const optional = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const featureSchema = z.looseObject({
  property: optional(z.string()),
  access: optional(z.int()),
  value_min: optional(z.number()),
  value_max: optional(z.number()),
});
const exposeSchema = featureSchema.extend({ features: optional(z.array(featureSchema)) });

/** Bits of a feature's `access` (Zigbee2MQTT, "Exposes"): it can be set, it can be read. */
const settable = 2;
const readable = 4;
/** What can be set where the list names no bound, in seconds: the most that Zigbee2MQTT names for any lock. */
const longestRelockS = 3_600;

const deviceSchema = z.looseObject({
  ieee_address: z.string().transform((address) => address.toLowerCase()),
  friendly_name: z.string().min(1),
  disabled: optional(z.boolean()),
  supported: optional(z.boolean()),
  endpoints: optional(z.record(z.string(), z.looseObject({ name: optional(z.string()) }))),
  definition: optional(
    z.looseObject({
      vendor: optional(z.string()),
      model: optional(z.string()),
      exposes: optional(z.array(exposeSchema)),
    }),
  ),
});

/** What a bridge lists, by what its devices are looked up with: each of them looks for itself. Of equal ones the first. */
export interface DeviceDirectory {
  readonly byAddress: ReadonlyMap<string, ListedDevice>;
  readonly byName: ReadonlyMap<string, ListedDevice>;
}

/** @returns undefined for anything that is no list of devices; entries that are none are left out */
export const parseDevices = oncePerPayload((payload): DeviceDirectory | undefined => {
  const raw = parseJson(payload);
  if (!Array.isArray(raw)) return undefined;
  const devices = raw.flatMap((entry) => {
    const parsed = deviceSchema.safeParse(entry);
    return parsed.success ? [deviceOf(parsed.data)] : [];
  });
  // Not one of them is understood: it proves nothing of who is missing.
  if (devices.length === 0 && raw.length > 0) return undefined;
  const byAddress = new Map<string, ListedDevice>();
  const byName = new Map<string, ListedDevice>();
  for (const device of devices) {
    if (!byAddress.has(device.ieeeAddress)) byAddress.set(device.ieeeAddress, device);
    if (!byName.has(device.friendlyName)) byName.set(device.friendlyName, device);
  }
  return { byAddress, byName };
});

function deviceOf(device: z.output<typeof deviceSchema>): ListedDevice {
  const { definition, endpoints = {} } = device;
  const exposes = definition?.exposes ?? [];
  const named = exposes.flatMap(({ property, features = [] }) => [property, ...features.map((one) => one.property)]);
  return {
    ieeeAddress: device.ieee_address,
    friendlyName: device.friendly_name,
    endpoints: [...new Set(Object.entries(endpoints).flatMap(([id, { name }]) => (name ? [id, name] : [id])))],
    isDisabled: device.disabled === true,
    isSupported: device.supported !== false,
    vendor: definition?.vendor,
    model: definition?.model,
    properties: new Set(named.filter((property) => property !== undefined)),
    autoRelock: autoRelockOf(exposes),
  };
}

function autoRelockOf(exposes: readonly z.output<typeof exposeSchema>[]): ListedDevice['autoRelock'] {
  const found = exposes
    .flatMap((expose) => [expose, ...(expose.features ?? [])])
    .find(({ property }) => property === 'auto_relock_time');
  const { access = 0, value_min: min = 1, value_max: max = longestRelockS } = found ?? {};
  if ((access & settable) === 0 || (access & readable) === 0) return undefined;
  return { min: Math.max(1, Math.ceil(min)), max: Math.floor(max) };
}

const groupSchema = z.looseObject({
  id: z.int(),
  friendly_name: optional(z.string().min(1)),
  members: z.array(z.looseObject({ ieee_address: z.string().transform((address) => address.toLowerCase()) })),
});

/** @returns undefined for anything that is no list of groups */
export const parseGroups = oncePerPayload((payload): readonly ListedGroup[] | undefined => {
  const raw = parseJson(payload);
  if (!Array.isArray(raw)) return undefined;
  return raw.flatMap((entry) => {
    const parsed = groupSchema.safeParse(entry);
    if (!parsed.success) return [];
    const { id, friendly_name: name, members } = parsed.data;
    return [{ names: name === undefined ? [`${id}`] : [`${id}`, name], members: new Set(members.map(ieeeOf)) }];
  });
});

const ieeeOf = ({ ieee_address }: { readonly ieee_address: string }): string => ieee_address;

const outputSchema = z.looseObject({ output: optional(z.string()) });
const optionsSchema = optional(z.looseObject({ optimistic: optional(z.boolean()) }));
const infoSchema = z.looseObject({
  config: z.looseObject({
    advanced: optional(outputSchema),
    experimental: optional(outputSchema),
    device_options: optionsSchema,
    devices: optional(z.record(z.string(), z.unknown())),
  }),
});

const parseInfo = oncePerPayload((payload) => infoSchema.safeParse(parseJson(payload)).data?.config);

/** @returns the option that keeps JSON from being published, by its name; undefined where nothing does */
export function optionWithoutJson(payload: Buffer): string | undefined {
  // It stood under `experimental` in old versions.
  const { advanced, experimental } = parseInfo(payload) ?? {};
  if (advanced?.output === 'attribute') return 'advanced.output';
  return experimental?.output === 'attribute' ? 'experimental.output' : undefined;
}

/**
 * Whether the bridge publishes after a command what should be (`bridge/info`, the option `optimistic` of the device or of
 * all devices). @returns undefined where it does not tell
 */
export function isOptimistic(payload: Buffer, ieeeAddress: string | undefined): boolean | undefined {
  const config = parseInfo(payload);
  if (config === undefined) return undefined;
  const { device_options: all, devices = {} } = config;
  const own = ieeeAddress === undefined ? undefined : optionsSchema.parse(devices[ieeeAddress]);
  return own?.optimistic ?? all?.optimistic ?? true;
}

const renameSchema = z.looseObject({
  status: z.literal('ok'),
  data: z.looseObject({ from: z.string(), to: z.string().min(1) }),
});

/** What `bridge/response/device/rename` says was done. */
export const parseRename = oncePerPayload((payload): { readonly from: string; readonly to: string } | undefined => {
  const parsed = renameSchema.safeParse(parseJson(payload));
  return parsed.success ? { from: parsed.data.data.from, to: parsed.data.data.to } : undefined;
});

const leaveSchema = z.looseObject({
  type: z.literal('device_leave'),
  data: z.looseObject({ ieee_address: z.string(), friendly_name: optional(z.string()) }),
});
const removeSchema = z.looseObject({ status: z.literal('ok'), data: z.looseObject({ id: z.string() }) });

/** Who left, in `bridge/event` and `bridge/response/device/remove`: its name, its IEEE address or both. */
export const parseGone = oncePerPayload((payload): readonly string[] => {
  const raw = parseJson(payload);
  const left = leaveSchema.safeParse(raw);
  if (left.success) {
    const { ieee_address: address, friendly_name: name } = left.data.data;
    return name === undefined ? [address.toLowerCase()] : [address.toLowerCase(), name];
  }
  const removed = removeSchema.safeParse(raw);
  return removed.success ? [removed.data.data.id] : [];
});

/**
 * Reads a payload once, however many devices hear it: a bridge's lists name all of them, and each reads what is said of
 * itself. What was read is shared, and gone with the payload.
 */
export function oncePerPayload<Read>(read: (payload: Buffer) => Read): (payload: Buffer) => Read {
  const known = new WeakMap<Buffer, { readonly value: Read }>();
  return (payload) => {
    const before = known.get(payload);
    if (before !== undefined) return before.value;
    const value = read(payload);
    known.set(payload, { value });
    return value;
  };
}
