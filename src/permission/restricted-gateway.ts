import { GatewayError, type GatewayErrorType } from '../contract/index.ts';
import type {
  AccessCodes,
  Attempts,
  ClockTrust,
  DeviceAdministration,
  Devices,
  Doors,
  Events,
  Gateway,
  NoiseThresholds,
  Origin,
  UnmanagedCodes,
  Webhooks,
} from '../model/gateway.ts';
import { type Permission, reaches } from '../model/permission.ts';
import type { Actor, AttemptRecord, EventRecord } from '../model/records.ts';
import type { Sandbox } from '../model/sandbox.ts';
import { accessGrantsIn, spacesIn, userIdentitiesIn } from './restricted-grants.ts';
import { wholeGatewayOnly } from './whole-gateway.ts';

/** How many events are looked through at a time for those within reach. */
const batch = 200;

/**
 * The gateway as a permission lets it be seen. What is out of reach is answered exactly as what does not exist, so that
 * nobody learns of it. Every port is written out here: a new one does not compile until it says what it shows.
 */
export function restrictedGateway(gateway: Gateway, permission: Permission): Gateway {
  if (permission.devices === undefined) return gateway;
  const view: View = { gateway, permission, sees: (deviceId) => reaches(permission, deviceId) };
  return {
    identity: gateway.identity,
    clock: gateway.clock,
    devices: devicesIn(view),
    administration: administrationIn(view),
    attempts: attemptsIn(view),
    doors: doorsIn(view),
    accessCodes: accessCodesIn(view),
    userIdentities: userIdentitiesIn(view),
    spaces: spacesIn(view),
    accessGrants: accessGrantsIn(view),
    noise: noiseIn(view),
    events: eventsIn(view),
    webhooks: webhooksIn(view),
    sandbox: sandboxIn(view),
    time: timeIn(view),
    links: () => [],
    kept: () => gateway.kept(),
    laneDepth: (deviceId) => (view.sees(deviceId) ? gateway.laneDepth(deviceId) : 0),
    get ready() {
      return gateway.ready;
    },
  };
}

interface View {
  readonly gateway: Gateway;
  readonly permission: Permission;
  sees(deviceId: string | undefined): boolean;
}

const unknown = (type: GatewayErrorType, what: string): GatewayError =>
  new GatewayError(type, `There is no such ${what} at this gateway.`);

/** The same words for what does not exist as for what is out of reach: the core would name the id, or tell more. */
async function unlessUnknown<Answer>(notFound: GatewayError, act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof GatewayError && error.type === notFound.type ? notFound : error;
  }
}

function assertDevice({ sees }: View, deviceId: string): void {
  if (!sees(deviceId)) throw unknown('device_not_found', 'device');
}

/** What is asked of a device that is out of reach is asked of an id that does not exist. */
const within =
  <Args extends unknown[], Answer>(view: View, act: (deviceId: string, ...args: Args) => Promise<Answer>) =>
  async (deviceId: string, ...args: Args): Promise<Answer> => {
    assertDevice(view, deviceId);
    return act(deviceId, ...args);
  };

function devicesIn({ gateway: { devices }, sees }: View): Devices {
  return {
    list: () => devices.list().filter(({ deviceId }) => sees(deviceId)),
    get: (deviceId) => (sees(deviceId) ? devices.get(deviceId) : undefined),
    onReport: (listener) =>
      devices.onReport((snapshot, report) => {
        if (sees(snapshot.deviceId)) listener(snapshot, report);
      }),
  };
}

function administrationIn(view: View): DeviceAdministration {
  const { administration } = view.gateway;
  return {
    update: within(view, (id, update) => administration.update(id, update)),
    takeOutOfService: within(view, (id, reason, origin) => administration.takeOutOfService(id, reason, origin)),
    reword: within(view, (id, words) => administration.reword(id, words)),
    putIntoService: within(view, (id, origin) => administration.putIntoService(id, origin)),
  };
}

function doorsIn(view: View): Doors {
  const { doors } = view.gateway;
  return {
    lock: within(view, (id, origin) => doors.lock(id, origin)),
    unlock: within(view, (id, origin) => doors.unlock(id, origin)),
    configureAutoLock: within(view, (id, wanted, origin) => doors.configureAutoLock(id, wanted, origin)),
  };
}

function sandboxIn(view: View): Sandbox {
  const { sandbox } = view.gateway;
  return {
    get isWhole() {
      return sandbox.isWhole;
    },
    eventsOf: (id) => (view.sees(id) ? sandbox.eventsOf(id) : undefined),
    simulate: (id, event) => {
      assertDevice(view, id);
      sandbox.simulate(id, event);
    },
    typeCode: within(view, (id, code, origin) => sandbox.typeCode(id, code, origin)),
    lockAtKeypad: within(view, (id, origin) => sandbox.lockAtKeypad(id, origin)),
    programCode: within(view, (id, code, name) => sandbox.programCode(id, code, name)),
    triggerNoise: (id) => {
      assertDevice(view, id);
      sandbox.triggerNoise(id);
    },
    reset: async () => {
      throw wholeGatewayOnly('/workspaces/reset_sandbox');
    },
  };
}

