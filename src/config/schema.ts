import { z } from 'zod';
import { BaseTopic, DisplayName, FilePath, Host, Network, Port, Slug, TimeZone } from './field-types.ts';
import { bluetoothAdapter, broker, serialLine, zwaveStick } from './schema-links.ts';

/*
 * The configuration file as a person writes it. What a description says here is what an editor shows, by way of
 * config/gateway.schema.json. Rules between keys are in cross-checks.ts: a section that is wrong must not hide what
 * is wrong with another.
 */

const gateway = z
  .strictObject({
    id: Slug.describe('Short name of this gateway. Device ids and MQTT topics are made of it: choose it once.'),
    name: DisplayName.describe('Name for people.'),
    time_zone: TimeZone.describe('IANA time zone of the building, for quiet hours and schedules.'),
  })
  .describe('Who this gateway is.');

export const httpSection = z
  .strictObject({
    host: Host.default('127.0.0.1').describe('Address to listen on. Anything but this machine itself needs TLS.'),
    port: Port.default(8080).describe('TCP port; 0 takes any free one.'),
    api_keys_file: FilePath.default('api-keys').describe(
      'Where the hashes of the API keys are kept; "strikeplate keys create" makes one.',
    ),
    demo_key_file: FilePath.optional().describe(
      'For demonstrations: at start a key that may do everything is made, kept here and printed. Loopback only.',
    ),
    hold_ms: z
      .int()
      .min(0)
      .max(25_000)
      .default(1_000)
      .describe('How long a POST waits for the outcome, in milliseconds, so that a fast door is final in its answer.'),
    public_url: z
      .url({ protocol: /^https?$/, error: 'must be a URL such as https://doors.example.com' })
      .optional()
      .describe('Where clients reach the API when that is not where it listens, behind a proxy: for next_page_url.'),
    max_connections: z
      .int()
      .min(16)
      .max(100_000)
      .optional()
      .describe(
        'Connections at a time; those without a valid key go first. Unless told 2048, or what the limit of open files leaves.',
      ),
    tls: z
      .strictObject({
        cert_file: FilePath.describe('Certificate chain, PEM.'),
        key_file: FilePath.describe('Private key, PEM.'),
      })
      .optional()
      .describe('Serve HTTPS.'),
    allow_plaintext: z
      .boolean()
      .default(false)
      .describe('True says that the network is trusted: keys and PINs travel over it unencrypted.'),
  })
  .prefault({})
  .describe('The API that applications talk to.');

/** So long a webhook is tried (`src/webhooks/webhook-queue.ts`). */
export const leastEventDays = 3;

const store = z
  .strictObject({
    path: FilePath.default('strikeplate.db').describe('The database.'),
    key_file: FilePath.default('store.key').describe(
      'The key that PINs in the database are encrypted with; made when missing. Back it up apart from the database.',
    ),
    retention_days: z
      .int()
      .min(1)
      .max(3_650)
      .default(90)
      .describe('How long finished attempts and their history are kept, in days.'),
    event_retention_days: z
      .int()
      .min(leastEventDays)
      .max(3_650)
      .optional()
      .describe(
        'How long events are kept, in days: as long as attempts unless told. Webhooks are tried for three days, and are ' +
          'made of events: no less than that.',
      ),
    max_events: z
      .int()
      .min(1_000)
      .max(10_000_000)
      .default(100_000)
      .describe('How many events are kept at most; 100,000 take some 25 MB.'),
    audit_retention_days: z.int().min(1).max(3_650).default(400).describe('How long the audit log is kept, in days.'),
    people_retention_days: z
      .int()
      .min(1)
      .max(3_650)
      .optional()
      .describe(
        'How long people are kept after their last access grant ended, in days: for ever unless told. Nobody goes who has a ' +
          'live access grant, a code on a lock, or a door of their own.',
      ),
    noise_retention_days: z
      .int()
      .min(1)
      .max(8)
      .default(8)
      .describe('How long noise levels are kept, in days: by the minute one at most, by the hour eight.'),
  })
  .prefault({})
  .describe('What is kept on disk. Relative paths lie in the state directory.');

