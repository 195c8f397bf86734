import { z } from 'zod';
import type { Gateway } from '../../model/gateway.ts';
import { type Route, readRoute } from '../route.ts';

export function workspaceRoutes(): Route[] {
  return [
    readRoute({
      path: '/workspaces/get',
      summary: 'Get the workspace: this gateway',
      scopes: [],
      params: z.object({}),
      answer: z.object({ workspace: workspaceSchema }),
      respond: (_params, { gateway }) => ({ workspace: workspace(gateway) }),
    }),
    readRoute({
      path: '/workspaces/list',
      summary: 'List workspaces: this gateway alone',
      scopes: [],
      params: z.object({}),
      answer: z.object({ workspaces: z.array(workspaceSchema) }),
      respond: (_params, { gateway }) => ({ workspaces: [workspace(gateway)] }),
    }),
  ];
}

const workspaceSchema = z
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

type Workspace = z.output<typeof workspaceSchema>;

/** The gateway as the one workspace there is. */
function workspace({ identity, sandbox }: Pick<Gateway, 'identity' | 'sandbox'>): Workspace {
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
