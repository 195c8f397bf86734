import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import type { Command, Dispatcher } from '../attempts/dispatcher.ts';
import type { Failure } from '../attempts/outcome.ts';
import { Removals } from '../attempts/removals.ts';
import type { LaneClass } from '../devices/device-lane.ts';
import type { Origin } from '../model/gateway.ts';
import type { AccessCodeRecord, ActionType, Actor, AttemptRecord, Settlement, Subject } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { CodeAt, CodeProgress } from './code-progress.ts';
import { inCodeWords, notGiven } from './code-words.ts';
import { type CodeWorkOptions, takeSteps } from './code-work.ts';

export interface CodeAttemptsOptions extends CodeWorkOptions {
  readonly dispatcher: Dispatcher;
  readonly attempts: AttemptRegistry;
}

type CodeAction = Extract<ActionType, `${string}_ACCESS_CODE`>;

/** What an attempt on a code is about. */
interface Asked {
  readonly actionType: CodeAction;
  readonly code: CodeAt;
  readonly laneClass: LaneClass;
  readonly origin: Origin;
  /** Committed together with the acceptance. */
  readonly changes: readonly Change[];
}

/** Attempts on access codes: whoever asks for one, all they do is to bring about what is wanted when their turn comes. */
export class CodeAttempts {
  readonly #options: CodeAttemptsOptions;
  readonly #progress: CodeProgress;
  readonly #removals: Removals;

  constructor(options: CodeAttemptsOptions, progress: CodeProgress) {
    this.#options = options;
    this.#progress = progress;
    this.#removals = new Removals(options.store.read, 'DELETE_ACCESS_CODE');
  }

  /** Codes of a lock on which an attempt is under way. */
  workedOn(deviceId: string): ReadonlySet<string> {
    const ids = new Set<string>();
    for (const { facts } of this.#options.attempts.livingOf(deviceId)) {
      if (facts.subject?.kind === 'access_code') ids.add(facts.subject.accessCodeId);
    }
    return ids;
  }

  /** The attempt that removed a code, or is removing it. */
  removalOf(accessCodeId: string): AttemptRecord | undefined {
    return this.#options.attempts.get(this.#removals.of(accessCodeId) ?? '');
  }

  /** @throws GatewayError as the dispatcher does */
  async accept(asked: Asked): Promise<AttemptRecord> {
    const { accessCodeId } = asked.code;
    const { repository, registry } = this.#options;
    const isRemoval = asked.actionType === 'DELETE_ACCESS_CODE';
    return this.acceptWork(
      asked,
      async (device, ctx) => {
        const code = repository.get(accessCodeId);
        if (!isRemoval && (!code || code.removal))
          throw notGiven(code ? registry.require(code.deviceId).snapshot.name : 'The lock');
        await takeSteps(this.#options, accessCodeId, device, ctx);
        return isRemoval ? {} : { access_code_id: accessCodeId };
      },
      (settlement) => this.afterAttempt(accessCodeId, settlement),
      (failure) => this.inWords(asked.code, failure),
    );
  }

  /** A failure of an attempt on a code, with what the gateway goes on doing about it. */
  inWords({ accessCodeId, deviceId }: CodeAt, failure: Failure): Failure {
    const { repository, registry } = this.#options;
    const code = repository.get(accessCodeId);
    const evaluation = code && repository.evaluated(code);
    return inCodeWords(failure, {
      code,
      want: evaluation?.want ?? 'off_lock',
      isHeld: evaluation?.fitting !== undefined,
      refusals: this.#progress.refusals({ accessCodeId, deviceId }, failure.type) + 1,
      outOfService: registry.get(deviceId)?.outOfService ?? false,
    });
  }

  /** The same with work of one's own. */
  async acceptWork(
    { actionType, code, laneClass, origin, changes }: Asked,
    work: Command['work'],
    alsoSettle: (settlement: Settlement) => readonly Change[],
    inWords: (failure: Failure) => Failure,
  ): Promise<AttemptRecord> {
    const { dispatcher, registry } = this.#options;
    const { limits } = registry.require(code.deviceId).snapshot;
    const attempt = await dispatcher.accept(
      {
        actionType,
        deviceId: code.deviceId,
        subject: subjectOf(code.accessCodeId),
        laneClass,
        limits: limits.code,
        work,
        alsoAccept: () => changes,
        alsoSettle,
        inWords,
      },
      origin,
    );
    if (actionType === 'DELETE_ACCESS_CODE') this.#removals.add(code.accessCodeId, attempt.actionAttemptId);
    return attempt;
  }

  /** An attempt of the gateway's own; resolves when it is over, rejects when it was not accepted. */
  async bringAbout(code: AccessCodeRecord, actor: Actor): Promise<void> {
    const { attempts, clock } = this.#options;
    const isUpdate = code.pendingMutations.some(({ mutationCode }) => mutationCode.startsWith('updating_'));
    const actionType = code.removal ? 'DELETE_ACCESS_CODE' : isUpdate ? 'UPDATE_ACCESS_CODE' : 'CREATE_ACCESS_CODE';
    const laneClass = actor.kind === 'schedule' ? 'scheduled' : 'reconcile';
    const origin = { actor, receivedAt: clock.now() };
    const attempt = await this.accept({ actionType, code, laneClass, origin, changes: [] });
    await attempts.settled(attempt.actionAttemptId, new AbortController().signal);
  }

  /** For what needs no lock now. */
  async acceptDone({ actionType, code, origin, changes }: Omit<Asked, 'laneClass'>): Promise<AttemptRecord> {
    const { accessCodeId, deviceId } = code;
    const isRemoval = actionType === 'DELETE_ACCESS_CODE';
    const attempt = await this.#options.dispatcher.acceptDone(
      { actionType, deviceId, subject: subjectOf(accessCodeId), alsoAccept: () => changes },
      isRemoval ? {} : { access_code_id: accessCodeId },
      origin,
    );
    if (isRemoval) this.#removals.add(accessCodeId, attempt.actionAttemptId);
    return attempt;
  }

