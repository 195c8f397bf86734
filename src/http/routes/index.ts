import type { Gateway } from '../../model/gateway.ts';
import type { Answers } from '../../wire/answers.ts';
import type { Route } from '../route.ts';
import { accessCodeGroupRoutes } from './access-code-groups.ts';
import { accessCodeRoutes } from './access-codes.ts';
import { actionAttemptRoutes } from './action-attempts.ts';
import { clockRoutes } from './clock.ts';
import { deviceRoutes } from './devices.ts';
import { eventRoutes } from './events.ts';
import { lockRoutes } from './locks.ts';
import { noiseRoutes } from './noise.ts';
import { unmanagedAccessCodeRoutes } from './unmanaged-access-codes.ts';
import { webhookRoutes } from './webhooks.ts';
import { workspaceRoutes } from './workspaces.ts';

/** Every route that needs a key. */
export function gatewayRoutes(gateway: Gateway, answers: Answers): readonly Route[] {
  return [
    ...lockRoutes(gateway, answers),
    ...deviceRoutes(gateway, answers),
    ...actionAttemptRoutes(gateway, answers),
    ...accessCodeRoutes(gateway, answers),
    ...accessCodeGroupRoutes(gateway, answers),
    ...unmanagedAccessCodeRoutes(gateway, answers),
    ...noiseRoutes(gateway, answers),
    ...eventRoutes(gateway, answers),
    ...webhookRoutes(gateway),
    ...clockRoutes(gateway),
    ...workspaceRoutes(gateway),
  ];
}
