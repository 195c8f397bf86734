import { z } from 'zod';
import { topicNameProblem } from '../../../src/driver-kit/topic-names.ts';

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

export const lockSettings = z.strictObject({
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

export const noiseSettings = z.strictObject({
  kind: z.literal('noise'),
  ...common,
  interval_s: z
    .number()
    .positive()
    .default(60)
    .describe('The longest usual time between two levels, in seconds. A longer silence counts as a missing sample.'),
});

export const settings = z.discriminatedUnion('kind', [lockSettings, noiseSettings]);

export type LockSettings = z.output<typeof lockSettings>;
export type NoiseSettings = z.output<typeof noiseSettings>;
