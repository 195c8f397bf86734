import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Gateway } from '../model/gateway.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord } from '../model/grant-records.ts';
import type { UserIdentity } from '../model/grants.ts';
import type {
  AccessCodeRecord,
  AttemptRecord,
  EventRecord,
  NoiseThresholdRecord,
  UnmanagedCodeRecord,
} from '../model/records.ts';
import { type WireAccessCode, wireAccessCode } from './access-code.ts';
import { type WireAccessGrant, wireAccessGrant } from './access-grant.ts';
import { type WireAccessMethod, wireAccessMethod } from './access-method.ts';
import { type ActionAttempt, actionAttempt } from './action-attempt.ts';
import { accountErrors } from './connected-account.ts';
import { type WireDevice, wireDevice } from './device.ts';
import {
  conditionWarnings,
  deviceErrors,
  deviceWarnings,
  noLongerConfigured,
  type WarningSurroundings,
} from './device-problems.ts';
import { type WireEvent, wireEvent } from './event.ts';
import { type WireNoiseThreshold, wireNoiseThreshold } from './noise-threshold.ts';
import { type WireSpace, wireSpace } from './space.ts';
import { type WireUnmanagedAccessCode, wireUnmanagedAccessCode } from './unmanaged-access-code.ts';
import { type WireUserIdentity, wireUserIdentity } from './user-identity.ts';
import type { Viewer } from './viewer.ts';

