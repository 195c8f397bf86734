import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { GatewayError, type MqttMessage, Secret } from '../contract/index.ts';
import type { Gateway, Origin } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';

/** A command that was asked for longer ago is none any more, in milliseconds. A guess; a broker takes a few. */
const FRESH_MS = 10_000;
/** Bytes. The largest command, a code with its name and times, has some 400. */
const LARGEST = 4_096;

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
}

/**
 * Commands over MQTT, where they are switched on. What a broker kept from before moves nothing: a command names itself
 * and the moment at which it was asked for, is carried out within seconds or never, and once however often it comes.
 */
export class MqttCommands {
  readonly #options: MqttCommandsOptions;
  readonly #underWay = new Map<string, Promise<AttemptRecord>>();

  constructor(options: MqttCommandsOptions) {
    this.#options = options;
  }

  heard({ payload, retained, topic }: MqttMessage): void {
    const { log, clear, gateway, isOldBroker } = this.#options;
    if (payload.length === 0) return;
    const receivedAt = gateway.clock.now();
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
export const opensByRelease = (lock: { readonly observes: string } | undefined): boolean =>
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
  try {
    const { id } = (JSON.parse(payload.toString()) ?? {}) as { readonly id?: unknown };
    return typeof id === 'string' && common.id.safeParse(id).success ? id : undefined;
  } catch {
    return undefined;
  }
}

const digest = (purpose: string, text: string): string =>
  createHash('sha256').update(`strikeplate mqtt command\0${purpose}\0${text}`).digest('base64url');
