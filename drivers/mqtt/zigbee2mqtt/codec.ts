import { z } from 'zod';
import { type LockMethod, Secret } from '../../../src/contract/index.ts';
import { boundedJson } from '../../../src/driver-kit/bounded-json.ts';

/** Where the lock says its bolt is (ZCL Door Lock cluster, attribute LockState, in Zigbee2MQTT's words). */
export type Bolt = 'locked' | 'unlocked' | 'not_fully_locked';

export const doorCommand = (command: 'LOCK' | 'UNLOCK'): string => JSON.stringify({ state: command });

export const stateRead = JSON.stringify({ state: '' });

/** The PIN goes as a string: as a number it would lose its leading zeros. */
export const pinWrite = (slot: number, code: Secret): string =>
  JSON.stringify({
    pin_code: { user: slot, user_type: 'unrestricted', user_enabled: true, pin_code: code.reveal() },
  });

export const pinClear = (slot: number): string => JSON.stringify({ pin_code: { user: slot, pin_code: null } });

export const pinRead = (slot: number): string => JSON.stringify({ pin_code: { user: slot } });

/** What the bridge last read of a code slot. */
export interface SlotStatus {
  /** `available`, `enabled`, `disabled`, or `not_supported_…` */
  readonly status: string;
  /** Only with the device option `expose_pin`, and only while the slot is in use. */
  readonly code: Secret | undefined;
}

/** What somebody or something did to the lock. These keys are not cached: each message with one is an event. */
export type LockEvent =
  | {
      readonly kind: 'operated';
      readonly action: string;
      readonly operation: 'locked' | 'unlocked' | 'access_denied';
      readonly method: LockMethod;
      readonly slot: number | undefined;
    }
  | {
      readonly kind: 'programmed';
      readonly occupied: boolean;
      readonly slot: number | undefined;
      /** True for a change that came over the air, ours or another controller's. */
      readonly remote: boolean;
    };

/** A message on the device's own topic: what is new in it and what is cached looks the same. */
export interface StateMessage {
  readonly bolt: Bolt | undefined;
  readonly event: LockEvent | undefined;
  readonly slots: ReadonlyMap<number, SlotStatus>;
  /** Percent */
  readonly battery: number | undefined;
  readonly batteryLow: boolean | undefined;
  /** dBA */
  readonly noise: number | undefined;
  /** Every key that lasts, for comparing; may hold PINs, so it is not for logs. */
  readonly kept: ReadonlyMap<string, unknown>;
}

const optional = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const userSchema = z.looseObject({
  status: z.string(),
  pin_code: optional(z.union([z.string(), z.number().transform(String)])),
});

const stateSchema = z.object({
  state: optional(z.string()),
  lock_state: optional(z.enum(['locked', 'unlocked', 'not_fully_locked'])),
  action: optional(z.string().min(1)),
  action_user: optional(z.int().nonnegative()),
  action_source: optional(z.number()),
  action_source_name: optional(z.string()),
  users: optional(z.record(z.string(), z.unknown())),
  battery: optional(z.number().min(0).max(100)),
  battery_low: optional(z.boolean()),
  noise: optional(
    z.union([
      z.number(),
      z
        .string()
        .regex(/^-?\d+(\.\d+)?$/)
        .transform(Number),
    ]),
  ),
});

type State = z.output<typeof stateSchema>;

/** Keys that come and go with the radio or are not cached: a difference in them tells nothing of the device. */
const fleeting = /^(action(_.*)?|linkquality|last_seen|elapsed|update(_.*)?|last_successful_pincode_.*)$/;

/** @returns undefined for anything that is not a JSON object */
export function parseState(payload: Buffer): StateMessage | undefined {
  const raw = parseJson(payload);
  const parsed = stateSchema.safeParse(raw);
  if (!parsed.success) return undefined;
  const state = parsed.data;
  return {
    bolt: boltOf(state),
    event: eventOf(state),
    slots: slotsOf(state),
    battery: state.battery,
    batteryLow: state.battery_low,
    noise: state.noise,
    kept: keptOf(raw as Record<string, unknown>),
  };
}

/** `state` says UNLOCK for a jammed bolt, too, so it counts only where the lock has no `lock_state`. */
function boltOf(state: State): Bolt | undefined {
  if ('lock_state' in state) return state.lock_state;
  if (state.state === 'LOCK') return 'locked';
  return state.state === 'UNLOCK' ? 'unlocked' : undefined;
}

