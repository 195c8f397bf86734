import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SimulatedLock } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { deviceIdOf } from '../../../src/config/identity.ts';
import { createApiKey } from '../../../src/http/api-key-changes.ts';
import { MqttWitness } from '../broker/mqtt-witness.ts';
import { ZigbeeBuilding } from '../locks/zigbee-building.ts';
import type { DoomPoint } from './doom-points.ts';

const program = fileURLToPath(new URL('./doomed-gateway.mjs', import.meta.url));

export const frontId = doorId('front');

export function doorId(slug: string): string {
  return deviceIdOf('killed', slug);
}

export interface DoomedAttempt {
  readonly action_attempt_id: string;
  readonly status: 'pending' | 'success' | 'error';
  readonly result: object | null;
  readonly error: { readonly type: string; readonly message: string } | null;
}

export interface DoomedCode {
  readonly access_code_id: string;
  readonly status: string;
  readonly code: string | null;
  readonly pending_mutations: readonly object[];
}

export interface DoomedGrant {
  readonly access_grant_id: string;
  readonly access_method_ids: readonly string[];
  readonly errors: readonly object[];
  readonly warnings: readonly object[];
  readonly pending_mutations: readonly object[];
}

export interface DoomedAnswer {
  readonly space?: { readonly space_id: string };
  readonly access_grant?: DoomedGrant;
  readonly access_grants?: readonly DoomedGrant[];
  readonly access_method?: { readonly code: string | null; readonly is_issued: boolean };
  readonly events?: readonly { readonly event_type: string; readonly device_id?: string }[];
  readonly device?: { readonly properties: { readonly online: boolean } };
  readonly action_attempt?: DoomedAttempt;
  readonly action_attempts?: readonly DoomedAttempt[];
  readonly access_code?: DoomedCode;
  readonly access_codes?: readonly DoomedCode[];
}

/** Where a gateway process lives, is killed, and is started again; with a broker and locks that outlive it. */
export class DoomedBox {
  readonly locks: ReadonlyMap<string, SimulatedLock>;
  readonly #folder: string;
  readonly #key: string;
  readonly #building: ZigbeeBuilding;
  readonly #processes: ChildProcess[] = [];

  static async make(doors: readonly string[] = ['front']): Promise<DoomedBox> {
    const folder = await mkdtemp(join(tmpdir(), 'strikeplate-'));
    const building = await ZigbeeBuilding.open();
    const locks = new Map(
      doors.map((slug) => {
        const about = { bolt: 'locked', radioMs: 10, motorMs: 30, exposePin: true } as const;
        return [slug, building.bridge.addLock({ friendlyName: `Door ${slug}`, ...about })];
      }),
    );
    building.bridge.start();
    const { key } = await createApiKey(join(folder, 'api-keys'), { name: 'test' }, randomBytes, () => Date.now());
    await writeFile(
      join(folder, 'gateway.yaml'),
      `
gateway: { id: killed, name: Killed, time_zone: Europe/Zurich }
http: { port: 0, hold_ms: 0 }
access_codes: { lead_minutes: 0 }
mqtt:
  main: { url: "${building.url}" }
devices:
${doors.map(described).join('')}`,
    );
    return new DoomedBox(folder, key, locks, building);
  }

  /** Use {@link DoomedBox.make}. */
  constructor(folder: string, key: string, locks: DoomedBox['locks'], building: ZigbeeBuilding) {
    this.#folder = folder;
    this.#key = key;
    this.locks = locks;
    this.#building = building;
  }

  get lock(): SimulatedLock {
    return this.lockOf('front');
  }

  lockOf(slug: string): SimulatedLock {
    const lock = this.locks.get(slug);
    if (!lock) throw new Error(`there is no door ${slug}`);
    return lock;
  }

  /** What the lock holds, whatever anybody says. */
  get keypad(): string[] {
    return [...this.lock.keypad.codes.values()].sort();
  }

  /**
   * Waits for what a process that died had written: the kernel hands it to the broker when this process reads again.
   * @returns `Clock.now()`: what the lock's bridge takes later was sent by somebody else
   */
  async lastWords(): Promise<number> {
    const witness = await MqttWitness.connect(this.#building.url, []);
    await witness.settled();
    await witness.close();
    return systemClock.now();
  }

  async dispose(): Promise<void> {
    for (const process of this.#processes.splice(0)) process.kill('SIGKILL');
    await this.#building.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Starts the process, which dies at `point` by itself, perhaps before it listens. */
  async dies(point: DoomPoint): Promise<void> {
    await once(this.#spawn(point), 'exit');
  }

  /** Starts the process; it dies at `point` by itself. */
  async start(point?: DoomPoint): Promise<DoomedRun> {
    const child = this.#spawn(point);
    const died = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const url = await Promise.race([once(lines, 'line').then(([line]) => String(line)), died.then(() => undefined)]);
    if (url === undefined) throw new Error('the gateway ended before it listened');
    return new DoomedRun(url, this.#key, child, died, [...this.locks.keys()]);
  }

  #spawn(point: DoomPoint | undefined) {
    const args = [program, join(this.#folder, 'gateway.yaml'), ...(point ? [point] : [])];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#processes.push(child);
    return child;
  }
}

/** One life of the process. */
export class DoomedRun {
  readonly died: Promise<unknown>;
  readonly #url: string;
  readonly #key: string;
  readonly #child: ChildProcess;
  readonly #doors: readonly string[];

  constructor(url: string, key: string, child: ChildProcess, died: Promise<unknown>, doors: readonly string[]) {
    this.#url = url;
    this.#key = key;
    this.#child = child;
    this.died = died;
    this.#doors = doors;
  }

  /** From now on it dies at `point`. */
  doom(point: DoomPoint): void {
    this.#child.stdin?.write(`${point}\n`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.died;
  }

  async call(path: string, body: object = {}): Promise<DoomedAnswer> {
    const response = await fetch(`${this.#url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as DoomedAnswer;
  }

  /** The answer, or undefined when the process died before it came. */
  async ask(path: string, body: object = {}): Promise<DoomedAnswer | undefined> {
    return this.call(path, body).catch(() => undefined);
  }

  /** Asks until every attempt has ended; the gateway itself sees to it that this is soon. */
  async allEnded(): Promise<readonly DoomedAttempt[]> {
    for (;;) {
      const { action_attempts: attempts = [] } = await this.call('/action_attempts/list');
      if (!attempts.some(({ status }) => status === 'pending')) return attempts;
      await pause(50);
    }
  }

  async codes(slug = 'front'): Promise<readonly DoomedCode[]> {
    return (await this.call('/access_codes/list', { device_id: doorId(slug) })).access_codes ?? [];
  }

  /** Until the gateway has heard of every lock from their bridge. */
  async linkIsUp(): Promise<void> {
    for (const slug of this.#doors) {
      for (;;) {
        const { device } = await this.call('/devices/get', { device_id: doorId(slug) });
        if (device?.properties.online) break;
        await pause(20);
      }
    }
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const described = (slug: string): string => `  - id: ${slug}
    name: Door ${slug}
    driver: mqtt/zigbee2mqtt
    link: { mqtt: main }
    settings: { friendly_name: Door ${slug}, kind: lock, pin_slots: { first: 1, count: 5 } }
`;
