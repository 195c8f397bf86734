import { initialTransition, type StateValueFrom } from 'xstate';
import { type AttemptContext, type AttemptEvent, type AttemptInput, changes } from './attempt-changes.ts';
import { attemptMachine } from './attempt-machine.ts';

export type AttemptState = StateValueFrom<typeof attemptMachine>;

/** Where an attempt stands in its chart. */
export interface Standing {
  readonly state: AttemptState;
  readonly context: AttemptContext;
}

const [blank] = initialTransition(attemptMachine, { actionType: 'LOCK_DOOR', deviceName: '' });

/** Each state that can be left, as xstate is shown it to choose a transition in, but for the context. */
const shown = new Map(
  Object.values(attemptMachine.states)
    .filter(({ type }) => type !== 'final')
    .map(({ key }) => [key, attemptMachine.resolveState({ value: key as AttemptState, context: blank.context })]),
);

/** Where every attempt begins. */
export const beginning = (input: AttemptInput): Standing => ({
  state: blank.value,
  context: { ...blank.context, ...input },
});

/**
 * Where an event leads. xstate chooses the transition. What remains is to change the context and go to the target,
 * since the chart is flat and its states do nothing on entry or exit: an actor, which is ready for every other chart,
 * takes ten times as long over it. A test compares the two.
 */
export function after(standing: Standing, event: AttemptEvent): Standing {
  const from = shown.get(standing.state);
  if (from === undefined) return standing;
  const [transition] = attemptMachine.getTransitionData({ ...from, context: standing.context }, event);
  if (transition === undefined) return standing;
  let { context } = standing;
  for (const action of transition.actions) context = { ...context, ...changeCalled(action)(context, event) };
  const state = transition.target?.[0]?.key ?? standing.state;
  return { state: state as AttemptState, context };
}

function changeCalled(action: unknown): (typeof changes)[keyof typeof changes] {
  if (typeof action === 'string' && Object.hasOwn(changes, action)) return changes[action as keyof typeof changes];
  throw new Error('The chart of an attempt has an action that is none of its changes.');
}
