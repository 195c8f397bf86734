import { z } from 'zod';
import type { UserIdentity } from '../model/grants.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

export const userIdentitySchema = onceAsked(() =>
  z
    .object({
      user_identity_id: z.string(),
      user_identity_key: z.string().nullable(),
      display_name: z.string().describe('The name, else the mail address, the phone number, the key or the id.'),
      full_name: z.string().nullable(),
      email_address: z.string().nullable(),
      phone_number: z.string().nullable(),
      created_at: z.string(),
      workspace_id: z.string(),
      acs_user_ids: z.array(z.string()).describe('Empty: there are no access systems here.'),
      errors: z.array(z.object({ error_code: z.string(), message: z.string(), created_at: z.string() })),
      warnings: z.array(z.object({ warning_code: z.string(), message: z.string(), created_at: z.string() })),
    })
    .meta({ id: 'user_identity' }),
);

export type WireUserIdentity = z.output<ReturnType<typeof userIdentitySchema>>;

export function wireUserIdentity(identity: UserIdentity, workspaceId: string): WireUserIdentity {
  const { userIdentityId, key, fullName, emailAddress, phoneNumber, createdAt } = identity;
  return {
    user_identity_id: userIdentityId,
    user_identity_key: key ?? null,
    display_name: fullName ?? emailAddress ?? phoneNumber ?? key ?? userIdentityId,
    full_name: fullName ?? null,
    email_address: emailAddress ?? null,
    phone_number: phoneNumber ?? null,
    created_at: isoTime(createdAt),
    workspace_id: workspaceId,
    acs_user_ids: [],
    errors: [],
    warnings: [],
  };
}
