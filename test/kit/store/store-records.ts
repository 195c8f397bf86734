import type {
  AccessGrantRecord,
  AccessMethodRecord,
  SpaceRecord,
  UserIdentityRecord,
} from '../../../src/model/grant-records.ts';
import type {
  AccessCodeRecord,
  AttemptRecord,
  EventRecord,
  IdempotencyRecord,
  NoiseThresholdRecord,
  UnmanagedCodeRecord,
  WebhookDeliveryRecord,
  WebhookRecord,
} from '../../../src/model/records.ts';
import type { Change } from '../../../src/model/store.ts';

const epoch = Date.UTC(2026, 4, 1, 10);

/** A UUID of version 7 that sorts by `order`. */
export const uuid = (order: number, family = 0): string => {
  const time = (epoch + order).toString(16).padStart(12, '0');
  const rest = `${family.toString(16).padStart(4, '0')}${order.toString(16).padStart(8, '0')}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${rest}`;
};

export const deviceA = '4b9d7c1e-5d0a-5f43-9c3e-0f2a6f0f7a01';
export const deviceB = '4b9d7c1e-5d0a-5f43-9c3e-0f2a6f0f7a02';

export function anAttempt(seq: number, change: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    seq,
    actionAttemptId: uuid(seq),
    actionType: 'UNLOCK_DOOR',
    deviceId: deviceA,
    subject: undefined,
    actor: { kind: 'api_key', keyId: 'key_1', name: 'Reception', address: '192.0.2.7' },
    acceptedAt: epoch + seq,
    intent: false,
    settlement: undefined,
    settledAt: undefined,
    history: [{ state: 'accepted', at: epoch + seq, reason: 'requested by Reception' }],
    ...change,
  };
}

export const accepted = (seq: number, change: Partial<AttemptRecord> = {}): Change => ({
  kind: 'attempt_accepted',
  attempt: anAttempt(seq, change),
});

export const settled = (seq: number, settledAt = epoch + seq + 500): Change => ({
  kind: 'attempt_settled',
  actionAttemptId: uuid(seq),
  settlement: { status: 'success', result: { was_confirmed_by_device: true } },
  settledAt,
  history: [
    { state: 'accepted', at: epoch + seq, reason: 'requested by Reception' },
    { state: 'sending', at: epoch + seq + 3, reason: 'the lane was free' },
    { state: 'succeeded', at: settledAt, reason: 'the bolt was seen' },
  ],
});

export const aCode = (order: number, change: Partial<AccessCodeRecord> = {}): AccessCodeRecord => ({
  accessCodeId: uuid(order, 1),
  deviceId: deviceA,
  name: 'Guest',
  sealedCode: Uint8Array.of(1, 2, 3, 255),
  status: 'setting',
  startsAt: undefined,
  endsAt: undefined,
  createdAt: epoch + order,
  removal: undefined,
  placements: [{ slot: 4, label: 'sp-4', sealedCode: Uint8Array.of(1, 2, 3, 255), schedule: undefined, state: 'held' }],
  pendingMutations: [],
  errors: [],
  warnings: [],
  scheduledOnDevice: false,
  preferNativeScheduling: true,
  oneTimeUse: false,
  commonCodeKey: undefined,
  useBackupPool: false,
  backup: undefined,
  pulledBackupAccessCodeId: undefined,
  grant: undefined,
  ...change,
});

export const anUnmanagedCode = (order: number, change: Partial<UnmanagedCodeRecord> = {}): UnmanagedCodeRecord => ({
  accessCodeId: uuid(order, 3),
  deviceId: deviceA,
  slot: order,
  name: 'Cleaner',
  sealedCode: Uint8Array.of(4, 5, 6),
  createdAt: epoch + order,
  ...change,
});

export const aThreshold = (order: number, change: Partial<NoiseThresholdRecord> = {}): NoiseThresholdRecord => ({
  noiseThresholdId: uuid(order, 2),
  deviceId: deviceA,
  name: 'Quiet hours',
  startsDailyAt: '22:00:00',
  endsDailyAt: '07:00:00',
  timeZone: 'Europe/Zurich',
  decibels: 62.5,
  sustainedMs: 60_000,
  createdAt: epoch + order,
  ...change,
});

