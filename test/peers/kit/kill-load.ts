import type { ApiAnswer, ApiCaller } from '../../kit/api-caller.ts';

/** A door command of an application, which repeats it under the same Idempotency-Key until it is answered. */
export interface AskedDoor {
  readonly key: string;
  readonly deviceId: string;
  readonly action: 'lock' | 'unlock';
  /** Undefined until an answer came. */
  attemptId?: string;
}

/** A PIN that an application wanted on some doors, and what it was told. */
export interface AskedPin {
  readonly pin: string;
  readonly deviceIds: readonly string[];
  /** What it is deleted by, once its creation was answered. */
  deletedBy?: readonly [path: string, body: object];
  deletion?: 'asked' | 'answered';
}

const MOST_PINS = 6;

export interface LoadOptions {
  readonly deviceIds: readonly string[];
  /** A whole number from 0 on, less than `below`. */
  readonly below: (below: number) => number;
}

/** What applications ask of a gateway: doors, codes and grants, all at once, until it is no more. */
export class KillLoad {
  readonly doors: AskedDoor[] = [];
  readonly pins: AskedPin[] = [];
  readonly #options: LoadOptions;
  #keys = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Resolves once the gateway answers no more. */
  async run(api: ApiCaller): Promise<void> {
    const { deviceIds } = this.#options;
    const until = async (step: () => Promise<void>) => {
      try {
        for (;;) await step();
      } catch {
        // Killed: what was not answered is not known to have happened.
      }
    };
    await Promise.all([
      ...deviceIds.map((deviceId) => until(() => this.#door(api, deviceId))),
      until(() => this.#code(api)),
      until(() => this.#grant(api)),
    ]);
  }

  /** As an application does that lost the answer. */
  async repeatUnanswered(api: ApiCaller): Promise<void> {
    await Promise.all(
      this.doors.filter(({ attemptId }) => attemptId === undefined).map((door) => this.#ask(api, door)),
    );
  }

  async deleteAll(api: ApiCaller): Promise<void> {
    for (const pin of this.pins) if (pin.deletion !== 'answered') await this.#delete(api, pin);
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
    const answer = await api.post(`/locks/${door.action}_door`, body, { 'idempotency-key': door.key });
    door.attemptId = ok(answer, `${door.action} of ${door.key}`, 'action_attempt').action_attempt_id ?? '';
  }

  async #code(api: ApiCaller): Promise<void> {
    const { below, deviceIds } = this.#options;
    const deviceId = deviceIds[below(deviceIds.length)] ?? '';
    const pin = this.#newPin([deviceId]);
    const answer = await api.post('/access_codes/create', { device_id: deviceId, code: pin.pin });
    pin.deletedBy = ['/access_codes/delete', { access_code_id: ok(answer, 'a code', 'access_code').access_code_id }];
    await pause(below(200));
    await this.#deleteSome(api);
  }

  async #grant(api: ApiCaller): Promise<void> {
    const { below, deviceIds } = this.#options;
    const pin = this.#newPin(deviceIds.slice(below(deviceIds.length)));
    const answer = await api.post('/access_grants/create', {
      user_identity: { full_name: `Guest ${pin.pin}` },
      device_ids: pin.deviceIds,
      requested_access_methods: [{ mode: 'code', code: pin.pin }],
    });
    const { access_grant_id } = ok(answer, 'a grant', 'access_grant');
    pin.deletedBy = ['/access_grants/delete', { access_grant_id }];
    await pause(below(300));
    await this.#deleteSome(api);
  }

  /** Never the same twice, so that whoever finds one on a lock knows whose it is. */
  #newPin(deviceIds: readonly string[]): AskedPin {
    const pin: AskedPin = { pin: String(100_000 + this.pins.length * 7 + this.#options.below(7)), deviceIds };
    this.pins.push(pin);
    return pin;
  }

  /** So many stay that there is room for all of them on each lock. */
  async #deleteSome(api: ApiCaller): Promise<void> {
    const live = this.pins.filter(({ deletedBy, deletion }) => deletedBy !== undefined && deletion !== 'answered');
    while (live.length > this.#options.below(MOST_PINS)) {
      const [pin] = live.splice(this.#options.below(live.length), 1);
      if (pin) await this.#delete(api, pin);
    }
  }

  async #delete(api: ApiCaller, pin: AskedPin): Promise<void> {
    if (pin.deletedBy === undefined) return;
    const [path, body] = pin.deletedBy;
    pin.deletion = 'asked';
    ok(await api.post(path, body), path);
    pin.deletion = 'answered';
  }
}

/** @returns the object that was answered with @throws Error when it was refused */
function ok(answer: ApiAnswer, what: string, object = ''): Readonly<Record<string, string>> {
  if (answer.status !== 200) throw new Error(`${what} was answered with ${answer.status} ${answer.text}`);
  return answer.body[object] ?? {};
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
