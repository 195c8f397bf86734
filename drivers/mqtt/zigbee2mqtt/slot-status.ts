import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type DenialReason, type LockMethod, Secret } from '../../../src/contract/index.ts';

/** What the bridge last read of a code slot. */
export interface SlotStatus {
  /** In lower case; `unclear` for what tells of the slot and nobody has met yet. */
  readonly status: 'available' | 'enabled' | 'disabled' | 'not_supported' | 'unclear';
  /**
   * The digits, where the bridge shows them (its device option `expose_pin`) and the slot is in use. Undefined where
   * the lock withholds them, or tells them in a way in which digits get lost.
   */
  readonly code: Secret | undefined;
  /** What was told, digits or not: for {@link holds} alone. */
  readonly told: Secret | undefined;
}

const userSchema = z.looseObject({
  status: z.unknown(),
  pin_code: z.union([z.string(), z.number()]).optional().catch(undefined),
});

/** ZCL Door Lock cluster, User Status, by word and by number. */
const statuses: readonly [SlotStatus['status'], number][] = [
  ['available', 0],
  ['enabled', 1],
  ['disabled', 3],
  ['not_supported', 255],
];

/** A word that nobody has met is no word that the slot is free, nor that it holds anything. */
function statusOf(given: unknown): SlotStatus['status'] {
  const word = typeof given === 'string' ? given.toLowerCase() : given;
  if (typeof word === 'string' && word.startsWith('not_supported')) return 'not_supported';
  return statuses.find(([name, number]) => word === name || word === number)?.[0] ?? 'unclear';
}

/** What the bridge tells of a slot, whatever it is: a slot that is told of in no known way was told of. */
export function slotStatusOf(value: unknown): SlotStatus {
  const parsed = userSchema.safeParse(value);
  if (!parsed.success) return { status: 'unclear', code: undefined, told: undefined };
  const { pin_code: pin } = parsed.data;
  const status = statusOf(parsed.data.status);
  // The cache is merged, never pruned: beside `available` the PIN is one that the slot held before.
  if (status === 'available' || pin === undefined) return { status, code: undefined, told: undefined };
  const told = new Secret(String(pin));
  // A number has lost its leading zeros: 0815 comes as 815.
  return { status, code: typeof pin === 'string' && isCode(pin) ? told : undefined, told };
}

/** Locks that withhold digits show nothing, or a mask of their own: stars, crosses, one digit all over. */
const isCode = (text: string): boolean => /^\d{4,16}$/.test(text) && !/^(\d)\1*$/.test(text);

/** Whether a slot holds a code, as far as what the lock shows of it can tell. */
export function holds({ status, told }: SlotStatus, code: Secret): 'this' | 'another' | 'withheld' | 'none' {
  if (status === 'available') return 'none';
  const text = told?.reveal();
  const wanted = code.reveal();
  if (text === wanted) return 'this';
  if (text === undefined || !/^\d+$/.test(text) || Number(text) === Number(wanted)) return 'withheld';
  return isCode(text) ? 'another' : 'withheld';
}

/** Nothing is told of what the slot holds: the lock does not have it, or says it in a way that nobody has met. */
export const isUntold = ({ status }: SlotStatus): boolean => status === 'not_supported' || status === 'unclear';

/** Slots of a lock that are kept to be compared; locks have some hundreds at most. A guess with room. */
const MOST_SLOTS = 2_000;

/**
 * The code slots of one lock as they were last told. A bridge puts all of them into every message: what it tells as before
 * is not read again, and is the same object as before.
 */
export class ToldSlots {
  /** Made for the first. */
  #told: Map<number, { readonly value: unknown; readonly status: SlotStatus }> | undefined;
  #users: Readonly<Record<string, unknown>> | undefined;
  #ofUsers = noSlots;