/** Who else commands a shared door, and from where, is not told. */
const anotherKey: Actor = { kind: 'api_key', keyId: '', name: 'another key', address: '' };

function attemptsIn({ gateway: { attempts }, permission, sees }: View): Attempts {
  const shown = (attempt: AttemptRecord): AttemptRecord => {
    const { actor } = attempt;
    return actor.kind === 'api_key' && actor.keyId !== permission.id ? { ...attempt, actor: anotherKey } : attempt;
  };
  const get = (id: string): AttemptRecord | undefined => {
    const attempt = attempts.get(id);
    return attempt && sees(attempt.deviceId) ? shown(attempt) : undefined;
  };
  const list: Attempts['list'] = (query) =>
    attempts
      .list({ ...query, deviceIds: (query.deviceIds ?? [...(permission.devices ?? [])]).filter(sees) })
      .map(shown);
  return {
    get,
    list,
    history: (id) => get(id) && attempts.history(id),
    idempotency: (scope) => attempts.idempotency(scope),
    settled: async (id, signal) => {
      if (get(id) === undefined) throw unknown('action_attempt_not_found', 'action attempt');
      return shown(await attempts.settled(id, signal));
    },
    onChange: (listener) =>
      attempts.onChange((attempt) => {
        if (sees(attempt.deviceId)) listener(shown(attempt));
      }),
    get pendingCount() {
      return list({ status: 'pending', limit: Number.MAX_SAFE_INTEGER }).length;
    },
  };
}

/**
 * Removing what is gone answers with the removal it had. Whether that is within reach is known only afterwards, so
 * nothing may be written down under the caller's Idempotency-Key before.
 */
async function removeWithin(
  { sees }: View,
  deviceId: string | undefined,
  origin: Origin,
  remove: (origin: Origin) => Promise<AttemptRecord>,
  notFound: GatewayError,
): Promise<AttemptRecord> {
  if (deviceId !== undefined) {
    if (!sees(deviceId)) throw notFound;
    return unlessUnknown(notFound, () => remove(origin));
  }
  const { idempotency: _, ...unclaimed } = origin;
  const attempt = await unlessUnknown(notFound, () => remove(unclaimed));
  if (!sees(attempt.deviceId)) throw notFound;
  return attempt;
}

const noSuchCode = () => unknown('access_code_not_found', 'access code');

function accessCodesIn(view: View): AccessCodes {
  const { gateway, sees } = view;
  const { accessCodes } = gateway;
  const get: AccessCodes['get'] = (id) => {
    const code = accessCodes.get(id);
    return code && sees(code.deviceId) ? code : undefined;
  };
  const assertCode = (id: string) => {
    if (get(id) === undefined) throw noSuchCode();
  };
  return {
    create: async (request, origin) => {
      assertDevice(view, request.deviceId);
      return accessCodes.create(request, origin);
    },
    createMultiple: async (request, origin) => {
      for (const deviceId of request.deviceIds) assertDevice(view, deviceId);
      return accessCodes.createMultiple(request, origin);
    },
    update: async (id, patch, origin) => {
      assertCode(id);
      return unlessUnknown(noSuchCode(), () => accessCodes.update(id, patch, origin));
    },
    delete: (id, origin) =>
      removeWithin(view, accessCodes.get(id)?.deviceId, origin, (as) => accessCodes.delete(id, as), noSuchCode()),
    generateCode: (deviceId, length) => {
      assertDevice(view, deviceId);
      return accessCodes.generateCode(deviceId, length);
    },
    backupPoolOf: (deviceId) => (sees(deviceId) ? accessCodes.backupPoolOf(deviceId) : { ready: 0, wanted: 0 }),
    isBackupAvailable: (code) => sees(code.deviceId) && accessCodes.isBackupAvailable(code),
    pullBackup: async (id, origin) => {
      assertCode(id);
      return accessCodes.pullBackup(id, origin);
    },
    get,
    list: (deviceId) => accessCodes.list(deviceId).filter((code) => sees(code.deviceId)),
    atSlot: (deviceId, slot) => (sees(deviceId) ? accessCodes.atSlot(deviceId, slot) : undefined),
    reveal: (code) => (sees(code.deviceId) ? accessCodes.reveal(code) : undefined),
    unmanaged: unmanagedIn(view),
  };
}

