import {
  type Clock,
  GatewayError,
  type LinkState,
  Secret,
  sleep,
  type ZwaveBolt,
  type ZwaveCommand,
  type ZwaveFeatures,
  type ZwaveLink,
  type ZwaveLoudness,
  type ZwaveNodeStatus,
  type ZwaveQuestions,
  type ZwaveReport,
  type ZwaveVerdict,
} from '../contract/index.ts';

/** What a frame takes, in milliseconds. */
const FRAME_MS = 20;
/** How long the link waits for an answer. */
const ANSWER_MS = 1_000;

export interface NodeFaults {
  /** It does what it is told and answers nothing. It still acknowledges on the air. */
  silent: boolean;
  refuses: boolean;
  /** It says what it says, and does nothing. */
  ignores: boolean;
  jams: boolean;
  /** It acts so much later, in milliseconds. */
  actsAfterMs: number;
  /** What it says to every command, whatever it does. */
  says: ZwaveVerdict | undefined;
  /** It takes settings and keeps the old ones. */
  forgetsSettings: boolean;
  /** It takes codes and stores none. */
  storesNothing: boolean;
  masksCodes: boolean;
  /** What it shows in place of the digits. */
  showsAs: ((code: string) => string) | undefined;
  /** Status "not available" for every slot, or for these. */
  hidesSlots: boolean | readonly number[];
  /** It leaves so many questions about a slot without an answer; for ever when it is infinite. */
  skipsCodeReads: number;
  /** The next question about the bolt gets this for an answer: a report of before, said again at that moment. */
  answersOnceWith: ZwaveBolt | undefined;
}

/**
 * A node and the stick before it, on a clock that a test owns: the link's side of the contract, without any library.
 * What zwave-js makes of real frames is tested in test/peers.
 */
export class MemoryZwaveNode {
  readonly #clock: Clock;
  readonly #stateListeners = new Set<(state: LinkState) => void>();
  readonly #nodeListeners = new Set<() => void>();
  readonly #reportListeners = new Set<(report: ZwaveReport) => void>();
  readonly #leaving: (() => void)[] = [];
  readonly #ending = new AbortController();
  #cut = new AbortController();
  #onTheWay: ZwaveCommand | undefined;
  #state: LinkState = { status: 'up' };
  #status: ZwaveNodeStatus = 'ready';
  #level = 42;
  readonly faults: NodeFaults = {
    silent: false,
    refuses: false,
    ignores: false,
    jams: false,
    actsAfterMs: 0,
    says: undefined,
    forgetsSettings: false,
    storesNothing: false,
    masksCodes: false,
    showsAs: undefined,
    hidesSlots: false,
    skipsCodeReads: 0,
    answersOnceWith: undefined,
  };
  features: ZwaveFeatures = {
    lock: 'door_lock',
    codes: { kept: 'user_code', slots: 10, minLength: 4, maxLength: 8 },
    loudness: false,
    autoRelock: true,
  };
  bolt: ZwaveBolt = 'secured';
  movements = 0;
  /** After how many seconds it locks itself; 0 for never. */
  autoRelockS = 0;
  /** How often it was told so. */
  autoRelockWrites = 0;
  readonly commands: number[] = [];
  /** How often it was asked for a slot. */
  codeReads = 0;
  readonly codes = new Map<number, { code?: string; label?: string }>();
  /** Every change of its memory by a command, in order; `code` is undefined for a delete. */
  readonly codeWrites: { readonly slot: number; readonly code: string | undefined }[] = [];
  /** What the gateway believes to know from before. */
  readonly known = new Map<number, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Listeners that nobody took away. */
  get listeners(): number {
    return this.#stateListeners.size + this.#nodeListeners.size + this.#reportListeners.size;
  }

