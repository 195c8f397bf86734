import { describe, expect, it } from 'vitest';
import { base, manner, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { sendAndHearNothing } from '../../test/kit/locks/scripted-lock.ts';
import { GatewayError, Secret } from '../contract/index.ts';

describe('attempts', () => {
  it('are told as they are accepted and as they end, as the five fields of the wire contract', async () => {
    const { core, publisher, lock, origin, clock } = await monitorFixture();
    publisher.connect();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 300));
      return { wasConfirmedByDevice: true };
    };
    await clock.advance(1_000);
    const { actionAttemptId } = await core.doors.unlock('front', origin());
    await clock.advance(1_000);
    const told = publisher.on(`${base}/attempts/${actionAttemptId}`);
    expect(told.map(({ payload }) => payload)).toEqual([
      `{"action_attempt_id":"${actionAttemptId}","action_type":"UNLOCK_DOOR","status":"pending","result":null,"error":null}`,
      `{"action_attempt_id":"${actionAttemptId}","action_type":"UNLOCK_DOOR","status":"success",` +
        '"result":{"was_confirmed_by_device":true},"error":null}',
    ]);
    expect(told.map(manner)).toEqual(Array(2).fill([1, false, 3_600, 'application/json']));
    const common = { schema: 'strikeplate.attempt.v1', gateway_id: 'box7', boot_id: 'b19', device_id: 'front' };
    expect(told.map(({ userProperties }) => userProperties)).toEqual([
      { ...common, seq: '1' },
      { ...common, seq: '2', took_ms: '300' },
    ]);
  });

  it('are kept per device once they ended', async () => {
    const { core, publisher, lock, origin, clock, told } = await monitorFixture();
    publisher.connect();
    lock.script = async () => {
      throw new GatewayError('lock_jammed', 'Door front is jammed. Look at it.');
    };
    const { actionAttemptId } = await core.doors.lock('front', origin());
    await told();
    lock.script = sendAndHearNothing;
    await core.doors.lock('front', origin());
    await clock.advance(100);
    const last = publisher.on(`${base}/attempts/last/front`);
    expect(last.map(({ payload }) => JSON.parse(payload))).toEqual([
      {
        device_id: 'front',
        at: '2026-05-01T10:00:00.000Z',
        attempt: {
          action_attempt_id: actionAttemptId,
          action_type: 'LOCK_DOOR',
          status: 'error',
          result: null,
          error: { type: 'lock_jammed', message: 'Door front is jammed. Look at it.' },
        },
      },
    ]);
    expect(last.map(manner)).toEqual([[1, true, undefined, 'application/json']]);
  });

  it('are told final only once they are final on disk', async () => {
    const { core, publisher, commit, origin, clock } = await monitorFixture();
    publisher.connect();
    const early: string[] = [];
    const publish = publisher.publish.bind(publisher);
    publisher.publish = (topic, payload, options) => {
      const id = /attempts\/([0-9a-f-]{36})$/.exec(topic)?.[1];
      if (id !== undefined && JSON.parse(payload).status !== 'pending')
        early.push(core.attempts.get(id)?.settlement?.status ?? `${id} still pending`);
      publish(topic, payload, options);
    };
    commit.ms = 200;
    for (let time = 0; time < 5; time++) {
      core.doors.unlock('front', origin());
      core.doors.lock('front', origin());
      await clock.advance(330);
    }
    await clock.advance(10_000);
    expect(early.length).toBe(10);
    expect(new Set(early)).toEqual(new Set(['success', 'error']));
  });

  it('that an earlier run left behind are told, and the last one is known after a restart', async () => {
    const first = await monitorFixture();
    await first.core.doors.unlock('front', first.origin());
    await first.clock.advance(1_000);
    first.lock.script = sendAndHearNothing;
    const pending = await first.core.doors.lock('front', first.origin());
    first.monitor.stop();
    await first.clock.advance(2_000);
    const second = await monitorFixture({ clock: first.clock, store: first.store.crash(), start: false });
    second.publisher.connect();
    await second.clock.advance(100);
    expect(second.publisher.json(`${base}/attempts/last/front`)).toMatchObject([
      { attempt: { action_type: 'UNLOCK_DOOR', status: 'success' } },
    ]);
    await second.core.start();
    await second.clock.advance(20_000);
    expect(second.publisher.json(`${base}/attempts/last/front`).at(-1)).toMatchObject({
      attempt: { action_attempt_id: pending.actionAttemptId, error: { type: 'outcome_unknown' } },
    });
    // What a restart took is no measure of the door.
    expect(second.metrics.attempts).toMatchObject({ errorTotal: 1, p50Ms: undefined });
  });

  it('show a code without its digits', async () => {
    const { core, publisher, origin, clock } = await monitorFixture();
    publisher.connect();
    const { attempt, code } = await core.accessCodes.create(
      { deviceId: 'front', name: 'Guest', code: new Secret('73915046') },
      origin(),
    );
    await clock.advance(1_000);
    expect(publisher.json(`${base}/attempts/${attempt.actionAttemptId}`).at(-1)).toMatchObject({
      status: 'success',
      result: { access_code: { access_code_id: code.accessCodeId, name: 'Guest', status: 'set', code: null } },
    });
  });
});
