import { z } from 'zod';
import {
  type AccessCodeCapability,
  Decibels,
  type Device,
  type DeviceReport,
  defineDriver,
  type LockMethod,
  type OpenContext,
  Ratio,
  type ZwaveLink,
  type ZwaveReport,
} from '../../../src/contract/index.ts';
import { ownSlot, slotNumbers } from '../../../src/driver-kit/slot-rules.ts';
import { clearCode, type Keypad, readCode, setCode } from './code-command.ts';
import { AutoRelock, operate, readBolt, stateOf } from './lock-command.ts';
import { SlotKnowledge } from './slot-knowledge.ts';
import { NodeWatch, type NodeWatchOptions, ZwaveNode } from './zwave-node.ts';

const maker = {
  manufacturer: z.string().optional().describe('The maker, for the API’s answers.'),
  model: z.string().optional().describe('The model, for the API’s answers.'),
  product: z
    .string()
    .regex(/^[0-9a-f]{4}:[0-9a-f]{4}:[0-9a-f]{4}$/, 'must be like "003b:0001:0469": maker, product type, product')
    .optional()
    .describe('What the node says that it is. Another product under its number is refused; left out: since the start.'),
};

const lockSettings = z.strictObject({
  kind: z.literal('lock').default('lock'),
  ...maker,
  pin_slots: z
    .strictObject({
      first: z.int().min(1).default(1).describe('The first slot that this gateway may use; slots begin at 1.'),
      count: z.int().min(1).describe('How many slots from there on are the gateway’s.'),
    })
    .optional()
    .describe('The lock’s code slots that are this gateway’s. Left out for a lock without codes.'),
  pin_lengths: z
    .array(z.int().min(4).max(10))
    .nonempty()
    .default([4, 5, 6, 7, 8])
    .describe('How many digits a PIN may have on this lock, 4 to 10. Schlage locks take one length, set at the lock.'),
});

const noiseSettings = z.strictObject({
  kind: z.literal('noise'),
  ...maker,
  metric: z.enum(['dBA', 'dB']).default('dBA').describe('The scale that it reports in. Levels in another are dropped.'),
  interval_s: z
    .number()
    .positive()
    .default(300)
    .describe('The longest usual time between two levels, in seconds. A longer silence counts as a missing sample.'),
});

const settings = z.discriminatedUnion('kind', [lockSettings, noiseSettings]);

