import { pbkdf2Sync, randomBytes } from 'node:crypto';

/** As mosquitto_passwd does unless told (mosquitto 2.0): rounds of PBKDF2 with SHA-512, and the lengths in bytes. */
const ITERATIONS = 1_000;
const SALT_BYTES = 12;
const HASH_BYTES = 64;

/** A line of a password file of mosquitto: mosquitto_passwd(1), the format `$7$`. */
export function passwordLine(user: string, password: string): string {
  const salt = randomBytes(SALT_BYTES);
  const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512');
  return `${user}:$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** Text of the file with one user's line made anew; the others stay. */
export function withPassword(text: string, user: string, password: string): string {
  const others = text.split('\n').filter((line) => line !== '' && !line.startsWith(`${user}:`));
  return `${[...others, passwordLine(user, password)].join('\n')}\n`;
}

export interface AccessWishes {
  /** Of the gateway at the broker. */
  readonly user: string;
  readonly gatewayId: string;
  /** Of the bridges: zigbee2mqtt. */
  readonly bases: readonly string[];
}

/**
 * Access rules for mosquitto: the gateway works, and whoever is not named may nothing. mosquitto.conf(5), acl_file.
 * docs/samples/mosquitto.acl is what this writes for the usual names.
 */
export function accessRules({ user, gatewayId, bases }: AccessWishes): string {
  return `# Access rules for mosquitto (acl_file). Whoever may publish on zigbee2mqtt/+/set opens doors: that is the gateway, and the
# bridge itself. Who is not named here may nothing. After a change: systemctl reload mosquitto

${gatewayRules({ user, gatewayId, bases }).join('\n')}

# The bridge; the user that Zigbee2MQTT logs in with.
user zigbee2mqtt
${bases.map((base) => `topic readwrite ${base}/#`).join('\n')}
topic readwrite homeassistant/#

# Home Assistant, where commands are switched on.
# user homeassistant
# topic write strikeplate/${gatewayId}/command
# topic read strikeplate/#
# topic readwrite homeassistant/#

# Dashboards and alarms: they look on.
user monitoring
topic read strikeplate/#
`;
}

const gatewayRules = ({ user, gatewayId, bases }: AccessWishes): string[] => [
  '# The gateway.',
  `user ${user}`,
  ...bases.map((base) => `topic readwrite ${base}/#`),
  '# Locks that announce themselves are listed here by the topics that they announce.',
  'topic read homeassistant/#',
  '# What it tells of itself.',
  `topic write strikeplate/${gatewayId}/#`,
  '# With home_assistant: true it announces its devices too:',
  '# topic write homeassistant/#',
  '# With commands: true it takes commands here. Whoever may write there opens doors: Home Assistant, below.',
  `# topic read strikeplate/${gatewayId}/command`,
];

/** Text of rules with the gateway's added, where they have none for its user; what is there stays. */
export function withAccess(text: string, wishes: AccessWishes): string {
  if (text.trim() === '') return accessRules(wishes);
  if (text.split('\n').some((line) => line.trim() === `user ${wishes.user}`)) return text;
  return `${text.trimEnd()}\n\n${gatewayRules(wishes).join('\n')}\n`;
}

/** What mosquitto's configuration needs for them, as far as it does not name such files itself. */
export const includedLines = (names: { readonly password_file?: string; readonly acl_file?: string }): string =>
  [
    "# Part of mosquitto's configuration, written by strikeplate setup.",
    ...(names.password_file === undefined ? [] : ['allow_anonymous false']),
    ...Object.entries(names).map(([option, file]) => `${option} ${file}`),
    '',
  ].join('\n');
