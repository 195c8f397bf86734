import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { systemClock } from '../../clock/system-clock.ts';
import type { ExternalBrokerConfig, LoadedConfig } from '../../config/loaded-config.ts';
import { type BrokerTrial, matches, readCredentials, type TrialRequest } from '../../transports/mqtt/index.ts';
import { bad, type Finding, ok, quoted, warning } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Surroundings } from './surroundings.ts';

/** What a bridge tells of all its devices at once has some hundred KiB in a building of fifty. A guess. */
const LEAST_PACKET_BYTES = 512 << 10;

interface BridgedDevice {
  readonly slug: string;
  readonly base: string;
  readonly friendlyName: string;
}

/** Logs in at each broker as the gateway would, and tries what it needs there. Nothing that is sent moves anything. */
export async function checkBrokers({ config }: Patient, world: Surroundings): Promise<Finding[]> {
  if (config === undefined) return [];
  const found: Finding[] = [];
  for (const broker of config.mqtt)
    if (broker.kind === 'external') found.push(...(await checkBroker(broker, config, world)));
  return found;
}

async function checkBroker(
  broker: ExternalBrokerConfig,
  config: LoadedConfig,
  world: Surroundings,
): Promise<Finding[]> {
  const { name, url, username } = broker;
  const devices = bridgedDevices(config, name);
  const bases = [...new Set(devices.map(({ base }) => base))];
  const monitor = config.monitor?.mqtt === name ? config.monitor.baseTopic : undefined;
  const wishes: TrialRequest = {
    read: [
      ...bases.flatMap((base) => ['bridge/state', 'bridge/devices', 'bridge/info'].map((end) => `${base}/${end}`)),
      ...devices.map(({ base, friendlyName }) => `${base}/${friendlyName}`),
    ],
    // Asking a lock how it stands is what the gateway does all day.
    write: [
      ...devices.map(({ base, friendlyName }) => ({ topic: `${base}/${friendlyName}/get`, payload: '{"state":""}' })),
      ...(monitor === undefined ? [] : [{ topic: `${monitor}/doctor`, payload: '{}' }]),
    ],
    retained: bases.flatMap((base) => [`${base}/bridge/state`, `${base}/bridge/info`, `${base}/bridge/devices`]),
  };
  const trial = await world.tryBroker(
    {
      ...{ name, url, username },
      ...(await readCredentials(name, broker)),
      clientId: `strikeplate-${config.gateway.id}-doctor-${randomBytes(3).toString('hex')}`,
      clock: systemClock,
      random: Math.random,
      log: pino({ level: 'silent' }),
    },
    wishes,
  );
  if (trial.failure !== undefined)
    return [
      bad(
        'broker',
        `mqtt.${name}: ${trial.failure.hint}`,
        mendConnection(trial.failure.reason, broker, config.file, world),
      ),
    ];
  // mosquitto takes every subscription, and then tells nothing: its rules say what the silence means.
  const unread = wishes.read.filter((topic) => !trial.retained.has(topic) && !mayRead(broker, topic, world));
  const refused = { ...trial.refused, read: [...new Set([...trial.refused.read, ...unread])] };
  const found = [
    ...aclFindings(broker, refused, world),
    ...(trial.maximumPacketSize !== undefined && trial.maximumPacketSize < LEAST_PACKET_BYTES
      ? [
          bad(
            'broker',
            `mqtt.${name}: the broker takes no packet above ${trial.maximumPacketSize} bytes: a bridge's list of devices does not get through.`,
            withConfig(world, (file) => `sed -i '/^max_packet_size/d' ${file} && systemctl restart mosquitto`),
          ),
        ]
      : []),
    ...(trial.protocolVersion === 4
      ? [
          warning(
            'broker',
            `mqtt.${name}: the broker speaks MQTT 3.1.1 alone: it cannot drop a command that comes too late.`,
          ),
        ]
      : []),
    ...bases.flatMap((base) => bridgeFindings(base, devices, { ...trial, refused }, broker, config.file)),
  ];
  return found.some(({ verdict }) => verdict === 'bad')
    ? found
    : [ok('broker', `mqtt.${name}: ${url} lets the gateway in, and lets it read and write what it needs.`), ...found];
}

