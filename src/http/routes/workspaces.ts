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
