import type { Claim, Input } from '../../src/driver-kit/evidence/claims.ts';
import { seededRandom } from '../kit/seeded-random.ts';

/**
 * A model of devices and of the ways to them, for judging the judge. It knows the truth, shares no code with what it
 * tests but the shapes of its inputs, and keeps to what each medium's traits promise, and to nothing else.
 */
export interface WorldOptions {
  readonly medium: 'bridge' | 'session' | 'node' | 'line' | 'announced';
  readonly device: 'bolt' | 'latch' | 'relay' | 'slot';
  /** What the command asks for. */
  readonly target: string;
  /** Where it is at first. */
  readonly initially: string;
  readonly seed: number;
  /** What the device does with the command. */
  readonly obeys: 'yes' | 'no' | 'refuses' | 'jams' | 'lost' | 'says_done_and_does_not';
  readonly travelMs: number;
  /** It returns by itself so long after it arrived (auto-relock, the end of a pulse). */
  readonly returnsMs: number | undefined;
  /** Hands and other controllers: what they make of it, and when, from the send. */
  readonly others: readonly {
    readonly at: number;
    readonly to: string;
    readonly by: 'hand' | 'remote';
    readonly jams: boolean;
  }[];
  /** How long the device takes to answer a question; undefined when it never does. */
  readonly answerMs: number | undefined;
  /** The bridge repeats what it knows every so often, and what it knows may be wrong. */
  readonly chatterMs: number | undefined;
  /** The device is never heard: neither reports nor answers. */
  readonly deaf: boolean;
  /** Whatever rides along: battery reports and the like, from the send. */
  readonly carried: readonly number[];
  /** The way breaks, from the send, for so long; afterwards somebody's memory may be published. */
  readonly gap: { readonly at: number; readonly forMs: number; readonly publishes: string | undefined } | undefined;
  /** Retained messages that come, from the send. */
  readonly kept: readonly { readonly at: number; readonly value: string }[];
  readonly namesCauses: boolean;
  readonly tellsHalfWay: boolean;
  readonly tellsStuck: boolean;
  /** A share of 0 to 1 of the reports of a node that are lost, and of those that are told again later. */
  readonly lossy: number;
  readonly repeats: number;
  readonly withholds: boolean;
}

/** What reaches the gateway. `question` is the gateway's own number for what it asked. */
export type Arriving =
  | Exclude<Input<string>, { kind: 'time' | 'put' | 'sent' }>
  | { readonly kind: 'line'; readonly claims: readonly Claim[] };

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const ABOUT = { bolt: 'bolt', latch: 'latch', relay: 'relay', slot: 'slot/1' } as const;
/** The longest that a report of each medium can be old when it comes. */
const REPORT_OLD_MS = { bridge: 300, session: 50, node: 10_000, line: 0, announced: 300 } as const;
const REPLY_TIMEOUT_MS = 300;

export class World {
  now = 0;
  cuts = 0;
  readonly options: WorldOptions;
  readonly about: string;
  /** The truth, from the beginning: what it was since when. */
  readonly history: { readonly at: number; readonly value: string }[];
  /** When it took the command on. */
  actedAt: number | undefined;
  /** When it took commands over the air on, ours or another's, by what they asked for: nobody can tell them apart. */
  readonly carriedOut: { readonly at: number; readonly to: string }[] = [];
  /** What the gateway hears, in order. */
  readonly arrived: Arriving[] = [];
  readonly #luck: () => number;
  readonly #due: Due[] = [];
  #order = 0;
  #lastArrival = 0;
  #lastReport = 0;
  #isCut = false;
  /** What the bridge would publish. */
  #cache: string;
  #moving = 0;
  #lineQuestion: { readonly began: number } | undefined;

