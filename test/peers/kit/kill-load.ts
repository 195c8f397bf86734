import { setTimeout as pause } from 'node:timers/promises';
import type { ApiAnswer, ApiCaller, WireAttempt } from '../../kit/sdk/api-caller.ts';

/** A door command of an application, which repeats it under the same Idempotency-Key until it is answered. */
export interface AskedDoor {
  readonly key: string;
  readonly deviceId: string;
  readonly action: 'lock' | 'unlock';
  /** As it was told last; undefined until an answer came. */
  attempt?: WireAttempt;
}

/** Something that an application had made, and what it was told of it. */
export interface AskedThing {
  readonly object: 'access_code' | 'access_grant' | 'noise_threshold';
  readonly deviceIds: readonly string[];
  /** Undefined until its creation was answered. */
  id?: string;
  /** The PIN that was asked for, and while a change of it is not answered the new one beside it. */
  pins: readonly string[];
  deletion?: 'asked' | 'answered';
}

export interface LoadOptions {
  readonly deviceIds: readonly string[];
  readonly sensorId: string;
  /** A whole number from 0 on, less than `below`. */
  readonly below: (below: number) => number;
}

/** Things of each kind that stand at a time, at most. */
const MOST_STANDING = 5;

const routes = {
  access_code: '/access_codes',
  access_grant: '/access_grants',
  noise_threshold: '/noise_sensors/noise_thresholds',
} as const;

