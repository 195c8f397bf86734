import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { GatewayError, type MqttMessage, type OnLimit, Secret } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Gateway, Origin } from '../model/gateway.ts';
import type { AttemptRecord, NoiseThresholdRecord } from '../model/records.ts';
import type { TopicTree } from './topics.ts';

/** A command that was asked for longer ago is none any more, in milliseconds. A guess; a broker takes a few. */
const FRESH_MS = 10_000;
/** Bytes. The largest command, a code with its name and times, has some 400. */
const LARGEST = 4_096;
/** Looked at at once, and then a second: as of a device. Guesses; a scene for a whole house has some dozens. */
const BURST = 200;
const PER_SECOND = 20;

const common = {
  /** Tells a repetition from another command. */
  id: z.string().regex(/^[\w.:+-]{8,80}$/),
  issued_at: z.iso.datetime({ offset: true }),
};
const device = { ...common, device_id: z.string() };
const time = z.iso.datetime({ offset: true }).optional();
const commandSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.enum(['LOCK', 'UNLOCK', 'OPEN']), ...device }),
  z.strictObject({
    ...{ command: z.literal('SET_NOISE_THRESHOLD'), ...common },
    ...{ noise_threshold_id: z.string(), decibels: z.number() },
  }),
  z.strictObject({
    ...{ command: z.literal('CREATE_ACCESS_CODE'), ...device },
    ...{
      name: z.string().min(1).max(100).optional(),
      code: z
        .string()
        .regex(/^\d{3,16}$/)
        .optional(),
    },
    ...{ starts_at: time, ends_at: time },
  }),
  z.strictObject({ command: z.literal('DELETE_ACCESS_CODE'), ...common, access_code_id: z.string() }),
]);
type MqttCommand = z.output<typeof commandSchema>;

export interface MqttCommandsOptions {
  readonly gateway: Gateway;
  readonly log: Logger;
  /** The broker's name in the configuration: who asked, as far as anybody knows. */
  readonly broker: string;
  readonly topic: string;
  /** Takes away what lies retained there. */
  readonly clear: () => void;
  /** Tells what became of a command, by its id. It is retained nowhere. */
  readonly tell: (answer: Readonly<Record<string, unknown>>) => void;
  /** Over MQTT 3.1.1 a broker does not say whether what it hands on is retained as well. */
  readonly isOldBroker: () => boolean;
  /** Told of what was left out because there was too much of it. */
  readonly onLimit?: OnLimit | undefined;
}

/**
 * Commands over MQTT, where they are switched on. What a broker kept from before moves nothing: a command names itself
 * and the moment at which it was asked for, is carried out within seconds or never, and once however often it comes.
 */
export class MqttCommands {
  readonly #options: MqttCommandsOptions;
  readonly #underWay = new Map<string, Promise<AttemptRecord>>();
  /** How many may be looked at now, as of then. */
  #left = BURST;
  #at: number;

  constructor(options: MqttCommandsOptions) {
    this.#options = options;
    this.#at = options.gateway.clock.now();
  }