/** Behind Zigbee2MQTT; other devices on a broker have topics that only their drivers know. */
const bridgedDevices = ({ devices }: LoadedConfig, broker: string): BridgedDevice[] =>
  devices.flatMap(({ slug, driver, link, settings }) => {
    const { base_topic: base, friendly_name: friendlyName } = settings as Record<string, unknown>;
    const isBridged = driver.id === 'mqtt/zigbee2mqtt' && link.name === broker;
    return isBridged && typeof base === 'string' && typeof friendlyName === 'string'
      ? [{ slug, base, friendlyName }]
      : [];
  });

const isLocal = (url: string) => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);

function mendConnection(reason: string, broker: ExternalBrokerConfig, configFile: string, world: Surroundings): string {
  const { url, username, passwordFile } = broker;
  const { hostname, port, protocol } = new URL(url);
  const at = `${hostname} ${port || (protocol === 'mqtts:' ? 8883 : 1883)}`;
  if (reason === 'credentials_refused') {
    const { passwordFile: users = '/etc/mosquitto/passwd' } = world.mosquitto();
    if (username === undefined) return `\${EDITOR:-nano} ${quoted(configFile)}`;
    const secret = passwordFile === undefined ? 'PASSWORD' : `"$(cat ${quoted(passwordFile)})"`;
    return `mosquitto_passwd -b ${quoted(users)} ${quoted(username)} ${secret} && systemctl reload mosquitto`;
  }
  if (reason === 'tls_failed') return `openssl s_client -connect ${at.replace(' ', ':')} -showcerts </dev/null`;
  return isLocal(url) ? 'systemctl restart mosquitto' : `nc -vz ${at}`;
}

function aclFindings(
  { name, username }: ExternalBrokerConfig,
  refused: { readonly read: readonly string[]; readonly write: readonly string[] },
  world: Surroundings,
): Finding[] {
  const { aclFile = '/etc/mosquitto/acl' } = world.mosquitto();
  const who = username ?? 'the anonymous user';
  const run = (access: string, topics: readonly string[]) => {
    const lines = [
      ...(username === undefined ? [] : [`user ${username}`]),
      ...topics.map((topic) => `topic ${access} ${topic}`),
    ];
    const text = lines.map(quoted).join(' ');
    return `printf '%s\\n' '' ${text} >> ${quoted(aclFile)} && systemctl reload mosquitto`;
  };
  const said = (topics: readonly string[]) =>
    topics.slice(0, 3).join(', ') + (topics.length > 3 ? ` and ${topics.length - 3} more` : '');
  return [
    ...(refused.read.length > 0
      ? [bad('broker', `mqtt.${name}: ${who} may not read ${said(refused.read)}.`, run('read', refused.read))]
      : []),
    ...(refused.write.length > 0
      ? [
          bad(
            'broker',
            `mqtt.${name}: ${who} may not write ${said(refused.write)}.`,
            run(
              'readwrite',
              refused.write.map((topic) => topic.replace(/\/get$/, '/#').replace(/\/doctor$/, '/#')),
            ),
          ),
        ]
      : []),
  ];
}

/** By the access list of a mosquitto on this machine; true where there is none to be read. mosquitto.conf(5). */
function mayRead({ username, url }: ExternalBrokerConfig, topic: string, world: Surroundings): boolean {
  const { aclFile } = world.mosquitto();
  if (aclFile === undefined || !isLocal(url)) return true;
  let text: string;
  try {
    text = readFileSync(aclFile, 'utf8');
  } catch {
    return true;
  }
  let user: string | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const [, named] = /^user\s+(.+)$/.exec(line) ?? [];
    if (named !== undefined) user = named;
    const [, kind, access = 'readwrite', filter = ''] =
      /^(topic|pattern)\s+(?:(read|write|readwrite|deny)\s+)?(.+)$/.exec(line) ?? [];
    const isOwn = kind === 'pattern' || user === username;
    if (kind === undefined || !isOwn || !matches(filter.replaceAll('%u', username ?? ''), topic)) continue;
    if (access === 'read' || access === 'readwrite') return true;
  }
  return false;
}

