import type { DenialReason, LockMethod } from '../../../src/contract/index.ts';

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
