import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { WriterFaults } from '../../src/store/writer-faults.ts';
import { type BoxConfig, type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { GatewayProcess } from '../kit/gateway/gateway-process.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

const failingSync = fileURLToPath(new URL('../kit/gateway/failing-sync.mjs', import.meta.url));
const device_id = idOf('front');

describe('P1 Durable before answered, on disks that disappoint', () => {
  const closing: (() => unknown)[] = [];
  let lock: SimulatedLock;
  let config: BoxConfig;
  let box: GatewayBox;

  beforeEach(async () => {
    const building = await ZigbeeBuilding.open();
    closing.push(() => building.close());
    lock = building.bridge.addLock({ friendlyName: 'front', bolt: 'locked', radioMs: 5, motorMs: 10 });
    building.bridge.start();
    config = { mqtt: { main: { url: building.url } }, devices: [zigbeeEntry('front')] };
    box = await GatewayBox.make(config);
    closing.push(() => box.dispose());
  });
  afterEach(async () => {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  /** The whole gateway on a disk that does as the faults say. */
  async function onDiskWith(faults: WriterFaults): Promise<BoxedGateway> {
    const open = SqliteStore.open.bind(SqliteStore);
    const sizes = { reserveBytes: 64 * 1024, probeMs: 50 };
    vi.spyOn(SqliteStore, 'open').mockImplementation((options) => open({ ...options, ...sizes, faults }));
    const gateway = await box.start();
    closing.push(() => gateway.close());
    await gateway.api.online(device_id);
    return gateway;
  }

  it('a slow sync delays no GET', async () => {
    const faults = new WriterFaults();
    const { api } = await onDiskWith(faults);
    for (let round = 0; round < 3; round++) {
      // Until the GETs are answered, however long this machine takes for them.
      faults.commitDelayMs = 120_000;
      const order: string[] = [];
      const post = api.door('unlock', device_id).then(() => order.push('POST'));
      await Promise.all(Array.from({ length: 5 }, () => api.get('/devices/list').then(() => order.push('GET'))));
      faults.commitDelayMs = 0;
      await post;
      expect(order).toEqual(['GET', 'GET', 'GET', 'GET', 'GET', 'POST']);
    }
  });

  it('a full disk is answered with 503, loses nothing, and is used again when it has room', async () => {
    const faults = new WriterFaults();
    const { api } = await onDiskWith(faults);
    const before = await api.door('unlock', device_id);
    faults.full = true;
    const refused: string[] = [];
    const kept = [before.action_attempt_id];
    while (refused.length < 3) {
      const answer = await api.post('/locks/unlock_door', { device_id });
      if (answer.status === 200)
        kept.push((answer.body.action_attempt as unknown as { action_attempt_id: string }).action_attempt_id);
      if (answer.status !== 503) continue;
      refused.push(answer.text);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.body).toMatchObject({
        ok: false,
        error: { type: 'storage_unavailable', message: expect.stringContaining('full') },
      });
    }
    await api.ended(kept);
    const commands = lock.doorCommands.length;
    expect(commands).toBeLessThanOrEqual(kept.length);
    expect((await api.get('/devices/list')).status).toBe(200);
    faults.full = false;
    for (;;) {
      const answer = await api.post('/locks/lock_door', { device_id });
      if (answer.status !== 200) continue;
      kept.push((answer.body.action_attempt as unknown as { action_attempt_id: string }).action_attempt_id);
      break;
    }
    await api.ended(kept);
    expect(new Set((await api.attempts()).map((attempt) => attempt.action_attempt_id))).toEqual(new Set(kept));
  });

  it('a failing sync ends the process with a code, and what was acknowledged is there afterwards', async () => {
    await ensureBuilt();
    const first = await GatewayProcess.start(box, { imports: [failingSync] });
    await first.api.online(device_id);
    const answered: string[] = [];
    for (let count = 0; count < 3; count++)
      answered.push((await first.api.door('unlock', device_id)).action_attempt_id);
    await first.api.ended(answered);
    first.signal('SIGUSR2');
    for (;;) {
      const attempt = await first.api.door('unlock', device_id).catch(() => undefined);
      if (attempt === undefined) break;
      answered.push(attempt.action_attempt_id);
    }
    const end = await first.ended;
    expect(end.code).toBeGreaterThan(0);
    expect(end.stderr).toContain('The gateway cannot go on');
    const commands = lock.doorCommands.length;
    const second = await GatewayProcess.start(box);
    const lives = await second.api.ended(answered);
    expect(lives).toHaveLength(answered.length);
    expect(lock.doorCommands).toHaveLength(commands);
    expect(await second.stop()).toMatchObject({ code: 0 });
  });
});
