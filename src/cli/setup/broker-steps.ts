import { execFileSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../clock/system-clock.ts';
import { type BrokerTrial, readCredentials } from '../../transports/mqtt/index.ts';
import { CommandError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { announcements } from './device-steps.ts';
import type { Interview, SetupAnswers } from './interview.ts';
import type { KeptFiles } from './kept-files.ts';
import type { SetupSurroundings } from './surroundings.ts';
import type { Wanted } from './written-configuration.ts';

export interface BrokerContext {
  readonly terminal: Terminal;
  readonly interview: Interview;
  readonly world: SetupSurroundings;
  readonly files: KeptFiles;
  readonly given: SetupAnswers;
  /** Where the configuration goes. */
  readonly folder: string;
  readonly gatewayId: string;
}

export interface FoundBroker {
  readonly broker: NonNullable<Wanted['broker']>;
  /** What it keeps, by topic: announcements among it. */
  readonly retained: ReadonlyMap<string, Buffer>;
}

/** Finds the broker, gets a login there, and looks at what is announced. Undefined where there is to be none. */
export async function askForBroker(context: BrokerContext): Promise<FoundBroker | undefined> {
  const { interview, world, folder } = context;
  const [plain, secure] = await Promise.all([world.isOpen(1883), world.isOpen(8883)]);
  const found = [...(plain ? ['mqtt://127.0.0.1:1883'] : []), ...(secure ? ['mqtts://localhost:8883'] : [])];
  const url = await interview.ask({
    key: 'broker_url',
    text: `Where is the MQTT broker of Zigbee2MQTT and other locks? mqtt://HOST:PORT, mqtts://HOST:PORT with TLS, or none.${
      found.length === 0 ? ' None was found on this machine.' : ` Found: ${found.join(', ')}.`
    }`,
    usual: found[0] ?? 'none',
    check: (answer) =>
      answer === 'none' || /^mqtts?:\/\/[^/\s]+$/.test(answer) ? undefined : 'write mqtt://HOST:PORT, or none.',
  });
  if (url === 'none') return undefined;
  const caFile = url.startsWith('mqtts:') ? await askForAuthority(context) : undefined;
  const login = await interview.ask({
    key: 'broker_login',
    text: 'How does the gateway log in there?',
    usual: /127\.0\.0\.1|localhost|\[::1\]/.test(url) ? 'enrol' : 'own',
    choices: [
      ['enrol', 'write a user with access rules for mosquitto, to be installed there'],
      ['own', 'I have a user and a password'],
      ['none', 'without: whoever reaches the broker opens doors'],
    ],
  });
  if (login === 'none') return logIn(context, { url, username: undefined, caFile }, undefined);
  const username = await interview.ask({
    key: 'broker_user',
    text: 'The user of the gateway at the broker:',
    usual: 'strikeplate',
    check: (answer) => (/^[\w.@-]+$/.test(answer) ? undefined : 'letters, digits, ".", "@", "-" and "_" alone.'),
  });
  const broker = { url, username, caFile };
  if (login === 'own') {
    await keepPassword(context, join(folder, 'mqtt.pw'));
    return logIn(context, broker, undefined);
  }
  return logIn(context, broker, await enrol(context, username));
}

async function askForAuthority({ interview, files, folder, terminal }: BrokerContext): Promise<string | undefined> {
  const answer = await interview.ask({
    key: 'broker_ca_file',
    text: 'The certificate authority of the broker: a PEM file, or "system" for those that this machine trusts.',
    usual: 'system',
    check: (file) =>
      file === 'system' || existsSync(resolve(terminal.cwd, file)) ? undefined : `there is no file ${file}.`,
  });
  if (answer === 'system') return undefined;
  const own = join(folder, 'mqtt-ca.pem');
  if (resolve(terminal.cwd, answer) !== own) copyFileSync(resolve(terminal.cwd, answer), own);
  files.share(own, { secret: false });
  return 'mqtt-ca.pem';
}

/** Into its file at once: it is in no progress and in no answer. */
async function keepPassword({ interview, files, given, terminal }: BrokerContext, file: string): Promise<void> {
  const from = given.broker_password_file;
  if (typeof from === 'string') {
    const [line = ''] = readFileSync(resolve(terminal.cwd, from), 'utf8').split('\n');
    files.write(file, `${line}\n`, { secret: true });
    return;
  }
  if (existsSync(file)) return;
  files.write(file, `${await interview.askSecret('broker_password', 'Its password:')}\n`, { secret: true });
}

/** Writes user and rules beside the configuration. @returns the lines that install them */
async function enrol(context: BrokerContext, user: string): Promise<readonly string[]> {
  const { interview, files, folder, gatewayId, terminal, world } = context;
  const place = await interview.ask({
    key: 'broker_files',
    text: 'Into which folder do the files for mosquitto go?',
    usual: join(folder, 'mosquitto'),
  });
  const bases = await interview.ask({
    key: 'bridges',
    text: 'The base topics of Zigbee2MQTT there, with commas between:',
    usual: 'zigbee2mqtt',
    check: (answer) => (/[+#\s]/.test(answer) ? 'no wildcards and spaces.' : undefined),
  });
  files.folder(place);
  const at = (name: string) => join(place, name);
  const theirs = world.mosquitto();
  const installed = {
    passwords: theirs.passwordFile ?? '/etc/mosquitto/strikeplate.passwd',
    rules: theirs.aclFile ?? '/etc/mosquitto/strikeplate.acl',
  };
  // What an earlier run made, which the broker may know by now; else what it has of others.
  const present = (...names: string[]) => names.filter(existsSync).map((file) => readFileSync(file, 'utf8'))[0] ?? '';
  const passwords = at('strikeplate.passwd');
  let text = withPassword(present(passwords, installed.passwords), user, passwordIn(join(folder, 'mqtt.pw'), files));
  if (theirs.passwordFile === undefined && !/^zigbee2mqtt:/m.test(text)) {
    text = withPassword(text, 'zigbee2mqtt', passwordIn(at('zigbee2mqtt.pw'), files));
    terminal.err(
      `Zigbee2MQTT logs in as zigbee2mqtt from then on, with the password in ${at('zigbee2mqtt.pw')}: mqtt.user and mqtt.password in its configuration.`,
    );
  }
  files.write(passwords, text, { secret: true });
  const wishes = { user, gatewayId, bases: bases.split(',') };
  files.write(at('strikeplate.acl'), withAccess(present(at('strikeplate.acl'), installed.rules), wishes), {
    secret: true,
  });
  const lines = [
    `install -m 0640 -o root -g mosquitto ${passwords} ${installed.passwords}`,
    `install -m 0640 -o root -g mosquitto ${at('strikeplate.acl')} ${installed.rules}`,
  ];
  const missing = {
    ...(theirs.passwordFile === undefined && { password_file: installed.passwords }),
    ...(theirs.aclFile === undefined && { acl_file: installed.rules }),
  };
  if (Object.keys(missing).length > 0) {
    files.write(at('strikeplate.conf'), includedLines(missing), { secret: false });
    lines.push(`install -m 0644 ${at('strikeplate.conf')} /etc/mosquitto/conf.d/strikeplate.conf`);
  }
  return [...lines, 'systemctl restart mosquitto'];
}

/** The password in a file, which is made where it is missing. */
function passwordIn(file: string, files: KeptFiles): string {
  if (!existsSync(file)) files.write(file, `${randomBytes(18).toString('base64url')}\n`, { secret: true });
  const [password = ''] = readFileSync(file, 'utf8').split('\n');
  return password;
}

/** Until the broker lets the gateway in, as far as somebody is there to mend what keeps it from that. */
async function logIn(
  context: BrokerContext,
  broker: NonNullable<Wanted['broker']>,
  lines: readonly string[] | undefined,
): Promise<FoundBroker> {
  const { terminal, interview } = context;
  let trial = await lookAt(context, broker);
  if (trial.failure !== undefined && lines !== undefined) {
    const install = await interview.confirm({
      key: 'broker_install',
      text: `The broker does not know the gateway yet. These lines, as root on the broker's machine, tell it:\n${lines
        .map((line) => `  ${line}`)
        .join('\n')}\nRun them here, now?`,
      usual: false,
    });
    if (install) {
      execFileSync('sh', ['-ec', lines.join('\n')], { stdio: 'inherit' });
      trial = await lookAt(context, broker);
    }
  }
  while (trial.failure !== undefined && terminal.ask !== undefined && !interview.isSilent) {
    terminal.err(trial.failure.hint);
    await terminal.ask('Press Enter to try again, Ctrl-C to stop; what was answered is kept.', { secret: false });
    trial = await lookAt(context, broker);
  }
  if (trial.failure === undefined) return { broker, retained: trial.retained };
  throw new CommandError(
    'failed',
    [
      trial.failure.hint,
      ...(lines === undefined
        ? []
        : ["Run these lines, as root on the broker's machine:", ...lines.map((line) => `  ${line}`)]),
      'Then run the same command again: what was answered is kept.',
    ].join('\n'),
  );
}

async function lookAt(
  { world, folder, gatewayId }: BrokerContext,
  { url, username, caFile }: NonNullable<Wanted['broker']>,
): Promise<BrokerTrial> {
  const credentials = await readCredentials('main', {
    ...(username !== undefined && { passwordFile: join(folder, 'mqtt.pw') }),
    ...(caFile !== undefined && { caFile: join(folder, caFile) }),
  });
  return world.tryBroker(
    {
      ...{ name: 'main', url, username, ...credentials },
      clientId: `strikeplate-${gatewayId}-setup-${randomBytes(3).toString('hex')}`,
      clock: systemClock,
      random: Math.random,
      log: pino({ level: 'silent' }),
    },
    { read: [], write: [], retained: announcements },
  );
}

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

interface AccessRequest {
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
export function accessRules({ user, gatewayId, bases }: AccessRequest): string {
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

const gatewayRules = ({ user, gatewayId, bases }: AccessRequest): string[] => [
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
export function withAccess(text: string, wishes: AccessRequest): string {
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