function slotsOf(state: State): ReadonlyMap<number, SlotStatus> {
  const slots = new Map<number, SlotStatus>();
  for (const [user, value] of Object.entries(state.users ?? {})) {
    const parsed = userSchema.safeParse(value);
    if (!parsed.success || !/^\d+$/.test(user)) continue;
    const { status, pin_code } = parsed.data;
    // The cache is merged, never pruned: beside `available` the PIN is one that the slot held before.
    const code = status === 'available' || pin_code === undefined ? undefined : new Secret(pin_code);
    slots.set(Number(user), { status, code });
  }
  return slots;
}

/** The top level key by key, and the code slots one by one. */
function keptOf(raw: Record<string, unknown>): ReadonlyMap<string, unknown> {
  const kept = new Map<string, unknown>();
  for (const [key, value] of Object.entries(raw)) {
    if (fleeting.test(key)) continue;
    if (key !== 'users' || typeof value !== 'object' || value === null) kept.set(key, value);
    else for (const [user, status] of Object.entries(value)) kept.set(slotKey(Number(user)), status);
  }
  return kept;
}

/** The key in {@link StateMessage.kept} under which a slot is compared. */
export const slotKey = (slot: number): string => `users/${slot}`;

/** The keys in {@link StateMessage.kept} that tell of the bolt. */
export const boltKeys: ReadonlySet<string> = new Set(['state', 'lock_state']);

/**
 * Operation event codes of the ZCL Door Lock cluster in Zigbee2MQTT's words, with what they mean for the bolt.
 * `lock` and `unlock` say how by their source.
 */
const operations: ReadonlyMap<string, readonly ['locked' | 'unlocked' | 'access_denied', LockMethod | 'source']> =
  new Map([
    ['lock', ['locked', 'source']],
    ['unlock', ['unlocked', 'source']],
    ['lock_failure_invalid_pin_or_id', ['access_denied', 'source']],
    ['lock_failure_invalid_schedule', ['access_denied', 'source']],
    ['unlock_failure_invalid_pin_or_id', ['access_denied', 'source']],
    ['unlock_failure_invalid_schedule', ['access_denied', 'source']],
    ['non_access_user_operational_event', ['access_denied', 'source']],
    ['one_touch_lock', ['locked', 'manual']],
    ['key_lock', ['locked', 'manual']],
    ['key_unlock', ['unlocked', 'manual']],
    ['auto_lock', ['locked', 'automatic']],
    ['schedule_lock', ['locked', 'automatic']],
    ['schedule_unlock', ['unlocked', 'automatic']],
    ['manual_lock', ['locked', 'manual']],
    ['manual_unlock', ['unlocked', 'manual']],
  ]);

/** Operation event sources, by name, and by number as the cluster has them. */
const methods: ReadonlyMap<string | number | undefined, LockMethod> = new Map<string | number, LockMethod>([
  ['keypad', 'keycode'],
  [0, 'keycode'],
  ['rf', 'remote'],
  [1, 'remote'],
  ['manual', 'manual'],
  [2, 'manual'],
  ['rfid', 'card'],
  [3, 'card'],
]);

function eventOf(state: State): LockEvent | undefined {
  const { action, action_user: slot } = state;
  if (action === undefined) return undefined;
  const source = methods.get(state.action_source_name ?? state.action_source) ?? 'unknown';
  const operation = operations.get(action);
  if (operation !== undefined) {
    const [result, how] = operation;
    const method = how === 'source' ? source : how;
    // Only a keypad's or a card's user is somebody's slot; the rest is filled with whatever the lock has at hand.
    const who = method === 'keycode' || method === 'card' ? slot : undefined;
    return { kind: 'operated', action, operation: result, method, slot: who };
  }
  if (/^pin_code_(added|deleted|changed)$/.test(action))
    return { kind: 'programmed', occupied: action !== 'pin_code_deleted', slot, remote: source === 'remote' };
  return undefined;
}

const onlineSchema = z.looseObject({ state: z.enum(['online', 'offline']) });

/** Availability and the bridge's own state; bare words are what older versions and options publish. */
export function parseOnline(payload: Buffer): 'online' | 'offline' | undefined {
  const text = payload.toString().trim();
  if (text === 'online' || text === 'offline') return text;
  const parsed = onlineSchema.safeParse(parseJson(payload));
  return parsed.success ? parsed.data.state : undefined;
}

export const parseJson = boundedJson;