  /** @param users by slot, as a message tells them @returns the same map for a message that tells the same */
  read(users: Readonly<Record<string, unknown>>): ReadonlyMap<number, SlotStatus> {
    if (isDeepStrictEqual(users, this.#users)) return this.#ofUsers;
    const slots = new Map<number, SlotStatus>();
    this.#told ??= new Map();
    for (const [user, value] of Object.entries(users)) {
      if (!/^\d+$/.test(user)) continue;
      const slot = Number(user);
      const before = this.#told.get(slot);
      // Whoever makes up new slots for ever fills no memory, and tells of nothing.
      if (before === undefined && this.#told.size >= MOST_SLOTS) continue;
      const status = before && isDeepStrictEqual(before.value, value) ? before.status : slotStatusOf(value);
      this.#told.set(slot, { value, status });
      slots.set(slot, status);
    }
    this.#users = users;
    this.#ofUsers = slots;
    return slots;
  }
}

const noSlots: ReadonlyMap<number, SlotStatus> = new Map<number, SlotStatus>();

/** What a word in `action` means for the bolt. */
export interface Operation {
  readonly result: 'locked' | 'unlocked' | 'jammed' | 'access_denied';
  /** Undefined when the word does not say how: then the source beside it does. */
  readonly method: LockMethod | undefined;
  readonly denial?: DenialReason;
  /** The user's number, where the word itself holds it. */
  readonly user?: number;
}

type Meaning = 'lock' | 'unlock' | 'fail' | 'jam' | 'neither' | 'schedule' | 'biometric' | LockMethod;

/**
 * The converters of Zigbee2MQTT make up a word for each lock: `keypad_unlock`, `password_unlock`,
 * `manual_lock_key_or_thumbturn`, `finger_open_user_id3`. Taken apart, they say much the same.
 */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...said('lock', 'lock', 'locked', 'locks', 'relock', 'relocked'),
  ...said('unlock', 'unlock', 'unlocked', 'unlocks', 'open', 'opened', 'unlatch', 'unlatched'),
  ...said('fail', 'failure', 'failed', 'fail', 'invalid', 'wrong', 'denied', 'refused', 'rejected', 'mismatch'),
  ...said('jam', 'jam', 'jammed', 'jamming', 'blocked', 'stuck'),
  ...said('schedule', 'schedule', 'scheduled'),
  ...said('keycode', 'keypad', 'password', 'passcode', 'pin', 'pincode', 'code', 'keycode'),
  ...said('card', 'rfid', 'card', 'nfc', 'tag', 'badge', 'fob'),
  ...said('biometric', 'finger', 'fingerprint', 'fingerprintsensor', 'biometric', 'face', 'palm', 'iris', 'vein'),
  ...said('manual', 'manual', 'manually', 'key', 'thumbturn', 'thumb', 'hand', 'handle', 'knob', 'button', 'inside'),
  ...said('manual', 'touch', 'self', 'mechanical'),
  ...said('automatic', 'auto', 'automatic', 'automatically'),
  ...said('remote', 'rf', 'zigbee', 'remote', 'module', 'network', 'mqtt', 'bluetooth', 'ble', 'app', 'wireless'),
  // A child lock, a keypad that was locked, a bolt that was locked against the outside: none of them moves the bolt.
  ...said(
    'neither',
    'child',
    'lockout',
    'reverse',
    'door',
    'bell',
    'ring',
    'language',
    'arm',
    'disarm',
    'add',
    'delete',
  ),
  ...said('neither', 'added', 'deleted', 'changed', 'alarm', 'error'),
]);

function said(meaning: Meaning, ...words: readonly string[]): [string, Meaning][] {
  return words.map((word) => [word, meaning]);
}

/** What stands out of the pattern, in the words of the ZCL Door Lock cluster (operation event codes). */
const exceptions: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['non_access_user_operational_event', { result: 'access_denied', method: undefined }],
  ['lock_failure_invalid_pin_or_id', { result: 'access_denied', method: undefined, denial: 'unknown_code' }],
  ['unlock_failure_invalid_pin_or_id', { result: 'access_denied', method: undefined, denial: 'unknown_code' }],
  ['password_not_match', { result: 'access_denied', method: 'keycode', denial: 'unknown_code' }],
  ['finger_not_match', { result: 'access_denied', method: 'unknown', denial: 'credential_error' }],
]);

