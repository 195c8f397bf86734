import { z } from 'zod';
import type { DenialReason, LockMethod, Secret } from '../../../src/contract/index.ts';
import { boundedJson } from '../../../src/driver-kit/bounded-json.ts';
import { methodOf, operationOf, programmingOf, type SlotStatus, ToldSlots } from './slot-status.ts';

/** Where the lock says its bolt is (ZCL Door Lock cluster, attribute LockState, in Zigbee2MQTT's words). */
export type Bolt = 'locked' | 'unlocked' | 'not_fully_locked';

export const doorCommand = (command: 'LOCK' | 'UNLOCK'): string => JSON.stringify({ state: command });

export const stateRead = JSON.stringify({ state: '' });

/** No sensor is known to answer it; a bridge that has no device of the name says so. */
export const noiseRead = JSON.stringify({ noise: '' });

/** The PIN goes as a string: as a number it would lose its leading zeros. */
export const pinWrite = (slot: number, code: Secret): string =>
  JSON.stringify({
    pin_code: { user: slot, user_type: 'unrestricted', user_enabled: true, pin_code: code.reveal() },
  });

export const pinClear = (slot: number): string => JSON.stringify({ pin_code: { user: slot, pin_code: null } });

export const pinRead = (slot: number): string => JSON.stringify({ pin_code: { user: slot } });

/** Seconds; 0: never. */
export const autoRelockWrite = (seconds: number): string => JSON.stringify({ auto_relock_time: seconds });

export const autoRelockRead = JSON.stringify({ auto_relock_time: '' });

/** What somebody or something did to the lock. These keys are not cached: each message with one is an event. */
export type LockEvent =
  | {
      readonly kind: 'operated';
      readonly action: string;
      readonly operation: 'locked' | 'unlocked' | 'jammed' | 'access_denied';
      readonly method: LockMethod;
      readonly slot: number | undefined;
      readonly denial: DenialReason | undefined;
    }
  | {
      readonly kind: 'programmed';
      readonly occupied: boolean;
      readonly slot: number | undefined;
      /** True for a change that came over the air, ours or another controller's. */
      readonly remote: boolean;
    };

/** Who moved the bolt last, where the lock keeps it in an attribute: it is cached, so only a change of it is news. */
export interface LastMover {
  readonly method: LockMethod;
  readonly slot: number | undefined;
}