export const anIdempotencyRecord = (seq: number, change: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
  scope: `scope-${seq}`,
  fingerprint: `fingerprint-${seq}`,
  actionAttemptId: uuid(seq),
  createdAt: epoch + seq,
  ...change,
});

export const anEvent = (order: number, change: Partial<EventRecord> = {}): Omit<EventRecord, 'seq'> => {
  const { seq: _, ...event }: EventRecord = {
    seq: 0,
    eventId: uuid(order, 3),
    eventType: 'lock.unlocked',
    deviceId: deviceA,
    accessCodeId: undefined,
    actionAttemptId: undefined,
    noiseThresholdId: undefined,
    accessGrantId: undefined,
    accessMethodId: undefined,
    spaceId: undefined,
    occurredAt: epoch + order,
    createdAt: epoch + order + 1,
    details: { method: 'keycode', slot: 4 },
    ...change,
  };
  return event;
};

export const happened = (order: number, change: Partial<EventRecord> = {}): Change => ({
  kind: 'event_put',
  event: anEvent(order, change),
});

export const aWebhook = (order: number, change: Partial<WebhookRecord> = {}): WebhookRecord => ({
  webhookId: uuid(order, 4),
  url: 'https://hooks.example/strikeplate?token=1',
  eventTypes: ['*'],
  sealedSecret: Uint8Array.of(9, 8, 7),
  keyId: undefined,
  createdAt: epoch + order,
  afterSeq: 3,
  ...change,
});

export const aDelivery = (order: number, eventSeq: number, tries = 0): WebhookDeliveryRecord => ({
  webhookId: uuid(order, 4),
  eventSeq,
  objectKey: deviceA,
  tries,
  nextAt: epoch + eventSeq,
});

export const anIdentity = (order: number, change: Partial<UserIdentityRecord> = {}): UserIdentityRecord => ({
  userIdentityId: uuid(order, 5),
  key: undefined,
  sealedPerson: Uint8Array.of(5, 0, 255),
  deviceIds: [deviceA],
  createdAt: epoch + order,
  ...change,
});

export const aSpace = (order: number, change: Partial<SpaceRecord> = {}): SpaceRecord => ({
  spaceId: uuid(order, 6),
  key: `flat ${order}`,
  name: 'Flat',
  deviceIds: [deviceA, deviceB],
  parentSpaceId: undefined,
  customerKey: undefined,
  customerData: undefined,
  createdAt: epoch + order,
  ...change,
});

export const aGrant = (order: number, change: Partial<AccessGrantRecord> = {}): AccessGrantRecord => ({
  accessGrantId: uuid(order, 7),
  key: undefined,
  reservationKey: undefined,
  userIdentityId: uuid(order, 5),
  sealedName: undefined,
  deviceIds: [deviceA],
  spaceIds: [uuid(order, 6)],
  startsAt: epoch + order,
  endsAt: undefined,
  createdAt: epoch,
  requests: [{ createdAt: epoch, sealedCode: Uint8Array.of(1), isWithdrawn: false, without: [] }],
  refusals: [],
  isComplete: false,
  removal: undefined,
  deletedAt: undefined,
  ...change,
});

export const aMethod = (order: number, change: Partial<AccessMethodRecord> = {}): AccessMethodRecord => ({
  accessMethodId: uuid(order, 8),
  accessGrantId: uuid(order, 7),
  request: 0,
  createdAt: epoch + order,
  sealedCode: Uint8Array.of(8, order % 256),
  doors: [
    {
      deviceId: deviceB,
      accessCodeId: undefined,
      granted: true,
      fitting: false,
      over: 'ended',
      replacedBy: undefined,
    },
  ],
  issuedAt: undefined,
  wasIssued: true,
  standsInFor: undefined,
  told: [],
  removal: undefined,
  ...change,
});
