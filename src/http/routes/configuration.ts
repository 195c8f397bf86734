import { z } from 'zod';
import { type AuditActor, auditActor } from '../../model/audit.ts';
import type { ReloadReport } from '../../model/reload.ts';
import { changeRoute, type Route } from '../route.ts';

/** The configuration file, as far as it concerns a running gateway. */
export interface Configuration {
  /** Reads the file anew. @throws GatewayError `invalid_input` with everything that is wrong with it */
  reload(by: AuditActor): Promise<ReloadReport>;
}

const ids = z.array(z.string());

const reloadSchema = z
  .object({
    config_sha256: z.string(),
    devices: z.object({ added: ids, removed: ids, changed: ids }).describe('Their short ids.'),
    links: ids.describe('Those that were opened, closed or exchanged, such as mqtt/main.'),
    monitor_changed: z.boolean(),
    needs_restart: ids.describe('Sections of the file that only a restart takes over.'),
  })
  .meta({ id: 'configuration_reload' });

/** Our own: a changed configuration, without a restart. */
export function configurationRoutes(configuration: Configuration): Route[] {
  return [
    changeRoute('update', {
      path: '/strikeplate/configuration/reload',
      summary: 'Take over the configuration file as it is now',
      scopes: ['admin'],
      whole: true,
      params: z.strictObject({}),
      answer: z.object({ reload: reloadSchema }),
      change: async (_params, { actor }) => {
        const { configSha256, devices, links, isMonitorChanged, needsRestart } = await configuration.reload(
          auditActor(actor),
        );
        const reload = {
          config_sha256: configSha256,
          devices: { added: [...devices.added], removed: [...devices.removed], changed: [...devices.changed] },
          links: [...links],
          monitor_changed: isMonitorChanged,
          needs_restart: [...needsRestart],
        };
        return { answer: () => ({ reload }) };
      },
    }),
  ];
}
