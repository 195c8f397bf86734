import { z } from 'zod';
import type { Gateway } from '../../model/gateway.ts';
import { workspace, workspaceSchema } from '../../wire/workspace.ts';
import { type Route, readRoute } from '../route.ts';

export function workspaceRoutes(gateway: Gateway): Route[] {
  const answer = { workspace: workspace(gateway.identity) };
  return [
    readRoute({
      path: '/workspaces/get',
      summary: 'Get the workspace: this gateway',
      scopes: [],
      params: z.object({}),
      answer: z.object({ workspace: workspaceSchema }),
      respond: () => answer,
    }),
  ];
}