  constructor(options: WorldOptions, sendAt: number) {
    this.options = options;
    this.about = ABOUT[options.device];
    this.#luck = seededRandom(options.seed);
    this.history = [{ at: 0, value: options.initially }];
    this.#cache = options.deaf && this.#luck() < 0.5 ? this.#other(options.initially) : this.#shown(options.initially);
    for (const { at, to, by, jams } of options.others) this.#at(sendAt + at, () => this.#move(to, by, jams));
    for (const at of options.carried) this.#at(sendAt + at, () => this.#publish({ carried: true }));
    for (const { at, value } of options.kept)
      this.#at(sendAt + at, () => this.#arrive(0, () => [{ ...this.#claim(value), kept: true as const }]));
    const { gap, chatterMs } = options;
    // Whoever begins to listen asks, and is told what is known.
    if (this.#isBridged) this.#at(10, () => this.#publish({}));
    if (gap !== undefined) {
      this.#at(sendAt + gap.at, () => {
        this.#isCut = true;
        this.cuts += 1;
        this.arrived.push({ kind: 'gap' });
      });
      this.#at(sendAt + gap.at + gap.forMs, () => {
        this.#isCut = false;
        this.arrived.push({ kind: 'reachable' });
        if (gap.publishes === undefined || !this.#isBridged) return;
        const published = this.#shown(gap.publishes);
        // What it remembers from before its own restart.
        this.#cache = published;
        this.#arrive(this.#between(0, 100), () => [this.#claim(published)]);
      });
    }
    if (chatterMs !== undefined && this.#isBridged) this.#chatter(chatterMs);
  }

  get value(): string {
    return this.history.at(-1)?.value ?? '';
  }

  /** When something happens next. */
  get nextAt(): number {
    return this.#due[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Lets the next thing happen. */
  step(): void {
    const due = this.#due.shift();
    if (due === undefined) return;
    this.now = due.at;
    due.run();
  }

  /** The gateway's command leaves now. */
  command(): void {
    const { medium, obeys, target } = this.options;
    const ackAfter = this.#between(2, 40);
    const arrivesAfter = ackAfter + this.#between(0, 150);
    switch (medium) {
      case 'bridge':
      case 'announced':
        this.#acknowledgeIn(ackAfter);
        if (this.options.device === 'slot' && medium === 'bridge')
          this.#at(this.now + arrivesAfter + this.#between(0, 1_500), () => {
            // The bridge says what should be before anybody knows.
            this.#cache = this.#shown(target);
            this.#publish({});
          });
        break;
      case 'session':
        this.#at(this.now + 5, () => this.#acknowledgeIn(this.#between(1, 20)));
        break;
      case 'node':
      case 'line':
        break;
    }
    if (this.#isCut || obeys === 'lost') return;
    this.#at(this.now + (medium === 'session' ? 5 : arrivesAfter), () => this.#obey());
  }

  /** The gateway asks now. What comes of it arrives. */
  ask(question: number): void {
    const { medium, answerMs, deaf } = this.options;
    if (medium === 'line') this.#askOnLine(question);
    else if (answerMs === undefined || deaf || this.#isCut) {
      if (medium !== 'bridge') this.#at(this.now + 1_500, () => this.arrived.push({ kind: 'no_answer', question }));
    } else {
      this.#at(this.now + answerMs * (0.5 + this.#luck()), () => {
        if (medium === 'bridge') {
          // Behind the reports that are under way already.
          const value = this.#shown(this.value);
          this.#lastReport = Math.max(this.#lastReport, this.now + this.#between(0, 50));
          this.#at(this.#lastReport, () => {
            this.#cache = value;
            this.#publish({});
          });
        } else {
          const claims = this.#answerClaims();
          this.#later(this.#between(1, 40), () =>
            this.arrived.push(
              this.#isCut ? { kind: 'no_answer', question } : { kind: 'answer', question, claims: this.#dated(claims) },
            ),
          );
        }
      });
    }
  }

  /** One question at a time; what comes while one is open is taken for its answer. */
  #askOnLine(question: number): void {
    const open = { began: this.now };
    this.#lineQuestion = open;
    const { answerMs = 5_000 } = this.options;
    const after = this.#luck() < 0.3 ? Math.min(1_900, answerMs * (0.5 + this.#luck())) : this.#between(5, 60);
    const isLost = this.options.answerMs === undefined && this.#luck() < 0.5;
    // It says what it was when it was asked, however late it says so.
    this.#at(this.now + 3, () => {
      const claims = this.#answerClaims();
      if (!isLost) this.#later(after, () => this.#frame(claims));
    });
    this.#later(REPLY_TIMEOUT_MS, () => {
      if (this.#lineQuestion !== open) return;
      this.#lineQuestion = undefined;
      this.arrived.push({ kind: 'no_answer', question });
    });
  }

  #frame(claims: readonly Claim[]): void {
    if (this.#lineQuestion === undefined) return;
    this.#lineQuestion = undefined;
    this.arrived.push({ kind: 'line', claims: this.#dated(claims) });
  }

  #obey(): void {
    const { obeys, target, medium } = this.options;
    const says = (word: 'done' | 'refused') => {
      if (medium === 'node' || medium === 'session' || medium === 'line')
        this.#later(this.#between(5, 60), () => this.arrived.push({ kind: 'said', word, reason: word }));
    };
    switch (obeys) {
      case 'yes':
        this.#move(target, 'us');
        if (this.#luck() < 0.5) says('done');
        return;
      case 'jams':
        this.#move(target, 'us', true);
        if (this.#luck() < 0.3) says('done');
        return;
      case 'refuses':
        says('refused');
        return;
      case 'says_done_and_does_not':
        // A lock says so of a command that it took on, and gets stuck.
        this.#move(target, 'us', true);
        says('done');
        return;
      case 'no':
      case 'lost':
        return;
    }
  }

  #move(to: string, by: 'us' | 'hand' | 'remote', jams = false): void {
    const { travelMs, returnsMs, device } = this.options;
    this.#moving += 1;
    const moving = this.#moving;
    if (by === 'us') this.actedAt = this.now;
    if (by !== 'hand') this.carriedOut.push({ at: this.now, to });
    if (this.value === to) {
      if (!jams) this.#event(to, by);
      return;
    }
    if (device === 'slot' || device === 'relay') {
      if (jams) return;
      this.#become(to, by);
    } else {
      this.#set('half_way');
      if (this.options.tellsHalfWay) this.#tell('half_way', undefined);
      if (jams) {
        this.#later(travelMs, () => {
          if (this.options.tellsStuck && this.#moving === moving) this.#tell('stuck', undefined);
        });
        return;
      }
      this.#later(travelMs, () => {
        if (this.#moving === moving) this.#become(to, by);
      });
    }
    if (returnsMs !== undefined && to !== this.options.initially)
      this.#later(travelMs + returnsMs, () => {
        if (this.#moving === moving) this.#become(this.#other(to), 'hand');
      });
  }

  #become(value: string, by: 'us' | 'hand' | 'remote'): void {
    this.#set(value);
    this.#event(value, by);
  }

  #set(value: string): void {
    this.history.push({ at: this.now, value });
  }

  #event(value: string, by: 'us' | 'hand' | 'remote'): void {
    this.#tell(value, undefined);
    if (this.options.namesCauses && (this.options.device === 'bolt' || this.options.device === 'latch'))
      this.#tell(value, by === 'hand' ? 'other' : 'remote');
  }

  /** The device says it of its own accord. */
  #tell(value: string, cause: 'other' | 'remote' | undefined): void {
    const { medium, deaf, lossy, repeats } = this.options;
    if (deaf || medium === 'line') return;
    const make = () => [{ ...this.#claim(this.#shown(value)), ...(cause && { cause }) }];
    switch (medium) {
      case 'bridge':
      case 'announced':
        this.#lastReport = Math.max(this.#lastReport, this.now + this.#between(0, 200));
        this.#at(this.#lastReport, () => {
          this.#cache = this.#shown(value);
          this.#arrive(this.#between(0, 90), make);
        });
        return;
      case 'session':
        this.#arrive(this.#between(0, 40), make);
        return;
      case 'node':
        if (this.#luck() >= lossy) this.#arrive(this.#between(5, 2_000), make, true);
        if (this.#luck() < repeats) this.#arrive(this.#between(1_000, 9_900), make, true);
        return;
    }
  }

  /** The bridge publishes what it knows. */
  #publish(more: Partial<Claim>): void {
    const value = this.#cache;
    this.#arrive(this.#between(0, 60), () => [{ ...this.#claim(value), ...more }]);
  }

  #chatter(everyMs: number): void {
    this.#later(everyMs * (0.8 + 0.4 * this.#luck()), () => {
      this.#publish({});
      this.#chatter(everyMs);
    });
  }

  /** In order on one connection, unless it is a radio's. */
  #arrive(afterMs: number, make: () => readonly Claim[], outOfOrder = false): void {
    const at = outOfOrder ? this.now + afterMs : Math.max(this.#lastArrival, this.now + afterMs);
    if (!outOfOrder) this.#lastArrival = at;
    // What is under way when the way breaks is lost.
    const { cuts } = this;
    if (this.#isCut) return;
    this.#at(at, () => {
      if (!this.#isCut && cuts === this.cuts) this.arrived.push({ kind: 'told', claims: make() });
    });
  }

  #acknowledgeIn(ms: number): void {
    const at = Math.max(this.#lastArrival, this.now + ms);
    this.#lastArrival = at + 0.01;
    this.#at(at, () => this.arrived.push(this.#isCut ? { kind: 'unacknowledged' } : { kind: 'acknowledged', at }));
  }

  #answerClaims(): readonly Claim[] {
    return [this.#claim(this.#shown(this.value))];
  }

  #dated(claims: readonly Claim[]): readonly Claim[] {
    return claims.map((claim) => ({ ...claim, at: this.now }));
  }

  #claim(value: string): Claim {
    return { about: this.about, value, at: this.now };
  }

  #shown(value: string): string {
    return this.options.withholds && (value === 'ours' || value === 'other') ? 'withheld' : value;
  }

  #other(value: string): string {
    const { device } = this.options;
    if (device === 'slot') return 'free';
    if (device === 'relay') return 'off';
    if (device === 'latch') return 'rest';
    return value === 'locked' ? 'unlocked' : 'locked';
  }

  get #isBridged(): boolean {
    return this.options.medium === 'bridge' || this.options.medium === 'announced';
  }

  #between(from: number, to: number): number {
    return from + this.#luck() * (to - from);
  }

  #later(ms: number, run: () => void): void {
    this.#at(this.now + ms, run);
  }

  #at(at: number, run: () => void): void {
    this.#order += 1;
    const due = { at: Math.max(at, this.now), order: this.#order, run };
    let i = this.#due.length;
    while (i > 0) {
      const before = this.#due[i - 1];
      if (before === undefined || before.at < due.at || (before.at === due.at && before.order < due.order)) break;
      i -= 1;
    }
    this.#due.splice(i, 0, due);
  }

  static oldByMs(medium: WorldOptions['medium']): number {
    return REPORT_OLD_MS[medium];
  }
}
