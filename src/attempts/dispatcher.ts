import { GatewayError, sleep, type TimeLimits } from '../contract/index.ts';
import type { LaneClass, LaneJob } from '../devices/device-lane.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';
import { attemptAudit } from '../model/audit.ts';
import type { Origin } from '../model/gateway.ts';
import type { ActionType, AttemptRecord, Settlement, Subject } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import { Attempt, type AttemptFacts } from './attempt.ts';
import { driverContext, type Work } from './driver-context.ts';
import { advice, type Failure, failed, failedWith, maybeDone, notDone, succeeded } from './outcome.ts';
import { Settler, type SettlerOptions } from './settler.ts';

/** What is asked, independent of when and by whom. */
export interface Command {
  readonly actionType: ActionType;
  readonly deviceId: string;
  readonly subject?: Subject;
  readonly laneClass: LaneClass;
  readonly limits: TimeLimits;
  readonly work: Work;
  /** Committed together with the acceptance. */
  readonly alsoAccept?: (actionAttemptId: string) => readonly Change[];
  /** Committed together with the settlement, whatever it is. */
  readonly alsoSettle?: (settlement: Settlement) => readonly Change[];
  /** How a failure is told of what is asked here, whether a driver, the clock or a restart was its reason. */
  readonly inWords?: (failure: Failure) => Failure;
}

export interface DispatcherOptions extends SettlerOptions {
  readonly registry: DeviceRegistry;
  /** UUIDv7 */
  readonly newId: () => string;
  readonly random: () => number;
}

/** Between tries, in milliseconds: doubled up to the last. A guess; a device that comes back is tried at once. */
const firstBackoffMs = 200;
const longestBackoffMs = 1_600;