/** Puts the gateway's records into the wire's words, with what the viewer may see. */
export class Serializers {
  /** People, spaces, access grants and methods. */
  readonly grants: GrantSerializers;
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.grants = new GrantSerializers(gateway);
  }

  device(device: DeviceSnapshot): WireDevice {
    const { identity, noise, spaces, sandbox } = this.#gateway;
    return wireDevice(device, {
      workspaceId: identity.workspaceId,
      gatewayName: identity.name,
      ...this.#aroundWarningsOf(device),
      spaceIds: spaces.ofDevice(device.deviceId),
      simulates: sandbox.eventsOf(device.deviceId),
      exceeded: device.capabilities.noise === undefined ? [] : noise.exceeded(device.deviceId),
    });
  }

  get #moment() {
    const { time, clock } = this.#gateway;
    return { time: time.confidence, now: clock.wallTime() };
  }

  #aroundWarningsOf({ deviceId, capabilities }: DeviceSnapshot): WarningSurroundings {
    const { accessCodes } = this.#gateway;
    const takesCodes = capabilities.accessCodes !== undefined;
    const backupPool = takesCodes ? accessCodes.backupPoolOf(deviceId) : { ready: 0, wanted: 0 };
    return {
      ...this.#moment,
      backupPool,
      codeCount: takesCodes
        ? accessCodes.list(deviceId).length + accessCodes.unmanaged.list(deviceId).length + backupPool.ready
        : 0,
    };
  }

  accessCode(code: AccessCodeRecord, viewer: Viewer): WireAccessCode {
    const { identity, devices, accessCodes, accessGrants } = this.#gateway;
    const device = devices.get(code.deviceId);
    const grant = code.grant && accessGrants.get(code.grant.accessGrantId);
    return wireAccessCode(code, {
      workspaceId: identity.workspaceId,
      digits: viewer.may('codes') ? (accessCodes.reveal(code)?.reveal() ?? null) : null,
      deviceErrors: device === undefined ? [noLongerConfigured(identity.startedAt)] : deviceErrors(device),
      deviceWarnings: device === undefined ? [] : conditionWarnings(device, this.#moment),
      isBackupAvailable: accessCodes.isBackupAvailable(code),
      nameOfGrant: grant && accessGrants.nameOf(grant),
    });
  }

  unmanagedAccessCode(code: UnmanagedCodeRecord, viewer: Viewer): WireUnmanagedAccessCode {
    const { identity, devices, accessCodes } = this.#gateway;
    const device = devices.get(code.deviceId);
    return wireUnmanagedAccessCode(code, {
      workspaceId: identity.workspaceId,
      digits: viewer.may('codes') ? (accessCodes.unmanaged.reveal(code)?.reveal() ?? null) : null,
      deviceErrors: device === undefined ? [noLongerConfigured(identity.startedAt)] : deviceErrors(device),
      deviceWarnings: device === undefined ? [] : conditionWarnings(device, this.#moment),
    });
  }

  attempt(attempt: AttemptRecord, viewer: Viewer): ActionAttempt {
    return actionAttempt(attempt, (settled, result) => this.#completed(settled, result, viewer));
  }

  event(event: EventRecord, viewer: Viewer): WireEvent {
    const { identity, accessCodes, accessGrants, devices } = this.#gateway;
    const { deviceId = '', accessCodeId = '', accessMethodId = '' } = event;
    const code = () => accessCodes.get(accessCodeId);
    const device = () => devices.get(deviceId);
    return wireEvent(event, {
      workspaceId: identity.workspaceId,
      digits: () => {
        const found = viewer.may('codes') ? code() : undefined;
        return found === undefined ? null : (accessCodes.reveal(found)?.reveal() ?? null);
      },
      methodDigits: () => {
        const method = accessGrants.method(accessMethodId);
        return method === undefined ? null : this.grants.digitsOf(method, viewer);
      },
      deviceErrors: () => {
        const found = device();
        return found === undefined ? [] : deviceErrors(found);
      },
      deviceWarnings: () => {
        const found = device();
        return found === undefined ? [] : deviceWarnings(found, this.#aroundWarningsOf(found));
      },
      link: () => device()?.link,
      accountErrors: () => {
        const link = device()?.link;
        return link === undefined ? [] : accountErrors(devices.list().filter((one) => one.link === link));
      },
      deviceMetadata: () => device()?.settings.customMetadata,
      isManagedCode: () => {
        if (code() !== undefined) return true;
        return accessCodes.unmanaged.get(accessCodeId) === undefined ? undefined : false;
      },
      userIdentityId: () => accessGrants.get(code()?.grant?.accessGrantId ?? '')?.userIdentityId,
    });
  }

  /** The access code an attempt is about; null when it is gone. */
  accessCodeOf({ subject }: AttemptRecord, viewer: Viewer): WireAccessCode | null {
    if (subject?.kind !== 'access_code') return null;
    const code = this.#gateway.accessCodes.get(subject.accessCodeId);
    return code === undefined ? null : this.accessCode(code, viewer);
  }

  noiseThreshold(threshold: NoiseThresholdRecord): WireNoiseThreshold {
    return wireNoiseThreshold(threshold, this.#gateway.noise.isKeptByDevice(threshold));
  }

  noiseThresholdOf({ subject }: AttemptRecord): WireNoiseThreshold | null {
    if (subject?.kind !== 'noise_threshold') return null;
    const threshold = this.#gateway.noise.get(subject.noiseThresholdId);
    return threshold === undefined ? null : this.noiseThreshold(threshold);
  }

  /**
   * A stored result names what was made, never its digits: the object is shown as it is now, with what this viewer may
   * see of it. The wire contract has it optional, and once it is gone there is none.
   */
  #completed(
    attempt: AttemptRecord,
    result: Readonly<Record<string, unknown>>,
    viewer: Viewer,
  ): Record<string, unknown> {
    switch (attempt.actionType) {
      case 'CREATE_ACCESS_CODE':
      case 'UPDATE_ACCESS_CODE': {
        const code = this.accessCodeOf(attempt, viewer);
        return code === null ? {} : { access_code: code };
      }
      case 'CREATE_NOISE_THRESHOLD':
      case 'UPDATE_NOISE_THRESHOLD': {
        const threshold = this.noiseThresholdOf(attempt);
        return threshold === null ? {} : { noise_threshold: threshold };
      }
      default:
        return { ...result };
    }
  }
}

/** People, spaces, grants and methods in the wire's words, with what the viewer may see. */
export class GrantSerializers {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  userIdentity(identity: UserIdentity): WireUserIdentity {
    return wireUserIdentity(identity, this.#gateway.identity.workspaceId);
  }

  space(space: SpaceRecord): WireSpace {
    const { spaces, identity } = this.#gateway;
    const parent = space.parentSpaceId === undefined ? undefined : spaces.get(space.parentSpaceId);
    return wireSpace(space, parent, identity.workspaceId);
  }

  grant(grant: AccessGrantRecord, viewer: Viewer): WireAccessGrant {
    const { identity, accessGrants, accessCodes, userIdentities, devices, clock } = this.#gateway;
    const maySee = viewer.may('codes');
    const person = userIdentities.get(grant.userIdentityId);
    return wireAccessGrant(grant, {
      workspaceId: identity.workspaceId,
      name: accessGrants.nameOf(grant),
      displayName: person ? this.userIdentity(person).display_name : 'Access Grant',
      doors: accessGrants.doorsOf(grant),
      methods: accessGrants.methodsOf(grant.accessGrantId),
      codeOf: (id) => accessCodes.get(id),
      nameOf: (id) => this.#nameOf(id),
      troubleOf: (id) => {
        const device = devices.get(id);
        return device ? deviceErrors(device)[0] : noLongerConfigured(identity.startedAt);
      },
      requestedDigits: (request) => (maySee ? accessGrants.requestedDigits(grant, request)?.reveal() : undefined),
      digitsOf: (method) => (maySee ? accessGrants.reveal(method)?.reveal() : undefined),
      now: clock.wallTime(),
    });
  }

  method(method: AccessMethodRecord, viewer: Viewer): WireAccessMethod {
    const { identity, accessGrants, accessCodes, clock } = this.#gateway;
    return wireAccessMethod(method, {
      workspaceId: identity.workspaceId,
      digits: this.digitsOf(method, viewer),
      grant: accessGrants.get(method.accessGrantId),
      isOneOfSeveral: accessGrants.methodsOf(method.accessGrantId).length > 1,
      codeOf: (id) => accessCodes.get(id),
      nameOf: (id) => this.#nameOf(id),
      now: clock.wallTime(),
    });
  }

  /** Null for a viewer who may not see them, and when they cannot be read any more. */
  digitsOf(method: AccessMethodRecord, viewer: Viewer): string | null {
    return viewer.may('codes') ? (this.#gateway.accessGrants.reveal(method)?.reveal() ?? null) : null;
  }

  #nameOf(deviceId: string): string {
    return this.#gateway.devices.get(deviceId)?.name ?? 'A door that is no longer configured';
  }
}