  become(status: ZwaveNodeStatus): void {
    this.#status = status;
    for (const listener of this.#nodeListeners) listener();
  }

  tell(report: ZwaveReport): void {
    if (this.#state.status === 'down') return;
    for (const listener of this.#reportListeners) listener(report);
  }

  /** A sensor hears something, and tells when it can. */
  measure(level: number): void {
    this.#level = level;
    this.tell({ report: 'loudness', level, scale: 'dBA' });
  }

  cut(onTheWay: 'lost' | 'arrives'): void {
    const command = this.#onTheWay;
    this.#onTheWay = undefined;
    if (command && onTheWay === 'arrives') this.#obey(command);
    this.#become({ status: 'down', reason: 'stick_lost', hint: 'The stick is gone.' });
    this.#cut.abort();
  }

  restore(): void {
    this.#cut = new AbortController();
    this.#become({ status: 'up' });
  }

  commandLeaves(): Promise<void> {
    return new Promise((resolve) => this.#leaving.push(resolve));
  }

  /** Nothing of the node goes on. */
  end(): void {
    this.#ending.abort(new Error('the node has ended'));
  }

  readonly link: ZwaveLink = this.#makeLink();

  #makeLink(): ZwaveLink {
    const self = this;
    const listen = <T>(all: Set<T>, listener: T) => {
      all.add(listener);
      return () => void all.delete(listener);
    };
    return {
      kind: 'zwave',
      node: 5,
      get state() {
        return self.#state;
      },
      onStateChange: (listener) => listen(self.#stateListeners, listener),
      get nodeStatus() {
        return self.#status;
      },
      onNodeChange: (listener) => listen(self.#nodeListeners, listener),
      get features() {
        return self.features;
      },
      onReport: (listener) => listen(self.#reportListeners, listener),
      knownSlotOf: (code) => [...self.known].find(([, held]) => code.equals(new Secret(held)))?.[0],
      reach: ({ signal }) => self.#exchange(signal, () => undefined),
      query: async (question, ask, { signal }) => {
        if (question === 'code') self.codeReads += 1;
        const answer = await self.#exchange(signal, () => self.#answer(question, ask));
        const isSkipped = question === 'code' && self.faults.skipsCodeReads > 0;
        if (isSkipped) self.faults.skipsCodeReads -= 1;
        if (!self.faults.silent && !isSkipped) return answer as never;
        await self.#exchange(signal, () => undefined, ANSWER_MS - 2 * FRAME_MS);
        throw new GatewayError('device_offline', 'Node 5 does not answer. Look at it.', { delivery: 'not_sent' });
      },
      async command(permit, command, signal) {
        signal.throwIfAborted();
        self.#speakable();
        permit.spend();
        self.#onTheWay = command;
        for (const resolve of self.#leaving.splice(0)) resolve();
        try {
          await self.#pass(FRAME_MS, signal);
          self.#onTheWay = undefined;
          const verdict = self.#obey(command);
          await self.#pass(FRAME_MS, signal);
          return verdict;
        } catch (error) {
          if (signal.aborted) throw error;
          throw new GatewayError('outcome_unknown', 'The command left, and nothing came back.', {
            delivery: 'maybe_sent',
          });
        }
      },
    };
  }

  #become(state: LinkState): void {
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }

  #speakable(): void {
    if (this.#state.status === 'down')
      throw new GatewayError('link_unavailable', `The stick cannot be used. ${this.#state.hint}`, {
        delivery: 'not_sent',
      });
    if (this.#status === 'dead')
      throw new GatewayError('device_offline', 'Node 5 does not answer. Look at it.', { delivery: 'not_sent' });
    if (this.#status !== 'ready')
      throw new GatewayError('device_not_ready', `Node 5 is ${this.#status}. Try again later.`, {
        delivery: 'not_sent',
      });
  }

  async #exchange<T>(signal: AbortSignal, run: () => T, waitMs = 0): Promise<T> {
    signal.throwIfAborted();
    this.#speakable();
    try {
      await this.#pass(FRAME_MS + waitMs, signal);
      const answer = run();
      await this.#pass(FRAME_MS, signal);
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      throw new GatewayError('link_unavailable', 'The stick cannot be used. It is gone.', { delivery: 'not_sent' });
    }
  }

  #pass(ms: number, signal: AbortSignal): Promise<void> {
    return sleep(this.#clock, ms, AbortSignal.any([signal, this.#cut.signal]));
  }

  #answer(question: keyof ZwaveQuestions, ask: { readonly slot?: number }): unknown {
    switch (question) {
      case 'bolt': {
        const bolt = this.faults.answersOnceWith ?? this.bolt;
        this.faults.answersOnceWith = undefined;
        return { bolt };
      }
      case 'code':
        return this.#place(ask.slot ?? 0);
      case 'auto_relock':
        return { seconds: this.autoRelockS };
      case 'battery':
        return { percent: 80 };
      case 'loudness':
        this.tell({ report: 'loudness', level: this.#level, scale: 'dBA' });
        return { level: this.#level, scale: 'dBA' } satisfies ZwaveLoudness;
    }
  }

  #place(slot: number) {
    const { hidesSlots, showsAs } = this.faults;
    if (hidesSlots === true || (hidesSlots !== false && hidesSlots.includes(slot))) return { place: 'unknown' };
    const held = this.codes.get(slot);
    if (held === undefined) return { place: 'free' };
    const label = held.label === undefined ? {} : { label: held.label };
    if (held.code === undefined) return { place: 'user_only', ...label };
    return {
      place: 'occupied',
      ...(!this.faults.masksCodes && { code: new Secret(showsAs?.(held.code) ?? held.code) }),
      ...label,
    };
  }

  /** Carries a command out, as far as it does. */
  #obey(command: ZwaveCommand): ZwaveVerdict {
    this.commands.push(this.#clock.now());
    const { refuses, ignores, jams, actsAfterMs, says, silent } = this.faults;
    const isDoor = command.do === 'lock' || command.do === 'unlock';
    const verdict = says ?? { said: refuses ? 'failed' : silent ? 'unsupervised' : 'done' };
    if (refuses || ignores) return verdict;
    if (isDoor && jams) {
      this.bolt = 'between';
      this.#later(50, () => this.tell({ report: 'jammed' }));
      return verdict;
    }
    const act = () => {
      if (command.do === 'lock' || command.do === 'unlock') this.#move(command.do === 'lock' ? 'secured' : 'unsecured');
      else this.#write(command);
    };
    if (actsAfterMs > 0) this.#later(actsAfterMs, act);
    else act();
    return verdict;
  }

  #move(bolt: ZwaveBolt): void {
    if (this.bolt !== bolt) this.movements += 1;
    this.bolt = bolt;
    if (!this.faults.silent) this.#later(100, () => this.tell({ report: 'bolt', bolt }));
  }

  #write(command: ZwaveCommand): void {
    if (command.do === 'set_auto_relock') {
      this.autoRelockWrites += 1;
      if (!this.faults.forgetsSettings) this.autoRelockS = command.seconds;
    }
    if (command.do === 'set_code' || command.do === 'clear_code')
      this.codeWrites.push({ slot: command.slot, code: command.do === 'set_code' ? command.code.reveal() : undefined });
    switch (command.do) {
      case 'clear_code':
        this.codes.delete(command.slot);
        break;
      case 'add_user':
        this.codes.set(command.slot, { label: command.label });
        break;
      case 'set_code':
        if (!this.faults.storesNothing)
          this.codes.set(command.slot, { ...this.codes.get(command.slot), code: command.code.reveal() });
    }
  }

  #later(ms: number, work: () => void): void {
    sleep(this.#clock, ms, this.#ending.signal).then(work, () => undefined);
  }
}
