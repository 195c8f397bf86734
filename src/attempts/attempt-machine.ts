import { assign, type StateValueFrom, setup } from 'xstate';
import {
  type AttemptContext,
  type AttemptEvent,
  type AttemptInput,
  type Change,
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
    settle: assign(({ context, event }) => changes.settle(context, event)),
    settleWithLastFailure: assign(({ context }) => changes.settleWithLastFailure(context)),
    settleUnread: assign(({ context }) => changes.settleUnread(context)),
    keepFailure: assign(({ context, event }) => changes.keepFailure(context, event)),
    keepReason: assign(({ context, event }) => changes.keepReason(context, event)),
    markSent: assign(({ context }) => changes.markSent(context)),
    markNotSent: assign(({ context }) => changes.markNotSent(context)),
    keepIntent: assign(({ context }) => changes.keepIntent(context)),
    keepSettled: assign(({ context, event }) => changes.keepSettled(context, event)),
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
        DONE: { target: 'recording', actions: 'settle' },
        SEND_BY_PASSED: { target: 'recording', actions: 'settle' },
        SUPERSEDED: { target: 'recording', actions: 'settle' },
        STOPPED: { target: 'recording', actions: 'settle' },
      },
    },
    waiting_for_turn: {
      on: {
        TURN: 'connecting',
        DONE: { target: 'recording', actions: 'settle' },
        SEND_BY_PASSED: { target: 'recording', actions: 'settle' },
        SUPERSEDED: { target: 'recording', actions: 'settle' },
        STOPPED: { target: 'recording', actions: 'settle' },
      },
    },
    connecting: {
      on: {
        INTENT: 'sending',
        // Nothing of this try has left: what the one before it came to is all there is to tell.
        DEADLINE_PASSED: [
          { target: 'recording', actions: 'settleWithLastFailure', guard: 'hasFailedBefore' },
          { target: 'recording', actions: 'settle' },
        ],
        DONE: { target: 'recording', actions: 'settle' },
        SEND_BY_PASSED: { target: 'recording', actions: 'settle', guard: 'nothingActed' },
        SUPERSEDED: { target: 'recording', actions: 'settle', guard: 'nothingActed' },
        STOPPED: { target: 'recording', actions: 'settle', guard: 'nothingActed' },
      },
    },
    sending: {
      on: {
        SENT: { target: 'confirming', actions: 'markSent' },
        DONE: { target: 'recording', actions: 'settle' },
        SEND_BY_PASSED: { target: 'recording', actions: 'settle', guard: 'nothingActed' },
        SUPERSEDED: { target: 'recording', actions: 'settle', guard: 'nothingActed' },
        STOPPED: { target: 'recording', actions: 'settle', guard: 'nothingActed' },
      },
    },
    confirming: {
      on: {
        INTENT: 'sending',
        WITHDRAWN: { actions: 'markNotSent' },
        DONE: { target: 'recording', actions: 'settle' },
      },
    },
    backing_off: {
      on: {
        TURN: 'connecting',
        DONE: { target: 'recording', actions: 'settle' },
        SEND_BY_PASSED: { target: 'recording', actions: 'settle' },
        DEADLINE_PASSED: { target: 'recording', actions: 'settleWithLastFailure' },
        SUPERSEDED: [
          { target: 'recording', actions: 'settle', guard: 'nothingActed' },
          { target: 'recording', actions: 'settleWithLastFailure' },
        ],
        STOPPED: [
          { target: 'recording', actions: 'settle', guard: 'nothingActed' },
          { target: 'recording', actions: 'settleWithLastFailure' },
        ],
      },
    },
    /** Nothing is sent any more; the device is asked what became of the command of an earlier run. */
    reading_back: {
      on: {
        DONE: { target: 'recording', actions: 'settle' },
        FAILED: { target: 'recording', actions: 'settle' },
        UNREAD: { actions: 'keepReason' },
        DEADLINE_PASSED: { target: 'recording', actions: 'settleUnread' },
      },
    },
    /** The outcome is decided and nobody has been told: it is being written down. */
    recording: {
      on: {
        FAILED: {},
        DEADLINE_PASSED: {},
        SETTLED: [
          { target: 'succeeded', guard: 'succeeded', actions: 'keepSettled' },
          { target: 'failed', actions: 'keepSettled' },
        ],
      },
    },
    succeeded: { type: 'final' },
    failed: { type: 'final' },
  },
  on: {
    FAILED: [
      { target: '.backing_off', guard: 'mayRetry', actions: 'keepFailure' },
      { target: '.recording', actions: 'settle' },
    ],
    DEADLINE_PASSED: { target: '.recording', actions: 'settle' },
    INTENT_KEPT: { actions: 'keepIntent' },
  },
  output: ({ context }) => context.outcome ?? failedWith('internal_error', 'The attempt ended without an outcome.'),
});