  /** What an attempt's end means for its code, whoever asked for it: what is wanted of it stays. */
  afterAttempt(accessCodeId: string, settlement: Settlement): readonly Change[] {
    const code = this.#options.repository.get(accessCodeId);
    if (code) {
      if (settlement.status === 'success') this.#progress.succeeded(code);
      else this.failed(code, settlement.error.type);
    }
    return this.afterLeftover(accessCodeId, settlement);
  }

  /** Takes note that a code has failed: it is tried again later. */
  failed(code: CodeAt, type: string): void {
    const { clock, registry } = this.#options;
    const isAway = registry.get(code.deviceId)?.health.status !== 'online';
    this.#progress.failed(code, type, { now: clock.now(), isAway });
  }

  /** The same for an attempt of an earlier run: it says nothing of how soon the next may succeed. */
  afterLeftover(accessCodeId: string, settlement: Settlement): readonly Change[] {
    const { repository, clock } = this.#options;
    const code = repository.get(accessCodeId);
    if (!code) return [];
    if (code.removal && code.placements.length === 0) {
      return this.#progress.isHeld(accessCodeId) ? [] : repository.remove(accessCodeId);
    }
    const { fitting, want, isStale } = repository.evaluated(code);
    const isWell = fitting !== undefined && code.placements.length === 1;
    if (settlement.status === 'success' || isWell) {
      return code.errors.length === 0 && !isStale ? [] : repository.change(accessCodeId, { errors: [] });
    }
    const { type, message } = settlement.error;
    if (type === 'superseded' || type === 'gateway_restarted') return repository.save(code);
    const name =
      want === 'off_lock' ? 'failed_to_remove_from_device' : (ownName.get(type) ?? 'failed_to_set_on_device');
    const at = code.errors.find((error) => error.code === name)?.at ?? clock.wallTime();
    return repository.change(accessCodeId, { errors: [{ code: name, message, at }] });
  }
}

/** Seam has names of its own for these. */
const ownName = new Map([
  ['duplicate_code_on_device', 'duplicate_code_on_device'],
  ['no_space_for_access_code_on_device', 'no_space_for_access_code_on_device'],
]);

const subjectOf = (accessCodeId: string): Subject => ({ kind: 'access_code', accessCodeId });
