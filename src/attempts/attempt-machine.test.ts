import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { fc } from '../../test/kit/seeded-properties.ts';
import { errorTypes, GatewayError, type GatewayErrorType } from '../contract/index.ts';
import type { AttemptEvent } from './attempt-changes.ts';
import { afterEvent, attemptMachine, beginning } from './attempt-machine.ts';
import { failed, succeeded } from './outcome.ts';

const anyFailure = fc
  .record({
    type: fc.constantFrom(...(Object.keys(errorTypes) as GatewayErrorType[])),
    delivery: fc.constantFrom(undefined, 'not_sent', 'maybe_sent', 'refused', 'acted'),
  })
  .map(({ type, delivery }) => failed(new GatewayError(type, 'why', delivery && { delivery })));

const anyEvent: fc.Arbitrary<AttemptEvent> = fc.oneof(
  fc.constantFrom<AttemptEvent>(
    { type: 'QUEUED' },
    { type: 'TURN' },
    { type: 'INTENT' },
    { type: 'INTENT_KEPT' },
    { type: 'SENT' },
    { type: 'WITHDRAWN' },
    { type: 'SEND_BY_PASSED' },
    { type: 'DEADLINE_PASSED' },
    { type: 'SUPERSEDED' },
    { type: 'STOPPED' },
    { type: 'READING_BACK' },
    { type: 'SETTLED', settled: { settlement: { status: 'success', result: {} }, at: 0 } },
    { type: 'DONE', outcome: succeeded({}) },
  ),
  fc.record({ type: fc.constant('FAILED' as const), failure: anyFailure, mayStillSend: fc.boolean() }),
);

const startAttempt = (actionType: 'LOCK_DOOR' | 'UNLOCK_DOOR') =>
  createActor(attemptMachine, { input: { actionType, deviceName: 'Front door', intent: false } }).start();

describe('the machine of an attempt, whatever happens in whatever order', () => {
  it('decides once, and never decides otherwise', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('LOCK_DOOR', 'UNLOCK_DOOR'),
        fc.array(anyEvent, { maxLength: 30 }),
        (action, events) => {
          const actor = startAttempt(action);
          let decided: unknown;
          for (const event of events) {
            if (actor.getSnapshot().status === 'done') break;
            actor.send(event);
            const { value, context } = actor.getSnapshot();
            if (decided !== undefined) expect(context.outcome).toBe(decided);
            expect(context.outcome !== undefined).toBe(['recording', 'succeeded', 'failed'].includes(value));
            decided = context.outcome;
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never says that nothing was sent of a command that may have acted', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        const actor = startAttempt('UNLOCK_DOOR');
        let mayHaveActed = false;
        for (const event of events) {
          if (actor.getSnapshot().status === 'done') break;
          const before = actor.getSnapshot();
          actor.send(event);
          const after = actor.getSnapshot();
          if (event.type === 'SENT' && before.value === 'sending') mayHaveActed = true;
          if (event.type === 'WITHDRAWN' && before.value === 'confirming') mayHaveActed = false;
          // A refusal is the device's own word that it did not act.
          if (event.type === 'FAILED' && event.failure.delivery === 'refused') mayHaveActed = false;
          if (event.type === 'READING_BACK' && before.value === 'accepted') mayHaveActed = true;
          const { outcome } = after.context;
          if (!outcome || before.context.outcome || outcome.status === 'success' || !mayHaveActed) continue;
          expect(errorTypes[outcome.type].delivery).not.toBe('not_sent');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never turns back to sending an UNLOCK that may have acted', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        const actor = startAttempt('UNLOCK_DOOR');
        for (const event of events) {
          if (actor.getSnapshot().status === 'done') break;
          const { value: before, context } = actor.getSnapshot();
          // What a device refused while it was asked, it has not done; a read refused after a restart says nothing.
          const refused = event.type === 'FAILED' && event.failure.delivery === 'refused' && before !== 'reading_back';
          const maybeActed = context.maybeActed && !refused;
          actor.send(event);
          const { value } = actor.getSnapshot();
          if (maybeActed) expect(value).not.toBe('backing_off');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never says that nothing was sent of a LOCK whose repetition was refused or taken back', () => {
    const fail = (type: GatewayErrorType): AttemptEvent => ({
      type: 'FAILED',
      failure: failed(new GatewayError(type, 'why')),
      mayStillSend: true,
    });
    const sent: readonly AttemptEvent[] = [{ type: 'TURN' }, { type: 'INTENT' }, { type: 'SENT' }];
    const notSent = fail('link_unavailable');
    for (const second of [[fail('device_busy')], [{ type: 'WITHDRAWN' } as const, notSent]]) {
      for (const end of ['SUPERSEDED', 'STOPPED', 'SEND_BY_PASSED', 'DEADLINE_PASSED'] as const) {
        const actor = startAttempt('LOCK_DOOR');
        for (const event of [...sent, fail('state_not_reached'), ...sent, ...second]) actor.send(event);
        actor.send({ type: end });
        const { outcome } = actor.getSnapshot().context;
        expect(outcome?.status === 'error' && outcome.delivery).toBe('maybe_sent');
      }
    }
  });

  it('always ends by its deadline', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('LOCK_DOOR', 'UNLOCK_DOOR'),
        fc.array(anyEvent, { maxLength: 30 }),
        (action, events) => {
          const actor = startAttempt(action);
          for (const event of events) if (actor.getSnapshot().status !== 'done') actor.send(event);
          if (actor.getSnapshot().status === 'done') return;
          actor.send({ type: 'DEADLINE_PASSED' });
          expect(actor.getSnapshot().context.outcome).toBeDefined();
          actor.send({ type: 'SETTLED', settled: { settlement: { status: 'success', result: {} }, at: 0 } });
          expect(actor.getSnapshot().status).toBe('done');
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

it('the chart is flat and starts nothing: it can be walked', () => {
  const { root } = attemptMachine;
  for (const node of [root, ...Object.values(root.states)]) {
    const { entry, exit, always = [], invoke, config } = node;
    expect({ entry, exit, always, invoke }).toEqual({ entry: [], exit: [], always: [], invoke: [] });
    expect(config).not.toHaveProperty('after');
    if (node !== root) expect(node.states).toEqual({});
  }
});

it('an attempt lives as an actor of its machine would', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(anyEvent, { maxLength: 30 }), (intent, events) => {
      const input = { actionType: 'LOCK_DOOR', deviceName: 'Front door', intent } as const;
      const actor = createActor(attemptMachine, { input }).start();
      let snapshot = beginning(input);
      expect(actor.getSnapshot()).toMatchObject(snapshot);
      for (const event of events) {
        if (snapshot.status === 'done') break;
        actor.send(event);
        snapshot = afterEvent(snapshot, event);
        const { value, status, context } = actor.getSnapshot();
        expect(snapshot).toEqual({ value, status, context });
      }
    }),
    { numRuns: 2_000 },
  );
});
