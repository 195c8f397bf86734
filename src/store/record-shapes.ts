/*
 * What a record must be for everything behind the store to be able to work with it. A row can have its right sum and
 * still be none of ours: written by hand, or by a program that is not this one. Only what others rely on is looked at,
 * so that nothing an older version wrote is refused.
 */

import type { Actor, Subject } from '../model/records.ts';

export type IsRecord = (value: unknown) => boolean;

/** ECMA-262, section 21.4.1.1: the furthest moment that has a date, in milliseconds. */
const FURTHEST = 8.64e15;

const text: IsRecord = (value) => typeof value === 'string';
const yesOrNo: IsRecord = (value) => typeof value === 'boolean';
const bytes: IsRecord = (value) => value instanceof Uint8Array;
const number: IsRecord = (value) => typeof value === 'number' && Number.isFinite(value);
/** Milliseconds since the Unix epoch. */
const moment: IsRecord = (value) => typeof value === 'number' && Math.abs(value) <= FURTHEST;
const timeOfDay: IsRecord = (value) => typeof value === 'string' && /^\d\d:\d\d:\d\d$/.test(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function timeZone(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

const maybe =
  (shape: IsRecord): IsRecord =>
  (value) =>
    value === undefined || shape(value);

const list =
  (shape: IsRecord): IsRecord =>
  (value) =>
    Array.isArray(value) && value.every(shape);

const oneOf = (...words: readonly string[]): IsRecord => {
  const known = new Set<unknown>(words);
  return (value) => known.has(value);
};

function members(shapes: Readonly<Record<string, IsRecord>>): IsRecord {
  const wanted = Object.entries(shapes);
  return (value) => isObject(value) && wanted.every(([name, shape]) => shape(value[name]));
}

const hours = members({
  timeZone,
  windows: list(members({ days: list(number), fromMinute: number, untilMinute: number })),
});
const times = { startsAt: maybe(moment), endsAt: maybe(moment), hours: maybe(hours) };
const problem = members({ code: text, message: text, at: moment });
const removal = maybe(members({ at: moment }));

const actorOfKey = members({ keyId: text, name: text, address: text });
const named = members({ name: text });
/** One for each kind there is: the compiler holds it to that. */
const actors: Readonly<Record<Actor['kind'], IsRecord>> = {
  api_key: actorOfKey,
  cli: named,
  mqtt: named,
  schedule: isObject,
  reconcile: isObject,
};
const actor: IsRecord = (value) => {
  if (!isObject(value) || !Object.hasOwn(actors, String(value.kind))) return false;
  return actors[value.kind as Actor['kind']](value);
};

const errorEnd = members({ type: text, message: text });
const settlement: IsRecord = (value) =>
  isObject(value) && (value.status === 'success' ? isObject(value.result) : errorEnd(value.error));

/** As above. */
const subjects: Readonly<Record<Subject['kind'], IsRecord>> = {
  access_code: members({ accessCodeId: text }),
  noise_threshold: members({ noiseThresholdId: text }),
  auto_lock: members({ enabled: yesOrNo, delaySeconds: maybe(number) }),
};
const subject: IsRecord = (value) => {
  if (!isObject(value) || !Object.hasOwn(subjects, String(value.kind))) return false;
  return subjects[value.kind as Subject['kind']](value);
};

export const attemptShape = members({
  seq: number,
  actionType: text,
  subject: maybe(subject),
  actor,
  acceptedAt: moment,
  settlement: maybe(settlement),
  settledAt: maybe(moment),
  history: list(members({ state: text, at: moment, reason: text })),
});

export const codeShape = members({
  ...times,
  name: maybe(text),
  sealedCode: bytes,
  status: oneOf('unset', 'setting', 'set', 'removing'),
  createdAt: moment,
  removal,
  placements: list(
    members({
      slot: maybe(number),
      label: text,
      sealedCode: bytes,
      schedule: maybe(isObject),
      state: oneOf('planned', 'writing', 'held', 'clearing', 'spoilt'),
    }),
  ),
  pendingMutations: list(
    members({
      mutationCode: text,
      message: text,
      createdAt: moment,
      scheduledAt: maybe(moment),
      from: maybe(members(times)),
      to: maybe(members(times)),
    }),
  ),
  errors: list(problem),
  warnings: list(problem),
  maxUses: maybe(number),
  uses: maybe(number),
  commonCodeKey: maybe(text),
  backup: maybe(members({ pulledFor: maybe(text) })),
  pulledBackupAccessCodeId: maybe(text),
  grant: maybe(members({ accessGrantId: text, accessMethodId: text })),
});

export const unmanagedShape = members({
  slot: number,
  name: maybe(text),
  sealedCode: maybe(bytes),
  createdAt: moment,
});

export const thresholdShape = members({
  name: text,
  startsDailyAt: timeOfDay,
  endsDailyAt: timeOfDay,
  timeZone,
  decibels: number,
  sustainedMs: number,
  createdAt: moment,
});

export const eventShape = members({
  seq: number,
  eventType: text,
  occurredAt: moment,
  createdAt: moment,
  details: isObject,
});

export const idempotencyShape = members({ scope: text, fingerprint: text, createdAt: moment });

export const webhookShape = members({
  url: text,
  eventTypes: list(text),
  sealedSecret: bytes,
  keyId: maybe(text),
  createdAt: moment,
  afterSeq: number,
});

export const deliveryShape = members({ eventSeq: number, objectKey: text, tries: number, nextAt: moment });

export const identityShape = members({
  userIdentityId: text,
  key: maybe(text),
  sealedPerson: bytes,
  deviceIds: list(text),
  createdAt: moment,
  usedAt: maybe(moment),
});

export const spaceShape = members({
  spaceId: text,
  key: maybe(text),
  name: text,
  deviceIds: list(text),
  parentSpaceId: maybe(text),
  customerKey: maybe(text),
  customerData: maybe(isObject),
  createdAt: moment,
});

export const grantShape = members({
  ...times,
  accessGrantId: text,
  key: maybe(text),
  reservationKey: maybe(text),
  userIdentityId: text,
  sealedName: maybe(bytes),
  deviceIds: list(text),
  spaceIds: list(text),
  startsAt: moment,
  maxUses: maybe(number),
  createdAt: moment,
  requests: list(members({ createdAt: moment, sealedCode: maybe(bytes), isWithdrawn: yesOrNo, without: list(text) })),
  refusals: list(members({ deviceId: text, type: text, message: text, at: moment })),
  isComplete: yesOrNo,
  removal,
  deletedAt: maybe(moment),
});

export const methodShape = members({
  accessMethodId: text,
  accessGrantId: text,
  request: number,
  createdAt: moment,
  sealedCode: bytes,
  doors: list(
    members({
      deviceId: text,
      accessCodeId: maybe(text),
      granted: yesOrNo,
      fitting: yesOrNo,
      over: maybe(text),
      replacedBy: maybe(text),
    }),
  ),
  issuedAt: maybe(moment),
  wasIssued: yesOrNo,
  standsInFor: maybe(text),
  told: list(text),
  removal,
});
