import { describe, expect, it } from 'vitest';
import { monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { sendAndHearNothing } from '../../test/kit/locks/scripted-lock.ts';
import { GatewayError } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { DurationWindow } from './metrics.ts';
import { probeProcess } from './process-probe.ts';

describe('Metrics', () => {
  it('count attempts by type and outcome, and time them', async () => {
    const { core, lock, origin, end, metrics, clock } = await monitorFixture();
    const unlock = async () => end(await core.doors.unlock('front', origin()));
    await unlock();
    await unlock();
    lock.script = async (ctx) => {
      (await ctx.pointOfNoReturn()).spend();
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 300));
      throw new GatewayError('lock_jammed', 'Door front is jammed.');
    };
    await clock.until(end(await core.doors.lock('front', origin())));
    lock.script = sendAndHearNothing;
    await core.doors.lock('front', origin());
    const text = await metrics.text();
    expect(text).toContain('strikeplate_attempts_total{action_type="UNLOCK_DOOR",outcome="success"} 2');
    expect(text).toContain('strikeplate_attempts_total{action_type="LOCK_DOOR",outcome="lock_jammed"} 1');
    expect(text).toContain('strikeplate_attempt_duration_seconds_bucket{le="0.25",action_type="LOCK_DOOR"} 0');
    expect(text).toContain('strikeplate_attempt_duration_seconds_bucket{le="0.5",action_type="LOCK_DOOR"} 1');
    expect(text).toContain('strikeplate_attempts_pending 1');
    // Two or three of each attempt, and three of how the run began.
    expect(text).toContain('strikeplate_store_commits_total 10');
    expect(metrics.contentType).toContain('text/plain');
  });

  it('show links, devices and the process as they are when asked', async () => {
    const links = [
      { name: 'mqtt/main', state: { status: 'up' as const }, reconnects: 3 },
      { name: 'serial/bus1', state: { status: 'down' as const, reason: 'unplugged', hint: '' }, reconnects: 0 },
    ];
    const { lock, metrics } = await monitorFixture({ links: () => links });
    expect(await metrics.text()).toContain('strikeplate_devices{driver="mqtt/scripted",health="online"} 1');
    lock.report({ kind: 'health', health: { status: 'offline', reason: 'not_answering', hint: '' } });
    const text = await metrics.text();
    expect(text).toContain('strikeplate_devices{driver="mqtt/scripted",health="offline"} 1');
    expect(text).not.toContain('strikeplate_devices{driver="mqtt/scripted",health="online"}');
    expect(text).toContain('strikeplate_link_up{link="mqtt/main"} 1');
    expect(text).toContain('strikeplate_link_up{link="serial/bus1"} 0');
    expect(text).toContain('strikeplate_link_reconnects_total{link="mqtt/main"} 3');
    expect(text).toContain(`process_resident_memory_bytes ${92 * 1_048_576}`);
    expect(text).toContain('process_cpu_seconds_total 12.5');
    expect(text).toContain('strikeplate_event_loop_lag_seconds{quantile="0.99"} 0.00306');
    expect(text).toContain(`strikeplate_info{gateway_id="box7",version="1.2.3",node="${process.version}"} 1`);
    expect(text).toContain('strikeplate_ready 1');
    expect(text).toContain('strikeplate_webhook_queue 0');
    // A count read twice is not counted twice.
    expect(await metrics.text()).toContain('strikeplate_link_reconnects_total{link="mqtt/main"} 3');
  });
});

describe('DurationWindow', () => {
  it('gives percentiles by nearest rank of what was measured lately', () => {
    const window = new DurationWindow();
    expect(window.percentiles([0.5, 0.99], 0)).toBeUndefined();
    for (let ms = 100; ms >= 1; ms--) window.add(ms, 0);
    expect(window.percentiles([0.5, 0.99, 1], 0)).toEqual([50, 99, 100]);
    window.add(5_000, 3_600_000);
    expect(window.percentiles([0.5], 3_600_001)).toEqual([5_000]);
    expect(window.percentiles([0.5], 7_200_001)).toBeUndefined();
  });

  it('keeps the newest', () => {
    const window = new DurationWindow();
    for (let ms = 0; ms < 10_000; ms++) window.add(ms, 0);
    expect(window.percentiles([0, 1], 0)).toEqual([10_000 - 1_024, 9_999]);
  });
});

describe('the probe', () => {
  it('measures this process', () => {
    const clock = new SimulatedClock();
    const probe = probeProcess(clock);
    expect(probe.rssBytes()).toBeGreaterThan(1_048_576);
    expect(probe.cpuSeconds()).toBeGreaterThan(0);
    expect(probe.loopLag).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
    probe.close();
    expect(clock.armedTimers).toBe(0);
  });

  it('sees a loop that was held up', async () => {
    const clock = new SimulatedClock();
    const probe = probeProcess(clock);
    await clock.settle();
    // The histogram begins with its second look at the loop, so the first delay may come too early for it.
    while (probe.loopLag.maxMs <= 20) {
      const until = performance.now() + 50;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    // For one more window it is remembered.
    await clock.advance(30_000);
    expect(probe.loopLag.maxMs).toBeGreaterThan(20);
    probe.close();
  });
});