/** What applications ask of a gateway: doors, codes, grants and thresholds, all at once, until it is no more. */
export class KillLoad {
  readonly doors: AskedDoor[] = [];
  things: AskedThing[] = [];
  /** Answers other than 200, by what they were to. */
  readonly refused = new Map<string, number>();
  /** How many requests have been answered. */
  answers = 0;
  readonly #options: LoadOptions;
  #keys = 0;
  #pins = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get pinsAsked(): number {
    return this.#pins;
  }

  /** Goes on until the process that answers is over. */
  async run(api: ApiCaller, over: AbortSignal): Promise<void> {
    const { deviceIds } = this.#options;
    const until = async (step: () => Promise<void>) => {
      try {
        while (!over.aborted) await step();
      } catch {
        // Killed: what was not answered is not known to have happened.
      }
    };
    await Promise.all([
      until(() => this.repeatUnanswered(api).then(() => pause(100))),
      ...deviceIds.map((deviceId) => until(() => this.#door(api, deviceId))),
      until(() => this.#code(api)),
      until(() => this.#grant(api)),
      until(() => this.#threshold(api)),
    ]);
  }

  /** As an application does that lost the answer. */
  async repeatUnanswered(api: ApiCaller): Promise<void> {
    const open = this.doors.filter(({ attempt }) => attempt === undefined);
    await Promise.all(open.map((door) => this.#ask(api, door)));
  }

  /** What still stands as far as anybody was told. */
  standing(object: AskedThing['object']): readonly AskedThing[] {
    return this.things.filter((one) => one.object === object && one.id !== undefined && one.deletion === undefined);
  }

  async #door(api: ApiCaller, deviceId: string): Promise<void> {
    const { below } = this.#options;
    const door: AskedDoor = { key: `door-${++this.#keys}`, deviceId, action: below(2) === 0 ? 'lock' : 'unlock' };
    this.doors.push(door);
    await this.#ask(api, door);
    await pause(below(120));
  }

  async #ask(api: ApiCaller, door: AskedDoor): Promise<void> {
    const body = { device_id: door.deviceId };
    // Some wait for the end, so that kills meet commands on their way as well as lanes that are full.
    const prefer: Record<string, string> = this.#options.below(3) > 0 ? { prefer: 'wait=2' } : {};
    const answer = await api.post(`/locks/${door.action}_door`, body, { 'idempotency-key': door.key, ...prefer });
    const attempt = this.#answered(answer, `${door.action}_door`)?.action_attempt;
    if (attempt !== undefined) door.attempt = attempt;
  }

  async #code(api: ApiCaller): Promise<void> {
    const { below, deviceIds } = this.#options;
    const deviceId = deviceIds[below(deviceIds.length)] ?? '';
    const code = this.#newPin();
    await this.#make(
      api,
      { object: 'access_code', deviceIds: [deviceId], pins: [code] },
      { device_id: deviceId, code },
    );
    await pause(below(150));
    const changed = this.standing('access_code')[below(MOST_STANDING)];
    if (changed !== undefined && below(2) === 0) await this.#change(api, changed);
    await this.#deleteSome(api, 'access_code');
  }

  async #grant(api: ApiCaller): Promise<void> {
    const { below, deviceIds } = this.#options;
    const code = this.#newPin();
    const device_ids = deviceIds.slice(below(deviceIds.length));
    await this.#make(
      api,
      { object: 'access_grant', deviceIds: device_ids, pins: [code] },
      {
        user_identity: { full_name: `Guest ${code}` },
        device_ids,
        requested_access_methods: [{ mode: 'code', code }],
      },
    );
    await pause(below(200));
    await this.#deleteSome(api, 'access_grant');
  }

  async #threshold(api: ApiCaller): Promise<void> {
    const { below, sensorId } = this.#options;
    const minute = String(below(60)).padStart(2, '0');
    await this.#make(
      api,
      { object: 'noise_threshold', deviceIds: [sensorId], pins: [] },
      {
        device_id: sensorId,
        starts_daily_at: `${String(below(24)).padStart(2, '0')}:${minute}:00[UTC]`,
        ends_daily_at: `${String(below(24)).padStart(2, '0')}:${minute}:30[UTC]`,
        noise_threshold_decibels: 50 + below(40),
      },
    );
    await pause(below(300));
    await this.#deleteSome(api, 'noise_threshold');
  }

  async #make(api: ApiCaller, thing: AskedThing, body: object): Promise<void> {
    this.things.push(thing);
    const route = routes[thing.object];
    const made = this.#answered(await api.post(`${route}/create`, body), `${route}/create`)?.[thing.object];
    // A refusal is an answer: nothing was made.
    if (made === undefined) this.forget(thing);
    else thing.id = (made as object as Readonly<Record<string, string>>)[`${thing.object}_id`] ?? '';
  }

  async #change(api: ApiCaller, thing: AskedThing): Promise<void> {
    const before = thing.pins;
    const code = this.#newPin();
    thing.pins = [...before, code];
    const answer = await api.post('/access_codes/update', { access_code_id: thing.id, code });
    thing.pins = this.#answered(answer, '/access_codes/update') === undefined ? before : [code];
  }

  /** So many stay that there is room for all of them on each lock. */
  async #deleteSome(api: ApiCaller, object: AskedThing['object']): Promise<void> {
    const { below } = this.#options;
    const live = [...this.standing(object)];
    while (live.length > below(MOST_STANDING)) {
      const [thing] = live.splice(below(live.length), 1);
      if (thing) await this.delete(api, thing);
    }
  }

  async delete(api: ApiCaller, thing: AskedThing): Promise<void> {
    const route = routes[thing.object];
    thing.deletion = 'asked';
    const of = thing.object === 'noise_threshold' ? { device_id: thing.deviceIds[0] } : {};
    const answer = await api.post(`${route}/delete`, { [`${thing.object}_id`]: thing.id, ...of });
    // What was deleted by a request that was not answered is not there to be deleted again.
    if (answer.status === 404) thing.deletion = 'answered';
    else if (this.#answered(answer, `${route}/delete`) !== undefined) thing.deletion = 'answered';
  }

  forget(thing: AskedThing): void {
    this.things = this.things.filter((one) => one !== thing);
  }

  /** Never the same twice, so that whoever finds one on a lock knows whose it is. */
  #newPin(): string {
    return String(100_000 + this.#pins++ * 7 + this.#options.below(7));
  }

  /** The body of a 200; anything else is counted. */
  #answered(answer: ApiAnswer, what: string): Readonly<Record<string, WireAttempt>> | undefined {
    this.answers += 1;
    if (answer.status === 200) return answer.body as Readonly<Record<string, WireAttempt>>;
    const error = answer.body.error as { readonly type: string } | undefined;
    const name = `${what} ${answer.status} ${error?.type}`;
    this.refused.set(name, (this.refused.get(name) ?? 0) + 1);
    return undefined;
  }
}
