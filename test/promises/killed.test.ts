import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { systemClock } from '../../src/clock/system-clock.ts';
import { deviceIdOf } from '../../src/config/identity.ts';
import { createApiKey } from '../../src/http/api-key-file.ts';
import { connectMqttPeer } from '../../src/simulation/mqtt-peer.ts';
import type { EmbeddedBroker } from '../../src/transports/mqtt/index.ts';
import { startEmbeddedBroker } from '../../src/transports/mqtt/index.ts';
import type { DoomPoint } from '../kit/doom-points.ts';

const doomed = fileURLToPath(new URL('../kit/doomed-gateway.mjs', import.meta.url));
const frontId = deviceIdOf('killed', 'front');

let folder: string;
let broker: EmbeddedBroker;
let lock: SimulatedLock;
let key: string;
let closePeer: () => Promise<void>;
const processes: ChildProcess[] = [];

beforeAll(ensureBuilt, 120_000);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strikeplate-'));
  broker = await startEmbeddedBroker({ port: 0, log: pino({ level: 'silent' }) });
  const peer = await connectMqttPeer(broker.url);
  closePeer = peer.close;
  const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
  lock = bridge.addLock({ friendlyName: 'Front Door', bolt: 'locked', radioMs: 10, motorMs: 30 });
  bridge.start();
  const created = await createApiKey(join(folder, 'api-keys'), { name: 'test' }, randomBytes, () => Date.now());
  key = created.key;
  await writeFile(
    join(folder, 'gateway.yaml'),
    `
gateway: { id: killed, name: Killed, time_zone: Europe/Zurich }
http: { port: 0, hold_ms: 0 }
mqtt:
  main: { url: "${broker.url}" }
devices:
  - id: front
    name: Front door
    driver: mqtt/zigbee2mqtt
    link: { mqtt: main }
    settings: { friendly_name: Front Door, kind: lock, pin_slots: { first: 1, count: 5 } }
`,
  );
});

afterEach(async () => {
  for (const process of processes.splice(0)) process.kill('SIGKILL');
  await closePeer();
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the process; it dies at `point` by itself. */
async function start(point?: DoomPoint): Promise<{ readonly url: string; readonly died: Promise<unknown> }> {
  const args = [doomed, join(folder, 'gateway.yaml'), ...(point ? [point] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  const died = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const url = await Promise.race([once(lines, 'line').then(([line]) => String(line)), died.then(() => undefined)]);
  if (url === undefined) throw new Error('the gateway ended before it listened');
  return { url, died };
}

interface Attempt {
  readonly action_attempt_id: string;
  readonly status: 'pending' | 'success' | 'error';
  readonly result: object | null;
  readonly error: { readonly type: string; readonly message: string } | null;
}

interface Answer {
  readonly device?: { readonly properties: { readonly online: boolean } };
  readonly action_attempt?: Attempt;
  readonly action_attempts?: readonly Attempt[];
  readonly access_code?: { readonly access_code_id: string; readonly status: string };
  readonly access_codes?: readonly { readonly access_code_id: string; readonly status: string }[];
}

async function call(url: string, path: string, body: object = {}): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

/** Asks until every attempt has ended; the gateway itself sees to it that this is soon. */
async function allEnded(url: string): Promise<readonly Attempt[]> {
  for (;;) {
    const { action_attempts: attempts = [] } = await call(url, '/action_attempts/list');
    const open = attempts.find(({ status }) => status === 'pending');
    if (!open) return attempts;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Until the process is dead or has answered, whichever is first; the answer, if one came. */
async function answerOf(request: Promise<Answer>): Promise<Answer | undefined> {
  return request.catch(() => undefined);
}

/** Until the gateway has heard from the lock's bridge. */
const linkIsUp = async (url: string) => {
  for (;;) {
    const { device } = await call(url, '/devices/get', { device_id: frontId });
    if (device?.properties.online) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe('P1, P2, P3, P5 of a process that is killed', () => {
  it.each<DoomPoint>(['accepted', 'intent', 'sent', 'confirmed', 'settled'])(
    'after %s: nothing answered is lost, everything ends, nothing is sent again',
    async (point) => {
      const first = await start(point);
      await linkIsUp(first.url);
      // The second waits for the first, so its intent is a commit of its own.
      const requests = [1, 2].map(() => answerOf(call(first.url, '/locks/unlock_door', { device_id: frontId })));
      await first.died;
      const answered = (await Promise.all(requests)).flatMap((answer) => answer?.action_attempt ?? []);
      const before = lock.doorCommands.length;
      const second = await start();
      const ended = await allEnded(second.url);
      const ids = ended.map((attempt) => attempt.action_attempt_id);
      expect(ids).toEqual(expect.arrayContaining(answered.map((attempt) => attempt.action_attempt_id)));
      expect(lock.doorCommands).toHaveLength(before);
      expect(before).toBeLessThanOrEqual(ended.length);
      for (const attempt of ended) {
        if (attempt.status === 'success') expect(before).toBeGreaterThan(0);
        if (attempt.error?.type === 'gateway_restarted') expect(before).toBeLessThan(ended.length);
      }
    },
    30_000,
  );

  it.each<DoomPoint>(['accepted', 'slot', 'intent', 'sent', 'confirmed', 'settled'])(
    'after %s of a new code: no PIN on the lock is unknown to the gateway',
    async (point) => {
      const first = await start(point);
      await linkIsUp(first.url);
      const request = answerOf(call(first.url, '/access_codes/create', { device_id: frontId, code: '0472' }));
      await first.died;
      await request;
      const second = await start();
      await allEnded(second.url);
      const { access_codes: codes = [] } = await call(second.url, '/access_codes/list', { device_id: frontId });
      if (lock.keypad.codes.size > 0) expect(codes).toHaveLength(1);
      if (codes[0]?.status === 'set') expect([...lock.keypad.codes.values()]).toEqual(['0472']);
      for (const { access_code_id } of codes) await call(second.url, '/access_codes/delete', { access_code_id });
      await allEnded(second.url);
      expect(lock.keypad.codes.size).toBe(0);
    },
    30_000,
  );
});
