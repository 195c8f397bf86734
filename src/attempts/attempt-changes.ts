import { errorTypes } from '../contract/index.ts';
import type { ActionType, Settlement } from '../model/records.ts';
import { advice, type Failure, failedWith, isDoorAction, maybeDone, notDone, type Outcome } from './outcome.ts';

export interface AttemptContext {
  readonly actionType: ActionType;
  readonly deviceName: string;
  /** The one field that tells how it ended. */
  readonly outcome: Outcome | undefined;
  /** Why the last try failed, while another may follow. */
  readonly lastFailure: Failure | undefined;
  /** True while a byte that can act may be under way or may have acted. */
  readonly maybeActed: boolean;
  /** True once the one repetition that some failures allow was used. */
  readonly repeated: boolean;
  /** True once the store was told, durably, that a command may leave. */
  readonly intent: boolean;
  /** What is on disk of its end. */
  readonly settled: Settled | undefined;
}

export interface Settled {
  readonly settlement: Settlement;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

export type AttemptInput = Pick<AttemptContext, 'actionType' | 'deviceName' | 'intent'>;

/** The context that an attempt begins with. */
export const unknownYet = ({ actionType, deviceName, intent }: AttemptInput): AttemptContext => ({
  actionType,
  deviceName,
  outcome: undefined,
  lastFailure: undefined,
  maybeActed: false,
  repeated: false,
  intent,
  settled: undefined,
});

export type AttemptEvent =
  /** Others are before it on this device. */
  | { readonly type: 'QUEUED' }
  /** The device is this attempt's now. */
  | { readonly type: 'TURN' }
  /** The driver is about to send; the intent is being committed. */
  | { readonly type: 'INTENT' }
  /** The intent is on disk. */
  | { readonly type: 'INTENT_KEPT' }
  /** The first byte that can act is being handed over. */
  | { readonly type: 'SENT' }
  /** The link is certain that what it was given never left. */
  | { readonly type: 'WITHDRAWN' }
  | { readonly type: 'DONE'; readonly outcome: Outcome }
  | { readonly type: 'FAILED'; readonly failure: Failure; readonly mayStillSend: boolean }
  | { readonly type: 'SEND_BY_PASSED' }
  | { readonly type: 'DEADLINE_PASSED' }
  /** A newer opposite door command was accepted. */
  | { readonly type: 'SUPERSEDED' }
  /** The gateway is stopping, or was restarted. */
  | { readonly type: 'STOPPED' }
  /** Found at start with its intent on disk: the device is being asked what became of it. */
  | { readonly type: 'READING_BACK' }
  /** It could not tell, for a reason that is better than that time passed. */
  | { readonly type: 'UNREAD'; readonly failure: Failure }
  /** The outcome is on disk. */
  | { readonly type: 'SETTLED'; readonly settled: Settled };

/** The failures that only a device that was never commanded can have, by the error table. */
const impliesNothingSent = (failure: Failure): boolean => errorTypes[failure.type].delivery === 'not_sent';

/**
 * A try's failure as the attempt must tell it. "Offline" or "expired" would say that nothing happened; once a byte
 * may have acted, nobody can know that.
 */
function truthful(context: AttemptContext, failure: Failure): Failure {
  if (!context.maybeActed || !impliesNothingSent(failure)) return failure;
  return failedWith(
    'outcome_unknown',
    `${maybeDone(context.deviceName, context.actionType)}: ${
      isDoorAction(context.actionType) ? 'the command had left' : 'it was being changed'
    } when this happened: ${failure.message}`,
  );
}

/** Whether the gateway tries again by itself, as the error table has it. */
function mayRetry(context: AttemptContext, failure: Failure, mayStillSend: boolean): boolean {
  if (!mayStillSend) return false;
  const told = truthful(context, failure);
  switch (errorTypes[told.type].retry) {
    case 'until_send_by':
      return told.delivery === 'not_sent' || told.delivery === 'refused';
    case 'lock_once':
      return context.actionType === 'LOCK_DOOR' && !context.repeated;
    case 'once':
      // A code write may be repeated, since it is read back; a door that moved may not.
      return !isDoorAction(context.actionType) && !context.repeated;
    case 'never':
      return false;
  }
}

const usesUpRepetition = (failure: Failure): boolean => {
  const { retry } = errorTypes[failure.type];
  return retry === 'lock_once' || retry === 'once';
};

function whenSendByPassed({ actionType, deviceName, lastFailure }: AttemptContext): Failure {
  return (
    lastFailure ??
    failedWith(
      'expired',
      `${notDone(deviceName, actionType)}: its turn, or a connection to it, did not come in time, and nothing was sent.` +
        advice(
          actionType,
          'Try again; if it keeps happening, look at the device’s health and what else was asked of it.',
        ),
    )
  );
}

function whenDeadlinePassed(context: AttemptContext): Failure {
  if (!context.maybeActed) return whenSendByPassed(context);
  return failedWith(
    'outcome_unknown',
    `${maybeDone(context.deviceName, context.actionType)}: it was sent, and no report came in time.` +
      advice(context.actionType, 'Look at the door, or read its state, before sending another.'),
  );
}

function outcomeOf(context: AttemptContext, event: AttemptEvent): Outcome | undefined {
  const { actionType, deviceName, lastFailure } = context;
  switch (event.type) {
    case 'DONE':
      return event.outcome;
    case 'FAILED':
      // A try that came too late says less than the one before it did.
      return event.failure.type === 'expired' && lastFailure ? lastFailure : truthful(context, event.failure);
    case 'SEND_BY_PASSED':
      return whenSendByPassed(context);
    case 'DEADLINE_PASSED':
      return whenDeadlinePassed(context);
    case 'SUPERSEDED':
      return failedWith(
        'superseded',
        `${notDone(deviceName, actionType)}: a newer, opposite command took its place before anything was sent. ` +
          'Nothing needs to be done.',
      );
    case 'STOPPED':
      return failedWith(
        'gateway_restarted',
        `${notDone(deviceName, actionType)}: the gateway stopped before anything was sent.` +
          advice(actionType, 'It does not send old commands afterwards: ask again if it is still wanted.'),
      );
    default:
      return context.outcome;
  }
}

type Guard = (context: AttemptContext, event: AttemptEvent) => boolean;

/** What the chart's guards ask. */
export const guards = {
  mayRetry: (context, event) => event.type === 'FAILED' && mayRetry(context, event.failure, event.mayStillSend),
  nothingActed: ({ maybeActed }) => !maybeActed,
  hasFailedBefore: ({ lastFailure }) => lastFailure !== undefined,
  succeeded: ({ outcome }) => outcome?.status === 'success',
} satisfies Record<string, Guard>;

/** Gives the whole context: to merge a part of one into it takes V8 ten times as long. */
export type Change = (context: AttemptContext, event: AttemptEvent) => AttemptContext;

/** What the chart's actions do to the context. */
export const changes = {
  settle: (context, event) => ({ ...context, outcome: outcomeOf(context, event) }),
  settleWithLastFailure: (context) => ({ ...context, outcome: whenSendByPassed(context) }),
  settleUnread: (context) => {
    const { deviceName, actionType, lastFailure } = context;
    const outcome = failedWith(
      'outcome_unknown',
      `${maybeDone(deviceName, actionType)}: the gateway was restarted while it was under way, and could not learn ` +
        `from the device what became of it.${lastFailure ? ` ${lastFailure.message}` : ''}${advice(actionType, 'Look at the door.')}`,
    );
    return { ...context, outcome };
  },
  keepReason: (context, event) => (event.type === 'UNREAD' ? { ...context, lastFailure: event.failure } : context),
  keepFailure: (context, event) => {
    if (event.type !== 'FAILED') return context;
    return {
      ...context,
      // What may have acted says more than what a later try was refused for.
      lastFailure: context.repeated ? context.lastFailure : truthful(context, event.failure),
      maybeActed: context.repeated || event.failure.delivery === 'maybe_sent' || event.failure.delivery === 'acted',
      repeated: context.repeated || usesUpRepetition(event.failure),
    };
  },
  markSent: (context) => ({ ...context, maybeActed: true }),
  markNotSent: (context) => ({ ...context, maybeActed: false }),
  keepIntent: (context) => ({ ...context, intent: true }),
  keepSettled: (context, event) => (event.type === 'SETTLED' ? { ...context, settled: event.settled } : context),
} satisfies Record<string, Change>;
