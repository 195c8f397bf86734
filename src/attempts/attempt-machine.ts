import { assign, setup } from 'xstate';
import {
  type AttemptContext,
  type AttemptEvent,
  type AttemptInput,
  changes,
  guards,
  unknownYet,
} from './attempt-changes.ts';
import { failedWith, type Outcome } from './outcome.ts';

/**
 * An attempt's life, driven by events from outside; it owns no timer and starts nothing. Time and drivers are the
 * dispatcher's: it keeps one deadline wheel for all attempts.
 */
export const attemptMachine = setup({
  types: {
    context: {} as AttemptContext,
    events: {} as AttemptEvent,
    input: {} as AttemptInput,
    output: {} as Outcome,
  },
  guards: {
    mayRetry: ({ context, event }) => guards.mayRetry(context, event),
    nothingActed: ({ context }) => guards.nothingActed(context),
    hasFailedBefore: ({ context }) => guards.hasFailedBefore(context),
    succeeded: ({ context }) => guards.succeeded(context),
  },
  actions: {
    conclude: assign(({ context, event }) => changes.conclude(context, event)),
    concludeWithLastFailure: assign(({ context }) => changes.concludeWithLastFailure(context)),
    concludeUnread: assign(({ context }) => changes.concludeUnread(context)),
    keepFailure: assign(({ context, event }) => changes.keepFailure(context, event)),
    keepReason: assign(({ context, event }) => changes.keepReason(context, event)),
    markSent: assign(() => changes.markSent()),
    markNotSent: assign(() => changes.markNotSent()),
    keepIntent: assign(() => changes.keepIntent()),
    keepRecorded: assign(({ context, event }) => changes.keepRecorded(context, event)),
  },
}).createMachine({
  id: 'attempt',
  context: ({ input }) => unknownYet(input),
  initial: 'accepted',
  states: {
    accepted: {
      on: {
        QUEUED: 'waiting_for_turn',
        TURN: 'connecting',
        READING_BACK: { target: 'reading_back', actions: 'markSent' },
        DONE: { target: 'recording', actions: 'conclude' },
        SEND_BY_PASSED: { target: 'recording', actions: 'conclude' },
        SUPERSEDED: { target: 'recording', actions: 'conclude' },
        STOPPED: { target: 'recording', actions: 'conclude' },
      },
    },
    waiting_for_turn: {
      on: {
        TURN: 'connecting',
        DONE: { target: 'recording', actions: 'conclude' },
        SEND_BY_PASSED: { target: 'recording', actions: 'conclude' },
        SUPERSEDED: { target: 'recording', actions: 'conclude' },
        STOPPED: { target: 'recording', actions: 'conclude' },
      },
    },
    connecting: {
      on: {
        INTENT: 'sending',
        // Nothing of this try has left: what the one before it came to is all there is to tell.
        DEADLINE_PASSED: [
          { target: 'recording', actions: 'concludeWithLastFailure', guard: 'hasFailedBefore' },
          { target: 'recording', actions: 'conclude' },
        ],
        DONE: { target: 'recording', actions: 'conclude' },
        SEND_BY_PASSED: { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
        SUPERSEDED: { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
        STOPPED: { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
      },
    },
    sending: {
      on: {
        SENT: { target: 'confirming', actions: 'markSent' },
        DONE: { target: 'recording', actions: 'conclude' },
        SEND_BY_PASSED: { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
        SUPERSEDED: { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
        STOPPED: { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
      },
    },
    confirming: {
      on: {
        INTENT: 'sending',
        WITHDRAWN: { actions: 'markNotSent' },
        DONE: { target: 'recording', actions: 'conclude' },
      },
    },
    backing_off: {
      on: {
        TURN: 'connecting',
        DONE: { target: 'recording', actions: 'conclude' },
        SEND_BY_PASSED: { target: 'recording', actions: 'conclude' },
        DEADLINE_PASSED: { target: 'recording', actions: 'concludeWithLastFailure' },
        SUPERSEDED: [
          { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
          { target: 'recording', actions: 'concludeWithLastFailure' },
        ],
        STOPPED: [
          { target: 'recording', actions: 'conclude', guard: 'nothingActed' },
          { target: 'recording', actions: 'concludeWithLastFailure' },
        ],
      },
    },
    /** Nothing is sent any more; the device is asked what became of the command of an earlier run. */
    reading_back: {
      on: {
        DONE: { target: 'recording', actions: 'conclude' },
        FAILED: { target: 'recording', actions: 'conclude' },
        UNREAD: { actions: 'keepReason' },
        DEADLINE_PASSED: { target: 'recording', actions: 'concludeUnread' },
      },
    },
    /** The outcome is decided and nobody has been told: it is being written down. */
    recording: {
      on: {
        FAILED: {},
        DEADLINE_PASSED: {},
        RECORDED: [
          { target: 'succeeded', guard: 'succeeded', actions: 'keepRecorded' },
          { target: 'failed', actions: 'keepRecorded' },
        ],
      },
    },
    succeeded: { type: 'final' },
    failed: { type: 'final' },
  },
  on: {
    FAILED: [
      { target: '.backing_off', guard: 'mayRetry', actions: 'keepFailure' },
      { target: '.recording', actions: 'conclude' },
    ],
    DEADLINE_PASSED: { target: '.recording', actions: 'conclude' },
    INTENT_KEPT: { actions: 'keepIntent' },
  },
  output: ({ context }) => context.outcome ?? failedWith('internal_error', 'The attempt ended without an outcome.'),
});
