import { z } from 'zod';
import { workspace, workspaceSchema } from '../../wire/workspace.ts';
import { type Route, readRoute } from '../route.ts';

export function workspaceRoutes(): Route[] {
  return [
    readRoute({
      path: '/workspaces/get',
      summary: 'Get the workspace: this gateway',
      scopes: [],
      params: z.object({}),
      answer: z.object({ workspace: workspaceSchema }),
      respond: (_params, { gateway }) => ({ workspace: workspace(gateway.identity) }),
    }),
  ];
}
