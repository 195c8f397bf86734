import { z } from 'zod';
import {
  type AccessCodeCapability,
  Decibels,
  type Device,
  type DeviceReport,
  defineDriver,
  type MqttLink,
  type OpenContext,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import { topicNameProblem } from '../../../src/driver-kit/topic-names.ts';
import { AutoRelock } from './auto-relock.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import { type CodeSession, clearPin, readPin, setPin } from './code-command.ts';
import { CodeVoice } from './code-voice.ts';
import { noiseRead, stateRead } from './codec.ts';
import { DeviceBinding } from './device-binding.ts';
import { DeviceFeed, type HeardMessage } from './device-feed.ts';
import { DeviceWatch } from './device-watch.ts';
import { operate, readBolt } from './lock-command.ts';
import { OwnTraffic } from './own-traffic.ts';
import { batteryReport, LockReports, Reporter } from './reports.ts';
import { lateByMs, Testimony } from './testimony.ts';

const topicLevels = (what: string) =>
  z.string().superRefine((value, check) => {
    const problem = topicNameProblem(value);
    if (problem !== undefined) check.addIssue({ code: 'custom', message: `${what} ${problem}` });
  });

/** Zigbee2MQTT's own topics below its base, and below a device (its documentation, "MQTT topics and messages"). */
const ofTheBridge = /^bridge(\/|$)/;
const ofADevice = /\/(set|get|availability)(\/|$)/;
const friendlyName = topicLevels('the friendly name').superRefine((value, check) => {
  if (ofTheBridge.test(value))
    check.addIssue({
      code: 'custom',
      message: 'the friendly name may not be bridge, or begin with bridge/: those topics are the bridge’s own',
    });
  const level = ofADevice.exec(value)?.[1];
  if (level !== undefined)
    check.addIssue({
      code: 'custom',
      message: `the friendly name may not have a level "${level}": commands and states of other devices have it`,
    });
});

const common = {
  base_topic: topicLevels('the base topic')
    .default('zigbee2mqtt')
    .describe('The base topic in Zigbee2MQTT’s own configuration.'),
  friendly_name: friendlyName.describe(
    'The device’s name in Zigbee2MQTT, exactly as written there, or its IEEE address.',
  ),
  ieee_address: z
    .string()
    .regex(/^0x[0-9a-fA-F]{16}$/, 'an IEEE address is 0x and sixteen hexadecimal digits, as Zigbee2MQTT shows it')
    .optional()
    .describe(
      'The device’s IEEE address, beside its friendly name: another device that gets the name is then refused after a ' +
        'restart, too.',
    ),
  manufacturer: z.string().optional().describe('The maker, for the API’s answers.'),
  model: z.string().optional().describe('The model, for the API’s answers.'),
};

const lockSettings = z.strictObject({
  kind: z.literal('lock').default('lock'),
  ...common,
  pin_slots: z
    .strictObject({
      first: z.int().min(0).default(0).describe('The first slot that this gateway may use.'),
      count: z.int().min(1).describe('How many slots from there on are the gateway’s.'),
    })
    .optional()
    .describe('The lock’s code slots that are this gateway’s. Left out for a lock whose converter takes no PINs.'),
  pin_confirmation: z
    .enum(['read', 'none'])
    .optional()
    .describe(
      'read: a code is read back after it was written. none: the lock takes codes and tells of none (Nimly, ' +
        'easyCodeTouch); they are written without a look, and nobody can confirm them. Left out: it is learnt.',
    ),
  pin_lengths: z
    .array(z.int().min(1).max(16))
    .nonempty()
    .default([4, 5, 6, 7, 8])
    .describe('How many digits a PIN may have on this lock.'),
});

const noiseSettings = z.strictObject({
  kind: z.literal('noise'),
  ...common,
  interval_s: z
    .number()
    .positive()
    .default(60)
    .describe('The longest usual time between two levels, in seconds. A longer silence counts as a missing sample.'),
});

const settings = z.discriminatedUnion('kind', [lockSettings, noiseSettings]);

type LockSettings = z.output<typeof lockSettings>;
type NoiseSettings = z.output<typeof noiseSettings>;

export const zigbee2mqtt = defineDriver({
  id: 'mqtt/zigbee2mqtt',
  title: 'Zigbee locks and noise sensors behind Zigbee2MQTT',
  link: 'mqtt',
  settings,
  describe: ({ kind, manufacturer, model }) => ({
    deviceType: kind === 'lock' ? 'zigbee_lock' : 'zigbee_noise_sensor',
    manufacturer: manufacturer ?? 'unknown',
    model: model ?? (kind === 'lock' ? 'Zigbee lock' : 'Zigbee noise sensor'),
  }),
  part: ({ base_topic, friendly_name }) => `the topic ${base_topic}/${friendly_name}`,
  open: async (link, chosen, ctx) =>
    chosen.kind === 'lock' ? openLock(link, chosen, ctx) : openSensor(link, chosen, ctx),
});

function openLock(link: MqttLink, chosen: LockSettings, ctx: OpenContext): Device {
  const { session, close } = openDevice(link, chosen, ctx, stateRead);
  const { clock, feed, binding, own, testimony, reporter } = session;
  const reports = new LockReports(clock, own, reporter);
  const voice = new CodeVoice(clock, binding, chosen.pin_confirmation, () => reporter.tell({ kind: 'capabilities' }));
  feed.listen((event) => {
    if (event.kind === 'message') reports.hear(event);
    testimony.hear(event);
    voice.hear(event);
  });
  binding.onChange(() => voice.judge());
  const autoLock = new AutoRelock(session, reporter);
  return {
    lock: {
      observes: 'bolt',
      tellsWho: chosen.pin_slots !== undefined,
      lock: operate(session, 'locked'),
      unlock: operate(session, 'unlocked'),
      read: (read) => readBolt(session, read),
    },
    ...(chosen.pin_slots && { accessCodes: openKeypad({ ...session, voice }, chosen, chosen.pin_slots) }),
    autoLock,
    isBehindBridge: true,
    close: async () => {
      autoLock.close();
      reports.close();
      await close();
    },
  };
}

function openKeypad(
  session: CodeSession,
  { pin_lengths }: LockSettings,
  slots: NonNullable<LockSettings['pin_slots']>,
): AccessCodeCapability {
  const { voice } = session;
  return {
    get observes() {
      return voice.isMute ? 'nothing' : 'slot';
    },
    rules: {
      lengths: [...new Set(pin_lengths)].sort((a, b) => a - b),
      digits: '0123456789',
      slots,
      nativeSchedule: false,
      readCost: 'battery',
    },
    set: setPin(session, slots),
    clear: clearPin(session),
    read: readPin(session),
  };
}

function openSensor(link: MqttLink, chosen: NoiseSettings, ctx: OpenContext): Device {
  const { session, close } = openDevice(link, chosen, ctx, undefined);
  const { feed, reporter } = session;
  const book = new EvidenceBook({ clock: ctx.clock, closing: () => ctx.closing, lateByMs });
  const intervalMs = chosen.interval_s * 1_000;
  feed.listen((event) => {
    if (event.kind === 'gap') book.gap();
    if (event.kind !== 'message') return;
    const before = reporter.count;
    const battery = batteryReport(event.message);
    const noise = noiseReport(event, book, intervalMs);
    if (battery !== undefined) reporter.tell(battery, !event.isOwnWord);
    if (noise !== undefined) reporter.tell(noise, !event.isOwnWord);
    if (event.isOwnWord && reporter.count === before) reporter.heard();
  });
  return { noise: { metric: 'dBA', expectedIntervalMs: intervalMs }, isBehindBridge: true, close };
}

/**
 * What locks and sensors have in common: topics, health, and an end.
 * @param refresh the payload that makes the device tell its state; undefined for one that is not asked
 */
function openDevice(
  link: MqttLink,
  chosen: LockSettings | NoiseSettings,
  ctx: OpenContext,
  refresh: string | undefined,
) {
  const { base_topic: baseTopic, friendly_name: friendlyName, ieee_address: ieeeAddress } = chosen;
  const { clock } = ctx;
  const closing = () => ctx.closing;
  const binding = new DeviceBinding({ link, clock, baseTopic, name: friendlyName, ieeeAddress });
  const own = new OwnTraffic(clock);
  const feed = new DeviceFeed(link, baseTopic, binding, own, clock);
  const book = new EvidenceBook<BridgeComplaint>({ clock, closing, lateByMs });
  const testimony = new Testimony(book, own);
  const device = { name: ctx.name, friendlyName, baseTopic };
  const reporter = new Reporter((report) => ctx.report(report));
  const session = { ...{ link, feed, binding, book, testimony, own, clock, device, closing }, reporter };
  const watch = new DeviceWatch(session, { ctx, reporter, refresh, probe: noiseRead });
  const close = async () => {
    watch.close();
    feed.close();
    binding.close();
  };
  return { session, close };
}

/**
 * The level in a message, if it was measured just now. The sensor's other values carry the last level along from the
 * cache, and some bridges repeat it several times a second: taken for samples, they would make one bang last.
 */
function noiseReport(
  { message, at, retained, changed }: HeardMessage,
  book: EvidenceBook,
  intervalMs: number,
): DeviceReport | undefined {
  const { noise } = message;
  if (noise === undefined) return undefined;
  const isCarried = changed !== undefined && changed.size > 0 && !changed.has('noise');
  const claim = {
    ...{ about: 'noise', value: String(noise), at },
    ...(retained && { kept: true as const }),
    ...(isCarried && { carried: true as const }),
  };
  const isNew = book.isNewSample(claim, intervalMs);
  book.told(claim);
  const level = Decibels.safeParse(noise);
  return isNew && level.success ? { kind: 'noise', level: level.data, metric: 'dBA' } : undefined;
}
