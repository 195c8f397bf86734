import {
  type AccessCodeCapability,
  type Device,
  type DeviceReport,
  defineDriver,
  GatewayError,
  type MqttLink,
  type OpenContext,
} from '../../../src/contract/index.ts';
import { stateRead } from './codec.ts';
import type { Conversation } from './conversation.ts';
import { DeviceFeed, type HeardMessage } from './device-feed.ts';
import { Watch } from './device-watch.ts';
import { operate } from './lock-conversation.ts';
import { readBolt } from './lock-reading.ts';
import { noiseReport } from './noise-levels.ts';
import { clearPin, readPin, setPin } from './pin-conversation.ts';
import { batteryReport, lockReports, onlyNews } from './reports.ts';
import { type LockSettings, type NoiseSettings, settings } from './settings.ts';
import { topicsOf } from './topics.ts';

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
  const { conversation, close } = openDevice(link, chosen, ctx, { refresh: stateRead, reports: lockReports });
  return {
    lock: {
      observes: 'bolt',
      lock: (command) => operate(conversation, 'locked', command),
      unlock: (command) => operate(conversation, 'unlocked', command),
      read: (read) => readBolt(conversation, read),
    },
    ...(chosen.pin_slots === undefined ? {} : { accessCodes: openKeypad(conversation, chosen, chosen.pin_slots) }),
    close,
  };
}

function openKeypad(
  conversation: Conversation,
  { pin_lengths }: LockSettings,
  slots: NonNullable<LockSettings['pin_slots']>,
): AccessCodeCapability {
  return {
    observes: 'slot',
    rules: {
      lengths: [...new Set(pin_lengths)].sort((a, b) => a - b),
      digits: '0123456789',
      slots,
      nativeSchedule: false,
      readCost: 'battery',
    },
    set: async (command, write) =>
      setPin(conversation, command, { ...write, slot: ours(conversation, slots, write.slot) }),
    clear: async (command, slot) => clearPin(conversation, command, slot),
    read: async (read, slot) => readPin(conversation, read, slot),
  };
}

/** @throws GatewayError when the slot is not the gateway's to write */
function ours(
  { device }: Conversation,
  { first, count }: NonNullable<LockSettings['pin_slots']>,
  slot: number | undefined,
): number {
  if (slot !== undefined && slot >= first && slot < first + count) return slot;
  throw new GatewayError(
    'slot_conflict',
    `Slot ${slot} of ${device.name} is not one that this gateway may write: pin_slots in its settings says which are.`,
    { delivery: 'not_sent' },
  );
}

function openSensor(link: MqttLink, chosen: NoiseSettings, ctx: OpenContext): Device {
  const { close } = openDevice(link, chosen, ctx, {
    refresh: undefined,
    reports: (heard) => [batteryReport(heard.message), noiseReport(heard)].filter((report) => report !== undefined),
  });
  return { noise: { metric: 'dBA', expectedIntervalMs: chosen.interval_s * 1_000 }, close };
}

interface Kind {
  /** The payload that makes the device tell its state; undefined for one that is not asked. */
  readonly refresh: string | undefined;
  readonly reports: (heard: HeardMessage) => readonly DeviceReport[];
}

/** What locks and sensors have in common: topics, health, reports, and an end. */
function openDevice(link: MqttLink, chosen: LockSettings | NoiseSettings, ctx: OpenContext, kind: Kind) {
  const topics = topicsOf(chosen.base_topic, chosen.friendly_name);
  const feed = new DeviceFeed(link, topics, chosen.friendly_name, ctx.clock);
  const conversation: Conversation = {
    link,
    feed,
    topics,
    clock: ctx.clock,
    device: { name: ctx.name, friendlyName: chosen.friendly_name, baseTopic: chosen.base_topic },
    closing: ctx.closing,
  };
  const report = onlyNews((next) => ctx.report(next));
  const watch = new Watch(conversation, ctx.random, report, kind.refresh);
  feed.listen((event) => {
    if (event.kind === 'message') for (const next of kind.reports(event)) report(next);
  });
  const close = async () => {
    watch.close();
    feed.close();
  };
  return { conversation, close };
}
