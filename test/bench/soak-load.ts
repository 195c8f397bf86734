import { setTimeout as sleep } from 'node:timers/promises';
import { doorSlugs, idOf, type SoakCaller, sensorSlug } from './soak-site.ts';

/** Codes, grants and thresholds that stand at one time, each. */
const MOST_STANDING = 5;

/** What applications ask of the house, at an even rate, for as long as it goes on. */
export class SoakLoad {
  /** How often each kind of thing was asked, and how it was answered. */
  readonly told = new Map<string, number>();
  attempts = 0;
  readonly #caller: SoakCaller;
  readonly #running: Promise<void>[] = [];
  #going = true;
  #turn = 0;

  constructor(caller: SoakCaller) {
    this.#caller = caller;
  }

  /** @param doorsPerSecond everything else follows from it */
  begin(doorsPerSecond: number): void {
    const beat = 1_000 / doorsPerSecond;
    this.#each(beat, () => this.#door());
    const standing = () => [] as (readonly [path: string, body: object])[];
    const [codes, grants, thresholds] = [standing(), standing(), standing()];
    this.#each(beat * 8, () => this.#made(codes, 'access_code', this.#newCode(), '/access_codes'));
    this.#each(beat * 20, () => this.#made(grants, 'access_grant', this.#newGrant(), '/access_grants'));
    this.#each(beat * 40, () =>
      this.#made(thresholds, 'noise_threshold', this.#newThreshold(), '/noise_sensors/noise_thresholds'),
    );
    for (const path of ['/devices/list', '/access_grants/list', '/action_attempts/list', '/metrics', '/health'])
      this.#each(beat * 20, () => this.#read(path));
  }

  async end(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#running);
  }

  #each(ms: number, step: () => Promise<void>): void {
    const loop = async () => {
      while (this.#going) {
        const from = performance.now();
        await step().catch((error: NodeJS.ErrnoException) => this.#count(error.code ?? error.message));
        await sleep(Math.max(0, ms - (performance.now() - from)));
      }
    };
    this.#running.push(loop());
  }

  #count(what: string): void {
    this.told.set(what, (this.told.get(what) ?? 0) + 1);
  }

  async #door(): Promise<void> {
    const turn = this.#turn++;
    const device_id = idOf(doorSlugs[turn % doorSlugs.length] ?? '');
    const action = Math.floor(turn / doorSlugs.length) % 2 === 0 ? 'unlock' : 'lock';
    this.attempts += 1;
    const { status, body } = await this.#caller.call(`/locks/${action}_door`, { device_id });
    const attempt = body.action_attempt as { status: string; error: { type: string } | null } | undefined;
    this.#count(attempt?.error?.type ?? attempt?.status ?? `${status}`);
  }

  async #made(standing: (readonly [string, object])[], object: string, ask: object, route: string): Promise<void> {
    const { status, body } = await this.#caller.call(`${route}/create`, ask);
    const made = body[object] as Readonly<Record<string, string>> | undefined;
    this.#count(`${object} ${status}`);
    const id = made?.[`${object}_id`];
    const deviceOf = object === 'noise_threshold' ? { device_id: idOf(sensorSlug) } : {};
    if (id !== undefined) standing.push([`${route}/delete`, { [`${object}_id`]: id, ...deviceOf }]);
    while (standing.length > MOST_STANDING) {
      const [path, those] = standing.shift() ?? ['', {}];
      const { status: gone } = await this.#caller.call(path, those);
      this.#count(`${object} deleted ${gone}`);
    }
  }

  #newCode(): object {
    return { device_id: idOf(doorSlugs[this.#turn % doorSlugs.length] ?? ''), code: this.#digits() };
  }

  #newGrant(): object {
    return {
      // One guest who comes again: people stay until somebody deletes them, and would be more each hour.
      user_identity: { user_identity_key: 'guest', full_name: 'Guest' },
      device_ids: doorSlugs.slice(this.#turn % 8, (this.#turn % 8) + 3).map(idOf),
      requested_access_methods: [{ mode: 'code', code: this.#digits() }],
    };
  }

  #newThreshold(): object {
    const hour = String(this.#turn % 20).padStart(2, '0');
    return {
      device_id: idOf(sensorSlug),
      starts_daily_at: `${hour}:00:00[UTC]`,
      ends_daily_at: `${hour}:30:00[UTC]`,
      noise_threshold_decibels: 60 + (this.#turn % 20),
    };
  }

  #digits(): string {
    return String(100_000 + ((this.#turn * 7_919) % 900_000));
  }

  async #read(path: string): Promise<void> {
    const { status } = await this.#caller.call(path);
    this.#count(`${path} ${status}`);
  }
}
