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

# The gateway.
user ${user}
${bases.map((base) => `topic readwrite ${base}/#`).join('\n')}
# Locks that announce themselves are listed here by the topics that they announce.
topic read homeassistant/#
# What it tells of itself.
topic write strikeplate/${gatewayId}/#
# With home_assistant: true it announces its devices too:
# topic write homeassistant/#

# The bridge; the user that Zigbee2MQTT logs in with.
user zigbee2mqtt
${bases.map((base) => `topic readwrite ${base}/#`).join('\n')}
topic readwrite homeassistant/#

# Dashboards and alarms: they look on.
user monitoring
topic read strikeplate/#
`;
}

/** A listener of mosquitto that lets in only who is known. */
export const listenerLines = (
  folder: string,
): string => `# Part of mosquitto's configuration, written by strikeplate setup.
allow_anonymous false
password_file ${folder}/strikeplate.passwd
acl_file ${folder}/strikeplate.acl
# Without it each command waits some 40 ms for a delayed acknowledgement.
set_tcp_nodelay true
`;
