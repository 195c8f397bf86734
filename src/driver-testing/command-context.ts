import { type Logger, pino } from 'pino';
import { type Clock, type CodeCommandContext, GatewayError, type SendPermit } from '../contract/index.ts';

/** What became of one permit. Times are `Clock.now()`. */
export interface PermitRecord {
  readonly askedAt: number;
  grantedAt: number | undefined;
  /** Every call of `spend`, allowed or not. */
  readonly spends: { readonly at: number; readonly allowed: boolean }[];
  /** The link said that nobody received it. */
  withdrawn: boolean;
}

export interface CommandOptions {
  readonly clock: Clock;
  /** From now, in milliseconds. */
  readonly sendByMs?: number;
  readonly deadlineMs?: number;
  /** How long it takes to commit the intent, in milliseconds. */
  readonly commitMs?: number;
  /** The core says no at the point of no return. */
  readonly refuse?: GatewayError;
  readonly log?: Logger;
  readonly attemptId?: string;
  /** What happens while doors pass. */
  readonly whileDoorsPass?: () => Promise<void>;
}

/** A command as the core would give it to a driver, with a record of what the driver did with it. */
export interface TestCommand {
  readonly ctx: CodeCommandContext;
  readonly permits: readonly PermitRecord[];
  /** How often the driver let doors pass. */
  readonly timesDoorsPassed: number;
  abort(reason?: unknown): void;
  /** Calls off the deadline. */
  end(): void;
}

export const silentLog: Logger = pino({ level: 'silent' });

export function testCommand(options: CommandOptions): TestCommand {
  const { clock, commitMs = 0 } = options;
  const sendBy = clock.now() + (options.sendByMs ?? 5_000);
  const deadline = clock.now() + (options.deadlineMs ?? 9_000);
  const controller = new AbortController();
  const permits: PermitRecord[] = [];
  let timesDoorsPassed = 0;
  const anySpent = () => permits.some((permit) => !permit.withdrawn && permit.spends.some((spend) => spend.allowed));
  const timer = clock.setTimer(() => {
    controller.abort(
      anySpent()
        ? new GatewayError('outcome_unknown', 'Nothing is known of the outcome.')
        : new GatewayError('expired', 'The command was not sent in time.'),
    );
  }, deadline - clock.now());

  const mayGo = () => {
    controller.signal.throwIfAborted();
    if (options.refuse !== undefined) throw options.refuse;
    if (clock.now() >= sendBy) throw new GatewayError('expired', 'The command was not sent in time.');
  };
  const pass = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(resolve, ms));

  const ctx: CodeCommandContext = {
    attemptId: options.attemptId ?? '00000000-0000-4000-8000-000000000001',
    signal: controller.signal,
    log: options.log ?? silentLog,
    sendBy,
    deadline,
    async pointOfNoReturn(): Promise<SendPermit> {
      const record: PermitRecord = { askedAt: clock.now(), grantedAt: undefined, spends: [], withdrawn: false };
      permits.push(record);
      mayGo();
      if (commitMs > 0) await pass(commitMs);
      mayGo();
      record.grantedAt = clock.now();
      return {
        sendBy,
        withdraw() {
          record.withdrawn = true;
        },
        spend() {
          const refuse = (error: unknown) => {
            record.spends.push({ at: clock.now(), allowed: false });
            throw error;
          };
          try {
            mayGo();
          } catch (error) {
            refuse(error);
          }
          if (record.spends.length > 0) refuse(new GatewayError('internal_error', 'A permit was spent twice.'));
          record.spends.push({ at: clock.now(), allowed: true });
        },
      };
    },
    async letDoorsPass() {
      controller.signal.throwIfAborted();
      timesDoorsPassed += 1;
      await options.whileDoorsPass?.();
      controller.signal.throwIfAborted();
    },
  };
  return {
    ctx,
    permits,
    get timesDoorsPassed() {
      return timesDoorsPassed;
    },
    abort: (reason = new GatewayError('superseded', 'A newer command took its place.')) => controller.abort(reason),
    end: () => timer.cancel(),
  };
}
