import { z } from 'zod';
import { type AuditActor, auditActor } from '../../model/audit.ts';
import type { DeviceEdit, ReloadReport } from '../../model/reload.ts';
import { changeRoute, type Route, readRoute } from '../route.ts';

/** The configuration file, as far as it concerns a running gateway. */
export interface Configuration {
  /** As it is in effect. */
  readonly current: ShownConfiguration;
  /** Reads the file anew. @throws GatewayError `invalid_input` with everything that is wrong with it */
  reload(by: AuditActor): Promise<ReloadReport>;
  /** As the file has them now. @throws GatewayError `invalid_input` where it cannot be read */
  devices(): readonly Readonly<Record<string, unknown>>[];
  /**
   * Changes the file in place and takes it over, or does neither.
   * @throws GatewayError `invalid_input`, `device_not_found`, `unsupported_action` where it may not be written
   */
  change(by: AuditActor, edit: DeviceEdit): Promise<ReloadReport>;
}

/** What the file said when it was last taken over, with all defaults filled in and secrets hidden. */
export interface ShownConfiguration {
  readonly file: string;
  readonly configSha256: string;
  readonly sections: Readonly<Record<string, unknown>>;
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

const entry = z.record(z.string(), z.unknown());
const entrySchema = entry.describe('An entry of the section devices, as in the file.');
const id = z.string().min(1).describe('The short id of a device.');

const onWire = (report: ReloadReport) => ({
  config_sha256: report.configSha256,
  devices: {
    added: [...report.devices.added],
    removed: [...report.devices.removed],
    changed: [...report.devices.changed],
  },
  links: [...report.links],
  monitor_changed: report.isMonitorChanged,
  needs_restart: [...report.needsRestart],
});

/** Our own: a changed configuration, without a restart. */
export function configurationRoutes(configuration: Configuration): Route[] {
  const changed = async (report: Promise<ReloadReport>) => {
    const reload = onWire(await report);
    return { answer: () => ({ reload }) };
  };
  const shared = { scopes: ['admin'], whole: true, answer: z.object({ reload: reloadSchema }) } as const;
  return [
    readRoute({
      path: '/strikeplate/configuration/get',
      summary: 'Get the configuration that is in effect, with secrets hidden',
      scopes: ['admin'],
      whole: true,
      params: z.strictObject({}),
      answer: z.object({
        configuration: z
          .object({
            file: z.string(),
            config_sha256: z.string(),
            sections: z.record(z.string(), z.unknown()).describe('As in the file, with all defaults filled in.'),
          })
          .meta({ id: 'configuration' }),
      }),
      respond: () => {
        const { file, configSha256, sections } = configuration.current;
        return { configuration: { file, config_sha256: configSha256, sections: { ...sections } } };
      },
    }),
    changeRoute('update', {
      ...shared,
      path: '/strikeplate/configuration/reload',
      summary: 'Take over the configuration file as it is now',
      params: z.strictObject({}),
      change: async (_params, { actor }) => changed(configuration.reload(auditActor(actor))),
    }),
    readRoute({
      ...shared,
      path: '/strikeplate/configuration/devices/list',
      summary: 'List the devices as the configuration file has them',
      params: z.strictObject({}),
      answer: z.object({ devices: z.array(entrySchema) }),
      respond: () => ({ devices: [...configuration.devices()] }),
    }),
    changeRoute('create', {
      ...shared,
      path: '/strikeplate/configuration/devices/add',
      summary: 'Write a device into the configuration file, and take it over',
      params: z.strictObject({ device: entrySchema }),
      change: async ({ device }, { actor }) =>
        changed(configuration.change(auditActor(actor), { kind: 'add', entry: device })),
    }),
    changeRoute('update', {
      ...shared,
      path: '/strikeplate/configuration/devices/change',
      summary: 'Change a device in the configuration file, and take it over',
      params: z.strictObject({
        id,
        changes: entry.describe('A JSON merge patch (RFC 7396): what is named is replaced, null takes it away.'),
      }),
      change: async ({ id, changes }, { actor }) =>
        changed(configuration.change(auditActor(actor), { kind: 'change', id, changes })),
    }),
    changeRoute('delete', {
      ...shared,
      path: '/strikeplate/configuration/devices/remove',
      summary: 'Take a device out of the configuration file, and let go of it',
      params: z.strictObject({ id }),
      change: async ({ id }, { actor }) => changed(configuration.change(auditActor(actor), { kind: 'remove', id })),
    }),
  ];
}
