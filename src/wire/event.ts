import { z } from 'zod';
import { eventTypes } from '../model/event-catalogue.ts';
import type { EventRecord } from '../model/records.ts';
import { connectedAccountIdOf } from './connected-account.ts';
import { type DeviceError, type DeviceWarning, errorCodeOf } from './device-problems.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

/** An event of the wire contract: the fields that all have, and what its type adds. docs/events.md lists them. */
export const eventSchema = onceAsked(() =>
  z.looseObject({
    event_id: z.string(),
    event_type: z.string(),
    workspace_id: z.string(),
    created_at: z.string(),
    occurred_at: z.string(),
    event_description: z.string().optional(),
    device_id: z.string().optional(),
    connected_account_id: z.string().optional(),
    access_code_id: z.string().optional(),
    action_attempt_id: z.string().optional(),
    noise_threshold_id: z.string().optional(),
    access_grant_id: z.string().optional(),
    access_method_id: z.string().optional(),
    space_id: z.string().optional(),
  }),
);

export type WireEvent = z.output<ReturnType<typeof eventSchema>>;

/** The types that always carry an access code's digits (Seam's event objects): null for those who may not see them. */
const withCode: ReadonlySet<string> = new Set(['access_code.set_on_device', 'access_code.scheduled_on_device']);

/** The types that carry digits for those alone who may see them: of an access code, or of an access method. */
const mayHaveCode: ReadonlySet<string> = new Set(['lock.locked', 'lock.unlocked']);
const issues: ReadonlySet<string> = new Set(['access_method.issued', 'access_method.reissued']);

/** The types that carry what was wrong with the device and its account. */
const withTrouble: ReadonlySet<string> = new Set([
  'device.disconnected',
  'device.unmanaged.disconnected',
  'device.connection_became_flaky',
  'device.accessory_keypad_disconnected',
  'access_code.delay_in_setting_on_device',
  'access_code.failed_to_set_on_device',
  'access_code.delay_in_removing_from_device',
  'access_code.failed_to_remove_from_device',
  'access_code.unmanaged.failed_to_convert_to_managed',
]);

const descriptions: ReadonlyMap<string, string> = new Map(Object.entries(eventTypes));

/** In words; an event that an older version wrote down may be of a type that is no more. */
const describedBy = (type: string): { readonly event_description?: string } => {
  const words = descriptions.get(type);
  return words === undefined ? {} : { event_description: words };
};

const unlessNull = (name: string, value: string | null) => (value === null ? {} : { [name]: value });

/** What is shown with an event beside its own record. */
export interface EventSurroundings {
  readonly workspaceId: string;
  /** The digits of its access code as it is now, for those who may see them; null for all others. */
  readonly digits: () => string | null;
  /** The same of its access method. */
  readonly methodDigits: () => string | null;
  /** What is wrong with its device now. */
  readonly deviceErrors: () => readonly DeviceError[];
  readonly deviceWarnings: () => readonly DeviceWarning[];
  /** The link of its device; undefined when it is no longer configured. */
  readonly link: () => string | undefined;
  readonly accountErrors: () => readonly Readonly<Record<string, unknown>>[];
  /** What people noted of its device; undefined for none. */
  readonly deviceMetadata: () => Readonly<Record<string, string | boolean>> | undefined;
  /** Whether its access code is the gateway's own; undefined when it is gone. */
  readonly isManagedCode: () => boolean | undefined;
  /** For whom its access code was, where a grant says so. */
  readonly userIdentityId: () => string | undefined;
}

export function wireEvent(event: EventRecord, around: EventSurroundings): WireEvent {
  const { eventType, deviceId, accessCodeId, actionAttemptId, noiseThresholdId, details } = event;
  const { accessGrantId, accessMethodId, spaceId } = event;
  const { workspaceId } = around;
  const ofCode = accessCodeId !== undefined;
  return {
    ...details,
    ...(withTrouble.has(eventType) && troubleOf(event, around)),
    ...(eventType === 'access_code.deleted' && { code: null }),
    ...(ofCode && withCode.has(eventType) && { code: around.digits() }),
    ...(ofCode && mayHaveCode.has(eventType) && { ...unlessNull('code', around.digits()), ...guest(around) }),
    ...(issues.has(eventType) && unlessNull('code', around.methodDigits())),
    event_id: event.eventId,
    event_type: eventType,
    workspace_id: workspaceId,
    created_at: isoTime(event.createdAt),
    occurred_at: isoTime(event.occurredAt),
    ...describedBy(eventType),
    ...(deviceId !== undefined && {
      device_id: deviceId,
      connected_account_id: accountOf(around),
      ...metadata(around),
    }),
    ...(accessCodeId !== undefined && { access_code_id: accessCodeId }),
    ...(actionAttemptId !== undefined && { action_attempt_id: actionAttemptId }),
    ...(noiseThresholdId !== undefined && { noise_threshold_id: noiseThresholdId }),
    ...(accessGrantId !== undefined && { access_grant_id: accessGrantId }),
    ...(accessMethodId !== undefined && { access_method_id: accessMethodId }),
    ...(spaceId !== undefined && { space_id: spaceId }),
  };
}

/** Of what is wrong now, what was wrong then; a device that went away says why in the event itself. */
function troubleOf({ eventType, occurredAt, details }: EventRecord, around: EventSurroundings) {
  const then = <Trouble extends { readonly created_at: string }>(found: readonly Trouble[]) =>
    found.filter(({ created_at }) => Date.parse(created_at) <= occurredAt);
  const isGone = eventType === 'device.disconnected' || eventType === 'device.unmanaged.disconnected';
  const reason = String(details.reason);
  const gone = {
    error_code: errorCodeOf(reason),
    message: String(details.hint ?? 'The device cannot be reached.'),
    is_device_error: true,
    created_at: isoTime(occurredAt),
  };
  return {
    ...(isGone && { error_code: disconnectionOf(reason) }),
    device_errors: isGone ? [gone] : then(around.deviceErrors()),
    device_warnings: then(around.deviceWarnings()),
    connected_account_errors: [...around.accountErrors()],
    connected_account_warnings: [],
  };
}

/** Seam has two words for it here: what leads to the device is gone, or the device itself. */
const disconnectionOf = (reason: string): string =>
  reason === 'link_down' || reason === 'bridge_down' ? 'hub_disconnected' : 'device_disconnected';

function guest({ isManagedCode, userIdentityId }: EventSurroundings) {
  const isManaged = isManagedCode();
  const identity = userIdentityId();
  return {
    ...(isManaged !== undefined && { access_code_is_managed: isManaged }),
    ...(identity !== undefined && { user_identity_id: identity }),
  };
}

/** Of a device that is gone nobody knows the link: the gateway stands for it. */
function accountOf({ workspaceId, link }: EventSurroundings): string {
  const known = link();
  return known === undefined ? workspaceId : connectedAccountIdOf(workspaceId, known);
}

function metadata({ deviceMetadata }: EventSurroundings) {
  const noted = deviceMetadata();
  return noted && Object.keys(noted).length > 0 ? { device_custom_metadata: { ...noted } } : {};
}
