import { z } from 'zod';
import type { LinkKind } from '../contract/index.ts';
import { BluetoothAddress, Slug } from './field-types.ts';

/**
 * How a device says by what it is reached, for each kind of link that can be configured: `link: { mqtt: main }`.
 * The key named like the kind names an entry of the section of the same name; further keys are the device's address.
 */
export const linkSections = {
  mqtt: z.strictObject({ mqtt: Slug.describe('Name of the broker, from the mqtt section.') }),
  serial: z.strictObject({
    serial: Slug.describe('Name of the line, from the serial section.'),
    unit: z.int().min(1).max(247).describe('Address of the unit on the line, 1 to 247.'),
  }),
  ble: z.strictObject({
    ble: Slug.describe('Name of the adapter, from the ble section.'),
    address: BluetoothAddress.describe('Of the device; scan ble lists them.'),
    address_type: z
      .enum(['public', 'random'])
      .default('public')
      .describe('As scan ble says it. Most locks have public addresses, many sensors random ones.'),
  }),
  zwave: z.strictObject({
    zwave: Slug.describe('Name of the stick, from the zwave section.'),
    node: z
      .int()
      .refine((id) => (id >= 1 && id <= 232) || (id >= 256 && id <= 4_000), 'must be 1 to 232, or 256 to 4000')
      .describe('Number of the node in the network: 1 to 232, or 256 to 4000 for Long Range.'),
  }),
} as const satisfies Partial<Record<LinkKind, z.ZodObject>>;

/** Where a simulated peer is met: it plays everything that has an address there, so it has none itself. */
export const peerLinkSections = {
  mqtt: linkSections.mqtt,
  serial: linkSections.serial.omit({ unit: true }),
  ble: linkSections.ble.omit({ address: true, address_type: true }),
  zwave: linkSections.zwave.omit({ node: true }),
} as const satisfies Record<ConfigurableLink, z.ZodObject>;

export type ConfigurableLink = keyof typeof linkSections;

export const isConfigurableLink = (kind: string): kind is ConfigurableLink => Object.hasOwn(linkSections, kind);