/** @returns undefined for a word that tells of nothing done to the bolt */
export function operationOf(action: string): Operation | undefined {
  const word = action.toLowerCase();
  const exception = exceptions.get(word);
  if (exception !== undefined) return exception;
  const parts = word.split(/[^a-z0-9]+/);
  const found = parts.flatMap((part) => meanings.get(part) ?? []);
  const has = (meaning: Meaning) => found.includes(meaning);
  if (has('jam')) return { result: 'jammed', method: methodIn(found) };
  if (has('neither')) return undefined;
  if (has('fail') && (has('lock') || has('unlock') || methodIn(found) !== undefined))
    return {
      result: 'access_denied',
      method: methodIn(found.filter((one) => one !== 'schedule')),
      denial: denialIn(found),
    };
  if (!has('lock') && !has('unlock')) return undefined;
  const user = userIn(parts);
  // `lock_opened` is a lock that was opened.
  const result = has('unlock') ? 'unlocked' : 'locked';
  return { result, method: methodIn(found), ...(user === undefined ? {} : { user }) };
}

/** @returns how, by a source’s name or number (ZCL Door Lock cluster, operation event source), or a word like them */
export function methodOf(source: string | number | undefined): LockMethod | undefined {
  if (source === undefined) return undefined;
  const word = String(source).toLowerCase();
  if (/^\d+$/.test(word)) return numbered.get(Number(word));
  const parts = word.split(/[^a-z0-9]+/);
  // Where a source is named, a touch is a finger on a reader.
  if (parts.includes('touch')) return 'unknown';
  return methodIn(parts.flatMap((part) => meanings.get(part) ?? []));
}

const numbered: ReadonlyMap<number, LockMethod> = new Map<number, LockMethod>([
  [0, 'keycode'],
  [1, 'remote'],
  [2, 'manual'],
  [3, 'card'],
  [4, 'unknown'],
]);

const methods: readonly LockMethod[] = ['keycode', 'card', 'automatic', 'remote', 'manual'];

/** A finger is none of Seam's methods. It comes first: a fingerprint on a keypad is no code. */
function methodIn(found: readonly Meaning[]): LockMethod | undefined {
  if (found.includes('biometric')) return 'unknown';
  if (found.includes('schedule')) return 'automatic';
  return methods.find((method) => found.includes(method));
}

function denialIn(found: readonly Meaning[]): DenialReason {
  if (found.includes('schedule')) return 'expired_code';
  return found.includes('biometric') || found.includes('card') ? 'credential_error' : 'unknown_code';
}

function userIn(parts: readonly string[]): number | undefined {
  const id = parts.map((part) => /^(?:id|user)(\d+)$/.exec(part)?.[1]).find((digits) => digits !== undefined);
  return id === undefined ? undefined : Number(id);
}

/** What a word in `action` says of a code slot. */
export interface Programming {
  readonly occupied: boolean;
}

const codeWords: ReadonlySet<string> = new Set(['pin', 'pincode', 'password', 'passcode', 'code']);
/** Programmed as well, but no PIN of a slot. */
const otherWords: ReadonlySet<string> = new Set(['master', 'admin', 'rfid', 'card', 'finger', 'fingerprint', 'face']);
const filled: ReadonlySet<string> = new Set(['add', 'added', 'set', 'saved', 'changed', 'created']);
const emptied: ReadonlySet<string> = new Set(['delete', 'deleted', 'clear', 'cleared', 'removed']);

/** @returns undefined for a word that tells of no code */
export function programmingOf(action: string): Programming | undefined {
  const parts = action.toLowerCase().split(/[^a-z0-9]+/);
  if (!parts.some((part) => codeWords.has(part)) || parts.some((part) => otherWords.has(part))) return undefined;
  if (parts.some((part) => emptied.has(part))) return { occupied: false };
  return parts.some((part) => filled.has(part)) ? { occupied: true } : undefined;
}