const monitor = z
  .strictObject({
    mqtt: Slug.describe('Name of the broker to publish on.'),
    base_topic: BaseTopic.optional().describe('Topics begin with this; strikeplate/<gateway.id> when not given.'),
    home_assistant: z.boolean().default(false).describe('Announce everything to Home Assistant.'),
    commands: z
      .boolean()
      .default(false)
      .describe(
        'Obey commands on MQTT, and let Home Assistant have them: whoever may write <base_topic>/command opens doors.',
      ),
    interval_s: z.int().min(1).max(3_600).default(30).describe('Seconds between two health messages.'),
  })
  .describe('Publishes what happens on MQTT. Nothing is read from there unless commands are switched on.');

const log = z
  .strictObject({
    level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    format: z
      .enum(['auto', 'json', 'text'])
      .default('auto')
      .describe('auto: text for a journal and for a terminal, JSON lines for everything else.'),
  })
  .prefault({})
  .describe('The log, on standard error.');

/* The upper bounds are guesses: long enough for a sleepy lock, short enough that a caller learns the truth. */
const timeLimits = z.strictObject({
  send_by_ms: z
    .int()
    .min(100)
    .max(120_000)
    .optional()
    .describe('Milliseconds after the request until which a command may leave for the device.'),
  deadline_ms: z
    .int()
    .min(200)
    .max(300_000)
    .optional()
    .describe('Milliseconds after the request until which the outcome is told.'),
});

const webhooks = z
  .strictObject({
    private_targets: z
      .array(Network)
      .default([])
      .describe(
        'Networks of your own that webhooks may be sent to, as 192.168.1.0/24 or fd00::/8. Only there may they go ' +
          'unencrypted. Without any they go to the internet alone.',
      ),
    include_codes: z
      .boolean()
      .default(false)
      .describe('Send the digits of access codes along; they are null otherwise.'),
    max_queued: z
      .int()
      .min(100)
      .max(100_000)
      .default(10_000)
      .describe('How many events may wait for one receiver; more drop the oldest.'),
  })
  .prefault({})
  .describe('Where events may be sent to. Whom they are sent to is told over the API: /webhooks/create.');

const HeldOpenSeconds = z
  .int()
  .min(0)
  .max(86_400)
  .describe('Seconds after which a door that stands open is told of; 0 for never. Only doors with a contact.');
const ReportForced = z
  .boolean()
  .describe('Tell of a door that opens while it stands locked; when not given, where the bolt itself is seen.');

const doors = z
  .strictObject({ held_open_s: HeldOpenSeconds.default(120), report_forced: ReportForced.optional() })
  .prefault({})
  .describe('When a door with a contact is worth an event; devices may say otherwise.');

const device = z
  .strictObject({
    id: Slug.describe('Short name: for the command line, and for device_id, which is made of gateway.id and this.'),
    device_id: z
      .uuid('must be a UUID')
      .toLowerCase()
      .optional()
      .describe('UUID to use instead, for a device that was known by another id before.'),
    name: DisplayName.describe('Name for people.'),
    driver: z.string().describe('Which driver speaks to it.'),
    link: z.record(z.string(), z.unknown()).describe('How it is reached: the kind of link, and its name above.'),
    settings: z.record(z.string(), z.unknown()).default({}).describe('What the driver needs to know.'),
    time_zone: TimeZone.optional().describe("When it differs from the gateway's."),
    limits: z
      .strictObject({
        door: timeLimits.optional().describe('For lock and unlock.'),
        code: timeLimits.optional().describe('For access codes and thresholds.'),
      })
      .optional()
      .describe("Other time limits than the driver's."),
    noise: z
      .strictObject({
        average_s: z
          .int()
          .min(1)
          .max(300)
          .default(10)
          .describe('Seconds over which levels are averaged, by energy, before they are compared with a threshold.'),
        sustained_s: z
          .int()
          .min(1)
          .max(900)
          .default(60)
          .describe(
            'Seconds that a threshold must be exceeded before an event says so; a threshold may say otherwise.',
          ),
      })
      .prefault({})
      .describe('How the levels of a noise sensor are judged.'),
    door: z
      .strictObject({ held_open_s: HeldOpenSeconds.optional(), report_forced: ReportForced.optional() })
      .optional()
      .describe('Other rules for its door than those of the section doors.'),
    out_of_service: z.boolean().default(false).describe('True refuses all commands to it; its state is still shown.'),
  })
  .describe('One lock or sensor.');

