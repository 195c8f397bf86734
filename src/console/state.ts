import { batch, type Signal, signal } from '@preact/signals';
import type { Session } from './api.ts';
import type { Sample } from './metrics.ts';
import type { Attempt, Box, Device, GatewayEvent } from './objects.ts';

/** How much of the live log a page keeps. */
const EVENTS_KEPT = 200;
/** Attempts that a page remembers beyond those it shows. */
const ATTEMPTS_KEPT = 500;

/** `unknown` until the gateway said whether there is a session. */
export const session = signal<Session | undefined | 'unknown'>('unknown');

export type Connection =
  | { readonly status: 'connecting' }
  | { readonly status: 'live' }
  | { readonly status: 'lost'; readonly since: number };
export const connection = signal<Connection>({ status: 'connecting' });
/** How many times a lost connection came back: what was told meanwhile was missed. */
export const returns = signal(0);
/** Whether the lists were loaded since the last connection: before, nothing is "none". */
export const isLoaded = signal(false);

export const box = signal<Box | undefined>(undefined);
/** When that was told, in milliseconds since the Unix epoch by this page's clock. */
export const boxAsOf = signal(0);
/** Whether the last session ended without anybody having signed out. */
export const wasEnded = signal(false);
export const events = signal<readonly GatewayEvent[]>([]);
/** Counted while somebody looks at the metrics. */
export const samples = signal<readonly Sample[]>([]);
export const deviceIds = signal<readonly string[]>([]);

const devices = new Map<string, Signal<Device>>();
const attempts = new Map<string, Signal<Attempt>>();
const lastAttempts = new Map<string, Signal<string | undefined>>();

/** Each device has a signal of its own: what changes at one door draws that door alone. */
export const deviceOf = (id: string): Signal<Device> | undefined => devices.get(id);

export const allDevices = (): Device[] => deviceIds.value.flatMap((id) => devices.get(id)?.value ?? []);

export const nameOf = (deviceId: string): string => devices.get(deviceId)?.value.display_name ?? deviceId.slice(0, 8);

export const attemptOf = (id: string): Signal<Attempt> | undefined => attempts.get(id);

/** The newest attempt at a door that this page saw begin. */
export function lastAttemptOf(deviceId: string): Signal<string | undefined> {
  let last = lastAttempts.get(deviceId);
  if (last === undefined) {
    last = signal(undefined);
    lastAttempts.set(deviceId, last);
  }
  return last;
}

/** The list is whole: a device that is not in it is gone. */
export function replaceDevices(list: readonly Device[]): void {
  batch(() => {
    putDevices(list);
    const ids = list.map(({ device_id }) => device_id);
    for (const id of devices.keys()) if (!ids.includes(id)) devices.delete(id);
    deviceIds.value = ids;
  });
}

export function putDevices(list: readonly Device[]): void {
  batch(() => {
    for (const device of list) {
      const known = devices.get(device.device_id);
      if (known === undefined) {
        devices.set(device.device_id, signal(device));
        if (!deviceIds.value.includes(device.device_id)) deviceIds.value = [...deviceIds.value, device.device_id];
      } else known.value = device;
    }
  });
}

export function putAttempts(list: readonly Attempt[], { areNew }: { readonly areNew: boolean }): void {
  batch(() => {
    for (const attempt of list) {
      const { action_attempt_id: id, action_type } = attempt.action_attempt;
      const known = attempts.get(id);
      if (known === undefined) attempts.set(id, signal(attempt));
      else known.value = laterOf(known.value, attempt);
      if (areNew && /^(UN)?LOCK_DOOR$/.test(action_type)) {
        const last = lastAttemptOf(attempt.action_attempt_history.device_id);
        // Ids are in the order of time.
        if (last.value === undefined || last.value < id) last.value = id;
      }
    }
    for (const id of attempts.keys()) {
      if (attempts.size <= ATTEMPTS_KEPT) break;
      attempts.delete(id);
    }
  });
}

/** Whichever of two words on one attempt is the later: an attempt only ever goes on. */
export function laterOf(one: Attempt, other: Attempt): Attempt {
  const isOver = ({ action_attempt }: Attempt) => action_attempt.status !== 'pending';
  if (isOver(one) !== isOver(other)) return isOver(one) ? one : other;
  const steps = ({ action_attempt_history }: Attempt) => action_attempt_history.history.length;
  return steps(one) > steps(other) ? one : other;
}

export function putEvents(list: readonly GatewayEvent[]): void {
  events.value = [...list.toReversed(), ...events.value].slice(0, EVENTS_KEPT);
}

/** How the box is: an answer that was overtaken by a newer word says nothing. */
export function putBox(next: Box): void {
  const { value: known } = box;
  if (known !== undefined && known.boot_id === next.boot_id && known.now > next.now) return;
  batch(() => {
    box.value = next;
    boxAsOf.value = Date.now();
  });
}

/** The gateway knows the session no more. */
export function endSession(): void {
  if (typeof session.peek() !== 'object') return;
  batch(() => {
    forgetAll();
    wasEnded.value = true;
  });
}

/** Nothing of one session is left for the next. */
export function forgetAll(): void {
  batch(() => {
    session.value = undefined;
    wasEnded.value = false;
    box.value = undefined;
    connection.value = { status: 'connecting' };
    events.value = [];
    samples.value = [];
    deviceIds.value = [];
    isLoaded.value = false;
    devices.clear();
    attempts.clear();
    lastAttempts.clear();
  });
}

export const may = (scope: Session['scopes'][number]): boolean => {
  const current = session.value;
  return typeof current === 'object' && current.scopes.includes(scope);
};