  heard({ payload, retained, topic }: MqttMessage): void {
    const { log, clear, gateway, isOldBroker } = this.#options;
    if (payload.length === 0) return;
    const receivedAt = gateway.clock.now();
    // One that is left there is taken away when it comes again, with the next connection.
    if (!this.#mayLook(receivedAt)) {
      this.#tellLimit(topic);
      return;
    }
    if (retained) {
      // Whoever left it there would have it carried out at each reconnect.
      log.warn({ topic }, `A command was left retained on ${topic}: it was not carried out, and was taken away.`);
      clear();
      return;
    }
    if (isOldBroker()) clear();
    const id = idIn(payload);
    this.#obey(payload, receivedAt).then(
      ({ actionAttemptId, deviceId }) =>
        this.#tell({ id, status: 'accepted', action_attempt_id: actionAttemptId, device_id: deviceId }),
      (error: unknown) => this.#refused(id, error),
    );
  }

  #mayLook(now: number): boolean {
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) * PER_SECOND) / 1_000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  #tellLimit(topic: string): void {
    const message =
      `More than ${PER_SECOND} commands a second came on ${topic}: the rest was not looked at, and moved nothing. Find out ` +
      'who sends them, and let only those write there who are to open doors.';
    this.#options.onLimit?.({ limit: 'device_messages', source: topic, message });
  }

  #tell(answer: Readonly<Record<string, unknown>>): void {
    this.#options.tell(answer);
  }

  #refused(id: string | undefined, error: unknown): void {
    const { log } = this.#options;
    const known = error instanceof GatewayError;
    if (!known) log.error({ err: error }, 'a command over MQTT failed for an unknown reason');
    const type = known ? error.type : 'internal_error';
    const message = known ? error.message : 'A fault of the gateway; its log says more.';
    log.warn({ type }, 'a command over MQTT was refused');
    this.#tell({ id: id ?? null, status: 'refused', error: { type, message } });
  }

  async #obey(payload: Buffer, receivedAt: number): Promise<AttemptRecord> {
    const { gateway, broker } = this.#options;
    const command = read(payload);
    this.#assertFresh(command);
    const scope = digest('scope', command.id);
    const { issued_at: _, ...what } = command;
    // Without digits: a digest of a PIN gives it away to whoever tries them all.
    const fingerprint = digest('command', JSON.stringify({ ...what, ...('code' in what && { code: null }) }));
    const earlier = gateway.attempts.idempotency(scope);
    if (earlier !== undefined) {
      const attempt = gateway.attempts.get(earlier.actionAttemptId);
      if (earlier.fingerprint === fingerprint && attempt !== undefined) return attempt;
      throw new GatewayError('idempotency_key_reused', 'This id was used for another command. Use a new id for each.');
    }
    const first = this.#underWay.get(scope);
    if (first !== undefined) return first;
    const origin: Origin = {
      actor: { kind: 'mqtt', name: `mqtt/${broker}` },
      receivedAt,
      idempotency: { scope, fingerprint },
    };
    const accepted = this.#carryOut(command, origin);
    this.#underWay.set(scope, accepted);
    try {
      return await accepted;
    } finally {
      this.#underWay.delete(scope);
    }
  }

  /** @throws GatewayError `expired` */
  #assertFresh({ issued_at }: MqttCommand): void {
    const age = this.#options.gateway.clock.wallTime() - Date.parse(issued_at);
    if (Math.abs(age) <= FRESH_MS) return;
    const seconds = Math.round(Math.abs(age) / 1_000);
    throw new GatewayError(
      'expired',
      age > 0
        ? `The command was asked for ${seconds} s ago, and is not carried out any more. If it is not that old, the clocks differ: check NTP on both machines.`
        : `The command is to have been asked for in ${seconds} s: the clocks differ. Check NTP on both machines.`,
    );
  }

  async #carryOut(command: MqttCommand, origin: Origin): Promise<AttemptRecord> {
    const { gateway } = this.#options;
    switch (command.command) {
      case 'LOCK':
        return gateway.doors.lock(command.device_id, origin);
      case 'OPEN':
        this.#assertOpens(command.device_id);
        return gateway.doors.unlock(command.device_id, origin);
      case 'UNLOCK':
        return gateway.doors.unlock(command.device_id, origin);
      case 'SET_NOISE_THRESHOLD':
        return gateway.noise.update(command.noise_threshold_id, { decibels: command.decibels }, origin);
      case 'CREATE_ACCESS_CODE': {
        const { device_id: deviceId, name, code, starts_at: from, ends_at: until } = command;
        const wish = {
          deviceId,
          ...(name !== undefined && { name }),
          ...(code !== undefined && { code: new Secret(code) }),
          ...(from !== undefined && { startsAt: Date.parse(from) }),
          ...(until !== undefined && { endsAt: Date.parse(until) }),
        };
        return (await gateway.accessCodes.create(wish, origin)).attempt;
      }
      case 'DELETE_ACCESS_CODE':
        return gateway.accessCodes.delete(command.access_code_id, origin);
    }
  }

  /** To open is to release: of a lock with a bolt nobody here knows how its latch is pulled. */
  #assertOpens(deviceId: string): void {
    const found = this.#options.gateway.devices.get(deviceId);
    if (found === undefined || opensByRelease(found.capabilities.lock)) return;
    throw new GatewayError(
      'unsupported_action',
      `${found.name} has a bolt, and no command for its latch alone. Send UNLOCK.`,
    );
  }
}

/** Whether unlocking it is opening it: a strike, whose release is all that there is. */
const opensByRelease = (lock: { readonly observes: string } | undefined): boolean =>
  lock !== undefined && lock.observes !== 'bolt';

/** @throws GatewayError `invalid_input`, whose sentence quotes nothing: a PIN may be in it */
function read(payload: Buffer): MqttCommand {
  if (payload.length > LARGEST)
    throw new GatewayError('invalid_input', `A command may have ${LARGEST} bytes, not ${payload.length}.`);
  let raw: unknown;
  try {
    raw = JSON.parse(payload.toString());
  } catch {
    throw new GatewayError('invalid_input', 'The command is no JSON. It must be an object: see docs/monitoring.md.');
  }
  const parsed = commandSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(({ path }) => path.join('.') || 'the command');
  throw new GatewayError(
    'invalid_input',
    `The command cannot be used; look at: ${[...new Set(where)].join(', ')}. docs/monitoring.md has the form of each.`,
  );
}

