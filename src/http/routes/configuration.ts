import { z } from 'zod';
import { Secret } from '../../contract/index.ts';
import { type AuditActor, auditActor } from '../../model/audit.ts';
import { type Onboarding, type OnboardingRecord, onboardingKinds, onboardingStatuses } from '../../model/onboarding.ts';
import type { DeviceEdit, ReloadReport } from '../../model/reload.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import { changeRoute, type Route, readRoute } from '../route.ts';

/** The configuration file, as far as it concerns a running gateway. */
export interface Configuration {
  /** As it is in effect. */
  readonly current: ShownConfiguration;
  /** Reads the file anew. @throws GatewayError `invalid_input` with everything that is wrong with it */
  reload(by: AuditActor): Promise<ReloadReport>;
  /** What reads the file is loaded when it is first wanted. */
  ready(): Promise<void>;
  /** As the file has them now, once it is ready. @throws GatewayError `invalid_input` where it cannot be read */
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

const reloadSchema = onceAsked(() =>
  z
    .object({
      config_sha256: z.string(),
      devices: z.object({ added: ids, removed: ids, changed: ids }).describe('Their short ids.'),
      links: ids.describe('Those that were opened, closed or exchanged, such as mqtt/main.'),
      monitor_changed: z.boolean(),
      needs_restart: ids.describe('Sections of the file that only a restart takes over.'),
    })
    .meta({ id: 'configuration_reload' }),
);

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
  const shared = { scopes: ['admin'], whole: true, answer: () => z.object({ reload: reloadSchema() }) } as const;
  return [
    readRoute({
      path: '/strikeplate/configuration/get',
      summary: 'Get the configuration that is in effect, with secrets hidden',
      scopes: ['admin'],
      whole: true,
      params: z.strictObject({}),
      answer: () =>
        z.object({
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
      answer: () => z.object({ devices: z.array(entrySchema) }),
      ready: () => configuration.ready(),
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

const path = '/strikeplate/onboarding';

const findingSchema = onceAsked(() =>
  z.object({
    address: z.string().describe('Tells it from others: a Bluetooth address, a topic, the number of a node.'),
    what: z.string(),
    driver: z.string().nullable().describe('Null where no driver knows it.'),
    note: z.string().nullable(),
    configured_as: z.string().nullable().describe('The short id of the device that is configured there.'),
    configuration: z.array(z.string()).describe('Lines for the configuration; none for what is configured.'),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
);

const onboardingSchema = onceAsked(() =>
  z
    .object({
      onboarding_id: z.string(),
      kind: z.enum(onboardingKinds),
      radio: z.string().describe('What it has for itself meanwhile, such as ble/radio.'),
      device_id: z.string().nullable().describe('The device that is paired.'),
      status: z.enum(onboardingStatuses),
      step: z.string().describe('Where it is, in a word or two.'),
      message: z.string().describe('The same as a sentence.'),
      started_at: z.string(),
      ends_at: z.string().describe('It ends by itself then.'),
      seconds_left: z.number().describe('Until it ends by itself; 0 when it has ended.'),
      ended_at: z.string().nullable(),
      question: z
        .object({ name: z.string(), text: z.string(), is_secret: z.boolean() })
        .nullable()
        .describe('What only a person at the device knows: answer it.'),
      found: z.array(findingSchema()),
      error: z.object({ type: z.string(), message: z.string() }).nullable(),
    })
    .meta({ id: 'onboarding' }),
);

const answer = () => z.object({ onboarding: onboardingSchema() });
const answersSchema = z
  .record(z.string().max(64), z.string().max(256))
  .describe('By the question’s name: pin, dsk, authorize_as. Kept nowhere, and written in no log.');
const onboardingId = { onboarding_id: z.string() };

/** Our own: getting to know devices while the gateway runs. */
export function onboardingRoutes(onboarding: Onboarding, wallTime: () => number): Route[] {
  const shown = (record: OnboardingRecord) => wire(record, wallTime());
  const about = { scopes: ['admin'], whole: true } as const;
  return [
    changeRoute('create', {
      ...about,
      path: `${path}/start`,
      summary: 'Begin to look for devices, pair one, or take one into or out of a network',
      params: z.strictObject({
        kind: z.enum(onboardingKinds),
        link: z.string().optional().describe('Such as zwave/stick; left out where there is only one.'),
        device_id: z.string().optional().describe('For device_pairing.'),
        seconds: z.number().optional().describe('How long at most.'),
        answers: answersSchema.optional(),
        name: z.string().optional().describe('For zigbee_join: how the device is called from then on.'),
        base_topic: z.string().optional().describe('For zigbee_join: of Zigbee2MQTT, unless it is zigbee2mqtt.'),
        node: z.int().optional().describe('For zwave_replacement, zwave_removal and zwave_route_rebuild.'),
      }),
      answer,
      change: async ({ kind, link, device_id, seconds, answers, name, base_topic, node }, { actor }) => {
        const request = {
          ...{ kind, link, seconds, name, node },
          ...{ deviceId: device_id, baseTopic: base_topic, answers: secrets(answers) },
        };
        const { onboardingId } = await onboarding.start(request, auditActor(actor));
        return { answer: () => ({ onboarding: shown(onboarding.get(onboardingId)) }) };
      },
    }),
    changeRoute('update', {
      ...about,
      path: `${path}/answer`,
      summary: 'Answer what an onboarding asks',
      params: z.strictObject({ ...onboardingId, answers: answersSchema }),
      answer,
      change: async ({ onboarding_id, answers }) => {
        onboarding.answer(onboarding_id, secrets(answers));
        return { answer: () => ({ onboarding: shown(onboarding.get(onboarding_id)) }) };
      },
    }),
    changeRoute('update', {
      ...about,
      path: `${path}/cancel`,
      summary: 'End an onboarding now',
      params: z.strictObject(onboardingId),
      answer,
      change: async ({ onboarding_id }) => {
        await onboarding.cancel(onboarding_id);
        return { answer: () => ({ onboarding: shown(onboarding.get(onboarding_id)) }) };
      },
    }),
    readRoute({
      ...about,
      path: `${path}/get`,
      summary: 'Get an onboarding: where it is, what it asks and what it found',
      params: z.object(onboardingId),
      answer,
      respond: ({ onboarding_id }) => ({ onboarding: shown(onboarding.get(onboarding_id)) }),
    }),
    readRoute({
      ...about,
      path: `${path}/list`,
      summary: 'List those that run and the last that ended, newest first',
      params: z.object({}),
      answer: () => z.object({ onboardings: z.array(onboardingSchema()) }),
      respond: () => ({ onboardings: onboarding.list().map(shown) }),
    }),
  ];
}

const secrets = (answers: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Secret> =>
  new Map(Object.entries(answers).map(([name, text]) => [name, new Secret(text.trim())]));

function wire(record: OnboardingRecord, now: number): z.output<ReturnType<typeof onboardingSchema>> {
  const { endedAt, endsAt, question, error } = record;
  return {
    onboarding_id: record.onboardingId,
    kind: record.kind,
    radio: record.radio,
    device_id: record.deviceId ?? null,
    status: record.status,
    step: record.step,
    message: record.message,
    started_at: isoTime(record.startedAt),
    ends_at: isoTime(endsAt),
    seconds_left: endedAt === undefined ? Math.max(0, Math.ceil((endsAt - now) / 1_000)) : 0,
    ended_at: endedAt === undefined ? null : isoTime(endedAt),
    question:
      question === undefined ? null : { name: question.name, text: question.text, is_secret: question.isSecret },
    found: record.found.map((finding) => ({
      address: finding.address,
      what: finding.what,
      driver: finding.driver ?? null,
      note: finding.note ?? null,
      configured_as: finding.configuredAs ?? null,
      configuration: [...finding.configuration],
      details: { ...finding.details },
    })),
    error: error === undefined ? null : { ...error },
  };
}
