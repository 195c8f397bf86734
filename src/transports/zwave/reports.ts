import type { ZWaveNode } from 'zwave-js';
import type { Unsubscribe, ZwaveBolt, ZwaveReport } from '../../contract/index.ts';

/** Command classes, as numbered by the Z-Wave Alliance's registry. */
export const cc = {
  sensor: 0x31,
  doorLock: 0x62,
  userCode: 0x63,
  notification: 0x71,
  lock: 0x76,
  battery: 0x80,
  userCredential: 0x83,
} as const;

/** CC:0031: Multilevel Sensor type "loudness", and its two scales. */
export const loudness = { type: 0x1e, property: 'Loudness', scales: ['dB', 'dBA'] } as const;

/** CC:0062, table of door lock modes. */
const bolts: Readonly<Record<number, ZwaveBolt>> = {
  0: 'unsecured',
  1: 'unsecured',
  16: 'inside_only',
  17: 'inside_only',
  32: 'unsecured',
  33: 'unsecured',
  254: 'between',
  255: 'secured',
};

export const boltOf = (mode: unknown): ZwaveBolt => (typeof mode === 'number' ? bolts[mode] : undefined) ?? 'unknown';

export const doorOf = (status: unknown): 'open' | 'closed' | undefined =>
  status === 'open' || status === 'closed' ? status : undefined;

/** CC:0071, notification type 0x06 "Access Control": its events, by number. */
const accessEvents: Readonly<Record<number, (slot: number | undefined) => ZwaveReport>> = {
  1: (slot) => operated('locked', 'manual', slot),
  2: (slot) => operated('unlocked', 'manual', slot),
  3: (slot) => operated('locked', 'radio', slot),
  4: (slot) => operated('unlocked', 'radio', slot),
  5: (slot) => operated('locked', 'keypad', slot),
  6: (slot) => operated('unlocked', 'keypad', slot),
  7: () => ({ report: 'jammed' }),
  8: () => ({ report: 'jammed' }),
  9: () => operated('locked', 'automatic', undefined),
  10: () => ({ report: 'jammed' }),
  12: () => ({ report: 'all_codes_deleted' }),
  13: (slot) => ({ report: 'code_changed', slot, occupied: false }),
  14: (slot) => ({ report: 'code_changed', slot, occupied: true }),
  15: () => ({ report: 'duplicate_code' }),
  16: (slot) => denied(slot),
  19: (slot) => denied(slot),
  20: (slot) => denied(slot),
};

const ACCESS_CONTROL = 0x06;
const HOME_SECURITY = 0x07;
/** Home Security: tampering, cover removed; tampering, invalid code; tampering, moved. */
const tamperEvents = [3, 4, 9];
/** "Lock state" of Access Control: a value, not an event. */
const LOCK_JAMMED = 0x0b;

/** Schlage and Kwikset use 251 and above for their own purposes; 0xffff is "not known" in 16 bits. */
const NOBODY = [251, 252, 253, 254, 255, 0xffff];

const operated = (
  operation: 'locked' | 'unlocked',
  by: 'manual' | 'keypad' | 'radio' | 'automatic',
  slot: number | undefined,
): ZwaveReport => ({ report: 'operated', operation, by, ...(slot !== undefined && { slot }) });

const denied = (slot: number | undefined): ZwaveReport => ({
  report: 'access_denied',
  ...(slot !== undefined && { slot }),
});

interface ValueChange {
  readonly commandClass: number;
  readonly property: string | number;
  readonly propertyKey?: string | number;
  readonly endpoint?: number;
  readonly newValue: unknown;
}

export interface ListenOptions {
  readonly tell: (report: ZwaveReport) => void;
  /** True while the node was asked where its bolt is: what comes of it then is the answer. */
  readonly isBoltAsked: () => boolean;
  /** How many code slots it has, undefined before it is known. */
  readonly slots: () => number | undefined;
}

