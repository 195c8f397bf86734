import type { Clock } from '../../contract/index.ts';
import type { Onboarding } from '../../model/onboarding.ts';
import type { ApiKeyAdministration } from '../key-administration.ts';
import type { Route } from '../route.ts';
import { accessCodeGroupRoutes, accessCodeRoutes } from './access-codes.ts';
import { accessGrantRoutes } from './access-grants.ts';
import { accessMethodRoutes } from './access-methods.ts';
import { actionAttemptRoutes } from './action-attempts.ts';
import { type AuditReader, apiKeyRoutes, auditRoutes } from './administration.ts';
import { codeTimelineRoutes } from './code-timeline.ts';
import { type Configuration, configurationRoutes, onboardingRoutes } from './configuration.ts';
import { connectedAccountRoutes } from './connected-accounts.ts';
import { consoleRoutes } from './console.ts';
import { deviceConstraintRoutes, deviceRoutes, lockRoutes } from './devices.ts';
import { eventRoutes, webhookRoutes } from './events.ts';
import { clockRoutes, workspaceRoutes } from './gateway.ts';
import { noiseRoutes } from './noise.ts';
import { type PersonalDataService, personalDataRoutes } from './personal-data.ts';
import { simulateRoutes } from './simulate.ts';
import { spaceRoutes } from './spaces.ts';
import { unmanagedAccessCodeRoutes } from './unmanaged-access-codes.ts';
import { userIdentityRoutes } from './user-identities.ts';

/** What is no part of the gateway, and of nobody's view of it: these routes are for unrestricted keys alone. */
export interface OwnServices {
  readonly keyAdministration?: ApiKeyAdministration;
  readonly audit?: AuditReader;
  readonly personalData?: PersonalDataService;
  readonly configuration?: Configuration;
  readonly onboarding?: Onboarding;
}

/**
 * Every route that needs a key. None is given the gateway here: a route has its caller's, which shows and does what the
 * caller's key reaches and nothing else.
 */
export function gatewayRoutes(
  clock: Clock,
  { keyAdministration, audit, personalData, configuration, onboarding }: OwnServices = {},
): readonly Route[] {
  return [
    ...lockRoutes(),
    ...deviceRoutes(),
    ...actionAttemptRoutes(),
    ...accessCodeRoutes(),
    ...accessCodeGroupRoutes(clock),
    ...unmanagedAccessCodeRoutes(),
    ...codeTimelineRoutes(),
    ...deviceConstraintRoutes(),
    ...connectedAccountRoutes(),
    ...userIdentityRoutes(),
    ...spaceRoutes(),
    ...accessGrantRoutes(),
    ...accessMethodRoutes(),
    ...noiseRoutes(),
    ...eventRoutes(),
    ...webhookRoutes(),
    ...clockRoutes(),
    ...workspaceRoutes(),
    ...simulateRoutes(),
    ...(keyAdministration ? apiKeyRoutes(keyAdministration) : []),
    ...(audit ? auditRoutes(audit) : []),
    ...(personalData ? personalDataRoutes(personalData) : []),
    ...(configuration ? configurationRoutes(configuration) : []),
    ...(onboarding ? onboardingRoutes(onboarding, () => clock.wallTime()) : []),
    ...consoleRoutes(),
  ];
}
