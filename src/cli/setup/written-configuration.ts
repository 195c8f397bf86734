import { asItem, inOneLine } from '../../config/yaml-text.ts';
import type { DeviceEntry } from '../../model/reload.ts';

/** All that a set-up found out. */
export interface Wanted {
  readonly stateDir: string;
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly http: { readonly host: string; readonly port: number; readonly isSecure: boolean };
  readonly broker:
    | {
        readonly url: string;
        readonly username: string | undefined;
        readonly caFile: string | undefined;
      }
    | undefined;
  readonly homeAssistant: boolean;
  readonly isMonitored: boolean;
  /** Ports, by the names of their lines. */
  readonly lines: ReadonlyMap<string, string>;
  readonly sticks: ReadonlyMap<string, string>;
  readonly adapters: ReadonlyMap<string, string>;
  readonly devices: readonly DeviceEntry[];
}

/** A configuration for people to go on with: what everything is for, and what comes next, in comments. */
export function writtenConfiguration(wanted: Wanted): string {
  const { stateDir, id, name, timeZone, http } = wanted;
  const sections = [
    [
      '# yaml-language-server: $schema=gateway.schema.json',
      '# Written by "strikeplate setup". Yours from now on: gateway.example.yaml shows everything that can be set.',
      '# After a change:  strikeplate check-config  and then  systemctl reload strikeplate',
    ],
    ['# Where the gateway keeps its files: database, keys.', `state_dir: ${inOneLine(stateDir)}`],
    [
      '# Device ids and MQTT topics are made of the id: leave it as it is from now on.',
      `gateway: ${inOneLine({ id, name, time_zone: timeZone })}`,
    ],
    httpLines(http),
    brokerLines(wanted),
    ...named('serial', wanted.lines, ['# RS-485 lines. What answers on one: strikeplate scan serial PORT'], (path) => ({
      path,
    })),
    ...named(
      'ble',
      wanted.adapters,
      ['# Bluetooth adapters. Which locks are in range: strikeplate scan ble'],
      (adapter) => ({ adapter }),
    ),
    ...named(
      'zwave',
      wanted.sticks,
      ['# Z-Wave sticks. The keys are the network’s: without them its locks obey nobody. They are in every backup.'],
      (path) => ({ path, keys_file: 'zwave.keys', cache_dir: 'zwave' }),
    ),
    [
      '# Locks and sensors. Add one with: strikeplate devices add ID --help',
      ...(wanted.devices.length === 0
        ? ['devices: []']
        : ['devices:', ...wanted.devices.flatMap((entry) => asItem(entry, ['settings'])).map((line) => `  ${line}`)]),
    ],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function httpLines({ host, port, isSecure }: Wanted['http']): string[] {
  if (!isSecure)
    return ['# For applications on this machine alone; the network needs tls.', `http: ${inOneLine({ host, port })}`];
  return [
    '# For applications on the network. They trust ca.pem, which issued the certificate.',
    'http:',
    `  host: ${inOneLine(host)}`,
    `  port: ${port}`,
    '  tls: { cert_file: tls.pem, key_file: tls.key }',
  ];
}

function brokerLines({ broker, isMonitored, homeAssistant }: Wanted): string[] {
  if (broker === undefined) return [];
  const { url, username, caFile } = broker;
  return [
    '# Whoever may publish on this broker what opens doors opens them: its access rules are the lock.',
    'mqtt:',
    '  main:',
    `    url: ${JSON.stringify(url)}`,
    ...(username === undefined ? [] : [`    username: ${inOneLine(username)}`, '    password_file: mqtt.pw']),
    ...(caFile === undefined ? [] : [`    ca_file: ${inOneLine(caFile)}`]),
    ...(isMonitored
      ? [
          '',
          '# Tells on the broker what happens; docs/monitoring.md has the topics.',
          `monitor: ${inOneLine({ mqtt: 'main', ...(homeAssistant && { home_assistant: true }) })}`,
        ]
      : []),
  ];
}

function named(
  section: string,
  all: ReadonlyMap<string, string>,
  comment: readonly string[],
  entry: (value: string) => object,
): string[][] {
  if (all.size === 0) return [];
  return [[...comment, `${section}:`, ...[...all].map(([name, value]) => `  ${name}: ${inOneLine(entry(value))}`)]];
}