/** Accepts commands, and gives each its turn with its device. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #settler: Settler;
  #lastSeq: number;
  #stopping = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#settler = new Settler(options);
    this.#lastSeq = options.store.read.highestSeq();
  }

  /**
   * Resolves with the attempt once it is on disk.
   * @throws GatewayError `device_not_found`, `lane_full`, `storage_unavailable`
   */
  async accept(command: Command, origin: Origin): Promise<AttemptRecord> {
    const { store, registry, clock, attempts } = this.#options;
    this.#assertOpen();
    const device = registry.require(command.deviceId);
    const { name, outOfService } = device.snapshot;
    const place = device.lane.reserve();
    // With lane and link ready the command leaves right after this commit, so it carries the intent as well.
    const atOnce = command.laneClass === 'door' && !outOfService && place.first && device.linkState.status === 'up';
    const attempt = new Attempt(this.#facts(command, name, origin), {
      clock,
      intent: atOnce,
      isRepeatable: origin.idempotency !== undefined,
      alsoSettle: command.alsoSettle,
      inWords: command.inWords,
    });
    try {
      await store.commit([
        { kind: 'attempt_accepted', attempt: attempt.record() },
        ...idempotency(attempt, origin),
        ...(command.alsoAccept?.(attempt.id) ?? []),
      ]);
    } catch (error) {
      place.release();
      throw error;
    }
    attempts.opened(attempt);
    const accepted = attempt.record();
    if (outOfService) {
      place.release();
      this.#settler.settle(attempt, isOutOfService(name, command.actionType), 'the device is out of service');
      return accepted;
    }
    this.#settler.watch(attempt, () => device.lane.nudge());
    if (command.laneClass === 'door') this.#supersedeOpposites(attempt, device);
    if (!place.first) attempt.send({ type: 'QUEUED' }, 'others are before it on this device');
    place.enqueue(this.#job(attempt, device, command));
    return accepted;
  }

  /** Accepts and settles in one commit: for what the gateway does by itself, without asking a device. */
  async acceptDone(
    command: Pick<Command, 'actionType' | 'deviceId' | 'subject' | 'alsoAccept'>,
    result: Readonly<Record<string, unknown>>,
    origin: Origin,
  ): Promise<AttemptRecord> {
    const { store, registry, clock, attempts } = this.#options;
    this.#assertOpen();
    // What concerns no device has no limits: it is done.
    const { name, limits } =
      command.actionType === 'RESET_SANDBOX_WORKSPACE'
        ? { name: 'The gateway', limits: { code: { sendByMs: 0, deadlineMs: 0 } } }
        : registry.require(command.deviceId).snapshot;
    const attempt = new Attempt(this.#facts({ ...command, limits: limits.code }, name, origin), {
      clock,
      intent: false,
      isRepeatable: origin.idempotency !== undefined,
    });
    const accepted = attempt.record();
    attempt.send({ type: 'DONE', outcome: succeeded(result) }, 'the gateway does this by itself');
    const settledAt = clock.wallTime();
    const settlement: Settlement = { status: 'success', result };
    const history = attempt.settledHistory('done', settledAt);
    await store.commit([
      { kind: 'attempt_accepted', attempt: accepted },
      ...idempotency(attempt, origin),
      ...(command.alsoAccept?.(attempt.id) ?? []),
      { kind: 'attempt_settled', actionAttemptId: attempt.id, settlement, settledAt, history },
      attemptAudit(attempt.facts, settlement, settledAt),
    ]);
    attempts.opened(attempt);
    attempt.settled({ settlement, at: settledAt });
    attempts.closed(attempt);
    return attempt.record();
  }

  /** Lets a request that joins an attempt under way, or one that is over, be repeated under its idempotency key. */
  async join(attempt: AttemptRecord, origin: Origin): Promise<AttemptRecord> {
    const { store, clock } = this.#options;
    const { actionAttemptId } = attempt;
    if (origin.idempotency) {
      const record = { ...origin.idempotency, actionAttemptId, createdAt: clock.wallTime() };
      await store.commit([{ kind: 'idempotency_put', record }]);
    }
    return attempt;
  }

  /**
   * Takes up an attempt that an earlier run left pending with its intent on disk. It is never dispatched again:
   * `command.work` may only read. It ends by `command.limits.deadlineMs` from now.
   */
  readBack(left: AttemptRecord, command: Command): void {
    const { clock, attempts, registry } = this.#options;
    const device = registry.require(left.deviceId);
    const attempt = this.#revive(left, device.snapshot.name, command);
    attempts.opened(attempt);
    attempt.send({ type: 'READING_BACK' }, 'the gateway was restarted after the intent to send');
    this.#settler.watch(attempt, () => device.lane.nudge());
    device.lane.add({
      laneClass: command.laneClass,
      run: async (letDoorsPass) => {
        if (attempt.outcome) return 'over';
        const later = (failure: Failure) => {
          attempt.send({ type: 'UNREAD', failure }, 'it could not tell yet');
          return { retryAt: clock.now() + longestBackoffMs };
        };
        const { linkState } = device;
        if (linkState.status === 'down') return later(failedWith('link_unavailable', linkState.hint));
        try {
          const ctx = { ...driverContext(attempt, this.#options, letDoorsPass), pointOfNoReturn: neverAgain };
          const result = await attempt.driven(device.waitFor(command.work(device.device, ctx), attempt.signal));
          this.#settler.settle(attempt, succeeded(result), 'the device was asked');
        } catch (error) {
          if (attempt.outcome || attempt.isLeftToNextStart) return 'over';
          const failure = this.#failureOf(error, attempt);
          // A device that refuses a question has said nothing of the command before it.
          const tellsNothing = failure.delivery === 'not_sent' || failure.delivery === 'refused';
          if (tellsNothing && failure.type !== 'gateway_restarted') return later(failure);
          this.#settler.settle(attempt, failure, 'the device was asked');
        }
        return 'over';
      },
    });
  }

  /** Ends an attempt that an earlier run left pending, without asking anybody. */
  settleLeftover(
    left: AttemptRecord,
    type: 'gateway_restarted' | 'outcome_unknown',
    command: Pick<Command, 'alsoSettle' | 'inWords'> = {},
  ): void {
    const { attempts, registry } = this.#options;
    const name = registry.get(left.deviceId)?.name ?? `Device ${left.deviceId}, which is no longer configured,`;
    const attempt = this.#revive(left, name, { ...command, limits: { sendByMs: 0, deadlineMs: 0 } });
    attempts.opened(attempt);
    const found = 'found unfinished at start';
    if (type === 'gateway_restarted') this.#settler.tell(attempt, { type: 'STOPPED' }, found);
    else {
      attempt.send({ type: 'READING_BACK' }, found);
      this.#settler.tell(attempt, { type: 'DEADLINE_PASSED' }, 'nobody can be asked');
    }
  }

  /**
   * Accepts nothing more and ends what has not been sent. What has been sent keeps its turn for `patienceMs`; what
   * is still open then stays pending on disk, for the next start to read back.
   */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    const { attempts, clock } = this.#options;
    for (const attempt of [...attempts.living()])
      this.#settler.tell(attempt, { type: 'STOPPED' }, 'the gateway is stopping');
    const until = clock.now() + patienceMs;
    while (attempts.pendingCount > 0 && clock.now() < until) await sleep(clock, 20);
    for (const attempt of [...attempts.living()]) {
      const { deviceName, actionType } = attempt.facts;
      attempt.abort(
        new GatewayError(
          'gateway_restarted',
          `${notDone(deviceName, actionType)}: the gateway was stopped before anything was sent.` +
            advice(actionType, 'Ask again when it is back.'),
        ),
      );
    }
  }

  #assertOpen(): void {
    if (this.#stopping) {
      throw new GatewayError(
        'storage_unavailable',
        'The gateway is stopping and accepts nothing more. Ask again soon.',
        {
          retryAfterSeconds: 5,
        },
      );
    }
    if (!this.#options.store.accepting) {
      throw new GatewayError(
        'storage_unavailable',
        'The gateway’s disk is full, so nothing can be accepted. Make room on the disk that holds its state.',
        { retryAfterSeconds: 10 },
      );
    }
  }

  #facts(
    command: Pick<Command, 'actionType' | 'deviceId' | 'subject' | 'limits'>,
    deviceName: string,
    origin: Origin,
  ): AttemptFacts {
    return {
      seq: ++this.#lastSeq,
      actionAttemptId: this.#options.newId(),
      actionType: command.actionType,
      deviceId: command.deviceId,
      deviceName,
      subject: command.subject,
      actor: origin.actor,
      acceptedAt: this.#options.clock.wallTime(),
      sendBy: origin.receivedAt + command.limits.sendByMs,
      deadline: origin.receivedAt + command.limits.deadlineMs,
    };
  }

  #revive(
    left: AttemptRecord,
    deviceName: string,
    command: Pick<Command, 'limits' | 'alsoSettle' | 'inWords'>,
  ): Attempt {
    const { clock } = this.#options;
    const { seq, actionAttemptId, actionType, deviceId, subject, actor, acceptedAt, intent, history } = left;
    const times = { sendBy: clock.now() + command.limits.sendByMs, deadline: clock.now() + command.limits.deadlineMs };
    const facts = { seq, actionAttemptId, actionType, deviceId, deviceName, subject, actor, acceptedAt, ...times };
    const { alsoSettle, inWords } = command;
    return new Attempt(facts, { clock, intent, history, alsoSettle, inWords });
  }

  /** A newer command wins over an older opposite one of which nothing has left. */
  #supersedeOpposites(newer: Attempt, device: ManagedDevice): void {
    const opposite: ActionType = newer.facts.actionType === 'LOCK_DOOR' ? 'UNLOCK_DOOR' : 'LOCK_DOOR';
    for (const older of this.#options.attempts.livingOf(newer.facts.deviceId)) {
      if (older.facts.actionType !== opposite) continue;
      const superseded = 'a newer, opposite command was accepted';
      if (this.#settler.tell(older, { type: 'SUPERSEDED' }, superseded)) device.lane.nudge();
    }
  }

  #job(attempt: Attempt, device: ManagedDevice, command: Command): LaneJob {
    const { clock } = this.#options;
    let tries = 0;
    return {
      laneClass: command.laneClass,
      run: async (letDoorsPass) => {
        if (attempt.outcome) return 'over';
        const { name, outOfService } = device.snapshot;
        if (outOfService && attempt.nothingActed) {
          const failure = isOutOfService(name, command.actionType);
          this.#settler.settle(attempt, failure, 'the device was taken out of service while it waited');
          return 'over';
        }
        tries += 1;
        attempt.send({ type: 'TURN' }, tries === 1 ? 'its turn' : `try ${tries}`);
        try {
          const ctx = driverContext(attempt, this.#options, letDoorsPass);
          const result = await attempt.driven(device.waitFor(command.work(device.device, ctx), attempt.signal));
          this.#settler.settle(attempt, succeeded(result), 'the device answered');
        } catch (error) {
          if (attempt.outcome || attempt.isLeftToNextStart) return 'over';
          const failure = this.#failureOf(error, attempt);
          const mayStillSend = clock.now() < attempt.facts.sendBy;
          const why = `${failure.type} (${failure.delivery})`;
          this.#settler.tell(attempt, { type: 'FAILED', failure, mayStillSend }, why);
          if (attempt.state === 'backing_off') return { retryAt: clock.now() + this.#backoff(tries) };
        }
        return 'over';
      },
    };
  }

  #failureOf(error: unknown, attempt: Attempt): Failure {
    if (error instanceof GatewayError) return failed(error);
    const { deviceName, actionType } = attempt.facts;
    this.#options.log.error(
      { err: error, actionAttemptId: attempt.id },
      'a driver failed in a way it does not declare',
    );
    return attempt.nothingActed
      ? failedWith('internal_error', `${notDone(deviceName, actionType)}: its driver failed. The log says how.`)
      : failedWith(
          'outcome_unknown',
          `${maybeDone(deviceName, actionType)}: its driver failed after it was sent.${advice(actionType, 'Look at the door.')}`,
        );
  }

  #backoff(tries: number): number {
    const ms = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (tries - 1));
    return ms * (0.75 + 0.5 * this.#options.random());
  }
}

function idempotency(attempt: Attempt, origin: Origin): readonly Change[] {
  if (!origin.idempotency) return [];
  const record = { ...origin.idempotency, actionAttemptId: attempt.id, createdAt: attempt.facts.acceptedAt };
  return [{ kind: 'idempotency_put', record }];
}

const isOutOfService = (name: string, action: ActionType): Failure =>
  failedWith(
    'out_of_service',
    `${notDone(name, action)}: it was taken out of service. Put it back into service first.`,
  );

const neverAgain = (): Promise<never> =>
  Promise.reject(new GatewayError('device_not_ready', 'Nothing is sent again after a restart.'));
