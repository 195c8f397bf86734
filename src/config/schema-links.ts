import { z } from 'zod';
import type { LinkKind } from '../contract/index.ts';
import { AdapterName, BluetoothAddress, BrokerUrl, FilePath, Port, Slug, TtyPath } from './field-types.ts';

/* What devices are reached through, each by its name: brokers, serial lines, adapters and sticks. */
export const broker = z
  .strictObject({
    url: BrokerUrl.optional().describe("The site's broker: mqtt://HOST:PORT or mqtts://HOST:PORT."),
    username: z.string().min(1, 'must not be empty').optional().describe('User name at the broker.'),
    password_file: FilePath.optional().describe('File whose only line is the password.'),
    ca_file: FilePath.optional().describe("Certificate authority that the broker's certificate must come from, PEM."),
    cert_file: FilePath.optional().describe('Client certificate, PEM.'),
    key_file: FilePath.optional().describe('Private key of the client certificate, PEM.'),
    embedded: z
      .strictObject({ port: Port.describe('TCP port on 127.0.0.1; 0 takes any free one.') })
      .optional()
      .describe('A broker inside the gateway, for trials: MQTT 3.1.1 only, on this machine only.'),
  })
  .describe('Either url, or embedded.');

export const serialLine = z
  .strictObject({
    path: TtyPath.optional().describe(
      'The port. One of /dev/serial/by-id stays the same whatever it is plugged into; scan serial lists them.',
    ),
    simulated: z
      .literal(true)
      .optional()
      .describe('A line inside the gateway, for trials: what the simulation section plays on it is all there is.'),
    baud_rate: z.int().min(300).max(921_600).default(9_600).describe('The same for everything on the line.'),
    parity: z
      .enum(['none', 'even', 'odd'])
      .default('none')
      .describe('As set in the units; most leave the factory with none.'),
    stop_bits: z.literal([1, 2]).default(1).describe('As set in the units.'),
  })
  .describe('Either path, or simulated.');

export const bluetoothAdapter = z
  .strictObject({
    adapter: AdapterName.optional().describe(
      'An adapter of the kernel: hci0, or its address, which stays the same whatever it is plugged into.',
    ),
    user_channel: z
      .boolean()
      .optional()
      .describe('True takes the adapter for the gateway alone. It must be down, and bluetoothd must leave it.'),
    uart: TtyPath.optional().describe('The port of a dongle that speaks HCI (H4) on a serial line.'),
    baud_rate: z
      .int()
      .min(9_600)
      .max(4_000_000)
      .optional()
      .describe('As the firmware of the dongle has it; with uart alone. 1000000 when not given.'),
    dbus: AdapterName.optional().describe(
      'An adapter that BlueZ keeps: hci0, or its address. bluetoothd does the radio work, over D-Bus; devices may be bonded.',
    ),
    simulated: z
      .literal(true)
      .optional()
      .describe('Radio inside the gateway, for trials: what the simulation section plays on it is all there is.'),
    connections: z
      .int()
      .min(1)
      .max(4)
      .default(1)
      .describe('Connections at a time. More than one only where the adapter is known to bear it.'),
  })
  .describe('Either adapter, uart, dbus or simulated.');

export const zwaveStick = z
  .strictObject({
    path: TtyPath.describe(
      'The port of the stick: one of /dev/serial/by-id, since sticks re-enumerate when they reset.',
    ),
    keys_file: FilePath.describe(
      "File with the network's security keys, mode 0600: secure locks obey nobody without them. Back it up.",
    ),
    cache_dir: FilePath.describe(
      'Folder for what is known of the nodes, codes included; mode 0700. Lost, every node is interviewed again.',
    ),
    home_id: z
      .string()
      .regex(/^[0-9a-fA-F]{8}$/, 'must be eight hexadecimal digits, in quotes')
      .toLowerCase()
      .optional()
      .describe('The network that the stick must hold; when not given, the one it held when it was first used.'),
  })
  .describe('One Z-Wave controller. It needs the package zwave-js.');

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