/** A message on the device's own topic: what is new in it and what is cached looks the same. */
export interface StateMessage {
  /** `unknown` where the lock said that it does not know; undefined where the message does not speak of the bolt. */
  readonly bolt: Bolt | 'unknown' | undefined;
  /** The bolt is told by `state` alone, which says UNLOCK for anything that is not locked. */
  readonly isBare: boolean;
  readonly event: LockEvent | undefined;
  readonly lastUnlock: LastMover | undefined;
  readonly lastLock: LastMover | undefined;
  readonly slots: ReadonlyMap<number, SlotStatus>;
  /** Percent */
  readonly battery: number | undefined;
  readonly batteryLow: boolean | undefined;
  readonly tamper: boolean | undefined;
  readonly door: 'open' | 'closed' | 'unknown' | undefined;
  /** Seconds after which the lock locks itself; 0: never. */
  readonly autoRelockS: number | undefined;
  /** dBA */
  readonly noise: number | undefined;
  /** The IEEE address of the device that the message is of, where the bridge includes device information. */
  readonly ieeeAddress: string | undefined;
  /** When the bridge last heard from the device, as it writes it; undefined where it does not tell. */
  readonly lastSeen: string | number | undefined;
  /** How well the radio heard the device's last frame. */
  readonly linkQuality: number | undefined;
  /** Every key that lasts, for comparing, without the slots; may hold PINs, so it is not for logs. */
  readonly kept: ReadonlyMap<string, unknown>;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isFilled = (value: unknown): value is string => typeof value === 'string' && value !== '';

const switchIn = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

const numberIn = (value: unknown, least = -Infinity, most = Infinity): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most ? value : undefined;

const wholeIn = (value: unknown, least?: number): number | undefined =>
  Number.isSafeInteger(value) ? numberIn(value, least) : undefined;

/** A number that is written as a word. */
const writtenIn = (value: unknown, form: RegExp): number | undefined =>
  typeof value === 'string' && form.test(value) ? Number(value) : undefined;

const userIn = (value: unknown): number | undefined => wholeIn(value) ?? writtenIn(value, digits);

const digits = /^\d+$/;
const decimal = /^-?\d+(\.\d+)?$/;

/** Keys that come and go with the radio or are not cached: a difference in them tells nothing of the device. */
const fleeting = /^(action(_.*)?|linkquality|last_seen|elapsed|device|update(_.*)?|last_successful_pincode_.*)$/;

const NO_SLOTS: ReadonlyMap<number, SlotStatus> = new Map();

/**
 * Key by key, as they are there, each value on its own: one that is of another kind than it should be was not told. By hand
 * and not by a schema: this is read of every message of every device. A schema took three times as long for the first 300
 * (58 against 19 us), and a third longer when all is warm.
 *
 * @param told the slots of the lock as they were told before @returns undefined for anything that is not a JSON object
 */
export function parseState(payload: Buffer, told = new ToldSlots()): StateMessage | undefined {
  const raw = parseJson(payload);
  if (!isObject(raw)) return undefined;
  const { bolt, isBare } = boltOf(raw);
  const kept = new Map<string, unknown>();
  const message: { -readonly [Key in keyof StateMessage]: StateMessage[Key] } = {
    bolt,
    isBare,
    event: eventOf(raw),
    lastUnlock: undefined,
    lastLock: undefined,
    slots: NO_SLOTS,
    battery: undefined,
    batteryLow: undefined,
    tamper: undefined,
    door: undefined,
    autoRelockS: undefined,
    noise: undefined,
    ieeeAddress: undefined,
    lastSeen: undefined,
    linkQuality: undefined,
    kept,
  };
  for (const [key, value] of Object.entries(raw)) {
    if (key === 'users' && isObject(value)) {
      message.slots = told.read(value);
      // The slots are compared one by one, unless they are told in a way that nobody has met.
      for (const user of Object.keys(value)) if (!/^\d+$/.test(user)) kept.set(slotKey(user), Reflect.get(value, user));
      continue;
    }
    if (!fleeting.test(key)) kept.set(key, value);
    switch (key) {
      case 'last_unlock_user':
      case 'last_unlock_source':
        message.lastUnlock ??= moverOf(raw.last_unlock_user, raw.last_unlock_source);
        break;
      case 'last_lock_user':
      case 'last_lock_source':
        message.lastLock ??= moverOf(raw.last_lock_user, raw.last_lock_source);
        break;
      case 'battery':
        message.battery = numberIn(value, 0, 100);
        break;
      case 'battery_low':
        message.batteryLow = switchIn(value);
        break;
      case 'tamper':
        message.tamper = switchIn(value);
        break;
      case 'door_state':
        message.door = isFilled(value) ? (contacts.get(value) ?? 'unknown') : undefined;
        break;
      case 'auto_relock_time':
        message.autoRelockS = wholeIn(value, 0);
        break;
      case 'noise':
        message.noise = numberIn(value) ?? writtenIn(value, decimal);
        break;
      case 'device':
        if (isObject(value) && typeof value.ieeeAddr === 'string') message.ieeeAddress = value.ieeeAddr.toLowerCase();
        break;
      case 'last_seen':
        message.lastSeen = typeof value === 'string' ? value : numberIn(value);
        break;
      case 'linkquality':
        message.linkQuality = numberIn(value);
        break;
    }
  }
  return message;
}

/** ZCL Door Lock cluster, attribute DoorState, in Zigbee2MQTT’s words. */
const contacts: ReadonlyMap<string, 'open' | 'closed'> = new Map([
  ['open', 'open'],
  ['error_forced_open', 'open'],
  ['closed', 'closed'],
]);

/** ZCL Door Lock cluster, attribute LockState, by word and by number. */
const lockStates: ReadonlyMap<unknown, Bolt> = new Map<unknown, Bolt>([
  ['not_fully_locked', 'not_fully_locked'],
  ['locked', 'locked'],
  ['unlocked', 'unlocked'],
  [0, 'not_fully_locked'],
  [1, 'locked'],
  [2, 'unlocked'],
]);

/** Most converters say LOCK and UNLOCK, one of Yale’s LOCKED and UNLOCKED. */
const states: ReadonlyMap<unknown, Bolt> = new Map<unknown, Bolt>([
  ['LOCK', 'locked'],
  ['LOCKED', 'locked'],
  ['UNLOCK', 'unlocked'],
  ['UNLOCKED', 'unlocked'],
]);

/**
 * `state` says UNLOCK for a jammed bolt, too, and for one that the lock does not know of (ZCL LockState 0xFF): it counts
 * only where the lock has no `lock_state`. A word or number there that is no place says "not known", null as well.
 */
function boltOf({ lock_state, state }: Readonly<Record<string, unknown>>): Pick<StateMessage, 'bolt' | 'isBare'> {
  if (isWord(lock_state) || typeof lock_state === 'number' || typeof lock_state === 'boolean')
    return { bolt: lockStates.get(lock_state) ?? 'unknown', isBare: false };
  return { bolt: isWord(state) ? (states.get(state) ?? 'unknown') : undefined, isBare: true };
}

const isWord = (value: unknown): value is string | null => typeof value === 'string' || value === null;

/** The key under which a slot is told to have changed. */
export const slotKey = (slot: number | string): string => `users/${slot}`;

/** Whether somebody looks at a key only where it differs from before: such keys are compared however many there are. */
export const isRead = (key: string): boolean =>
  /^(state|lock_state|battery(_low)?|tamper|door_state|auto_relock_time|noise|last_(un)?lock_(user|source)|last_used_pin_code)$/.test(
    key,
  );

function eventOf(keys: Readonly<Record<string, unknown>>): LockEvent | undefined {
  const { action } = keys;
  if (!isFilled(action)) return undefined;
  const { action_source_name: name, action_source: number } = keys;
  const source = methodOf(isFilled(name) ? name : undefined) ?? methodOf(isFilled(number) ? number : numberIn(number));
  const user = userIn(keys.action_user) ?? userIn(keys.action_source_user);
  const operation = operationOf(action);
  if (operation !== undefined) {
    const { result, denial } = operation;
    const method = operation.method ?? source ?? 'unknown';
    const slot = denial === 'unknown_code' ? undefined : slotOf(method, user ?? operation.user);
    return { kind: 'operated', action, operation: result, method, slot, denial };
  }
  const programming = programmingOf(action);
  if (programming === undefined) return undefined;
  return { kind: 'programmed', occupied: programming.occupied, slot: somebody(user), remote: source === 'remote' };
}

function moverOf(user: unknown, source: unknown): LastMover | undefined {
  const told = userIn(user);
  const word = isFilled(source) ? source : undefined;
  if (told === undefined && word === undefined) return undefined;
  const method = methodOf(word) ?? 'unknown';
  return { method, slot: slotOf(method, told) };
}

/** Only a keypad's or a card's user is somebody's slot; the rest is filled with whatever the lock has at hand. */
const slotOf = (method: LockMethod, user: number | undefined): number | undefined =>
  method === 'keycode' || method === 'card' ? somebody(user) : undefined;

/** Locks fill the user's number with 65535, 255, 251 and their like when it was nobody, and no lock has so many slots. */
const somebody = (user: number | undefined): number | undefined =>
  user === undefined || user < 0 || user > 999 || (user > 250 && user < 256) ? undefined : user;

const onlineSchema = z.looseObject({ state: z.enum(['online', 'offline']) });

/** Availability and the bridge's own state; bare words are what older versions and options publish. */
export function parseOnline(payload: Buffer): 'online' | 'offline' | undefined {
  const text = payload.toString().trim();
  if (text === 'online' || text === 'offline') return text;
  const parsed = onlineSchema.safeParse(parseJson(payload));
  return parsed.success ? parsed.data.state : undefined;
}

export const parseJson = boundedJson;
