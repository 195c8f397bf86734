import { describe, expect, it } from 'vitest';
import { RecordingPublisher } from '../../test/kit/broker/recording-publisher.ts';
import { base, manner, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { sendAndHearNothing } from '../../test/kit/locks/scripted-lock.ts';
import { GatewayError } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { statusWill } from './topics.ts';

describe('the gateway’s own topics', () => {
  it('says online at each connect, and offline when it stops', async () => {
    const { monitor, publisher, clock } = await monitorFixture();
    publisher.connect();
    await clock.advance(5);
    publisher.disconnect();
    publisher.connect();
    await clock.advance(5);
    monitor.stop();
    const status = publisher.on(`${base}/status`);
    expect(status.map(({ payload }) => payload)).toEqual(['online', 'online', 'offline']);
    expect(status.map(manner)).toEqual(Array(3).fill([1, true, undefined, 'text/plain']));
    expect(publisher.said.at(-1)?.payload).toBe('offline');
    expect(statusWill(base)).toEqual({ topic: `${base}/status`, payload: 'offline', qos: 1, retain: true });
  });

  it('contradicts a will that comes late', async () => {
    const { publisher, clock } = await monitorFixture();
    publisher.connect();
    await clock.advance(20_000);
    publisher.others(`${base}/status`, 'offline', true);
    await clock.advance(5);
    expect(publisher.retained.get(`${base}/status`)).toBe('online');
    expect(publisher.on(`${base}/status`)).toHaveLength(2);
  });

  it('says what it is', async () => {
    const { publisher, clock } = await monitorFixture();
    publisher.connect();
    await clock.advance(5);
    expect(publisher.json(`${base}/info`)).toEqual([
      {
        gateway_id: 'box7',
        name: 'Box 7',
        workspace_id: '20000000-0000-5000-8000-000000000000',
        time_zone: 'Europe/Zurich',
        version: '1.2.3',
        node: process.version,
        boot_id: 'b19',
        started_at: '2026-05-01T10:00:00.000Z',
        config_sha256: 'c0ffee',
        mqtt_version: '5.0',
        drivers: ['mqtt/scripted', 'mqtt/scripted-sensor'],
        devices: 2,
      },
    ]);
    expect(publisher.on(`${base}/info`).map(manner)).toEqual([[1, true, undefined, 'application/json']]);
    publisher.disconnect();
    publisher.protocolVersion = 4;
    publisher.connect();
    await clock.advance(5);
    expect(publisher.json(`${base}/info`).at(-1)).toMatchObject({ mqtt_version: '3.1.1' });
  });

  it('says every 30 s how it is', async () => {
    const links = () => [
      { name: 'mqtt/main', state: { status: 'up' as const }, reconnects: 2 },
      { name: 'serial/bus1', state: { status: 'up' as const }, reconnects: 0 },
      {
        name: 'ble/radio',
        state: { status: 'down' as const, reason: 'adapter_off', hint: 'Switch it on.' },
        reconnects: 0,
      },
    ];
    const clock = new SimulatedClock(Date.UTC(2026, 4, 1, 10));
    const startedAt = Date.UTC(2026, 3, 30, 10);
    const { publisher } = await monitorFixture({ links, clock, identity: { startedAt } });
    publisher.connect();
    await clock.advance(5);
    const health = publisher.on(`${base}/health`);
    // As in section D of the reference, but for what nothing was measured of yet.
    expect(health[0]?.payload).toBe(
      '{"ts":"2026-05-01T10:00:00.005Z","boot_id":"b19","uptime_s":86400,"rss_mb":92,"loop_lag_p99_ms":3.1,' +
        '"attempts":{"pending":0,"success_total":0,"error_total":0,"p50_ms":null,"p99_ms":null},' +
        '"links":{"mqtt/main":{"status":"up","reconnects":2},"serial/bus1":{"status":"up"},' +
        '"ble/radio":{"status":"down","reason":"adapter_off"}}}',
    );
    expect(health.map(manner)).toEqual([[0, true, 90, 'application/json']]);
    await clock.advance(60_010);
    expect(publisher.json(`${base}/health`).map(({ uptime_s }) => uptime_s)).toEqual([86_400, 86_430, 86_460]);
  });

  it('counts attempts and says how long they took', async () => {
    const { core, publisher, lock, origin, clock } = await monitorFixture();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 740));
      return { wasConfirmedByDevice: true };
    };
    await core.doors.unlock('front', origin());
    await clock.advance(1_000);
    lock.script = async () => {
      throw new GatewayError('lock_jammed', 'Door front is jammed.');
    };
    await core.doors.unlock('front', origin());
    await clock.advance(1_000);
    lock.script = sendAndHearNothing;
    await core.doors.unlock('front', origin());
    publisher.connect();
    await clock.advance(5);
    expect(publisher.json(`${base}/health`)).toMatchObject([
      { attempts: { pending: 1, success_total: 1, error_total: 1, p50_ms: 0, p99_ms: 740 } },
    ]);
  });

  it('keeps the uptime when the wall clock is set', async () => {
    const { publisher, clock } = await monitorFixture();
    await clock.advance(10_000);
    clock.setWallTime(Date.UTC(2030, 0, 1));
    publisher.connect();
    await clock.advance(5);
    expect(publisher.json(`${base}/health`)).toMatchObject([{ uptime_s: 10, ts: '2030-01-01T00:00:00.005Z' }]);
  });
});

