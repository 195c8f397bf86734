import { v5 as uuidV5 } from 'uuid';

/** The name space of all ids made here. It was drawn once and must never change, or every device gets another id. */
const nameSpace = '2bbe88d6-8b1b-42b8-9f8d-9a8fd2761d60';

/** The gateway's own id on the wire. */
export const workspaceIdOf = (gatewayId: string): string => uuidV5(gatewayId, nameSpace);

/** The same on every start and every machine, so that a gateway set up anew keeps its devices' ids. */
export const deviceIdOf = (gatewayId: string, slug: string): string => deviceIdsOf(gatewayId)(slug);

/** For many of one gateway's. */
export function deviceIdsOf(gatewayId: string): (slug: string) => string {
  const workspaceId = workspaceIdOf(gatewayId);
  return (slug) => uuidV5(slug, workspaceId);
}
