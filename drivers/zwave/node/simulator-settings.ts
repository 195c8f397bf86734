import { z } from 'zod';

const common = {
  node: z.int().min(2).max(232).describe('Its number in the network; 1 is the stick.'),
  battery: z.int().min(0).max(100).default(80).describe('Charge in percent.'),
};

export const simulatedLock = z.strictObject({
  kind: z.literal('lock'),
  ...common,
  locked_by: z.enum(['door_lock', 'lock']).default('door_lock').describe('The command class that moves the bolt.'),
  codes: z
    .enum(['none', 'user_code_1', 'user_code_2', 'user_credential'])
    .default('user_code_2')
    .describe('How it keeps codes: by the command class User Code, version 1 or 2, or by User Credential.'),
  slots: z.int().min(1).max(200).default(10).describe('How many codes it holds.'),
  auto_relock: z
    .int()
    .min(0)
    .max(0xffff)
    .optional()
    .describe('Seconds after which it locks itself, 0 for never; it can be told. Left out: it does not have that.'),
  secure: z.boolean().default(true).describe('True: included with S2, and supervised.'),
  listens: z
    .enum(['always', 'often', 'when_it_wakes'])
    .default('often')
    .describe('Mains, a beam away (FLiRS), or asleep until it wakes up by itself.'),
});

export const simulatedSensor = z.strictObject({
  kind: z.literal('noise'),
  ...common,
  level: z.number().min(0).max(194).default(42).describe('What it hears, in dB(A).'),
});

export const simulatedNetwork = z.strictObject({
  home_id: z
    .string()
    .regex(/^[0-9a-f]{8}$/, 'must be eight hexadecimal digits, in quotes')
    .default('7e570001')
    .describe('The network that the simulated stick holds.'),
  nodes: z
    .array(z.discriminatedUnion('kind', [simulatedLock, simulatedSensor]))
    .nonempty()
    .describe('What was included.'),
});

export type SimulatedLockSettings = z.output<typeof simulatedLock>;
export type SimulatedSensorSettings = z.output<typeof simulatedSensor>;
export type SimulatedNetworkSettings = z.output<typeof simulatedNetwork>;
