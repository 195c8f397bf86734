import { z } from 'zod';
import type { UnmanagedCodeRecord } from '../model/records.ts';
import { accessCodeSchema, type CodeSurroundings } from './access-code.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

/** A code found on a lock that this gateway did not put there. */
export const unmanagedAccessCodeSchema = onceAsked(() =>
  z
    .object({
      access_code_id: z.string(),
      device_id: z.string(),
      workspace_id: z.string(),
      name: z.string().nullable().describe('What the lock calls it, where it keeps names.'),
      code: z
        .string()
        .nullable()
        .describe('Null for an API key without the scope `codes`, and where the lock hides it.'),
      type: z.literal('ongoing'),
      status: z.literal('set'),
      display_status: z.string(),
      created_at: z.string().describe('When it was first seen.'),
      errors: accessCodeSchema().shape.errors,
      warnings: accessCodeSchema().shape.warnings,
      is_managed: z.literal(false),
      cannot_be_managed: z.literal(true).optional().describe('The lock does not show its digits.'),
      slot: z.number().describe('Our own: its place on the lock.'),
    })
    .meta({ id: 'unmanaged_access_code' }),
);

export type WireUnmanagedAccessCode = z.output<ReturnType<typeof unmanagedAccessCodeSchema>>;

export function wireUnmanagedAccessCode(code: UnmanagedCodeRecord, around: CodeSurroundings): WireUnmanagedAccessCode {
  return {
    access_code_id: code.accessCodeId,
    device_id: code.deviceId,
    workspace_id: around.workspaceId,
    name: code.name ?? null,
    code: around.digits,
    type: 'ongoing',
    status: 'set',
    display_status: 'Set',
    created_at: isoTime(code.createdAt),
    errors: [...around.deviceErrors],
    warnings: [...around.deviceWarnings],
    is_managed: false,
    ...(code.sealedCode === undefined ? { cannot_be_managed: true as const } : {}),
    slot: code.slot,
  };
}
