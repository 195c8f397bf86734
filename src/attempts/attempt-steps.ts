import { type ActorScope, createActor, type SnapshotFrom } from 'xstate';
import { type AttemptEvent, type AttemptInput, attemptMachine } from './attempt-machine.ts';

export type AttemptSnapshot = SnapshotFrom<typeof attemptMachine>;

const ignore = () => {};

/**
 * A step needs an actor's surroundings. The machine sends, spawns, emits and delays nothing, so all attempts can take
 * theirs in the same ones, and none needs an actor with its mailbox, which would cost more than its steps.
 */
const nobody = createActor(attemptMachine, { input: { actionType: 'LOCK_DOOR', deviceName: '' } });
const surroundings: ActorScope<AttemptSnapshot, AttemptEvent> = {
  self: nobody,
  system: nobody.system,
  id: nobody.id,
  sessionId: nobody.sessionId,
  logger: ignore,
  defer: ignore,
  emit: ignore,
  stopChild: ignore,
  actionExecutor: ignore,
};

const blank = nobody.getSnapshot();

/** Where every attempt begins. */
export const beginning = (input: AttemptInput): AttemptSnapshot => ({
  ...blank,
  context: { ...blank.context, ...input },
});

/** What comes of an event. */
export const after = (snapshot: AttemptSnapshot, event: AttemptEvent): AttemptSnapshot =>
  attemptMachine.transition(snapshot, event, surroundings);
