import { z } from 'zod';
import type { Gateway } from '../model/gateway.ts';

export const workspaceSchema = z
  .object({
    workspace_id: z.string(),
    name: z.string(),
    company_name: z.string(),
    is_sandbox: z.boolean(),
    is_suspended: z.boolean(),
    connect_partner_name: z.string().nullable(),
    connect_webview_customization: z.object({}),
    is_publishable_key_auth_enabled: z.boolean(),
    organization_id: z.string().nullable(),
  })
  .meta({ id: 'workspace' });

export type Workspace = z.output<typeof workspaceSchema>;

/** The gateway as the one workspace there is. */
export function workspace({ identity, sandbox }: Pick<Gateway, 'identity' | 'sandbox'>): Workspace {
  return {
    workspace_id: identity.workspaceId,
    name: identity.name,
    company_name: identity.name,
    is_sandbox: sandbox.isWhole,
    is_suspended: false,
    connect_partner_name: null,
    connect_webview_customization: {},
    is_publishable_key_auth_enabled: false,
    organization_id: null,
  };
}