const withConfig = ({ mosquitto }: Surroundings, line: (file: string) => string) =>
  line(quoted(mosquitto().configFile ?? '/etc/mosquitto/mosquitto.conf'));

/** Options of Zigbee2MQTT that withhold or repeat what proves that a door moved. */
const harmful: Readonly<Record<string, (value: unknown) => boolean>> = {
  retain: (value) => value === true,
  debounce: (value) => typeof value === 'number' && value > 0,
  throttle: (value) => typeof value === 'number' && value > 0,
  filtered_cache: (value) => Array.isArray(value) && value.length > 0,
  optimistic: (value) => value === true,
};
const harmless: Readonly<Record<string, unknown>> = {
  retain: false,
  debounce: 0,
  throttle: 0,
  filtered_cache: [],
  optimistic: false,
};

function bridgeFindings(
  base: string,
  devices: readonly BridgedDevice[],
  { retained, refused }: BrokerTrial,
  broker: ExternalBrokerConfig,
  configFile: string,
): Finding[] {
  if (refused.read.some((topic) => topic.startsWith(`${base}/bridge/`))) return [];
  const state = retained.get(`${base}/bridge/state`)?.toString() ?? '';
  if (!state.includes('online'))
    return [
      bad(
        'bridge',
        `${base}: no bridge is online under this base_topic${state === '' ? '' : ': it says that it is offline'}.`,
        'systemctl restart zigbee2mqtt',
      ),
    ];
  const own = devices.filter((device) => device.base === base);
  const known = parsed(retained.get(`${base}/bridge/devices`));
  const names = (Array.isArray(known) ? known : []).flatMap((device) => {
    const called = field(device, 'friendly_name');
    return typeof called === 'string' && called !== 'Coordinator' ? [called] : [];
  });
  const missing = Array.isArray(known)
    ? own.filter(
        ({ friendlyName }) =>
          !known.some(
            (device) =>
              field(device, 'friendly_name') === friendlyName || field(device, 'ieee_address') === friendlyName,
          ),
      )
    : [];
  const options = field(field(parsed(retained.get(`${base}/bridge/info`)), 'config'), 'devices');
  const hurting = own.flatMap(({ slug, friendlyName }) => {
    const set = Object.values(typeof options === 'object' && options !== null ? options : {}).find(
      (entry) => field(entry, 'friendly_name') === friendlyName,
    );
    return Object.entries(harmful).flatMap(([option, hurts]) =>
      hurts(field(set, option)) ? [{ slug, friendlyName, option }] : [],
    );
  });
  const found = [
    ...missing.map(({ slug, friendlyName }) =>
      bad(
        'bridge',
        `${slug}: the bridge ${base} has no device "${friendlyName}". It has: ${names.join(', ') || 'none'}.`,
        `\${EDITOR:-nano} ${quoted(configFile)}`,
      ),
    ),
    ...hurting.map(({ slug, friendlyName, option }) =>
      bad(
        'bridge',
        `${slug}: the option ${option} of Zigbee2MQTT is set for ${friendlyName}: it withholds or repeats what proves that a door moved.`,
        publishLine(broker, `${base}/bridge/request/device/options`, {
          id: friendlyName,
          options: { [option]: harmless[option] },
        }),
      ),
    ),
  ];
  return found.length > 0
    ? found
    : [ok('bridge', `${base}: the bridge is online and knows ${own.length} devices of this configuration.`)];
}

function publishLine(
  { url, username, passwordFile, caFile }: ExternalBrokerConfig,
  topic: string,
  message: object,
): string {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === 'mqtts:';
  return [
    `mosquitto_pub -h ${hostname} -p ${port || (secure ? 8883 : 1883)}`,
    ...(username === undefined ? [] : [`-u ${quoted(username)}`]),
    ...(passwordFile === undefined ? [] : [`-P "$(cat ${quoted(passwordFile)})"`]),
    ...(secure ? [`--cafile ${quoted(caFile ?? '/etc/ssl/certs/ca-certificates.crt')}`] : []),
    `-t ${quoted(topic)} -m ${quoted(JSON.stringify(message))}`,
  ].join(' ');
}

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function parsed(bytes: Buffer | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