/** Says in the contract's words what a node tells by itself, as long as it is not told to stop. */
export function listenTo(node: ZWaveNode, { tell, isBoltAsked, slots }: ListenOptions): Unsubscribe {
  // zwave-js 15.29.0 writes the mode that an (un)lock notification implies before it emits the notification, in one go,
  // and over whatever the lock itself reported since (zwave-js 9134): of the two only the notification was said.
  let bolt: ZwaveReport | undefined;
  const onValue = (_: unknown, change: ValueChange) => {
    const report = reportOf(node, change);
    if (report?.report !== 'bolt') {
      if (report) tell(report);
      return;
    }
    if (isBoltAsked()) return;
    bolt = report;
    queueMicrotask(() => {
      if (bolt === report) tell(report);
    });
  };
  const onNotification = (_: unknown, ccId: number, args: unknown) => {
    const report = ccId === cc.notification ? eventOf(args, slots()) : undefined;
    if (report?.report === 'operated') bolt = undefined;
    if (report) tell(report);
  };
  node.on('value updated', onValue);
  node.on('value added', onValue);
  node.on('notification', onNotification);
  return () => {
    node.off('value updated', onValue);
    node.off('value added', onValue);
    node.off('notification', onNotification);
  };
}

function reportOf(node: ZWaveNode, change: ValueChange): ZwaveReport | undefined {
  const { commandClass, property, propertyKey, newValue } = change;
  if (commandClass === cc.doorLock && property === 'currentMode') return { report: 'bolt', bolt: boltOf(newValue) };
  // Before version 4 the bits are there whether the lock can tell or not.
  if (commandClass === cc.doorLock && property === 'doorStatus' && node.getCCVersion(cc.doorLock) >= 4) {
    const contact = doorOf(newValue);
    return contact && { report: 'door', contact };
  }
  if (commandClass === cc.lock && property === 'locked')
    return { report: 'bolt', bolt: newValue === true ? 'secured' : 'unsecured' };
  if (commandClass === cc.battery && (property === 'level' || property === 'isLow')) return batteryOf(node);
  if (commandClass === cc.sensor && property === loudness.property && typeof newValue === 'number')
    return { report: 'loudness', level: newValue, scale: scaleOf(node) };
  if (commandClass === cc.notification && property === 'Access Control' && propertyKey === 'Lock state')
    return newValue === LOCK_JAMMED ? { report: 'jammed' } : undefined;
  return undefined;
}

function eventOf(args: unknown, slots: number | undefined): ZwaveReport | undefined {
  const { type, event, parameters } = (args ?? {}) as {
    readonly type?: number;
    readonly event?: number;
    readonly parameters?: { readonly userId?: unknown } | undefined;
  };
  if (type === HOME_SECURITY && event !== undefined && tamperEvents.includes(event)) return { report: 'tamper' };
  if (type !== ACCESS_CONTROL || event === undefined) return undefined;
  return accessEvents[event]?.(slotOf(parameters?.userId, slots));
}

/** CC:0063: user 0 is everybody, and the last numbers stand for who has no slot: a master code, a key, nobody. */
function slotOf(userId: unknown, slots: number | undefined): number | undefined {
  if (typeof userId !== 'number' || userId < 1) return undefined;
  const isNobody = slots === undefined ? NOBODY.includes(userId) : userId > slots;
  return isNobody ? undefined : userId;
}

function batteryOf(node: ZWaveNode): ZwaveReport | undefined {
  const level = node.getValue({ commandClass: cc.battery, property: 'level' });
  const low = node.getValue({ commandClass: cc.battery, property: 'isLow' });
  return typeof level === 'number' ? { report: 'battery', percent: level, low: low === true } : undefined;
}

function scaleOf(node: ZWaveNode): 'dB' | 'dBA' {
  const metadata = node.getValueMetadata({ commandClass: cc.sensor, property: loudness.property });
  return /A/.test(String((metadata as { readonly unit?: unknown }).unit ?? '')) ? 'dBA' : 'dB';
}
