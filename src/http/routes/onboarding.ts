import { z } from 'zod';
import { Secret } from '../../contract/index.ts';
import { auditActor } from '../../model/audit.ts';
import { type Onboarding, type OnboardingRecord, onboardingKinds, onboardingStatuses } from '../../model/onboarding.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { changeRoute, type Route, readRoute } from '../route.ts';

const path = '/strikeplate/onboarding';

const findingSchema = z.object({
  address: z.string().describe('Tells it from others: a Bluetooth address, a topic, the number of a node.'),
  what: z.string(),
  driver: z.string().nullable().describe('Null where no driver knows it.'),
  note: z.string().nullable(),
  configured_as: z.string().nullable().describe('The short id of the device that is configured there.'),
  configuration: z.array(z.string()).describe('Lines for the configuration; none for what is configured.'),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

const onboardingSchema = z
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
    found: z.array(findingSchema),
    error: z.object({ type: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'onboarding' });

const answer = z.object({ onboarding: onboardingSchema });
const answersSchema = z
  .record(z.string().max(64), z.string().max(256))
  .describe('By the question’s name: pin, dsk, authorize_as. Kept nowhere, and written in no log.');
const id = { onboarding_id: z.string() };

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
      params: z.strictObject({ ...id, answers: answersSchema }),
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
      params: z.strictObject(id),
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
      params: z.object(id),
      answer,
      respond: ({ onboarding_id }) => ({ onboarding: shown(onboarding.get(onboarding_id)) }),
    }),
    readRoute({
      ...about,
      path: `${path}/list`,
      summary: 'List those that run and the last that ended, newest first',
      params: z.object({}),
      answer: z.object({ onboardings: z.array(onboardingSchema) }),
      respond: () => ({ onboardings: onboarding.list().map(shown) }),
    }),
  ];
}

const secrets = (answers: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Secret> =>
  new Map(Object.entries(answers).map(([name, text]) => [name, new Secret(text.trim())]));

function wire(record: OnboardingRecord, now: number): z.output<typeof onboardingSchema> {
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
