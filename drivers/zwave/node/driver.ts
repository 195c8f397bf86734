import {
  type AccessCodeCapability,
  type Device,
  type DeviceReport,
  defineDriver,
  type OpenContext,
  type ZwaveLink,
  type ZwaveReport,
} from '../../../src/contract/index.ts';
import { clearCode, readCode, setCode } from './code-conversation.ts';
import { notOurs } from './failures.ts';
import { operate, readBolt } from './lock-conversation.ts';
import { NodeWatch, type WatchOptions } from './node-watch.ts';
import { deviceReports } from './reports.ts';
import { type LockSettings, type NoiseSettings, settings } from './settings.ts';
import { ZwaveNode } from './zwave-node.ts';

export const zwave = defineDriver({
  id: 'zwave/node',
  title: 'Z-Wave locks and noise sensors behind a stick',
  link: 'zwave',
  settings,
  describe: ({ kind, manufacturer, model }) => ({
    deviceType: kind === 'lock' ? 'zwave_lock' : 'zwave_noise_sensor',
    manufacturer: manufacturer ?? 'unknown',
    model: model ?? (kind === 'lock' ? 'Z-Wave lock' : 'Z-Wave noise sensor'),
  }),
  part: ({ kind }) => kind,
  open: async (link, chosen, ctx) =>
    chosen.kind === 'lock' ? openLock(link, chosen, ctx) : openSensor(link, chosen, ctx),
});

function openLock(link: ZwaveLink, chosen: LockSettings, ctx: OpenContext): Device {
  const { pin_slots: pinSlots } = chosen;
  const slots = pinSlots === undefined ? [] : Array.from({ length: pinSlots.count }, (_, i) => pinSlots.first + i);
  const writing = new Set<number>();
  const { node, close } = openNode(link, ctx, {
    is: {
      what: 'lock',
      among: ({ lock, codes }) => lock !== undefined && (pinSlots === undefined || codes !== undefined),
    },
    refresh: ['bolt', 'battery'],
    maySleep: false,
    // What the gateway writes itself is no news of the lock's.
    reports: (report) =>
      deviceReports(report, slots).filter((told) => told.kind !== 'code_slot' || !writing.has(told.slot)),
  });
  return {
    lock: {
      observes: 'bolt',
      lock: (command) => operate(node, 'locked', command),
      unlock: (command) => operate(node, 'unlocked', command),
      read: (read) => readBolt(node, read),
    },
    ...(pinSlots && { accessCodes: openKeypad(node, chosen, pinSlots, writing) }),
    close,
  };
}

function openKeypad(
  node: ZwaveNode,
  { pin_lengths }: LockSettings,
  slots: NonNullable<LockSettings['pin_slots']>,
  writing: Set<number>,
): AccessCodeCapability {
  const ours = (slot: number | undefined): number => {
    if (slot !== undefined && slot >= slots.first && slot < slots.first + slots.count) return slot;
    throw notOurs(node, slot);
  };
  const whileWriting = async <T>(slot: number, work: () => Promise<T>): Promise<T> => {
    writing.add(slot);
    try {
      return await work();
    } finally {
      writing.delete(slot);
    }
  };
  return {
    observes: 'slot',
    rules: {
      lengths: [...new Set(pin_lengths)].sort((a, b) => a - b),
      digits: '0123456789',
      slots,
      nativeSchedule: false,
      readCost: 'battery',
    },
    set: async (command, write) => {
      const slot = ours(write.slot);
      return whileWriting(slot, () => setCode(node, command, { ...write, slot }));
    },
    clear: async (command, slot) => whileWriting(ours(slot), () => clearCode(node, command, slot)),
    read: async (read, slot) => readCode(node, read, slot),
  };
}

function openSensor(link: ZwaveLink, chosen: NoiseSettings, ctx: OpenContext): Device {
  let warned = false;
  const { close } = openNode(link, ctx, {
    is: { what: 'noise sensor', among: ({ loudness }) => loudness },
    refresh: ['loudness'],
    maySleep: true,
    reports: (report) => {
      if (report.report !== 'loudness' || report.scale === chosen.metric) return deviceReports(report, []);
      if (!warned)
        ctx.log.warn(`${ctx.name} reports in ${report.scale}: set metric in its settings. Its levels are dropped.`);
      warned = true;
      return [];
    },
  });
  return { noise: { metric: chosen.metric, expectedIntervalMs: chosen.interval_s * 1_000 }, close };
}

interface Kind extends Pick<WatchOptions, 'is' | 'refresh' | 'maySleep'> {
  readonly reports: (report: ZwaveReport) => readonly DeviceReport[];
}

/** What locks and sensors have in common: health, reports, and an end. */
function openNode(link: ZwaveLink, ctx: OpenContext, { reports, ...kind }: Kind) {
  const { name, clock, closing, log } = ctx;
  const tell = (report: ZwaveReport) => {
    for (const told of reports(report)) ctx.report(told);
  };
  const node = new ZwaveNode({ name, link, clock, closing, log, tell });
  const watch = new NodeWatch({ ...kind, node, random: ctx.random, report: (report) => ctx.report(report) });
  const close = async () => {
    watch.close();
    node.close();
  };
  return { node, close };
}
