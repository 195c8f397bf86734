import {
  type AutoLock,
  type AutoLockCapability,
  type CodeCommandContext,
  GatewayError,
  type OpenContext,
  type ReadContext,
} from '../../../src/contract/index.ts';
import { autoLockUnknown } from '../../../src/driver-kit/auto-lock-sentences.ts';
import type { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Value } from '../../../src/driver-kit/evidence/claims.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { commands } from './catalogue.ts';
import { requestAdvancedConfig, type SecurityPin, setAdvancedConfig } from './codec-commands.ts';
import { readAutoLock } from './codec-replies.ts';
import { type NukiConnection, REPLY_MS } from './connection.ts';
import { credentialsOf, type DeviceSession, onConnection } from './device-session.ts';
import { CHANGE_MARGIN_MS, changePlan, nukiTraits } from './evidence.ts';
import { refusal } from './failures.ts';

const about = 'auto_lock';
/** Nuki, "Auto Lock": half a minute to half an hour. */
const DELAYS = { min: 30, max: 1_800 } as const;

export interface AutoLockSession extends DeviceSession {
  readonly settingsBook: EvidenceBook<GatewayError>;
}

/**
 * Auto Lock among a lock's advanced settings, which are read and written as a whole. The Ultra class has others, whose
 * order nobody has published: there they are left alone.
 */
export class NukiAutoLock implements AutoLockCapability {
  readonly #access: AutoLockSession;
  readonly #report: OpenContext['report'];
  /** Undefined until the lock was asked. */
  #hasIt: boolean | undefined;
  #told: Buffer | undefined;

  constructor(access: AutoLockSession, report: OpenContext['report']) {
    this.#access = access;
    this.#report = report;
  }

  get delays(): AutoLockCapability['delays'] {
    return this.#hasIt ? DELAYS : undefined;
  }

  /** Asks once, on a connection that is there. What the lock refuses it does not have. */
  async learn(connection: NukiConnection): Promise<void> {
    const { protocol, pin } = credentialsOf(this.#access);
    if (this.#hasIt !== undefined || protocol !== 'classic' || pin === undefined) return;
    try {
      await this.#ask(connection);
    } catch (error) {
      if (error instanceof GatewayError && error.delivery === 'refused' && error.type !== 'device_busy')
        this.#hasIt = false;
    }
  }

  async configure(ctx: CodeCommandContext, wanted: AutoLock): Promise<AutoLock> {
    const { settingsBook: book, clock, deviceName } = this.#access;
    const pin = pinOf(this.#access);
    let read: AutoLock | undefined;
    let lastError: unknown;
    const verdict = await book.judge({
      goal: { proof: [{ about, value: valueFor(wanted) }] },
      ...{ traits: nukiTraits, plan: changePlan, ctx, marginMs: CHANGE_MARGIN_MS, between: () => ctx.letDoorsPass() },
      send: async (observe, said) => {
        await ctx.letDoorsPass();
        const options = { priority: 'code', signal: ctx.signal, by: ctx.sendBy, log: ctx.log } as const;
        await onConnection(this.#access, options, async (connection) => {
          const before = await this.#ask(connection);
          const told = this.#told;
          if (before.enabled === undefined || told === undefined) throw noSwitch(deviceName);
          const timeoutS = wanted.enabled ? (wanted.delaySeconds ?? before.timeoutS) : before.timeoutS;
          const challenge = await connection.challenge();
          const message = setAdvancedConfig(told, { enabled: wanted.enabled, timeoutS }, challenge, pin);
          const permit = observedPermit(await ctx.pointOfNoReturn(), observe);
          await connection.act(permit, message);
          said({ said: 'acknowledged', at: clock.now() });
          const reason = await answerOf(this.#access, connection).catch(() => undefined);
          if (reason) said({ word: 'refused', reason });
        });
        book.reachable();
      },
      ask: async (_about, signal) => {
        try {
          read = await this.read({ ...ctx, signal });
          return [{ about, value: valueFor(read), at: clock.now() }];
        } catch (error) {
          lastError = error;
          throw error;
        }
      },
    });
    if (verdict.end === 'refused') throw verdict.reason ?? autoLockUnknown(deviceName);
    if (verdict.end !== 'unknown' && read !== undefined) return read;
    throw lastError instanceof GatewayError ? autoLockUnknown(deviceName, lastError) : autoLockUnknown(deviceName);
  }

  async read(ctx: ReadContext): Promise<AutoLock> {
    const setting = await onConnection(
      this.#access,
      { priority: 'code', signal: ctx.signal, log: ctx.log },
      (connection) => this.#ask(connection),
    );
    if (setting.enabled === undefined) throw noSwitch(this.#access.deviceName);
    return { enabled: setting.enabled, delaySeconds: setting.timeoutS };
  }

  async #ask(connection: NukiConnection): Promise<ReturnType<typeof readAutoLock>> {
    const challenge = await connection.challenge();
    const { payload } = await connection.ask(requestAdvancedConfig(challenge), commands.advancedConfig);
    const setting = readAutoLock(payload);
    this.#told = payload;
    this.#tell(setting);
    return setting;
  }

  #tell({ enabled, timeoutS }: ReturnType<typeof readAutoLock>): void {
    if (this.#hasIt === undefined) {
      this.#hasIt = enabled !== undefined;
      this.#report({ kind: 'capabilities' });
    }
    if (enabled !== undefined) this.#report({ kind: 'auto_lock', enabled, delaySeconds: timeoutS });
  }
}

const valueFor = ({ enabled, delaySeconds }: AutoLock): Value => (enabled ? String(delaySeconds) : 'off');

/** @returns why it refused; undefined when it did not, or said nothing */
async function answerOf(
  { clock, deviceName }: DeviceSession,
  connection: NukiConnection,
): Promise<GatewayError | undefined> {
  const until = clock.now() + REPLY_MS;
  for (;;) {
    const arrival = await connection.next(until);
    if (arrival === undefined) return undefined;
    if (arrival.kind === 'message' && arrival.message.command === commands.status) return undefined;
    if (arrival.kind !== 'error') continue;
    const { command, code } = arrival.report;
    if (command === commands.setAdvancedConfig || command === 0) return refusal(deviceName, code);
  }
}

/** @throws GatewayError `misconfigured` */
function pinOf(access: DeviceSession): SecurityPin {
  const { pin, protocol } = credentialsOf(access);
  if (protocol !== 'classic')
    throw new GatewayError(
      'misconfigured',
      `${access.deviceName} is of the Ultra class, whose settings are not changed from here. Set Auto Lock in the vendor’s app.`,
      { delivery: 'not_sent' },
    );
  if (pin !== undefined) return pin;
  throw new GatewayError(
    'misconfigured',
    `${access.deviceName} changes its settings only for its security PIN, which was not told when it was paired. Pair it ` +
      'again, with the PIN that is set in the vendor’s app.',
    { delivery: 'not_sent' },
  );
}

const noSwitch = (name: string): GatewayError =>
  new GatewayError(
    'misconfigured',
    `${name} has firmware without a switch for Auto Lock. Update it with the vendor’s app.`,
    { delivery: 'not_sent' },
  );
