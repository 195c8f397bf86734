import type { Gateway } from '../model/gateway.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord } from '../model/grant-records.ts';
import type { UserIdentity } from '../model/grants.ts';
import { type WireAccessGrant, wireAccessGrant } from './access-grant.ts';
import { type WireAccessMethod, wireAccessMethod } from './access-method.ts';
import { deviceErrors, noLongerConfigured } from './device-problems.ts';
import { type WireSpace, wireSpace } from './space.ts';
import { type WireUserIdentity, wireUserIdentity } from './user-identity.ts';
import type { Viewer } from './viewer.ts';

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
