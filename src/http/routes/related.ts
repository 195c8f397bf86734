import { z } from 'zod';
import type { Gateway } from '../../model/gateway.ts';
import type { AccessGrantRecord, AccessMethodRecord, SpaceRecord } from '../../model/grant-records.ts';
import { accessGrantSchema } from '../../wire/access-grant.ts';
import { accessMethodSchema } from '../../wire/access-method.ts';
import { deviceSchema } from '../../wire/device.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import type { Serializers } from '../../wire/serializers.ts';
import { spaceSchema } from '../../wire/space.ts';
import { userIdentitySchema } from '../../wire/user-identity.ts';
import type { Caller } from '../route.ts';

/** Objects that belong together, each once. What is not here (access systems, instant keys) is always empty. */
export const batchSchema = onceAsked(() =>
  z.object({
    access_grants: z.array(accessGrantSchema()).optional(),
    access_methods: z.array(accessMethodSchema()).optional(),
    devices: z.array(deviceSchema()).optional(),
    spaces: z.array(spaceSchema()).optional(),
    user_identities: z.array(userIdentitySchema()).optional(),
    connected_accounts: z.array(z.unknown()).optional(),
    acs_entrances: z.array(z.unknown()).optional(),
    acs_systems: z.array(z.unknown()).optional(),
    acs_access_groups: z.array(z.unknown()).optional(),
    acs_credentials: z.array(z.unknown()).optional(),
    client_sessions: z.array(z.unknown()).optional(),
    instant_keys: z.array(z.unknown()).optional(),
  }),
);

type RelatedKind = keyof z.output<ReturnType<typeof batchSchema>>;

export const relationParameters = {
  include: z.array(z.string()).optional().describe('Only these kinds of objects; all unless told.'),
  exclude: z.array(z.string()).optional().describe('All but these kinds.'),
};

interface Start {
  readonly grants?: readonly AccessGrantRecord[];
  readonly methods?: readonly AccessMethodRecord[];
  readonly spaces?: readonly SpaceRecord[];
}

/** @param kinds those that the route can give */
export function relatedTo(
  gateway: Gateway,
  answers: Serializers,
  start: Start,
  kinds: readonly RelatedKind[],
  choice: { readonly include?: readonly string[] | undefined; readonly exclude?: readonly string[] | undefined },
  caller: Caller,
): z.output<ReturnType<typeof batchSchema>> {
  const { accessGrants, spaces, devices, userIdentities } = gateway;
  const ofSpaces = new Set(start.spaces?.map(({ spaceId }) => spaceId));
  const grants = unique([
    ...(start.grants ?? []),
    ...(start.methods ?? []).flatMap(({ accessGrantId }) => accessGrants.get(accessGrantId) ?? []),
    ...[...ofSpaces].flatMap((spaceId) => [...accessGrants.list({ spaceId })]),
  ]);
  const methods = start.methods ?? grants.flatMap(({ accessGrantId }) => accessGrants.methodsOf(accessGrantId));
  const allSpaces = unique([
    ...(start.spaces ?? []),
    ...(start.spaces ? [] : grants.flatMap(({ spaceIds }) => spaceIds.flatMap((id) => spaces.get(id) ?? []))),
  ]);
  const doors = unique(
    start.methods
      ? methods.flatMap((method) => method.doors.map(({ deviceId }) => deviceId))
      : start.spaces
        ? start.spaces.flatMap(({ deviceIds }) => deviceIds)
        : grants.flatMap((grant) => accessGrants.doorsOf(grant)),
  );
  const people = unique(grants.map(({ userIdentityId }) => userIdentityId));
  const batch: Partial<Record<RelatedKind, unknown[]>> = {};
  for (const kind of kinds) {
    if (choice.include?.includes(kind) === false || choice.exclude?.includes(kind) === true) continue;
    switch (kind) {
      case 'access_grants':
        batch[kind] = grants.map((grant) => answers.grants.grant(grant, caller));
        break;
      case 'access_methods':
        batch[kind] = methods.map((method) => answers.grants.method(method, caller));
        break;
      case 'devices':
        batch[kind] = doors.flatMap((id) => devices.get(id) ?? []).map((device) => answers.device(device));
        break;
      case 'spaces':
        batch[kind] = allSpaces.map((space) => answers.grants.space(space));
        break;
      case 'user_identities':
        batch[kind] = people
          .flatMap((id) => userIdentities.get(id) ?? [])
          .map((identity) => answers.grants.userIdentity(identity));
        break;
      default:
        batch[kind] = [];
    }
  }
  return batch as z.output<ReturnType<typeof batchSchema>>;
}

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