/** For the answer, also where the rest cannot be read. */
function idIn(payload: Buffer): string | undefined {
  if (payload.length > LARGEST) return undefined;
  try {
    const { id } = (JSON.parse(payload.toString()) ?? {}) as { readonly id?: unknown };
    return typeof id === 'string' && common.id.safeParse(id).success ? id : undefined;
  } catch {
    return undefined;
  }
}

const digest = (purpose: string, text: string): string =>
  createHash('sha256').update(`strikeplate mqtt command\0${purpose}\0${text}`).digest('base64url');

type Fields = Readonly<Record<string, unknown>>;

/** What Home Assistant is to show and may command, as its MQTT integration has it. */
export interface CommandableEntity {
  readonly component: 'lock' | 'number' | 'event';
  readonly id: string;
  readonly fields: Fields;
}

/**
 * Names a command and the moment at which it is asked for, as {@link MqttCommands} wants it: Home Assistant renders it
 * when somebody presses the button (its documentation, "Using command templates with MQTT").
 */
const commandTemplate = (command: string, about: string): string =>
  `{"command":${command},${about},"id":"ha-{{ utcnow().timestamp() | int }}-{{ range(1000000000) | random }}",` +
  '"issued_at":"{{ utcnow().isoformat() }}"}';

/** A lock that can be commanded. Its messages are never retained, and never sent again by the broker's client. */
export function commandableLock(device: DeviceSnapshot, ofState: Fields, tree: TopicTree): CommandableEntity {
  const opens = opensByRelease(device.capabilities.lock);
  return {
    component: 'lock',
    id: 'control',
    fields: {
      // The device's own name: it is what the device is for.
      name: null,
      ...ofState,
      value_template: "{{ 'None' if value_json.state == 'unknown' else value_json.state }}",
      state_locked: 'locked',
      state_locking: 'locking',
      state_unlocked: 'unlocked',
      state_unlocking: 'unlocking',
      state_jammed: 'jammed',
      command_topic: tree.command,
      command_template: commandTemplate('"{{ value }}"', `"device_id":"${device.deviceId}"`),
      payload_lock: 'LOCK',
      payload_unlock: 'UNLOCK',
      ...(opens && { payload_open: 'OPEN' }),
      optimistic: false,
      retain: false,
      qos: 0,
    },
  };
}

export type NamedThreshold = Pick<NoiseThresholdRecord, 'noiseThresholdId' | 'name'>;

/** A threshold's limit, to be turned. */
export const thresholdNumber = (
  { noiseThresholdId, name }: NamedThreshold,
  ofState: Fields,
  tree: TopicTree,
): CommandableEntity => ({
  component: 'number',
  id: `threshold-${noiseThresholdId}`,
  fields: {
    name: `Limit: ${name}`,
    ...ofState,
    value_template: `{{ value_json.noise_thresholds['${noiseThresholdId}'] }}`,
    command_topic: tree.command,
    command_template: commandTemplate(
      '"SET_NOISE_THRESHOLD"',
      `"noise_threshold_id":"${noiseThresholdId}","decibels":{{ value }}`,
    ),
    device_class: 'sound_pressure',
    unit_of_measurement: 'dB',
    min: 0,
    max: 194,
    step: 0.5,
    mode: 'box',
    entity_category: 'config',
    optimistic: false,
    retain: false,
    qos: 0,
  },
});

/** Seam's events of a lock, and our own, that somebody at the door made happen. */
const ofPeople = ['lock.locked', 'lock.unlocked', 'lock.access_denied', 'strikeplate.lock.jammed'];

/**
 * Who opened, as it happens: by which means, and by which code where a keypad told. Never the digits, and no name: the
 * broker's other clients need not know who is at home.
 */
export const operations = (deviceId: string, availability: unknown, tree: TopicTree): CommandableEntity => ({
  component: 'event',
  id: 'operations',
  fields: {
    name: 'Operation',
    state_topic: tree.deviceEvents(deviceId),
    availability,
    event_types: ofPeople,
    value_template:
      `{{ {'event_type': value_json.event_type, 'method': value_json.method | default('unknown'), ` +
      `'access_code_id': value_json.access_code_id | default(none), 'slot': value_json.slot | default(none)} | tojson ` +
      `if value_json.event_type in ${JSON.stringify(ofPeople).replaceAll('"', "'")} else '' }}`,
  },
});
