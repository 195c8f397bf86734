import { setTimeout as sleep } from 'node:timers/promises';

/** An action attempt as a client sees it. */
export interface WireAttempt {
  readonly action_attempt_id: string;
  readonly action_type: string;
  readonly status: 'pending' | 'success' | 'error';
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: { readonly type: string; readonly message: string } | null;
}

/** One attempt's whole life, in milliseconds since the Unix epoch. */
export interface AttemptLife {
  readonly attempt: WireAttempt;
  readonly deviceId: string;
  readonly acceptedAt: number;
  readonly settledAt: number;
  readonly states: readonly string[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // The tests say what they expect of it.
  readonly body: Readonly<Record<string, never>>;
}

/** Calls a running gateway as an application does. */
export class ApiCaller {
  readonly url: string;
  readonly #key: string;
  readonly #signal: AbortSignal | undefined;

  /** @param signal ends every request that is under way, and refuses each after it */
  constructor(url: string, key: string, signal?: AbortSignal) {
    this.url = url;
    this.#key = key;
    this.#signal = signal;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    return this.#answer(fetch(this.url + path, { headers: { ...this.#authorization, ...headers }, ...this.#ends }));
  }

  /** @param body sent as it is when it is text, as JSON otherwise */
  async post(path: string, body: object | string = {}, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    return this.#answer(
      fetch(this.url + path, {
        method: 'POST',
        headers: { ...this.#authorization, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...this.#ends,
      }),
    );
  }

  /** Locks or unlocks. @throws Error when it is not accepted */
  async door(action: 'lock' | 'unlock', deviceId: string, headers: Record<string, string> = {}): Promise<WireAttempt> {
    return this.accepted(`/locks/${action}_door`, { device_id: deviceId }, headers);
  }

  /** Whatever answers with an attempt. @throws Error when it is not accepted */
  async accepted(path: string, body: object, headers: Record<string, string> = {}): Promise<WireAttempt> {
    const answer = await this.post(path, body, headers);
    const attempt = answer.body.action_attempt as WireAttempt | undefined;
    if (attempt === undefined) throw new Error(`${path} was answered with ${answer.status} ${answer.text}`);
    return attempt;
  }

  /** Waits until all these attempts have ended, for as long as that takes. */
  async ended(actionAttemptIds: readonly string[]): Promise<readonly AttemptLife[]> {
    const ended = new Map<string, WireAttempt>();
    for (let open = actionAttemptIds; open.length > 0; open = actionAttemptIds.filter((id) => !ended.has(id))) {
      if (open !== actionAttemptIds) await sleep(50);
      const { body } = await this.post('/action_attempts/list', { action_attempt_ids: open, limit: 500 });
      const attempts: readonly WireAttempt[] = body.action_attempts ?? [];
      if (attempts.length < open.length) throw new Error(`the gateway knows only ${attempts.length} of ${open}`);
      for (const attempt of attempts) {
        if (attempt.status !== 'pending') ended.set(attempt.action_attempt_id, attempt);
      }
    }
    return Promise.all([...ended.values()].map((attempt) => this.#life(attempt)));
  }

  /** Every attempt the gateway knows, newest first. */
  async attempts(): Promise<readonly WireAttempt[]> {
    const answer = await this.post('/action_attempts/list', { limit: 500 });
    return answer.body.action_attempts ?? [];
  }

  /** Waits until the gateway can reach the device, as far as it knows. */
  online(deviceId: string): Promise<void> {
    return this.#isOnline(deviceId, true);
  }

  /** Waits until the gateway knows that it cannot reach the device. */
  offline(deviceId: string): Promise<void> {
    return this.#isOnline(deviceId, false);
  }

  async #isOnline(deviceId: string, awaited: boolean): Promise<void> {
    for (;;) {
      const { body } = await this.post('/devices/get', { device_id: deviceId });
      const device = body.device as { properties: { online: boolean } } | undefined;
      if (device?.properties.online === awaited) return;
      await sleep(20);
    }
  }

  async #life(attempt: WireAttempt): Promise<AttemptLife> {
    const { body } = await this.get(`/action_attempts/${attempt.action_attempt_id}/history`);
    const { device_id, accepted_at, settled_at, history } = body.action_attempt_history as unknown as {
      device_id: string;
      accepted_at: string;
      settled_at: string;
      history: { state: string }[];
    };
    return {
      attempt,
      deviceId: device_id,
      acceptedAt: Date.parse(accepted_at),
      settledAt: Date.parse(settled_at),
      states: history.map(({ state }) => state),
    };
  }

  get #ends(): { readonly signal?: AbortSignal } {
    return this.#signal === undefined ? {} : { signal: this.#signal };
  }

  get #authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#key}` };
  }

  async #answer(request: Promise<Response>): Promise<ApiAnswer> {
    const response = await request;
    const text = await response.text();
    const json = text !== '' && response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : {} };
  }
}