type LockSettings = z.output<typeof lockSettings>;
type NoiseSettings = z.output<typeof noiseSettings>;

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
  const slots = pinSlots === undefined ? [] : slotNumbers(pinSlots);
  const writing = new Set<number>();
  const { node, close } = openNode(link, ctx, {
    product: chosen.product,
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
  const autoLock = new AutoRelock(node, ctx);
  return {
    lock: {
      observes: 'bolt',
      tellsWho: pinSlots !== undefined,
      lock: (command) => operate(node, 'locked', command),
      unlock: (command) => operate(node, 'unlocked', command),
      read: (read) => readBolt(node, read),
    },
    ...(pinSlots && { accessCodes: openKeypad(node, { chosen, pinSlots, writing, ctx }) }),
    autoLock,
    close: async () => {
      autoLock.close();
      await close();
    },
  };
}

interface KeypadOptions {
  readonly chosen: LockSettings;
  readonly pinSlots: NonNullable<LockSettings['pin_slots']>;
  /** Slots that are being written. */
  readonly writing: Set<number>;
  readonly ctx: OpenContext;
}

function openKeypad(node: ZwaveNode, { chosen, pinSlots, writing, ctx }: KeypadOptions): AccessCodeCapability {
  const knowledge = new SlotKnowledge(pinSlots.count, (why) => {
    const consequence = knowledge.tells
      ? 'Codes are read back again.'
      : 'Codes are written without being read back, and nobody can confirm that it holds them.';
    ctx.log.warn(`${node.name}: ${why}. ${consequence}`);
    ctx.report({ kind: 'capabilities' });
  });
  const keypad: Keypad = { node, knowledge, slots: slotNumbers(pinSlots) };
  const whileWriting = async <T>(slot: number, work: () => Promise<T>): Promise<T> => {
    writing.add(slot);
    try {
      return await work();
    } finally {
      writing.delete(slot);
    }
  };
  return {
    get observes() {
      return knowledge.tells ? ('slot' as const) : ('nothing' as const);
    },
    rules: {
      lengths: [...new Set(chosen.pin_lengths)].sort((a, b) => a - b),
      digits: '0123456789',
      slots: pinSlots,
      nativeSchedule: false,
      readCost: 'battery',
    },
    set: async (command, write) => {
      const slot = ownSlot(node.name, pinSlots, write.slot);
      return whileWriting(slot, () => setCode(keypad, command, { ...write, slot }));
    },
    clear: async (command, slot) => {
      const own = ownSlot(node.name, pinSlots, slot);
      await whileWriting(own, () => clearCode(keypad, command, own));
    },
    read: async (read, slot) => readCode(keypad, read, slot),
  };
}

function openSensor(link: ZwaveLink, chosen: NoiseSettings, ctx: OpenContext): Device {
  let warned = false;
  const { close } = openNode(link, ctx, {
    product: chosen.product,
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

interface NodeKind extends Pick<NodeWatchOptions, 'is' | 'refresh' | 'maySleep'> {
  /** As the settings name it. */
  readonly product: string | undefined;
  readonly reports: (report: ZwaveReport) => readonly DeviceReport[];
}

/** What locks and sensors have in common: health, reports, and an end. */
function openNode(link: ZwaveLink, ctx: OpenContext, { reports, product, ...kind }: NodeKind) {
  const { name, clock, closing, log } = ctx;
  const tell = (report: ZwaveReport) => {
    for (const told of reports(report)) ctx.report(told);
  };
  const node = new ZwaveNode({ name, link, clock, closing, log, tell, product });
  const watch = new NodeWatch({ ...kind, node, random: ctx.random, report: (report) => ctx.report(report) });
  const close = async () => {
    watch.close();
    node.close();
  };
  return { node, close };
}

type Operated = Extract<ZwaveReport, { report: 'operated' }>;

const methods: Readonly<Record<Operated['by'], LockMethod>> = {
  manual: 'manual',
  keypad: 'keycode',
  radio: 'remote',
  automatic: 'automatic',
};

const slotOf = ({ slot }: { readonly slot?: number }) => (slot === undefined ? {} : { slot });

/**
 * What a node's report says of the device.
 * @param slots those that the gateway writes
 */
function deviceReports(report: ZwaveReport, slots: readonly number[]): readonly DeviceReport[] {
  switch (report.report) {
    case 'bolt':
      return [{ kind: 'lock_state', state: stateOf(report.bolt) }];
    case 'operated':
      return [
        { kind: 'lock_operated', operation: report.operation, method: methods[report.by], ...slotOf(report) },
        { kind: 'lock_state', state: report.operation },
      ];
    case 'jammed':
      return [
        { kind: 'lock_operated', operation: 'jammed', method: 'unknown' },
        { kind: 'lock_state', state: 'jammed' },
      ];
    case 'access_denied':
      return [{ kind: 'lock_operated', operation: 'access_denied', method: 'keycode', ...slotOf(report) }];
    case 'door':
      return [{ kind: 'door', contact: report.contact }];
    case 'code_changed':
      return report.slot === undefined ? [] : [{ kind: 'code_slot', slot: report.slot, occupied: report.occupied }];
    case 'all_codes_deleted':
      return slots.map((slot) => ({ kind: 'code_slot', slot, occupied: false }));
    case 'duplicate_code':
      return [];
    case 'battery': {
      // 0xff, "low", comes as 0 % with the flag.
      const level = Ratio.safeParse(report.percent / 100);
      return [{ kind: 'battery', level: level.success && !report.low ? level.data : undefined, low: report.low }];
    }
    case 'loudness': {
      const level = Decibels.safeParse(report.level);
      return level.success ? [{ kind: 'noise', level: level.data, metric: report.scale }] : [];
    }
    case 'tamper':
      return [{ kind: 'tamper' }];
  }
}