describe('while the broker is away', () => {
  it('keeps what happened, and tells how things are only afterwards', async () => {
    const { core, publisher, lock, sensor, origin, clock } = await monitorFixture();
    await core.doors.unlock('front', origin());
    lock.report({ kind: 'lock_state', state: 'unlocked' });
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'manual' });
    for (let second = 0; second < 10; second++) {
      sensor.hear(50);
      await clock.advance(1_000);
    }
    // Four events of how the run began; the attempt's two, its event, and the one movement.
    expect(publisher.queued).toBe(8);
    publisher.connect();
    await clock.advance(5);
    expect(publisher.on(`${base}/noise/hall/level`)).toEqual([]);
    expect(publisher.json(`${base}/devices/front/state`)).toMatchObject([{ state: 'unlocked' }]);
  });

  it('costs bounded memory', async () => {
    const { core, publisher, lock, origin, clock, metrics } = await monitorFixture();
    publisher.limit = 100;
    for (let time = 0; time < 100; time++) {
      await core.doors.unlock('front', origin());
      lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'manual' });
      await clock.advance(10);
    }
    expect(publisher.queued).toBe(100);
    // Four events of how the run began, two messages and an event of each attempt, and the one movement.
    expect(publisher.dropped).toBe(205);
    const figures = await metrics.text();
    expect(figures).toContain('strikeplate_monitor_messages_total{fate="published"} 305');
    expect(figures).toContain('strikeplate_monitor_messages_total{fate="dropped"} 205');
  });
});

describe('retained messages of devices that are gone', () => {
  const leftovers = [
    [`${base}/devices/gone/state`, '{}'],
    [`${base}/devices/gone/availability`, 'online'],
    [`${base}/attempts/last/gone`, '{}'],
  ] as const;
  const foreign = [
    ['strikeplate/other/devices/gone/state', '{}'],
    ['homeassistant/binary_sensor/strikeplate_other/gone_lock/config', '{}'],
    [`${base}/devices/front/state`, 'stale'],
  ] as const;

  const left = (publisher: RecordingPublisher) =>
    [...leftovers, ...foreign].filter(([topic]) => publisher.retained.has(topic));

  it('are cleared after the first connect, and no others', async () => {
    const publisher = new RecordingPublisher();
    for (const [topic, payload] of [...leftovers, ...foreign]) publisher.retained.set(topic, payload);
    const { clock } = await monitorFixture({ publisher });
    publisher.connect();
    await clock.advance(1_000);
    expect(left(publisher)).toEqual(foreign);
    expect(publisher.retained.get(`${base}/devices/front/state`)).not.toBe('stale');
    await clock.advance(5_000);
    expect(publisher.filters).toEqual([`${base}/status`]);
    // What comes later is not looked at: the configuration does not change while the gateway runs.
    publisher.others(`${base}/devices/late/state`, '{}', true);
    publisher.disconnect();
    publisher.connect();
    await clock.advance(10_000);
    expect(publisher.retained.has(`${base}/devices/late/state`)).toBe(true);
  });

  it('are cleared although the connection was lost meanwhile', async () => {
    const publisher = new RecordingPublisher();
    const { clock } = await monitorFixture({ publisher });
    publisher.connect();
    await clock.advance(1_000);
    publisher.disconnect();
    for (const [topic, payload] of leftovers) publisher.retained.set(topic, payload);
    await clock.advance(60_000);
    publisher.connect();
    await clock.advance(1_000);
    expect(left(publisher).map(([topic]) => topic)).toEqual([`${base}/devices/front/state`]);
    await clock.advance(10_000);
    expect(publisher.filters).toEqual([`${base}/status`]);
  });
});

describe('a monitor that was stopped', () => {
  it('leaves no timer and tells nothing more', async () => {
    const { core, monitor, publisher, lock, sensor, origin, end, clock } = await monitorFixture();
    publisher.connect();
    sensor.hear(50);
    sensor.hear(51);
    await end(await core.doors.unlock('front', origin()));
    monitor.stop();
    const said = publisher.said.length;
    expect(publisher.said.map(({ topic }) => topic)).toContain(`${base}/attempts/last/front`);
    sensor.hear(52);
    lock.report({ kind: 'tamper' });
    publisher.disconnect();
    publisher.connect();
    await clock.advance(60_000);
    expect(publisher.said).toHaveLength(said);
    await core.stop(0);
    expect(clock.armedTimers).toBe(0);
  });
});