export type AttemptState = StateValueFrom<typeof attemptMachine>;

/** Where an attempt stands in its machine: a value, never changed, replaced by the next. */
export interface AttemptSnapshot {
  readonly value: AttemptState;
  readonly status: 'active' | 'done';
  readonly context: AttemptContext;
}

type Judge = (context: AttemptContext, event: AttemptEvent) => boolean;

/** One way on that the chart draws. */
interface Way {
  readonly guard: Judge | undefined;
  /** Undefined: it stays where it is. */
  readonly target: AttemptState | undefined;
  readonly changes: readonly Change[];
}

type StateNode = (typeof attemptMachine)['root'];
type Transition = ReturnType<StateNode['transitions']['get']> extends readonly (infer One)[] | undefined ? One : never;

const named = <Known>(known: Readonly<Record<string, Known>>, name: string): Known => {
  const found = known[name];
  if (found === undefined) throw new Error(`The attempt's chart names "${name}", which nobody has written.`);
  return found;
};

const nameOf = (one: unknown): string =>
  typeof one === 'object' && one !== null && 'type' in one ? String(one.type) : String(one);

const wayOf = ({ guard, target, actions }: Transition): Way => ({
  guard: guard === undefined ? undefined : named<Judge>(guards, nameOf(guard)),
  target: target?.[0]?.key as AttemptState | undefined,
  changes: actions.map((action) => named<Change>(changes, nameOf(action))),
});

/**
 * The chart as the library understands it, laid out once: what may follow on each event in each state, the state's own
 * ways before those of the whole. It is flat and starts nothing, so walking it needs no more than this, and costs a
 * fortieth of what the library's `transition()` takes, which works out anew at each step how states lie within states
 * (1.2 against 55 us for a whole life on a busy machine, measured). attempt-machine.test.ts holds both against each other.
 */
const chart: ReadonlyMap<AttemptState, ReadonlyMap<string, readonly Way[]>> = new Map(
  Object.values(attemptMachine.root.states).map((node) => {
    const { transitions: ofAll } = attemptMachine.root;
    const events = new Set([...node.transitions.keys(), ...ofAll.keys()]);
    const ways = [...events].map((event): [string, readonly Way[]] => [
      event,
      [...(node.transitions.get(event) ?? []), ...(ofAll.get(event) ?? [])].map(wayOf),
    ]);
    return [node.key as AttemptState, new Map(ways)];
  }),
);

const isFinal = (state: AttemptState): boolean => attemptMachine.root.states[state]?.type === 'final';

export const beginning = (input: AttemptInput): AttemptSnapshot => ({
  value: attemptMachine.config.initial as AttemptState,
  status: 'active',
  context: unknownYet(input),
});

export function afterEvent(before: AttemptSnapshot, event: AttemptEvent): AttemptSnapshot {
  if (before.status !== 'active') return before;
  const way = chart
    .get(before.value)
    ?.get(event.type)
    ?.find(({ guard }) => guard?.(before.context, event) ?? true);
  if (way === undefined) return before;
  const value = way.target ?? before.value;
  let { context } = before;
  for (const change of way.changes) context = change(context, event);
  return { value, status: isFinal(value) ? 'done' : 'active', context };
}
