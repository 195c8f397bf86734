import { describe, expect, it } from 'vitest';
import type { RecordingPublisher } from '../../test/kit/broker/recording-publisher.ts';
import { base, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import type { DeviceReport, Ratio } from '../contract/index.ts';
import { GatewayError } from '../contract/index.ts';

type Fixture = Awaited<ReturnType<typeof monitorFixture>>;

const reports = fc.oneof(
  fc.constantFrom<DeviceReport>(
    { kind: 'lock_state', state: 'locked' },
    { kind: 'lock_state', state: 'unlocked' },
    { kind: 'lock_state', state: 'jammed' },
    { kind: 'lock_operated', operation: 'unlocked', method: 'manual' },
    { kind: 'lock_operated', operation: 'locked', method: 'keycode', slot: 1 },
    { kind: 'battery', level: 0.5 as Ratio, low: false },
    { kind: 'battery', level: undefined, low: true },
    { kind: 'door', contact: 'open' },
    { kind: 'door', contact: 'unknown' },
    { kind: 'health', health: { status: 'online' } },
    { kind: 'health', health: { status: 'offline', reason: 'not_answering', hint: 'Look.' } },
  ),
);

const steps = fc.array(
  fc.oneof(
    reports.map((report) => ({ kind: 'report' as const, report })),
    fc
      .constantFrom(...(['success', 'error', 'connect', 'disconnect', 'forget', 'stall', 'flow'] as const))
      .map((kind) => ({ kind })),
    fc.nat(300).map((ms) => ({ kind: 'wait' as const, ms })),
  ),
  { maxLength: 60 },
);

async function play(fixture: Fixture, run: typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never) {
  const { core, lock, publisher, origin, clock } = fixture;
  for (const step of run) {
    switch (step.kind) {
      case 'report':
        lock.report(step.report);
        break;
      case 'success':
        await core.doors.unlock('front', origin()).catch(() => undefined);
        break;
      case 'error':
        lock.script = async () => {
          throw new GatewayError('lock_jammed', 'Door front is jammed.');
        };
        await core.doors.lock('front', origin()).catch(() => undefined);
        break;
      case 'connect':
        if (publisher.state.status === 'down') publisher.connect();
        break;
      case 'disconnect':
        publisher.disconnect();
        break;
      case 'forget':
        publisher.disconnect(true);
        break;
      case 'stall':
        publisher.stalled = true;
        break;
      case 'flow':
        publisher.flow();
        break;
      case 'wait':
        await clock.advance(step.ms);
    }
  }
  await clock.advance(20_000);
  if (publisher.state.status === 'down') publisher.connect();
  publisher.flow();
  await clock.advance(1_000);
}

/** What should be retained, worked out without the monitor. */
function current({ core }: Fixture): Record<string, unknown> {
  const front = core.devices.get('front');
  const hall = core.devices.get('hall');
  const last = core.attempts.list({ deviceId: 'front', limit: 1 })[0];
  const online = (status: string | undefined) => (status === 'online' ? 'online' : 'offline');
  return {
    status: 'online',
    'devices/front/availability': online(front?.health.status),
    'devices/hall/availability': online(hall?.health.status),
    'devices/front/state': front?.lockState,
    'devices/hall/state': undefined,
    'attempts/last/front': last?.actionAttemptId,
  };
}

function seen(publisher: RecordingPublisher): Record<string, unknown> {
  const json = (topic: string) => JSON.parse(publisher.retained.get(`${base}/${topic}`) ?? '{}');
  const text = (topic: string) => publisher.retained.get(`${base}/${topic}`);
  return {
    status: text('status'),
    'devices/front/availability': text('devices/front/availability'),
    'devices/hall/availability': text('devices/hall/availability'),
    'devices/front/state': json('devices/front/state').state,
    'devices/hall/state': json('devices/hall/state').state,
    'attempts/last/front': json('attempts/last/front').attempt?.action_attempt_id,
  };
}

describe('what is retained', () => {
  it('is how things are, whatever happened to devices, attempts and the broker before', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (run) => {
        const fixture = await monitorFixture();
        await play(fixture, run);
        expect(seen(fixture.publisher)).toEqual(current(fixture));
        const front = fixture.core.devices.get('front');
        const state = JSON.parse(fixture.publisher.retained.get(`${base}/devices/front/state`) ?? '{}');
        expect(state.changed_by).toBe(front?.changedBy ?? 'unknown');
        if (front?.battery) expect(state).toMatchObject({ battery: front.battery.level ?? 'unknown' });
        fixture.monitor.stop();
        expect(fixture.publisher.retained.get(`${base}/status`)).toBe('offline');
      }),
      { numRuns: 100 },
    );
  });
});