function unmanagedIn(view: View): UnmanagedCodes {
  const { unmanaged } = view.gateway.accessCodes;
  const { sees } = view;
  const get: UnmanagedCodes['get'] = (id) => {
    const code = unmanaged.get(id);
    return code && sees(code.deviceId) ? code : undefined;
  };
  return {
    get,
    list: (deviceId) => unmanaged.list(deviceId).filter((code) => sees(code.deviceId)),
    reveal: (code) => (sees(code.deviceId) ? unmanaged.reveal(code) : undefined),
    delete: (id, origin) =>
      removeWithin(view, unmanaged.get(id)?.deviceId, origin, (as) => unmanaged.delete(id, as), noSuchCode()),
    convert: async (id, origin) => {
      if (get(id) === undefined && !sees(view.gateway.accessCodes.get(id)?.deviceId)) throw noSuchCode();
      return unlessUnknown(noSuchCode(), () => unmanaged.convert(id, origin));
    },
  };
}

const noSuchThreshold = () => unknown('noise_threshold_not_found', 'noise threshold');

function noiseIn(view: View): NoiseThresholds {
  const { gateway, sees } = view;
  const { noise } = gateway;
  const get: NoiseThresholds['get'] = (id) => {
    const threshold = noise.get(id);
    return threshold && sees(threshold.deviceId) ? threshold : undefined;
  };
  return {
    create: async (request, origin) => {
      assertDevice(view, request.deviceId);
      return noise.create(request, origin);
    },
    update: async (id, change, origin) => {
      if (get(id) === undefined) throw noSuchThreshold();
      return noise.update(id, change, origin);
    },
    remove: (id, origin) =>
      removeWithin(view, noise.get(id)?.deviceId, origin, (as) => noise.remove(id, as), noSuchThreshold()),
    get,
    list: (deviceId) => noise.list(deviceId).filter((threshold) => sees(threshold.deviceId)),
    exceeded: (deviceId) => (sees(deviceId) ? noise.exceeded(deviceId) : []),
    isKeptByDevice: (threshold) => sees(threshold.deviceId) && noise.isKeptByDevice(threshold),
    minutes: (deviceId, from, until) => (sees(deviceId) ? noise.minutes(deviceId, from, until) : []),
    hours: (deviceId, from, until) => (sees(deviceId) ? noise.hours(deviceId, from, until) : []),
    onEpisode: (listener) =>
      noise.onEpisode((episode) => {
        if (sees(episode.threshold.deviceId)) listener(episode);
      }),
  };
}

function eventsIn({ gateway: { events }, permission, sees }: View): Events {
  return {
    get: (id) => {
      const event = events.get(id);
      return event && sees(event.deviceId) ? event : undefined;
    },
    list: (query) =>
      events.list({ ...query, deviceIds: (query.deviceIds ?? [...(permission.devices ?? [])]).filter(sees) }),
    after: (seq, limit) => {
      const found: EventRecord[] = [];
      for (let from = seq; found.length < limit; ) {
        const next = events.after(from, batch);
        const last = next.at(-1);
        if (last === undefined) break;
        from = last.seq;
        found.push(...next.filter(({ deviceId }) => sees(deviceId)));
      }
      return found.slice(0, limit);
    },
    get highestSeq() {
      return events.highestSeq;
    },
    onEvent: (listener) =>
      events.onEvent((event) => {
        if (sees(event.deviceId)) listener(event);
      }),
  };
}

/** A webhook of a restricted key is its own alone: it is made, seen, changed and deleted with that key. */
function webhooksIn({ gateway: { webhooks }, permission }: View): Webhooks {
  const get: Webhooks['get'] = (id) => {
    const webhook = webhooks.get(id);
    return webhook?.keyId === permission.id ? webhook : undefined;
  };
  const assertOwn = (id: string) => {
    if (get(id) === undefined) throw unknown('webhook_not_found', 'webhook');
  };
  return {
    create: (request) => webhooks.create({ ...request, keyId: permission.id }),
    get,
    list: () => webhooks.list().filter(({ keyId }) => keyId === permission.id),
    update: async (id, eventTypes) => {
      assertOwn(id);
      await webhooks.update(id, eventTypes);
    },
    delete: async (id) => {
      assertOwn(id);
      await webhooks.delete(id);
    },
    get includesCodes() {
      return webhooks.includesCodes;
    },
    // How much waits for the receivers of others is not told.
    queued: 0,
    queueOf: (id) => (get(id) === undefined ? undefined : webhooks.queueOf(id)),
  };
}

function timeIn({ gateway: { time } }: View): ClockTrust {
  return {
    get confidence() {
      return time.confidence;
    },
    confirm: async () => {
      throw wholeGatewayOnly('Confirming the clock');
    },
  };
}