const simulatedPeer = z
  .strictObject({
    simulator: z.string().describe('Which kind of device or bridge to play.'),
    link: z.record(z.string(), z.unknown()).describe('Where it is reached: the kind of link, and its name above.'),
    settings: z.record(z.string(), z.unknown()).default({}).describe('What the simulator needs to know.'),
  })
  .describe('One simulated peer.');

const accessCodes = z
  .strictObject({
    lead_minutes: z
      .int()
      .min(0)
      .max(10_080)
      .default(60)
      .describe('How long before its start a code is written to a lock that keeps no times, in minutes.'),
    native_lead_hours: z
      .int()
      .min(0)
      .max(720)
      .default(72)
      .describe('The same for a lock that keeps times itself, in hours: the code is there and does not open yet.'),
    duplicates: z
      .enum(['refuse', 'refuse_overlapping'])
      .default('refuse')
      .describe(
        'refuse: no two codes of a lock have the same digits, as with Seam. refuse_overlapping: they may when their ' +
          'times do not overlap.',
      ),
    backup_codes: z
      .int()
      .min(0)
      .max(20)
      .default(0)
      .describe('How many backup codes are kept on each lock, for pull_backup_access_code. 0 for none.'),
  })
  .prefault({})
  .describe('How access codes are looked after.');

const backup = z
  .strictObject({
    folder: FilePath.default('backups').describe(
      'Where they go, in the state directory unless absolute. A backup on the same disk is lost with it: copy them away.',
    ),
    passphrase_file: FilePath.describe(
      'File whose first line is the passphrase, of 12 characters at least. Keep it elsewhere too: nothing opens a backup without it.',
    ),
    every_hours: z.int().min(1).max(744).default(24).describe('Hours between two backups.'),
    keep: z.int().min(1).max(1_000).default(14).describe('How many are kept; the oldest go first.'),
  })
  .describe('Encrypted backups of everything, made while the gateway runs.');

export const configSchema = z
  .strictObject({
    state_dir: FilePath.optional().describe(
      'Where the gateway keeps its files; relative to this file, its folder when not given. ' +
        'STRIKEPLATE_STATE_DIR goes before it.',
    ),
    gateway,
    http: httpSection,
    store,
    mqtt: z.record(Slug, broker).default({}).describe('MQTT brokers by name.'),
    serial: z.record(Slug, serialLine).default({}).describe('Serial lines by name: one for each port.'),
    ble: z.record(Slug, bluetoothAdapter).default({}).describe('Bluetooth LE adapters by name.'),
    zwave: z.record(Slug, zwaveStick).default({}).describe('Z-Wave sticks by name: one for each port.'),
    monitor: monitor.optional(),
    doors,
    webhooks,
    access_codes: accessCodes,
    backup: backup.optional(),
    log,
    drivers: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Drivers from outside: modules (./my-driver.js, relative to this file) or npm packages installed beside it. Their ' +
          'code runs with the rights of the gateway.',
      ),
    devices: z.array(device).describe('Locks and sensors.'),
    simulation: z
      .array(simulatedPeer)
      .default([])
      .describe('Devices to play, for demonstrations and trials, so that the gateway above has something to talk to.'),
  })
  .describe('Configuration of a Strikeplate gateway.');

/** The file's content with defaults filled in. */
export type ConfigFile = z.output<typeof configSchema>;
export type BrokerSection = ConfigFile['mqtt'][string];
export type SerialSection = ConfigFile['serial'][string];
export type BluetoothSection = ConfigFile['ble'][string];
export type ZwaveSection = ConfigFile['zwave'][string];
export type DeviceSection = ConfigFile['devices'][number];
export type HttpSection = ConfigFile['http'];
export type SimulationSection = ConfigFile['simulation'][number];
