import { GatewayError, type GatewayErrorType } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import type { AccessGrantRecord, SpaceRecord } from '../model/grant-records.ts';
import type { AccessGrants, Spaces, UserIdentities } from '../model/grants.ts';
import { wholeGatewayOnly } from './whole-gateway.ts';

/** What of a view these ports need. */
export interface GrantView {
  readonly gateway: Gateway;
  sees(deviceId: string | undefined): boolean;
}

const unknown = (type: GatewayErrorType, what: string): GatewayError =>
  new GatewayError(type, `There is no such ${what} at this gateway.`);

const refused = (what: string) => async (): Promise<never> => {
  throw wholeGatewayOnly(what);
};

/** A grant is within reach when all of its doors are: it says of each what is wrong with it. */
const seesGrant =
  ({ gateway, sees }: GrantView) =>
  (grant: AccessGrantRecord): boolean => {
    const doors = gateway.accessGrants.doorsOf(grant);
    return doors.length > 0 && doors.every(sees);
  };

export function accessGrantsIn(view: GrantView): AccessGrants {
  const { gateway, sees } = view;
  const { accessGrants } = gateway;
  const visible = seesGrant(view);
  const spaces = spacesIn(view);
  const identities = userIdentitiesIn(view);
  const ifVisible = (grant: AccessGrantRecord | undefined) => (grant && visible(grant) ? grant : undefined);
  const get: AccessGrants['get'] = (id) => ifVisible(accessGrants.get(id));
  const assertGrant = (id: string) => {
    if (get(id) === undefined) throw unknown('access_grant_not_found', 'access grant');
  };
  const method: AccessGrants['method'] = (id) => {
    const found = accessGrants.method(id);
    return found && get(found.accessGrantId) ? found : undefined;
  };
  return {
    create: async (request) => {
      for (const deviceId of request.deviceIds) {
        if (!sees(deviceId)) throw unknown('device_not_found', 'device');
      }
      for (const spaceId of request.spaceIds) {
        if (spaces.get(spaceId) === undefined) throw unknown('space_not_found', 'space');
      }
      const { user } = request;
      if ('userIdentityId' in user && identities.get(user.userIdentityId) === undefined) {
        throw unknown('user_identity_not_found', 'person');
      }
      return accessGrants.create(request);
    },
    get,
    withKey: (key) => ifVisible(accessGrants.withKey(key)),
    *list(of) {
      for (const grant of accessGrants.list(of)) if (visible(grant)) yield grant;
    },
    update: async (id, patch) => {
      assertGrant(id);
      await accessGrants.update(id, patch);
    },
    delete: async (id) => {
      assertGrant(id);
      await accessGrants.delete(id);
    },
    requestMethods: async (id, requests) => {
      assertGrant(id);
      return accessGrants.requestMethods(id, requests);
    },
    nameOf: (grant) => (visible(grant) ? accessGrants.nameOf(grant) : undefined),
    doorsOf: (grant) => accessGrants.doorsOf(grant).filter(sees),
    requestedDigits: (grant, request) => (visible(grant) ? accessGrants.requestedDigits(grant, request) : undefined),
    method,
    methodsOf: (id) => (get(id) ? accessGrants.methodsOf(id) : []),
    reveal: (one) => (method(one.accessMethodId) ? accessGrants.reveal(one) : undefined),
    deleteMethod: async (id) => {
      if (method(id) === undefined) throw unknown('access_method_not_found', 'access method');
      await accessGrants.deleteMethod(id);
    },
  };
}

/** Spaces whose doors are all within reach; what changes one changes the grants of others. */
export function spacesIn({ gateway: { spaces }, sees }: GrantView): Spaces {
  const visible = ({ deviceIds }: SpaceRecord): boolean => deviceIds.length > 0 && deviceIds.every(sees);
  const ifVisible = (space: SpaceRecord | undefined) => (space && visible(space) ? space : undefined);
  return {
    create: refused('Making a space'),
    get: (id) => ifVisible(spaces.get(id)),
    withKey: (key) => ifVisible(spaces.withKey(key)),
    list: () => spaces.list().filter(visible),
    ofDevice: (deviceId) => spaces.ofDevice(deviceId).filter((id) => ifVisible(spaces.get(id)) !== undefined),
    update: refused('Changing a space'),
    delete: refused('Deleting a space'),
    addDevices: refused('Changing a space'),
    removeDevices: refused('Changing a space'),
  };
}

/** People who have a grant within reach. */
export function userIdentitiesIn(view: GrantView): UserIdentities {
  const { userIdentities, accessGrants } = view.gateway;
  const visible = seesGrant(view);
  const known = (id: string) => [...accessGrants.list({ userIdentityId: id })].some(visible);
  const get: UserIdentities['get'] = (id) => (known(id) ? userIdentities.get(id) : undefined);
  return {
    create: refused('Making a person known'),
    get,
    withKey: (key) => {
      const found = userIdentities.withKey(key);
      return found && get(found.userIdentityId);
    },
    list: () => userIdentities.list().filter(({ userIdentityId }) => known(userIdentityId)),
    update: refused('Changing a person'),
    delete: refused('Forgetting a person'),
    grantAccessToDevice: refused('Associating a door with a person'),
    revokeAccessToDevice: refused('Associating a door with a person'),
    accessibleDevices: (id) => {
      if (!known(id)) throw unknown('user_identity_not_found', 'person');
      return userIdentities.accessibleDevices(id).filter(view.sees);
    },
  };
}
