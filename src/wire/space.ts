import { z } from 'zod';
import type { SpaceRecord } from '../model/grant-records.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

export const spaceSchema = onceAsked(() =>
  z
    .object({
      space_id: z.string(),
      space_key: z.string().optional(),
      workspace_id: z.string(),
      name: z.string(),
      display_name: z.string(),
      created_at: z.string(),
      device_count: z.number(),
      acs_entrance_count: z.number(),
      parent_space_id: z.string().optional(),
      parent_space_key: z.string().optional(),
      customer_key: z.string().optional(),
      customer_data: z.record(z.string(), z.string().nullable()).optional(),
    })
    .meta({ id: 'space' }),
);

export type WireSpace = z.output<ReturnType<typeof spaceSchema>>;

export function wireSpace(space: SpaceRecord, parent: SpaceRecord | undefined, workspaceId: string): WireSpace {
  const { spaceId, key, name, deviceIds, createdAt, customerKey, customerData } = space;
  return {
    space_id: spaceId,
    ...(key !== undefined && { space_key: key }),
    workspace_id: workspaceId,
    name,
    display_name: name,
    created_at: isoTime(createdAt),
    device_count: deviceIds.length,
    acs_entrance_count: 0,
    ...(parent && {
      parent_space_id: parent.spaceId,
      ...(parent.key !== undefined && { parent_space_key: parent.key }),
    }),
    ...(customerKey !== undefined && { customer_key: customerKey }),
    ...(customerData !== undefined && { customer_data: { ...customerData } }),
  };
}
